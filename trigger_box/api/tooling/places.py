"""Addresses that the CLI prints: pages of the dashboard, seen from whoever asks."""

from __future__ import annotations


def authorization_url(origin: str, code: str) -> str:
    """Return the page on which a person lets a CLI sign in."""
    return f"{origin}/account/authorization-code/{code}"


def project_url(origin: str, project_ref: str) -> str:
    """Return a project's page."""
    return f"{origin}/projects/v3/{project_ref}"


def runs_url(origin: str, project_ref: str, *, environment_slug: str) -> str:
    """Return the list of an environment's runs."""
    return f"{project_url(origin, project_ref)}/runs?envSlug={environment_slug}"

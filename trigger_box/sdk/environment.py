"""The one place of the SDK that reads the process's environment, at call time.

The names are the npm client's (rest-api 3.1), so that one ``.env`` file serves both languages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_TRUE: Final = frozenset({"1", "true"})
# Variables in which build platforms say which commit is deployed.
_COMMIT_VARIABLES: Final = (
    "VERCEL_GIT_COMMIT_SHA",
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "RENDER_GIT_COMMIT",
    "RAILWAY_GIT_COMMIT_SHA",
    "CF_PAGES_COMMIT_SHA",
)
_ALLOW_SYNC_IN_ASYNC: Final = "TRIGGER_BOX_ALLOW_SYNC_IN_ASYNC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says about where calls go. ``repr`` shows no key."""

    api_url: str | None = None
    secret_key: str | None = None
    preview_branch: str | None = None
    version: str | None = None
    external_deployment_id: str | None = None

    def __repr__(self) -> str:
        key = "set" if self.secret_key else "not set"
        return f"Settings(api_url={self.api_url!r}, secret_key={key})"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this moment; an empty variable counts as not set."""
    env = os.environ if environment is None else environment
    return Settings(
        api_url=env.get("TRIGGER_API_URL") or None,
        secret_key=env.get("TRIGGER_SECRET_KEY") or env.get("TRIGGER_ACCESS_TOKEN") or None,
        preview_branch=_branch(env),
        version=env.get("TRIGGER_VERSION") or None,
        external_deployment_id=_external_deployment_id(env),
    )


def allows_sync_in_async() -> bool:
    """Return whether blocking calls inside a running event loop only warn: for notebooks."""
    return os.environ.get(_ALLOW_SYNC_IN_ASYNC, "").lower() in _TRUE


def process_environment() -> Mapping[str, str]:
    """Return a copy of everything, for masking secrets."""
    return dict(os.environ)


def _branch(env: Mapping[str, str]) -> str | None:
    branch = env.get("TRIGGER_PREVIEW_BRANCH") or env.get("VERCEL_GIT_COMMIT_REF")
    if branch:
        return branch
    dev_branch = env.get("TRIGGER_DEV_BRANCH")
    return dev_branch if dev_branch and dev_branch != "default" else None


def _external_deployment_id(env: Mapping[str, str]) -> str | None:
    explicit = env.get("TRIGGER_EXTERNAL_DEPLOYMENT_ID")
    if explicit:
        return explicit
    if env.get("TRIGGER_AUTOMATIC_SKEW_VERSION_PROTECTION", "").lower() not in _TRUE:
        return None
    return next((env[name] for name in _COMMIT_VARIABLES if env.get(name)), None)

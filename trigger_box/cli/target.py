"""Which box, as whom, which project and environment: what a command needs before its first call.

Order of credentials, as the npm CLI has it: ``TRIGGER_ACCESS_TOKEN``, then the profile. Commands
about runs also take ``TRIGGER_SECRET_KEY``, which names its environment by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from trigger_box.cli.api import Api, checked_url, segment
from trigger_box.cli.environment import Variables
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.profiles import Profiles
from trigger_box.cli.project import find_ref, require_ref

DEFAULT_URL: Final = "http://127.0.0.1:3030"
ENVIRONMENTS: Final = ("dev", "stg", "staging", "prod", "preview")
_TOKEN_PREFIXES: Final = ("tr_pat_", "tr_oat_")
_LONG: Final = {"stg": "staging"}
_SHORT: Final = {"staging": "stg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A box and a person's token for it. ``origin`` says in words where the token comes from."""

    api_url: str
    token: str = field(repr=False)
    origin: str

    def api(self) -> Api:
        """Return a connection as this person."""
        return Api(self.api_url, self.token, token_origin=self.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentTarget:
    """An environment of a box, with its secret key.

    ``project_ref`` and ``project_name`` are None when a secret key alone named the environment;
    ``sign_in`` is None then, too.
    """

    api_url: str
    secret_key: str = field(repr=False)
    slug: str
    project_ref: str | None
    project_name: str | None
    dashboard_url: str
    sign_in: SignIn | None
    origin: str

    def api(self) -> Api:
        """Return a connection as this environment."""
        return Api(self.api_url, self.secret_key, token_origin=self.origin)

    def watch_command(self, run_id: str) -> str:
        """Return what to type to follow a run of this environment."""
        # A secret key says by itself which environment is meant.
        is_named = self.sign_in is not None and self.slug != "dev"
        return f"trigger-box runs watch {run_id}{f' --env {self.slug}' if is_named else ''}"

    def run_url(self, run_id: str) -> str:
        """Return a run's page."""
        project = f"/projects/v3/{self.project_ref}" if self.project_ref else ""
        return f"{self.dashboard_url}{project}/runs/{run_id}"


def find_sign_in(
    variables: Variables,
    *,
    profile: str | None,
    api_url: str | None,
    warn: Callable[[str], None],
) -> SignIn:
    """Return who the command acts as.

    Args:
        profile: the profile that was named, or None for the current one.
        api_url: the address that was named with ``-a``, or None.
        warn: told when something that was said gives way.

    Raises:
        CliError: nobody is signed in, or a token of another kind was given.
    """
    if variables.access_token is not None:
        if not variables.access_token.startswith(_TOKEN_PREFIXES):
            raise CliError(
                "TRIGGER_ACCESS_TOKEN is not a personal access token: those begin with tr_pat_.",
                hint="A secret key (tr_dev_…, tr_prod_…) goes into TRIGGER_SECRET_KEY.",
                code=Exit.NOT_SIGNED_IN,
            )
        url = default_url(variables, profile=profile, api_url=api_url)
        if profile is not None:
            warn(
                f"Profile {profile} gives way: TRIGGER_ACCESS_TOKEN is set, so you act as its owner"
                f" on {url}."
            )
        return SignIn(
            api_url=url,
            token=variables.access_token,
            origin="TRIGGER_ACCESS_TOKEN",
        )
    profiles = Profiles.of(variables)
    found = profiles.get(profile)
    if found.access_token is None:
        where = f" -a {api_url}" if api_url else ""
        named = f" --profile {profile}" if profile else ""
        raise CliError(
            f"You are not signed in (profile {found.name!r}).",
            hint=f"trigger-box login{where}{named}, or set TRIGGER_ACCESS_TOKEN.",
            code=Exit.NOT_SIGNED_IN,
        )
    # As with the npm CLI: a profile's own address wins over -a and the variable. Its token is for
    # that box, and no other should be shown it.
    url = found.api_url or default_url(variables, profile=profile, api_url=api_url)
    url = checked_url(url, origin=f"profile {found.name}")
    named, given = ("-a", api_url) if api_url else ("TRIGGER_API_URL", variables.api_url)
    if given is not None and given.strip().rstrip("/") != url:
        warn(
            f"{named} ({given}) gives way: profile {found.name} is signed in to {url}. To use the "
            f"other box, set TRIGGER_ACCESS_TOKEN, too, or: trigger-box login -a {given} "
            "--profile NAME"
        )
    return SignIn(
        api_url=url,
        token=found.access_token,
        origin=f"profile {found.name}",
    )


def default_url(variables: Variables, *, profile: str | None, api_url: str | None) -> str:
    """Return the box meant when no profile with a token says it."""
    if api_url is not None:
        return checked_url(api_url, origin="-a")
    if variables.api_url is not None:
        return checked_url(variables.api_url, origin="TRIGGER_API_URL")
    found = Profiles.of(variables).get(profile)
    if found.api_url is not None:
        return checked_url(found.api_url, origin=f"profile {found.name}")
    return DEFAULT_URL


def find_environment(  # noqa: PLR0913 - what people can say about it
    variables: Variables,
    *,
    profile: str | None,
    api_url: str | None,
    project_ref: str | None,
    slug: str | None,
    start: Path,
    warn: Callable[[str], None],
) -> EnvironmentTarget:
    """Return the environment a command is about, by default one's own development environment.

    ``warn`` is told when something that was said gives way.

    Raises:
        CliError: no credential, no project, or the box knows no such environment.
    """
    key = variables.secret_key
    if key is not None and project_ref is None and _fits(key, slug):
        url = default_url(variables, profile=profile, api_url=api_url)
        found = find_ref(None, variables, start) if variables.project_ref else None
        return EnvironmentTarget(
            api_url=url,
            secret_key=key,
            slug=_slug_of_key(key),
            project_ref=None if found is None else found.ref,
            project_name=None,
            dashboard_url=url,
            sign_in=None,
            origin="TRIGGER_SECRET_KEY",
        )
    sign_in = find_sign_in(variables, profile=profile, api_url=api_url, warn=warn)
    ref = require_ref(project_ref, variables, start).ref
    wanted = slug or "dev"
    with sign_in.api() as api:
        answer = api.get(f"/api/v1/projects/{segment(ref)}/{_LONG.get(wanted, wanted)}")
    return EnvironmentTarget(
        # The box says which address to go on with (cli-protocol 5).
        api_url=checked_url(answer["apiUrl"], origin=f"told by {sign_in.api_url}"),
        secret_key=answer["apiKey"],
        slug=_SHORT.get(wanted, wanted),
        project_ref=ref,
        project_name=answer["name"],
        dashboard_url=sign_in.api_url,
        sign_in=sign_in,
        origin=sign_in.origin,
    )


def _slug_of_key(key: str) -> str:
    return key.split("_")[1] if key.startswith("tr_") and key.count("_") > 1 else "?"


def _fits(key: str, slug: str | None) -> bool:
    return slug is None or _SHORT.get(slug, slug) == _slug_of_key(key)

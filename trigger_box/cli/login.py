"""``trigger-box login`` and ``logout``. Source: cli-protocol 4."""

from __future__ import annotations

import base64
import hashlib
import sys
import time
from typing import Any, Final

import click

from trigger_box.cli.api import Api
from trigger_box.cli.console import Console
from trigger_box.cli.environment import Variables, read_variables
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.options import profile_options, with_console
from trigger_box.cli.profiles import Profiles
from trigger_box.cli.target import default_url
from trigger_box.ids import new_secret

_POLL_S: Final = 1.0
_WAIT_S_MAX: Final = 600.0
_TOKEN_CHARACTERS_MAX: Final = 4_096
_PREFIX: Final = "tr_pat_"
_VERIFIER_CHARACTERS: Final = 64
_FROM_STDIN: Final = "-"


@click.command()
@click.option("--token", metavar="TOKEN", help="Sign in with this token; - reads it from stdin.")
@click.option("--no-browser", is_flag=True, help="Only print the link.")
@profile_options
@with_console
def login(
    console: Console,
    *,
    token: str | None,
    no_browser: bool,
    profile: str | None,
    api_url: str | None,
) -> None:
    """Sign in to a box.

    Opens the dashboard, where you let this terminal in. Without -a it is the box of
    TRIGGER_API_URL, of the profile, or the one on this machine.
    """
    variables = read_variables()
    profiles = Profiles.of(variables)
    name = profile or profiles.current
    url = default_url(variables, profile=name, api_url=api_url)
    if token is None:
        token = _through_browser(console, variables, url, opens_browser=not no_browser)
    else:
        token = _given(token)
    with Api(url, token) as api:
        person = api.get("/api/v2/whoami")
    profiles.put(name, api_url=url, access_token=token)
    console.success(f"Signed in to {url} as {person['email']} (profile {name}).")
    if console.as_json:
        console.result({"profile": name, "apiUrl": url, "email": person["email"]})


@click.command()
@click.option("--profile", metavar="NAME", help="The profile, if not the current one.")
@with_console
def logout(console: Console, *, profile: str | None) -> None:
    """Forget the token of a profile.

    The token itself goes on working until it is revoked in the dashboard, under Account.
    """
    variables = read_variables()
    profiles = Profiles.of(variables)
    name = profile or profiles.current
    url = profiles.get(name).api_url
    was_signed_in = profiles.forget_token(name)
    if was_signed_in:
        console.success(f"Signed out of profile {name}.")
        if url is not None:
            console.note(f"To make its token useless, too, revoke it: {url}/account/tokens")
    else:
        console.note(f"Profile {name} was not signed in.")
    if variables.access_token is not None:
        console.warn("TRIGGER_ACCESS_TOKEN is set and goes on being used.")
    if console.as_json:
        console.result({"profile": name, "signedOut": was_signed_in})


def _given(token: str) -> str:
    if token == _FROM_STDIN:
        token = sys.stdin.readline(_TOKEN_CHARACTERS_MAX).strip()
    if not token.startswith(_PREFIX):
        raise CliError(
            f"This is not a personal access token: those begin with {_PREFIX}.",
            hint="Make one in the dashboard under Account, or: trigger-box admin token.",
            code=Exit.USAGE,
        )
    return token


def _through_browser(
    console: Console, variables: Variables, url: str, *, opens_browser: bool
) -> str:
    """Ask the box for a sign-in, let the person approve it, fetch the token."""
    if variables.is_ci:
        raise CliError(
            "Nobody can approve a sign-in here: this is a CI machine (CI is set).",
            hint="Set TRIGGER_ACCESS_TOKEN and TRIGGER_API_URL instead.",
            code=Exit.NOT_SIGNED_IN,
        )
    # The code is in the link, which others may see: only who knows the verifier can use it.
    verifier = new_secret("", _VERIFIER_CHARACTERS)
    challenge = {"codeChallenge": _challenge(verifier), "codeChallengeMethod": "S256"}
    with Api(url, None) as api:
        asked = api.post("/api/v1/authorization-code", {**challenge, "sendsVerifier": True})
        link: str = asked["url"]
        console.note("Let this terminal in:")
        console.note(f"  {console.mark(link, 'cyan')}")
        if opens_browser and console.is_interactive and variables.has_display:
            _open_browser(link)
        console.note("Waiting for you to approve… (Ctrl-C to give up)")
        poll = {"authorizationCode": asked["authorizationCode"], "codeVerifier": verifier}
        return _fetch(api, poll)


def _challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier. Source: RFC 7636, 4.2."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _fetch(api: Api, poll: dict[str, str]) -> str:
    deadline_s = time.monotonic() + _WAIT_S_MAX
    while time.monotonic() < deadline_s:
        answer: dict[str, Any] = api.post("/api/v1/token", poll)
        if answer["token"] is not None:
            return answer["token"]["token"]
        time.sleep(_POLL_S)
    raise CliError("Nobody approved the sign-in in time.", hint="trigger-box login")


def _open_browser(link: str) -> None:
    import webbrowser  # noqa: PLC0415 - only here

    webbrowser.open(link)

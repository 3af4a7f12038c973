"""Calls to a box over HTTP: one place that says what went wrong, and what to do about it.

Which box, and with which credential, is decided in ``target.py``.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self, cast
from urllib.parse import quote, urlsplit

from trigger_box.cli.exits import CliError, Exit
from trigger_box.version import VERSION

if TYPE_CHECKING:
    import httpx

_API_VERSION: Final = "2025-07-16"
_TIMEOUT_S: Final = 30.0
_ATTEMPTS: Final = 4
_PAUSE_S: Final = 0.4
_PAUSE_FACTOR: Final = 2.0
_BAD_STATUS: Final = 400
_ERRNO: Final = re.compile(r"^\[Errno -?\d+\] ")
_EXITS: Final = {
    400: Exit.REFUSED,
    401: Exit.NOT_SIGNED_IN,
    403: Exit.REFUSED,
    404: Exit.NOT_FOUND,
    409: Exit.REFUSED,
    413: Exit.REFUSED,
    422: Exit.REFUSED,
    429: Exit.REFUSED,
    502: Exit.UNAVAILABLE,
    503: Exit.UNAVAILABLE,
    504: Exit.UNAVAILABLE,
}


class AnswerError(CliError):
    """The box answered with an error; ``status`` is its HTTP status, ``body`` what it said."""

    def __init__(self, message: str, *, hint: str | None, status: int, body: Any) -> None:  # noqa: ANN401 - any JSON
        super().__init__(message, hint=hint, code=_EXITS.get(status, Exit.FAILURE))
        self.status = status
        self.body: Any = body


class Api:
    """One box, one credential. Use it in a ``with`` block."""

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        transport: httpx.BaseTransport | None = None,
        token_origin: str | None = None,
    ) -> None:
        import httpx  # noqa: PLC0415 - costs more than most commands that don't need it

        self.url = url.rstrip("/")
        self._token_origin = token_origin
        headers = {
            "user-agent": f"trigger-box {VERSION}",
            "x-trigger-source": "cli",
            "x-trigger-cli-version": VERSION,
            "x-trigger-api-version": _API_VERSION,
        }
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        self._client = httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=_TIMEOUT_S,
            # A proxy for the internet does not know this machine.
            trust_env=not is_loopback(self.url),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Return what a GET answers. See ``send`` for what it raises."""
        return self.send("GET", path, params=params)

    def post(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Return what a POST answers. See ``send`` for what it raises."""
        return self.send("POST", path, body=body)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - any JSON
        """Send one call; repeat it a few times when it is lost on the way.

        The box recognises a repeated POST by its key, so that nothing happens twice.

        Raises:
            AnswerError: the box refused.
            CliError: no box answers there.
        """
        sent = {"x-trigger-request-idempotency-key": _new_key(), **(headers or {})}
        pause_s = _PAUSE_S
        for attempt in range(1, _ATTEMPTS + 1):
            answer = self._try(method, path, body=body, params=params, headers=sent)
            is_last = attempt == _ATTEMPTS
            if isinstance(answer, CliError):
                if is_last or not _may_repeat(answer):
                    raise answer
            else:
                return answer
            time.sleep(pause_s)
            pause_s *= _PAUSE_FACTOR
        raise AssertionError("the last attempt returns or raises")

    def _try(
        self,
        method: str,
        path: str,
        *,
        body: object,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str],
    ) -> Any:  # noqa: ANN401 - any JSON, or the error
        import httpx  # noqa: PLC0415 - late

        try:
            response = self._client.request(method, path, json=body, params=params, headers=headers)
        except httpx.TimeoutException:
            return CliError(
                f"The box at {self.url} does not answer in time.", code=Exit.UNAVAILABLE
            )
        except httpx.InvalidURL as error:
            return CliError(f"{self.url!r} is not an address: {error}.", code=Exit.USAGE)
        except httpx.TransportError as error:
            return _LostError(self.url, error)
        return self._read(response)

    def _read(self, response: httpx.Response) -> Any:  # noqa: ANN401 - any JSON, or the error
        try:
            body: Any = response.json() if response.content else None
        except ValueError:
            body = None
        if response.status_code < _BAD_STATUS:
            if body is None and response.content:
                return CliError(
                    f"{self.url} answers, but not like a trigger-box.",
                    hint="Check the address: -a URL, or TRIGGER_API_URL.",
                    code=Exit.UNAVAILABLE,
                )
            return body
        return AnswerError(
            _message(body, response),
            hint=self._hint(response.status_code),
            status=response.status_code,
            body=body,
        )

    def _hint(self, status: int) -> str | None:
        if status != 401:  # noqa: PLR2004 - unauthenticated
            return None
        if self._token_origin and self._token_origin.startswith("TRIGGER_"):
            return f"The credential comes from {self._token_origin}. Is it for {self.url}?"
        return f"trigger-box login -a {self.url}"


class _LostError(CliError):
    """The call did not get there, or its answer did not come back."""

    def __init__(self, url: str, error: Exception) -> None:
        reason = _ERRNO.sub("", str(error)) or type(error).__name__
        super().__init__(
            f"No box answers at {url} ({reason}).",
            hint="Start one with `trigger-box serve`, or name another: -a URL or TRIGGER_API_URL.",
            code=Exit.UNAVAILABLE,
        )


def segment(text: str) -> str:
    """Return text as one segment of a path: task ids may hold slashes."""
    return quote(text, safe="")


def is_loopback(url: str) -> bool:
    """Return whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_url(url: str, *, origin: str) -> str:
    """Return an address without its trailing slash.

    Raises:
        CliError: it is none; ``origin`` says where it came from.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise CliError(
            f"{url!r} ({origin}) is not an address: write it like http://127.0.0.1:3030.",
            code=Exit.USAGE,
        )
    return url.strip().rstrip("/")


def _may_repeat(error: CliError) -> bool:
    if isinstance(error, AnswerError):
        return error.code is Exit.UNAVAILABLE and not _says_unclaimed(error.body)
    # A box that is not there is not waited for: only an answer that was lost is asked for again.
    return isinstance(error, _LostError) and "refused" not in error.message.lower()


def _says_unclaimed(body: Any) -> bool:  # noqa: ANN401 - any JSON
    return isinstance(body, dict) and cast("dict[str, Any]", body).get("code") == "unclaimed"


def _message(body: Any, response: httpx.Response) -> str:  # noqa: ANN401 - any JSON
    """Return the box's own words, with the details it gave."""
    named = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    error = named.get("error")
    if isinstance(error, dict):
        error = cast("dict[str, Any]", error).get("message")
    if not isinstance(error, str) or not error:
        return f"The box answered {response.status_code} {response.reason_phrase}."
    details = _details(named.get("details"))
    return f"{error}: {details}" if details else error


def _details(details: object) -> str | None:
    """Return what is wrong with a request, where the error's own sentence does not say it."""
    if isinstance(details, str):
        return details
    if isinstance(details, list):
        first = next(iter(cast("list[Any]", details)), None)
        if isinstance(first, dict):
            problem = cast("dict[str, Any]", first)
            where = ".".join(str(part) for part in problem.get("path", ()))
            message = str(problem.get("message", ""))
            return f"{where}: {message}" if where else message
    return None


def _new_key() -> str:
    """Return what names one call, however often it is sent."""
    from trigger_box.clock import SystemClock  # noqa: PLC0415 - late, like httpx
    from trigger_box.ids import IdSource  # noqa: PLC0415 - as above

    return IdSource(SystemClock()).uuid()

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from tests.integration.access.support import EMAIL, HERE, PASSWORD, opened
from trigger_box.access.authorizations import (
    AuthorizationNotFoundError,
    AuthorizationRefusedError,
)
from trigger_box.access.sessions import SessionEndedError
from trigger_box.access.tokens import TokenNotFoundError, TokenRefusedError
from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError, LimitError

DAY_MS = 24 * 3_600_000


async def test_a_personal_token_is_told_once_and_acts_as_its_owner(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        ada = await box.owner()

        made = await box.access.create_token(ada, "laptop")

        assert len(made.token) == len("tr_pat_") + 40
        assert await box.access.user_of_token(made.token) == ada
        (listed,) = await box.access.tokens_of(ada)
        assert (listed.name, listed.hint, listed.is_cli) == ("laptop", made.token[-4:], False)
        assert made.token not in repr(made)


async def test_the_last_use_of_a_token_is_noted_coarsely(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        ada = await box.owner()
        made = await box.access.create_token(ada, "laptop")

        async def last_use() -> int | None:
            return (await box.access.tokens_of(ada))[0].last_used_at_ms

        assert await last_use() is None
        await box.access.user_of_token(made.token)
        first = await last_use()
        box.clock.advance(limits.TOKEN_USE_NOTED_MS - 1)
        await box.access.user_of_token(made.token)
        assert await last_use() == first
        box.clock.advance(1)
        await box.access.user_of_token(made.token)
        assert await last_use() == box.clock.now_ms()


async def test_a_revoked_token_stops_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        ada = await box.owner()
        bob, _ = await box.access.put_admin("bob@example.com", password=None)
        made = await box.access.create_token(ada, "laptop")
        await box.access.user_of_token(made.token)

        with pytest.raises(TokenNotFoundError):
            await box.access.revoke_token(bob, made.row.id)
        await box.access.revoke_token(ada, made.row.id)

        with pytest.raises(TokenRefusedError):
            await box.access.user_of_token(made.token)
        with pytest.raises(TokenNotFoundError):
            await box.access.revoke_token(ada, made.row.id)
        assert await box.access.tokens_of(ada) == []


@pytest.mark.parametrize("token", ["", "tr_pat_", "tr_dev_x", "tr_pat_" + "a" * 40, "é"])
async def test_an_unknown_token_is_refused(tmp_path: Path, token: str) -> None:
    async with opened(tmp_path) as box:
        with pytest.raises(TokenRefusedError, match="Invalid or Missing Access Token"):
            await box.access.user_of_token(token)


async def test_the_number_of_tokens_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TOKENS_PER_USER_MAX", 2)
    async with opened(tmp_path) as box:
        ada = await box.owner()
        for _ in range(2):
            await box.access.create_token(ada, "x")

        with pytest.raises(LimitError, match="Revoke some"):
            await box.access.create_token(ada, "x")


async def test_a_session_lives_while_it_is_used_but_not_for_ever(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        await box.owner()
        begun = await box.access.sign_in(EMAIL, PASSWORD, address=HERE)
        for _ in range(0, limits.SESSION_AGE_MS_MAX, 10 * DAY_MS):
            await box.access.user_of_session(begun.cookie)
            box.clock.advance(10 * DAY_MS)

        with pytest.raises(SessionEndedError):
            await box.access.user_of_session(begun.cookie)


async def test_a_session_that_is_not_used_ends(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        await box.owner()
        begun = await box.access.sign_in(EMAIL, PASSWORD, address=HERE)
        await box.access.user_of_session(begun.cookie)

        box.clock.advance(limits.SESSION_IDLE_MS)

        with pytest.raises(SessionEndedError):
            await box.access.user_of_session(begun.cookie)


async def test_a_session_survives_a_restart_of_the_box(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        await box.owner()
        begun = await box.access.sign_in(EMAIL, PASSWORD, address=HERE)
    async with opened(tmp_path) as box:
        session = await box.access.user_of_session(begun.cookie)

        assert session.csrf_token == begun.session.csrf_token


async def test_signing_out_ends_the_session_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        await box.owner()
        begun = await box.access.sign_in(EMAIL, PASSWORD, address=HERE)
        await box.access.user_of_session(begun.cookie)

        await box.access.sign_out(begun.cookie)
        await box.access.sign_out(begun.cookie)

        with pytest.raises(SessionEndedError):
            await box.access.user_of_session(begun.cookie)


async def test_the_oldest_session_goes_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SESSIONS_PER_USER_MAX", 2)
    async with opened(tmp_path) as box:
        ada = await box.owner()
        cookies: list[str] = []
        for _ in range(3):
            box.clock.advance(1_000)
            cookies.append((await box.access.begin_session(ada)).cookie)

        with pytest.raises(SessionEndedError):
            await box.access.user_of_session(cookies[0])
        for cookie in cookies[1:]:
            await box.access.user_of_session(cookie)


async def test_a_command_line_gets_one_token_after_an_explicit_yes(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        ada = await box.owner()
        code = await box.access.begin_authorization(
            code_challenge=None, requested_by="npm CLI\x1b[31m", address=HERE
        )
        asked = await box.access.authorization(code)
        assert (asked.state, asked.requested_by, asked.address) == ("PENDING", "npm CLI[31m", HERE)
        assert await box.access.exchange_authorization(code, code_verifier=None) is None

        await box.access.approve_authorization(code, ada)
        made = await box.access.exchange_authorization(code, code_verifier=None)

        assert made is not None
        assert await box.access.user_of_token(made.token) == ada
        assert (made.row.name, made.row.is_cli) == (f"npm CLI[31m at {HERE}", True)
        with pytest.raises(AuthorizationRefusedError):
            await box.access.exchange_authorization(code, code_verifier=None)
        with pytest.raises(AuthorizationNotFoundError):
            await box.access.approve_authorization(code, ada)


async def test_a_denied_or_outdated_request_gets_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        ada = await box.owner()
        denied = await box.access.begin_authorization(
            code_challenge=None, requested_by=None, address=HERE
        )
        late = await box.access.begin_authorization(
            code_challenge=None, requested_by=None, address=HERE
        )

        await box.access.deny_authorization(denied, ada)
        box.clock.advance(limits.AUTHORIZATION_MS)

        for code in (denied, late, "unknown"):
            with pytest.raises(AuthorizationRefusedError):
                await box.access.exchange_authorization(code, code_verifier=None)
            with pytest.raises(AuthorizationNotFoundError):
                await box.access.approve_authorization(code, ada)


async def test_with_a_challenge_only_its_verifier_gets_the_token(tmp_path: Path) -> None:
    verifier = "v" * 43
    challenge = (
        base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    )
    async with opened(tmp_path) as box:
        ada = await box.owner()
        code = await box.access.begin_authorization(
            code_challenge=challenge, requested_by=None, address=HERE
        )
        await box.access.approve_authorization(code, ada)

        for wrong in (None, "", "w" * 43):
            with pytest.raises(AuthorizationRefusedError, match="codeVerifier"):
                await box.access.exchange_authorization(code, code_verifier=wrong)
        made = await box.access.exchange_authorization(code, code_verifier=verifier)

        assert made is not None
        with pytest.raises(InvalidError, match="codeChallenge"):
            await box.access.begin_authorization(
                code_challenge="short", requested_by=None, address=HERE
            )


async def test_requests_to_sign_in_are_bounded_per_address_and_in_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUTHORIZATIONS_MAX", 30)
    async with opened(tmp_path) as box:

        async def ask(address: str) -> None:
            await box.access.begin_authorization(
                code_challenge=None, requested_by=None, address=address
            )

        for _ in range(20):
            await ask(HERE)
        with pytest.raises(LimitError, match="Too many attempts"):
            await ask(HERE)
        for number in range(10):
            await ask(f"192.0.2.{number + 10}")
        with pytest.raises(LimitError, match="requests wait"):
            await ask("192.0.2.99")

        box.clock.advance(limits.AUTHORIZATION_MS)

        await ask("192.0.2.99")

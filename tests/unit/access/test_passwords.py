from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from trigger_box.access.passwords import Cost, Passwords, _decoy
from trigger_box.domain import limits
from trigger_box.domain.errors import UnavailableError

LIGHT = Cost(passes=1, memory_kib=64, lanes=1)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(LIGHT)
    yield made
    made.close()


async def test_only_the_same_password_fits(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")

    assert await passwords.verify("correct horse", stored)
    assert not await passwords.verify("Correct horse", stored)
    assert "correct" not in stored


async def test_without_an_account_the_same_work_is_done(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def fits(cost: Cost, stored: str, password: str) -> bool:
        assert cost == LIGHT
        assert password
        done.append(stored)
        return True

    monkeypatch.setattr("trigger_box.access.passwords._fits", fits)

    assert not await passwords.verify("whatever", None)

    assert done == [_decoy(LIGHT)]
    assert f"m={LIGHT.memory_kib},t={LIGHT.passes},p={LIGHT.lanes}" in done[0]


async def test_the_decoy_is_a_hash_that_can_be_checked_but_never_fits(passwords: Passwords) -> None:
    assert not await passwords.verify("", _decoy(LIGHT))


async def test_a_damaged_hash_fits_nothing(passwords: Passwords) -> None:
    assert not await passwords.verify("x", "not a hash")


async def test_a_hash_of_another_cost_is_outdated(passwords: Passwords) -> None:
    dearer = Passwords(Cost(passes=2, memory_kib=64, lanes=1))
    try:
        assert not dearer.is_outdated(await dearer.hash("x"))
        assert dearer.is_outdated(await passwords.hash("x"))
    finally:
        dearer.close()


async def test_a_crowd_is_turned_away_instead_of_piling_up(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PASSWORDS_WAITING_MAX", 2)

    outcomes = await asyncio.gather(
        *(passwords.hash("x") for _ in range(5)), return_exceptions=True
    )

    assert sum(isinstance(outcome, UnavailableError) for outcome in outcomes) == 3

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.access.support import opened
from trigger_box.access.keyring import KeyFileError, Keyring, read_local_owner_token


def test_the_first_start_makes_keys_that_only_their_owner_can_read(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path)

    again = Keyring.open(tmp_path)

    assert keyring.was_created
    assert not again.was_created
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {
        "box.key": "0o600",
        "local-owner": "0o600",
    }
    assert again.local_owner_token == keyring.local_owner_token
    assert read_local_owner_token(tmp_path) == keyring.local_owner_token
    assert again.unseal(keyring.seal("secret", owner="env_1"), owner="env_1") == "secret"


def test_a_key_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    Keyring.open(tmp_path)
    (tmp_path / "box.key").chmod(0o644)

    Keyring.open(tmp_path)

    assert (tmp_path / "box.key").stat().st_mode & 0o077 == 0


def test_a_sealed_secret_can_not_be_moved_to_another_owner(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path)
    sealed = keyring.seal("secret", owner="env_1")

    with pytest.raises(KeyFileError, match="does not fit this database"):
        keyring.unseal(sealed, owner="env_2")
    with pytest.raises(KeyFileError):
        keyring.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), owner="env_1")
    assert b"secret" not in sealed
    assert sealed != keyring.seal("secret", owner="env_1")


def test_macs_of_two_purposes_differ(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path)

    assert keyring.mac("csrf", "x") == keyring.mac("csrf", "x")
    assert keyring.mac("csrf", "x") != keyring.mac("otlp", "x")


@pytest.mark.parametrize("content", [b"", b"abcd\n", b"zz" * 32, b"\xff\xfe"])
def test_a_damaged_key_file_is_named_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "box.key"
    path.write_bytes(content)

    with pytest.raises(KeyFileError, match=r"box\.key"):
        Keyring.open(tmp_path)

    assert path.read_bytes() == content


async def test_a_box_whose_key_is_lost_says_so_instead_of_making_another(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with opened(folder) as box:
        await box.project()
    (folder / "keys" / "box.key").unlink()

    with pytest.raises(KeyFileError, match="does not fit this database"):
        async with opened(folder):
            pass

"""The secrets that never enter the database: the box key and the owner's local token.

They lie in ``<data>/keys``, readable by one user. The box key seals root keys at rest and makes
the MACs of OTLP and CSRF tokens. Whoever has database *and* key file has everything.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trigger_box.domain.errors import UnavailableError
from trigger_box.ids import new_secret

_BOX_KEY_FILE: Final = "box.key"
_LOCAL_OWNER_FILE: Final = "local-owner"
_LOCAL_OWNER_PREFIX: Final = "tr_local_"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class KeyFileError(UnavailableError):
    """A key file can't be used."""

    code = "key_file_unusable"


def token_hash(token: str) -> str:
    """Return what is stored of a token: the SHA-256 of all of it, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


class Keyring:
    """The opened keys of one box."""

    def __init__(self, *, box_key: bytes, local_owner_token: str, was_created: bool) -> None:
        self._seal_key = AESGCM(_derived(box_key, "seal"))
        self._mac_key = _derived(box_key, "mac")
        self.local_owner_token = local_owner_token
        self.was_created = was_created
        """True when the box key was made just now: nothing sealed by it can exist yet."""

    @classmethod
    def open(cls, folder: Path) -> Keyring:
        """Read the keys; make them first when the folder is new.

        Raises:
            KeyFileError: a file can't be read or written, or holds no key.
        """
        text, was_created = _read_or_create(folder / _BOX_KEY_FILE, secrets.token_hex(_KEY_BYTES))
        try:
            box_key = bytes.fromhex(text)
        except ValueError:
            box_key = b""
        if len(box_key) != _KEY_BYTES:
            raise KeyFileError(
                f"{folder / _BOX_KEY_FILE} does not hold a key. Restore it from a backup."
            )
        token, _ = _read_or_create(folder / _LOCAL_OWNER_FILE, new_secret(_LOCAL_OWNER_PREFIX, 40))
        return cls(box_key=box_key, local_owner_token=token, was_created=was_created)

    def seal(self, secret: str, *, owner: str) -> bytes:
        """Encrypt ``secret`` so that only this box can read it, and only as ``owner``'s."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._seal_key.encrypt(nonce, secret.encode(), owner.encode())

    def unseal(self, sealed: bytes, *, owner: str) -> str:
        """Decrypt what ``seal`` made.

        Raises:
            KeyFileError: it was sealed by another key, for another owner, or was changed.
        """
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._seal_key.decrypt(nonce, body, owner.encode()).decode()
        except InvalidTag as error:
            raise KeyFileError(
                f"keys/{_BOX_KEY_FILE} does not fit this database. "
                "Restore the key file that belongs to it from a backup."
            ) from error

    def mac(self, purpose: str, text: str) -> str:
        """Return a MAC of ``text``, good for ``purpose`` only, as 43 base64url characters."""
        digest = hmac.digest(self._mac_key, f"{purpose}\0{text}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def read_local_owner_token(folder: Path) -> str:
    """Return the local owner's token from a key folder: for commands beside a running box.

    Raises:
        KeyFileError: there is none, or this user may not read it.
    """
    path = folder / _LOCAL_OWNER_FILE
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(
            f"{path} can't be read. Run the command as the user that runs the box."
        ) from error


def _derived(key: bytes, purpose: str) -> bytes:
    """Return a key for one purpose, so that no two uses share one."""
    return hmac.digest(key, b"trigger-box\0" + purpose.encode(), "sha256")


def _read_or_create(path: Path, fresh: str) -> tuple[str, bool]:
    """Return the text of a secret file and whether it was made just now.

    The file appears complete or not at all, is never replaced, and is closed to other users from
    its first moment: written beside its place, put on disk, then linked there.
    """
    try:
        created = False
        if not path.exists():
            temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(fresh + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    path.hardlink_to(temporary)
                    created = True
                except FileExistsError:
                    created = False  # somebody else was faster: theirs counts
            finally:
                temporary.unlink(missing_ok=True)
            _sync_folder(path.parent)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        return path.read_text(encoding="ascii").strip(), created
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"The key file {path} can't be used: {error}.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

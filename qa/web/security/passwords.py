"""The password of the web chat: shared by all users, stored only as an argon2id hash."""

import hashlib
import hmac
import os
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import argon2
import platformdirs

from index.errors import ParameterError, VerbatimError

MIN_CHARS = 12
_MAX_CHARS = 1024
"""Longest password: hashing takes longer for longer ones."""

_hasher = argon2.PasswordHasher()
_SESSION_KEY = secrets.token_bytes(32)


class PasswordError(VerbatimError):
    """The password of the web chat cannot be used, stored or read."""


def password_path() -> Path:
    """Return the file of the hash, if the environment does not set the hash.

    It belongs to the user, not to an index: set once, even before there is an index, it applies to every served folder,
    survives `--rebuild`, and is not in backups of the documents.

    Returns:
        A file in the user's configuration folder.
    """
    return platformdirs.user_config_path("verbatim-qa", appauthor=False) / "password"


def hash_password(password: str) -> str:
    """Return the argon2id hash of a new password.

    Args:
        password: The password.

    Returns:
        The hash, with its parameters and salt.

    Raises:
        ParameterError: The password is too short or too long.
    """
    n_chars = len(_normal(password))
    if not MIN_CHARS <= n_chars <= _MAX_CHARS:
        raise ParameterError(
            f"the password has {n_chars:,} characters; choose {MIN_CHARS} to {_MAX_CHARS:,}, such as four words"
        )
    return _hasher.hash(_normal(password))


def store_password(password: str, path: Path) -> None:
    """Store the hash of a password in a file that only its owner can read; the file is replaced as a whole.

    Args:
        password: The password.
        path: The file.

    Raises:
        ParameterError: The password is too short or too long.
        PasswordError: The file cannot be written.
    """
    hashed = hash_password(password)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _replacing(path) as file:
            file.write(f"{hashed}\n")
    except OSError as error:
        raise PasswordError(f"the password cannot be stored in {str(path)!r}: {error.strerror}") from error


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """Open a file with owner-only permissions that replaces another once it is written."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


class Password:
    """The current password: the file with its hash is read again whenever it changes."""

    def __init__(self, path: Path | None = None, hashed: str | None = None) -> None:
        """Create from a file or a hash.

        Args:
            path: File with the hash; it may be missing.
            hashed: The hash itself, instead of a file.

        Raises:
            PasswordError: It is not an argon2 hash, or the file cannot be read.
        """
        self._path, self._hashed = path, hashed
        self._seen: tuple[int, ...] | None = None
        self._quick: tuple[str, bytes] | None = None
        if hashed is not None:
            _check_hash(hashed, "VERBATIM_PASSWORD_HASH")
        self.hashed()

    def hashed(self) -> str | None:
        """Return the current hash.

        Returns:
            The hash; None if no password is set.

        Raises:
            PasswordError: The file cannot be read, or is not an argon2 hash.
        """
        if self._path is None:
            return self._hashed
        try:
            found = self._path.stat()
            seen = (found.st_mtime_ns, found.st_ino, found.st_size)
            if seen != self._seen:
                hashed = self._path.read_text(encoding="ascii").strip()
                _check_hash(hashed, str(self._path))
                self._hashed, self._seen = hashed, seen
        except FileNotFoundError:
            self._hashed = self._seen = None
        except (OSError, UnicodeDecodeError) as error:
            raise PasswordError(f"the password in {str(self._path)!r} cannot be read: {error}") from error
        return self._hashed

    def was_right(self, password: str) -> bool:
        """Return whether a password was found right before, without hashing.

        Args:
            password: The entered password.

        Returns:
            Whether it was; False for the right one if it was not entered since the process started.
        """
        return self._is_known(self.hashed(), _normal(password))

    def matches(self, password: str) -> bool:
        """Return whether a password is right. Takes as long as argon2, unless the password was right before."""
        hashed, entered = self.hashed(), _normal(password)
        if hashed is None or len(entered) > _MAX_CHARS:
            return False
        if self._is_known(hashed, entered):
            return True
        try:
            _hasher.verify(hashed, entered.encode("utf-8", "surrogatepass"))
        except argon2.exceptions.VerificationError:
            return False
        self._quick = (hashed, _digest(entered))
        return True

    def _is_known(self, hashed: str | None, entered: str) -> bool:
        # Programs send the password with every request, so its keyed digest is kept in memory.
        known = self._quick
        return known is not None and known[0] == hashed and hmac.compare_digest(known[1], _digest(entered))


def _digest(entered: str) -> bytes:
    return hashlib.blake2b(entered.encode("utf-8", "surrogatepass"), key=_SESSION_KEY).digest()


def _normal(password: str) -> str:
    # Keyboards may enter an accented letter as one code point or two.
    return unicodedata.normalize("NFC", password)


def _check_hash(hashed: str, where: str) -> None:
    """Check that a hash is an argon2 hash.

    Args:
        hashed: The hash.
        where: Its source, for the message.

    Raises:
        PasswordError: It is not an argon2 hash.
    """
    try:
        argon2.extract_parameters(hashed)
    except argon2.exceptions.InvalidHashError as error:
        raise PasswordError(
            f"{where} does not hold an argon2 hash; make one with: verbatim password --print-hash"
        ) from error

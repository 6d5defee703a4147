"""The password of the web chat: one for all who use it, kept only as its argon2id hash."""

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
"""Hashing takes longer the longer the password is; nobody types this much."""

_hasher = argon2.PasswordHasher()
_SESSION_KEY = secrets.token_bytes(32)


class PasswordError(VerbatimError):
    """The password of the web chat cannot be used, stored or read."""


def password_path() -> Path:
    """Where the hash lies when the environment names none.

    It is of the user's, not of an index: set once, before there is an index, it holds for every folder that is
    served, survives `--rebuild`, and is in no backup of the documents.

    Returns:
        A file in the user's configuration folder.
    """
    return platformdirs.user_config_path("verbatim-qa", appauthor=False) / "password"


def hash_password(password: str) -> str:
    """The argon2id hash of a password that may be used.

    Args:
        password: The password.

    Returns:
        The hash, with its parameters and salt.

    Raises:
        ParameterError: It is too short or too long.
    """
    n_chars = len(_normal(password))
    if not MIN_CHARS <= n_chars <= _MAX_CHARS:
        raise ParameterError(
            f"the password has {n_chars:,} characters; choose {MIN_CHARS} to {_MAX_CHARS:,}, such as four words"
        )
    return _hasher.hash(_normal(password))


def store_password(password: str, path: Path) -> None:
    """Keep the hash of a password in a file that nobody else can read; what was there is replaced whole.

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
    """A file for the owner alone, which takes the place of another once it is written."""
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
    """The password as it is now: a file that holds its hash is read again when it has changed."""

    def __init__(self, path: Path | None = None, hashed: str | None = None) -> None:
        """Begin with what is set.

        Args:
            path: A file that holds the hash; it need not be there.
            hashed: The hash itself, in place of a file.

        Raises:
            PasswordError: It is no argon2 hash, or the file cannot be read.
        """
        self._path, self._hashed = path, hashed
        self._seen: tuple[int, ...] | None = None
        self._quick: tuple[str, bytes] | None = None
        if hashed is not None:
            _check_hash(hashed, "VERBATIM_PASSWORD_HASH")
        self.hashed()

    def hashed(self) -> str | None:
        """The hash as it is now.

        Returns:
            The hash; None when no password is set.

        Raises:
            PasswordError: The file cannot be read, or holds something else.
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
        """Whether it is the password that was found to be right before, which takes no time to tell.

        Args:
            password: What was entered.

        Returns:
            Whether it is; False of the right one where it was not entered since the process began.
        """
        return self._is_known(self.hashed(), _normal(password))

    def matches(self, password: str) -> bool:
        """Whether it is the password. Takes as long as argon2 does, but for one that was right before.

        Args:
            password: What was entered.

        Returns:
            Whether it is right.
        """
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
        # Programs send it with each request. Its keyed digest is kept while the process runs, and nowhere else.
        known = self._quick
        return known is not None and known[0] == hashed and hmac.compare_digest(known[1], _digest(entered))


def _digest(entered: str) -> bytes:
    return hashlib.blake2b(entered.encode("utf-8", "surrogatepass"), key=_SESSION_KEY).digest()


def _normal(password: str) -> str:
    # Keyboards differ in whether an accented letter is one code point or two.
    return unicodedata.normalize("NFC", password)


def _check_hash(hashed: str, where: str) -> None:
    """Whether a hash can be checked against.

    Args:
        hashed: The hash.
        where: Where it stands, for the message.

    Raises:
        PasswordError: It is no argon2 hash.
    """
    try:
        argon2.extract_parameters(hashed)
    except argon2.exceptions.InvalidHashError as error:
        raise PasswordError(f"{where} holds no argon2 hash; make one with: verbatim password --print-hash") from error

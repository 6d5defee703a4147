"""Decrypts Office files by msoffcrypto-tool, with the configured passwords."""

import io
from collections.abc import Sequence

from index.errors import UnreadableFileError
from index.formats.office.containers import damage, is_encrypted, refusing_damage

_MISSING = (
    "encrypted: decrypting it needs msoffcrypto-tool, which is not installed: pip install 'verbatim-qa[passwords]', "
    "or save it again without a password"
)


def decrypted(content: bytes, passwords: Sequence[str]) -> bytes:
    """Decrypt an Office file.

    Args:
        content: The file's bytes.
        passwords: Tried in turn.

    Returns:
        The decrypted bytes; those of any other file unchanged.

    Raises:
        UnreadableFileError: No password fits, the file is damaged, or msoffcrypto-tool is not installed.
    """
    if not is_encrypted(content):
        return content
    if passwords:
        try:
            import msoffcrypto
        except ModuleNotFoundError as error:
            raise UnreadableFileError(_MISSING) from error
        for password in passwords:
            opened = io.BytesIO()
            with refusing_damage():
                try:
                    file = msoffcrypto.OfficeFile(io.BytesIO(content))
                    file.load_key(password=password)
                    file.decrypt(opened)
                except msoffcrypto.exceptions.DecryptionError:
                    continue
                except (msoffcrypto.exceptions.FileFormatError, msoffcrypto.exceptions.ParseError) as error:
                    raise UnreadableFileError(damage(error)) from error
                return opened.getvalue()
    tried = f"none of {len(passwords)} passwords fits" if passwords else "it needs a password"
    raise UnreadableFileError(f"encrypted: {tried}; add its password to the setting passwords (VERBATIM_PASSWORDS)")

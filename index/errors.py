"""Errors with messages for users: what went wrong, with which value, and what to do about it."""

import reprlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

_UNKNOWN_NAME = "unexpected_keyword_argument"
_WITHOUT_VALUE = frozenset({"missing", "json_invalid", "value_error", _UNKNOWN_NAME})
"""Kinds of faults whose message needs no value."""


class VerbatimError(Exception):
    """Base of all expected errors. Its message is a single line that every interface shows as it is."""


class ParameterError(VerbatimError):
    """A parameter or setting has an invalid value."""


class QuestionError(ParameterError):
    """A question is blank or too long."""


class FolderError(VerbatimError):
    """A folder of documents is missing, not a folder, or cannot be read."""


class UnreadableFileError(VerbatimError):
    """A file cannot be turned into a document; the message is the reason, without the file's name."""


class EmptyFileError(UnreadableFileError):
    """A file was read and holds no text."""


class UnsupportedFileError(UnreadableFileError):
    """A file is of an unsupported type."""


class ChangingFileError(UnreadableFileError):
    """A file was modified while it was read."""


class UnknownDocumentError(VerbatimError):
    """The index holds no document of that name."""


class ModelError(VerbatimError):
    """A model cannot be loaded, or is of the wrong kind."""


class DamagedIndexError(VerbatimError):
    """The stored index cannot be read."""


class MismatchedIndexError(VerbatimError):
    """The stored index was built with another embedder, chunking or version, or for another folder."""


class BusyIndexError(VerbatimError):
    """Another process is writing the index."""


def first_fault(error: "ValidationError") -> str:
    """Describe the first fault of an invalid record.

    Args:
        error: Result of validating the record.

    Returns:
        One line: the field, what is wrong, and the value where the message does not say it.
    """
    fault = error.errors(include_url=False)[0]
    kind, said = fault["type"], fault["msg"]
    if kind == "value_error":
        said = str(fault["ctx"]["error"])
    elif kind == _UNKNOWN_NAME:
        said = "Unknown name"
    value = "" if kind in _WITHOUT_VALUE else f"; it is {reprlib.repr(fault['input'])}"
    place = "".join(f"{name}." for name in fault["loc"]).removesuffix(".")
    return f"{place}: {said}{value}" if place else f"{said}{value}"

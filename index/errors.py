"""Errors with messages meant for people: what went wrong, which value, what to do about it."""


class VerbatimError(Exception):
    """Base of every error raised on purpose. Its message is one line, shown as it is on every door."""


class ParameterError(VerbatimError):
    """A parameter or setting has a value that cannot be used."""


class QuestionError(ParameterError):
    """A question cannot be asked: it is blank or too long."""


class FolderError(VerbatimError):
    """A folder of documents is missing, not a folder, or cannot be read."""


class UnreadableFileError(VerbatimError):
    """A file cannot be turned into a document; the message is the reason, without the file's name."""


class EmptyFileError(UnreadableFileError):
    """A file holds no text: not that it could not be read, there is nothing in it."""


class UnsupportedFileError(UnreadableFileError):
    """A file is of a kind that cannot be read."""


class ChangingFileError(UnreadableFileError):
    """A file is being written while it is read."""


class UnknownDocumentError(VerbatimError):
    """A document is named that the index does not hold."""


class ModelError(VerbatimError):
    """A model cannot be loaded, or is not of the kind that is needed."""


class DamagedIndexError(VerbatimError):
    """The stored index cannot be read."""


class MismatchedIndexError(VerbatimError):
    """The stored index was made with another embedder, splitter or version, or for another folder."""


class BusyIndexError(VerbatimError):
    """Another process is writing the index."""

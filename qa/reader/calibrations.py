"""Look-up of the calibration of a reader."""

from pathlib import Path

from qa.reader.extractive import ACCURATE, ACCURATE_READER, CASCADE, FAST, FAST_READER
from qa.records.calibration import Calibration, read_calibration

CALIBRATION_FILE = "calibration.json"
"""Name of the calibration file in a reader's folder."""
CASCADE_CALIBRATION_FILE = "cascade.json"


def load_calibration(reader: Path | str | None, name: str = CALIBRATION_FILE) -> Calibration:
    """Load the calibration from a reader's folder, or that of the fast reader if it has none.

    Args:
        reader: The reader's folder; None is the fast reader.
        name: Name of the calibration file.

    Returns:
        The calibration.

    Raises:
        ModelError: The file cannot be used.
    """
    own = None if reader is None else Path(reader) / name
    return read_calibration(own if own is not None and own.is_file() else FAST_READER / CALIBRATION_FILE)


def packaged_calibration(reader: str) -> Calibration:
    """Load the calibration of a packaged reader; no weights are loaded.

    Args:
        reader: "fast", "accurate" or "cascade".

    Returns:
        The calibration.

    Raises:
        ModelError: The calibration cannot be used.
    """
    if reader == CASCADE:
        return load_calibration(ACCURATE_READER, CASCADE_CALIBRATION_FILE)
    return load_calibration({FAST: FAST_READER, ACCURATE: ACCURATE_READER}[reader])

"""Which calibration belongs to which reader."""

from pathlib import Path

from qa.reader.extractive import ACCURATE, ACCURATE_READER, CASCADE, FAST, FAST_READER
from qa.records.calibration import Calibration, read_calibration

CALIBRATION_FILE = "calibration.json"
"""Name of the file, in a reader's folder."""
CASCADE_CALIBRATION_FILE = "cascade.json"


def load_calibration(reader: Path | str | None, name: str = CALIBRATION_FILE) -> Calibration:
    """Load the calibration that lies beside a reader's weights, else that of the fast reader.

    Args:
        reader: The reader's folder; None is the fast reader's.
        name: Name of the file.

    Returns:
        The calibration.

    Raises:
        ModelError: The file is there and cannot be used.
    """
    own = None if reader is None else Path(reader) / name
    return read_calibration(own if own is not None and own.is_file() else FAST_READER / CALIBRATION_FILE)


def packaged_calibration(reader: str) -> Calibration:
    """What was fitted for a packaged reader; no weights are loaded.

    Args:
        reader: "fast", "accurate" or "cascade".

    Returns:
        The calibration.

    Raises:
        ModelError: It cannot be used.
    """
    if reader == CASCADE:
        return load_calibration(ACCURATE_READER, CASCADE_CALIBRATION_FILE)
    return load_calibration({FAST: FAST_READER, ACCURATE: ACCURATE_READER}[reader])

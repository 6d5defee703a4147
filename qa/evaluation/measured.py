"""What the packaged readers were measured to be worth; `benchmarks/readers.py` measures, the settings page shows it."""

from pathlib import Path

from pydantic import BaseModel, TypeAdapter

FILE = Path(__file__).parents[1] / "models" / "measured.json"


class ReaderFigures(BaseModel, frozen=True, extra="forbid"):
    """What was measured of a packaged reader.

    Attributes:
        reader_sha256: Fingerprint of the weights that were measured.
        f1: Mean F1, in percent, of the best answers to questions of SQuAD 1.1, the paragraph given, nothing declined.
        seconds: Median time of a question that is retrieved for.
        measured: How, in a phrase for people.
    """

    reader_sha256: str
    f1: float
    seconds: float
    measured: str


_FIGURES = TypeAdapter(dict[str, ReaderFigures])


def load_figures(file: Path = FILE) -> dict[str, ReaderFigures]:
    """Read what was measured.

    Args:
        file: The file.

    Returns:
        Figures by the name of the reader.
    """
    return _FIGURES.validate_json(file.read_bytes())


def dump_figures(figures: dict[str, ReaderFigures]) -> str:
    """Write figures down as `load_figures` reads them."""
    return _FIGURES.dump_json(figures, indent=2).decode() + "\n"

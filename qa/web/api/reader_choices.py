"""Route with the readers to choose from, and their measured accuracy and speed."""

from fastapi import APIRouter
from pydantic import BaseModel

from qa.answerer import QuestionAnswerer
from qa.evaluation.measured import load_figures
from qa.reader.calibrations import packaged_calibration
from qa.reader.cascade import packaged_fingerprint
from qa.reader.extractive import ACCURATE, CASCADE, FAST
from qa.records.calibration import Calibration


class Figures(BaseModel):
    """Measured figures of a packaged reader.

    Attributes:
        f1: Mean F1, in percent, of the best answers to questions of SQuAD 1.1 on their paragraphs, nothing declined;
            None if not measured.
        seconds: Median time of a question that is retrieved for, in seconds; None if not measured.
        measured: How they were measured.
    """

    f1: float | None = None
    seconds: float | None = None
    measured: str = ""


_LABELS = {CASCADE: "Both in a row", FAST: "Fast", ACCURATE: "Accurate"}
_ABOUT = {
    CASCADE: "The fast reader reads what was found, the accurate one reads the best of it again.",
    FAST: "One small reader: much quicker, and wrong more often.",
    ACCURATE: "The large reader reads everything itself: the slowest.",
}


class Risk(BaseModel):
    """Effect of a threshold, measured at calibration.

    Attributes:
        threshold: The confidence, 0 to 1.
        wrong: Share of the given answers that were wrong.
        answered: Share of the answerable questions that were answered; None if not recorded.
        traps: Share of the unanswerable but similar questions that were answered; None if not recorded.
        strangers: Share of the questions about other documents that were answered; None if not recorded.
    """

    threshold: float
    wrong: float
    answered: float | None = None
    traps: float | None = None
    strangers: float | None = None


class ReaderOut(BaseModel):
    """A reader that can be chosen.

    Attributes:
        name: Its name, for `reader` of a question.
        label: Its name for people.
        about: What it does, in a sentence.
        is_default: Whether it is the server's.
        threshold: Confidence below which it declines by default.
        figures: Its measured figures.
        risk: Effects of thresholds, in rising order.
    """

    name: str
    label: str
    about: str
    is_default: bool
    threshold: float
    figures: Figures
    risk: list[Risk]


def settings_routes(answerer: QuestionAnswerer) -> APIRouter:
    """Create the route /api/settings."""
    routes = APIRouter(prefix="/api/settings", tags=["settings"])

    @routes.get("", summary="The readers to choose from, with their accuracy and speed")
    def choices() -> list[ReaderOut]:
        others = [name for name in (CASCADE, FAST, ACCURATE) if name != answerer.reader]
        default = _reader(
            answerer.reader,
            answerer.calibration,
            answerer.threshold,
            answerer.reader_fingerprint,
            is_default=True,
        )
        return [default, *(_packaged(name) for name in others)]

    return routes


def _packaged(name: str) -> ReaderOut:
    calibration = packaged_calibration(name)
    return _reader(name, calibration, calibration.threshold, packaged_fingerprint(name), is_default=False)


def _reader(name: str, calibration: Calibration, threshold: float, fingerprint: str, *, is_default: bool) -> ReaderOut:
    return ReaderOut(
        name=name,
        label=_LABELS.get(name, name),
        about=_ABOUT.get(name, "The reader that the server was started with."),
        is_default=is_default,
        threshold=threshold,
        figures=_figures(name, fingerprint),
        risk=_risk(calibration),
    )


def _figures(name: str, fingerprint: str) -> Figures:
    """Return what was measured of a reader, if these are the weights that were measured."""
    found = load_figures().get(name)
    if found is None or found.reader_sha256 != fingerprint:
        return Figures()
    return Figures(f1=found.f1, seconds=found.seconds, measured=found.measured)


def _risk(calibration: Calibration) -> list[Risk]:
    answered = {threshold: shares for threshold, *shares in calibration.coverage}
    return [
        Risk(
            threshold=threshold,
            wrong=wrong,
            **dict(zip(("answered", "traps", "strangers"), answered.get(threshold, ()), strict=False)),
        )
        for threshold, wrong in calibration.risk
    ]

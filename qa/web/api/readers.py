"""How questions can be asked, with what each choice costs, as it was measured."""

from fastapi import APIRouter
from pydantic import BaseModel

from qa.answerer import QuestionAnswerer
from qa.decision.decider import Calibration
from qa.evaluation.measured import load_figures
from qa.reader.cascade import packaged_calibration, packaged_fingerprint
from qa.reader.extractive import ACCURATE, CASCADE, FAST


class Figures(BaseModel):
    """What was measured of a reader.

    Attributes:
        f1: Mean F1, in percent, of the best answers to questions of SQuAD 1.1, the paragraph given, nothing declined;
            None where it was not measured.
        seconds: Median time of a question that is retrieved for; None where it was not measured.
        measured: How.
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
    """What declining below a confidence came to when the confidence was fitted.

    Attributes:
        threshold: The confidence, 0 to 1.
        wrong: Share of the answers given that were wrong.
        answered: Share of the questions with an answer that were answered; None where it was not kept.
        traps: Share of the questions that look answerable and are not that were answered all the same; None as above.
        strangers: Share of the questions about other documents that were answered all the same; None as above.
    """

    threshold: float
    wrong: float
    answered: float | None = None
    traps: float | None = None
    strangers: float | None = None


class ReaderOut(BaseModel):
    """A reader that questions can be asked of.

    Attributes:
        name: Its name; what `reader` of a question takes.
        label: The same for people.
        about: What it does, in a sentence.
        is_default: Whether it is the one that the server was started with.
        threshold: Confidence below which it declines where nothing is chosen.
        figures: What was measured of it.
        risk: What declining below other confidences came to, thresholds rising.
    """

    name: str
    label: str
    about: str
    is_default: bool
    threshold: float
    figures: Figures
    risk: list[Risk]


def settings_routes(answerer: QuestionAnswerer) -> APIRouter:
    """The route /api/settings.

    Args:
        answerer: What answers the questions.

    Returns:
        The route.
    """
    routes = APIRouter(prefix="/api/settings", tags=["settings"])

    @routes.get("", summary="How questions can be asked, and what each choice costs")
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

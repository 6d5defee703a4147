"""Plots what `verbatim evaluate --save` has saved: `make plots`, or python benchmarks/plots.py SAVED... FOLDER.

risk-coverage.png   share of wrong answers against share of questions answered
reliability.png     share of right answers against confidence
speed.png           F1 against seconds per question
"""

import argparse
import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import cycle
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from index.errors import VerbatimError
from qa.evaluation.metrics import calibration_error
from qa.evaluation.prediction_log import Record, load_records

FEWEST_GIVEN = 50
"""Least number of answers for which a share of wrong ones is drawn: with fewer, a single answer matters too much."""

BINS = 10
PALETTE = 64
PANELS_ACROSS = 3
INK, FAINT = "#222222", "#8a8a8a"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Distinguishable for colour-blind readers (Okabe and Ito 2008)."""

MARKERS, LINES = "osD^vP", ("-", "--", "-.", ":", "-", "--")
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.dpi": 150,
}
WIDTH_IN, HEIGHT_IN = 9.0, 5.2


@dataclass(frozen=True, slots=True)
class Run:
    """One reader's predictions in one mode.

    Attributes:
        name: Name of the saved file, with the mode if it has several.
        records: The predictions.
        colour: Colour of its line or point.
        marker: Marker of its point.
        line: Line style.
    """

    name: str
    records: tuple[Record, ...]
    colour: str
    marker: str
    line: str


def load_runs(saved: Sequence[Path]) -> list[Run]:
    """Load a run for each saved file and mode, in order."""
    found: dict[tuple[str, str], list[Record]] = {}
    for path in saved:
        for record in load_records(path):
            found.setdefault((path.stem, record.mode), []).append(record)
    several = len({mode for _, mode in found}) > 1
    looks = zip(cycle(COLOURS), cycle(MARKERS), cycle(LINES), strict=False)
    return [
        Run(f"{stem}, {mode}" if several else stem, tuple(records), *look)
        for ((stem, mode), records), look in zip(found.items(), looks, strict=False)
    ]


def risk_by_coverage(records: Sequence[Record]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of wrong answers if only the most confident are given.

    El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification". Answers of equal confidence
    are given together, since no threshold separates them. A question for which nothing was found is never answered.

    Args:
        records: The predictions.

    Returns:
        Share of all questions that are answered, rising, and of wrong ones among the answers; both 0 to 1.
    """
    found = sorted((r for r in records if r.text), key=lambda r: -r.confidence)
    confidence = np.array([r.confidence for r in found])
    given = np.arange(1, len(found) + 1)
    wrong = np.cumsum([not r.right for r in found])
    last = np.append(confidence[1:] != confidence[:-1], [True])[: len(found)]
    shown = last & (given >= min(FEWEST_GIVEN, len(found)))
    return given[shown] / len(records), wrong[shown] / given[shown]


def draw_risk(runs: Sequence[Run]) -> Figure:
    """Draw risk-coverage curves, with a dot at each reader's own threshold."""
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    axes = figure.add_subplot()
    for run in runs:
        coverage, risk = risk_by_coverage(run.records)
        axes.plot(100 * coverage, 100 * risk, run.line, color=run.colour, linewidth=2, label=run.name)
        given = [r for r in run.records if r.answered]
        if given:
            at = 100 * len(given) / len(run.records), 100 * statistics.fmean(not r.right for r in given)
            axes.plot(*at, run.marker, color=run.colour, markersize=9, markeredgecolor="white", clip_on=False, zorder=3)
    axes.set(xlim=(0, 100), ylim=(0, None))
    axes.set(xlabel="questions answered, the surest first (%)", ylabel="wrong among those answered (%)")
    axes.set_title("The fewer questions are answered, the fewer answers are wrong")
    axes.plot([], [], "o", color=FAINT, markersize=8, label="at the reader's own threshold")
    axes.legend(loc="upper left")
    return figure


def draw_reliability(runs: Sequence[Run]) -> Figure:
    """Draw a panel for each run: share of right answers in ten bins of confidence, above the number of answers."""
    across = min(len(runs), PANELS_ACROSS)
    down = math.ceil(len(runs) / across)
    figure = Figure(figsize=(WIDTH_IN, 0.6 + 4.4 * down), layout="constrained")
    figure.suptitle("Of answers with 70 % confidence, 70 % should be right", x=0.01, ha="left", fontsize=13)
    for part, run in zip(figure.subfigures(down, across, squeeze=False).flat, runs, strict=False):
        above, below = part.subplots(2, sharex=True, height_ratios=(3, 1))
        _draw_bins(above, below, run)
        if run is runs[0]:
            above.set_ylabel("right answers (%)")
            below.set_ylabel("answers")
    return figure


def _draw_bins(above: Axes, below: Axes, run: Run) -> None:
    confidence = np.array([r.confidence for r in run.records])
    right = np.array([r.right for r in run.records])
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    filled = np.flatnonzero(counts)
    mean = [100 * confidence[bins == b].mean() for b in filled]
    share = [100 * right[bins == b].mean() for b in filled]
    above.plot([0, 100], [0, 100], color=FAINT, linewidth=1)
    above.plot(mean, share, run.line, marker=run.marker, color=run.colour, linewidth=1.5, markersize=7, clip_on=False)
    above.set(xlim=(0, 100), ylim=(0, 100), xticks=range(0, 101, 20), yticks=range(0, 101, 20))
    above.set_title(f"{run.name}: error (ECE) {calibration_error(confidence, right):.3f}", fontsize=11, pad=6)
    middles = 100 * (np.arange(BINS) + 0.5) / BINS
    below.bar(middles, counts, width=8, color=run.colour, alpha=0.45)
    for middle, count in zip(middles, counts, strict=True):
        below.annotate(f"{count}", (middle, count), (0, 2), textcoords="offset points", ha="center", fontsize=7)
    below.set(ylim=(0, 1.25 * counts.max()), xlabel="confidence (%)")
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    below.grid(visible=False)


def draw_speed(runs: Sequence[Run]) -> Figure:
    """Draw a point for each run: F1 with its 95 % interval against the median time per question."""
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    axes = figure.add_subplot()
    for run in runs:
        said = [100 * (r.f1 if r.answered else float(not r.answers)) for r in run.records]
        f1, seconds = statistics.fmean(said), statistics.median(r.seconds for r in run.records)
        spread = 1.96 * statistics.stdev(said) / math.sqrt(len(said)) if len(said) > 1 else 0.0
        axes.errorbar(seconds, f1, spread, fmt=run.marker, color=run.colour, markersize=10, capsize=4, elinewidth=1.2)
        words = f"{run.name}\nF1 {f1:.1f}, {1000 * seconds:.0f} ms"
        axes.annotate(words, (seconds, f1), (12, 0), textcoords="offset points", va="center", color=INK)
    axes.margins(x=0.3, y=0.2)
    axes.yaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_xlim(left=0)
    axes.set(xlabel="median time of a question (seconds)", ylabel="F1, declined questions counted (%)")
    axes.set_title("What a better answer costs in time (bars: 95 % interval of F1)")
    return figure


PICTURES = {"risk-coverage.png": draw_risk, "reliability.png": draw_reliability, "speed.png": draw_speed}


def draw_all(saved: Sequence[Path], folder: Path) -> list[Path]:
    """Draw all plots, and return the files."""
    runs = load_runs(saved)
    folder.mkdir(parents=True, exist_ok=True)
    with rc_context(STYLE):
        for name, draw in PICTURES.items():
            save(draw(runs), folder / name)
    return [folder / name for name in PICTURES]


def save(figure: Figure, path: Path) -> None:
    """Write a plot with a small palette, which takes a third of the space."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE).save(path, "png", optimize=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the runs given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("saved", nargs="+", type=Path, metavar="SAVED", help="file that evaluate --save wrote")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder to write to")
    given = parser.parse_args(arguments)
    try:
        for path in draw_all(given.saved, given.folder):
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    except (VerbatimError, OSError) as error:
        sys.exit(f"plots: {error}")


if __name__ == "__main__":
    main()

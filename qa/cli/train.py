"""Commands of `verbatim train …`. Models are imported only when a command runs."""

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from qa.cli.options import Json, ReaderName
from qa.cli.output import errors, jsonable, print_json, print_scores

train = typer.Typer(help="Train and fit models on data of your own.", no_args_is_help=True, rich_markup_mode=None)

Base = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Folder of the model that START was made from, for files it lacks."),
]


def _say(as_json: bool) -> Callable[[str], None]:
    """Return the function that prints progress: to stderr if the result is JSON."""
    return partial(typer.echo, err=as_json)


def _finish(as_json: bool, result: Mapping[str, object]) -> None:
    """Print the result of a command as JSON, if requested; otherwise its progress lines said it already."""
    if as_json:
        print_json({"done": True, **result})


def _numbers(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return figures for JSON: null for undefined ones, for example those of no questions."""
    return {name: None if value is None or math.isnan(value) else value for name, value in figures.items()}


class Size(StrEnum):
    """Size of the reader to train."""

    SMALL = "small"
    LARGE = "large"


@train.command()
def fusion(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Training data: JSON Lines, .xz or plain.")],
    measure_on: Annotated[
        Path, typer.Argument(metavar="MEASURE_ON", help="Questions in SQuAD's format that nothing is fitted on.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write the weights; without it, where search reads them."),
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Measure on only so many questions.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Fit the weights that fuse lexical and dense scores."""
    with errors(as_json):
        from index.settings import read_settings
        from qa.training.fit.fusion import run

        fitted = run(data, measure_on, limit, out, read_settings(), _say(as_json), context.obj)
        _finish(as_json, {**jsonable(fitted), "file": str(fitted.file)})


@train.command()
def confidence(
    context: typer.Context,
    answerable: Annotated[Path, typer.Argument(metavar="ANSWERABLE", help="Questions in the format of SQuAD 1.1.")],
    unanswerable: Annotated[Path, typer.Argument(metavar="UNANSWERABLE", help="Questions in the format of SQuAD 2.0.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the calibration.")] = Path(
        "calibration.json"
    ),
    questions: Annotated[int, typer.Option(metavar="N", help="Questions of each of five kinds, at most.", min=1)] = 600,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep what is read in this file, .jsonl; run again, it goes on."),
    ] = None,
    reader: ReaderName = None,
    as_json: Json = False,
) -> None:
    """Fit a reader's confidence, and check it."""
    with errors(as_json):
        from index.settings import read_settings
        from qa.training.fit.calibration import run

        settings = read_settings(reader=reader)
        calibration, checks = run(answerable, unanswerable, out, settings, _say(as_json), questions, keep, context.obj)
        checked = {way: _numbers(jsonable(check)) for way, check in checks.items()}
        _finish(as_json, {"written": str(out), "calibration": jsonable(calibration), "checks": checked})


@train.command("reader")
def train_reader(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Training data: JSON Lines, .xz or plain.")],
    start: Annotated[Path, typer.Argument(metavar="START", help="Folder of the model to start from.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder of checkpoints; training continues from an existing one.")
    ],
    base: Base = None,
    *,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Steps before the rate falls; without it, as soon as the folder holds a file 'decay-now'.",
            min=0,
        ),
    ] = None,
    decay_steps: Annotated[
        int | None, typer.Option(metavar="N", help="Steps in which the rate falls to 0, if not the recipe's.", min=1)
    ] = None,
    size: Annotated[Size, typer.Option(help="Which recipe: for some twenty or some hundred million parameters.")] = (
        Size.SMALL
    ),
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Learn from what `train label` wrote; DATA is not read then."),
    ] = None,
    teacher_weight: Annotated[
        float, typer.Option(metavar="W", help="With --labels: the teacher's part of the target, 0 to 1.", min=0, max=1)
    ] = 0.6,
    teacher_temperature: Annotated[
        float, typer.Option(metavar="T", help="With --labels: above 1, its less likely answers count more.", min=0.1)
    ] = 1.0,
    as_json: Json = False,
) -> None:
    """Train a reader, or continue its training."""
    with errors(as_json):
        from dataclasses import replace

        from qa.training.distillation import teaching
        from qa.training.reader import commands
        from qa.training.reader.learning import LARGE, SMALL

        recipe = replace(SMALL if size is Size.SMALL else LARGE, steps=steps)
        recipe = recipe if decay_steps is None else replace(recipe, decay_steps=decay_steps)
        if labels is None:
            commands.run(data, start, base, out, recipe, _say(as_json))
        else:
            how = teaching.Teaching(teacher_weight, teacher_temperature)
            teaching.run(labels, start, base, out, recipe, how, _say(as_json))
        _finish(as_json, {"written": str(out)})


@train.command()
def label(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Training data: JSON Lines, .xz or plain.")],
    teacher: Annotated[Path, typer.Argument(metavar="TEACHER", help="Folder of the reader that teaches.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write, .jsonl; an existing one is continued.")],
    base: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of the model that TEACHER was made from, for files it lacks."),
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Label only so many pairs of the pass.", min=1)] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Chooses the pass: pairs and their order.", min=0)] = 1,
    as_json: Json = False,
) -> None:
    """Write a larger reader's answers, for train reader --labels."""
    with errors(as_json):
        from qa.training.distillation.labelling import run

        n_records = run(data, teacher, base, out, limit=limit, seed=seed, say=_say(as_json))
        _finish(as_json, {"written": str(out), "records": n_records})


@train.command("embedder")
def train_embedder(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Training data: JSON Lines, .xz or plain.")],
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Folder of the checkpoint, continued if there; OUT/embedder is written."),
    ],
    steps: Annotated[int, typer.Option(metavar="N", help="Steps in all; the rate falls to 0 in them.", min=1)] = 100,
    rate: Annotated[float, typer.Option(metavar="X", help="Highest learning rate, 0 to 0.01.", min=0, max=0.01)] = 5e-5,
    frozen_layers: Annotated[
        int, typer.Option(metavar="N", help="Number of lowest layers to leave unchanged.", min=0)
    ] = 3,
    keep_original: Annotated[
        float, typer.Option(metavar="P", help="Share of the original weights in the result, 0 to 1.", min=0, max=1)
    ] = 0.5,
    as_json: Json = False,
) -> None:
    """Train the embedder, or continue its training."""
    with errors(as_json):
        from index.settings import read_settings
        from qa.training.embedder.learning import MADE, EmbedderRecipe, run

        recipe = EmbedderRecipe(steps=steps, rate=rate, frozen_layers=frozen_layers, keep_original=keep_original)
        run(data, out, recipe, read_settings(), _say(as_json))
        _finish(as_json, {"written": str(out / MADE)})


@train.command()
def recall(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Questions in SQuAD's format.")],
    embedder: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Embedder: a folder or Hugging Face name; else the one that is set."),
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Ask only so many questions.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Measure an embedder, alone and fused with FTS5."""
    with errors(as_json):
        from index.settings import read_settings
        from qa.training.embedder.recall import lines
        from qa.training.embedder.recall import measure as measured

        table = measured(file, limit, read_settings(embedder=embedder), _say(as_json), engine=context.obj)
    if as_json:
        print_json(table)
    else:
        typer.echo("\n".join(lines(table)))


@train.command()
def export(
    start: Annotated[Path, typer.Argument(metavar="START", help="Folder of the model that training started from.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the reader.")],
    trained: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Folder of checkpoints; without it, the reader as it started.")
    ] = None,
    base: Base = None,
    small: Annotated[bool, typer.Option("--small", help="In 8 bits and files below 50 MB.")] = False,
    as_json: Json = False,
) -> None:
    """Write a trained reader to a folder that --reader takes."""
    with errors(as_json):
        from qa.training.reader.commands import export as write

        write(trained, start, base, folder, small=small)
        _finish(as_json, {"written": str(folder)})


@train.command()
def measure(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A reader that was exported.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Questions in SQuAD's format.")],
    limit: Annotated[int | None, typer.Option(metavar="N", help="Measure on only so many questions.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Measure a reader alone, before its confidence is fitted."""
    with errors(as_json):
        from qa.training.reader.commands import measure as figures_of

        scores = figures_of(folder, file, limit)
    if as_json:
        print_json({"file": str(file), **scores.as_dict()})
    else:
        print_scores([(file, folder.name, scores)])

"""`verbatim …`: ask, index, documents, serve, evaluate. Models are imported only by the commands that need them."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.errors import FolderError, VerbatimError

if TYPE_CHECKING:
    from index.syncing import SyncReport
    from qa.answering import QuestionAnswerer
    from qa.answers import Answer
    from qa.evaluating import Scores

ANSWERED, NOT_ANSWERED, BAD_INPUT = 0, 1, 2

cli = typer.Typer(
    help="Answers questions from a folder of documents, in the documents' own words.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

train = typer.Typer(help="Fit what ships, on data of your own.", no_args_is_help=True)
cli.add_typer(train, name="train")

Folder = Annotated[
    Path | None, typer.Option("--folder", "-f", help="Folder of documents; without it, the packaged example.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Throw the index away and begin anew.")]
TopK = Annotated[int | None, typer.Option(help="Passages to retrieve and read, 1 to 1000.")]
Threshold = Annotated[float | None, typer.Option(help="Confidence, 0 to 1, below which a question is declined.")]


class Mode(StrEnum):
    """What is asked of what in an evaluation."""

    READ = "read"
    RETRIEVE = "retrieve"
    BOTH = "both"


@cli.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question.")],
    folder: Folder = None,
    within: Annotated[list[str] | None, typer.Option(help="Only this document; may be given again.")] = None,
    top_k: TopK = None,
    threshold: Threshold = None,
    as_json: Json = False,
) -> None:
    """Answer a question; exit code 0 when answered, 1 when not."""
    with _errors(as_json):
        from qa.answering import check_question

        check_question(question)
        with _load(folder, top_k=top_k, threshold=threshold) as answerer:
            answer = answerer.ask(question, within=within)
    if as_json:
        _print_json(_jsonable(answer))
    else:
        _print_answer(answer)
    raise typer.Exit(ANSWERED if answer.answered else NOT_ANSWERED)


@cli.command()
def index(
    folder: Annotated[Path, typer.Argument(help="Folder of documents.")],
    rebuild: Rebuild = False,
    as_json: Json = False,
) -> None:
    """Bring the index of a folder in step with its files."""
    with _errors(as_json):
        from qa.answering import QuestionAnswerer
        from qa.progress import show_progress

        with QuestionAnswerer(folder, rebuild=rebuild) as answerer, show_progress() as on_progress:
            report = answerer.sync(on_progress)
            _refuse_empty(answerer)
            place, count, left_out = answerer.index_dir, len(answerer.documents()), answerer.left_out()
    if as_json:
        _print_json({**_jsonable(report), "documents": count, "left_out": left_out, "index_dir": str(place)})
    else:
        _print_report(report, count, left_out)


@cli.command()
def documents(folder: Folder = None, as_json: Json = False) -> None:
    """List the documents of a folder's index, and the files that were left out."""
    with _errors(as_json):
        from qa.answering import QuestionAnswerer, default_folder

        with QuestionAnswerer(default_folder() if folder is None else folder) as answerer:
            records, left_out = answerer.documents(), answerer.left_out()
            if not records and not left_out:
                place = str(answerer.folder)
                raise FolderError(f"folder={place!r} is not indexed yet; run: verbatim index {place!r}")
    if as_json:
        _print_json({"documents": [_jsonable(record) for record in records], "left_out": left_out})
        return
    from rich.table import Table

    table = Table("document", "title", "passages", "characters", box=None, header_style="bold")
    for record in records:
        table.add_row(_plain(record.name), _plain(record.title), f"{record.n_passages:,}", f"{record.n_chars:,}")
    _console().print(table)
    for name, why in left_out.items():
        _console().print(_plain(f"left out: {name}: {why}"), style="yellow")


@cli.command()
def serve(
    folder: Folder = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 7860,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    rebuild: Rebuild = False,
    as_json: Json = False,
) -> None:
    """Serve the web chat until Ctrl-C."""
    with _errors(as_json):
        from qa.web import serve as serve_page

        serve_page(folder, host=host, port=port, open_browser=open_browser, rebuild=rebuild)


@cli.command()
def evaluate(
    files: Annotated[list[Path], typer.Argument(help="Questions in SQuAD's format, 1.1 or 2.0.")],
    mode: Annotated[
        Mode, typer.Option(help="Read the given paragraph, retrieve from all paragraphs as documents, or both.")
    ] = Mode.BOTH,
    limit: Annotated[
        int | None, typer.Option(help="Ask only so many, drawn at random, always the same.", min=1)
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Another system's answers, {id: text}, scored beside ours.")
    ] = None,
    reader: Annotated[str | None, typer.Option(help="Reader to use in place of the packaged one.")] = None,
    top_k: TopK = None,
    as_json: Json = False,
) -> None:
    """Measure answers: EM, F1, recall@k, MRR, AUROC, calibration error, seconds per question."""
    with _errors(as_json):
        from index.settings import read_settings
        from qa.evaluating import evaluate_file

        settings = read_settings(reader=reader, top_k=top_k)
        modes = ["read", "retrieve"] if mode is Mode.BOTH else [mode.value]
        rows: list[tuple[Path, str, Scores]] = []
        for file in files:
            with _counting(file.name) as on_progress:
                found = evaluate_file(file, modes, limit, predictions, on_progress, settings)
            rows += [(file, system, scores) for system, scores in found]
    if as_json:
        _print_json([{"file": str(file), "system": system, **scores.as_dict()} for file, system, scores in rows])
    else:
        _print_scores(rows)


@train.command()
def fusion(
    data: Annotated[Path, typer.Argument(help="Training data: JSON Lines, .xz or plain.")],
    measure_on: Annotated[Path, typer.Argument(help="Questions in SQuAD's format that nothing is fitted on.")],
    limit: Annotated[int | None, typer.Option(help="Measure on only so many questions.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Fit the weights that fuse lexical and dense retrieval scores, and print them."""
    with _errors(as_json):
        from index.settings import read_settings
        from qa.training.fusion import run

        run(data, measure_on, limit, read_settings(), typer.echo)


@train.command()
def confidence(
    answerable: Annotated[Path, typer.Argument(help="Questions in the format of SQuAD 1.1.")],
    unanswerable: Annotated[Path, typer.Argument(help="Questions in the format of SQuAD 2.0.")],
    out: Annotated[Path, typer.Option(help="Where to write the calibration.")] = Path("calibration.json"),
    reader: Annotated[str | None, typer.Option(help="Reader to fit for in place of the packaged one.")] = None,
    as_json: Json = False,
) -> None:
    """Fit a reader's confidence and threshold on every second article."""
    with _errors(as_json):
        from index.settings import read_settings
        from qa.training.confidence import run

        run(answerable, unanswerable, out, read_settings(reader=reader), typer.echo)


def main() -> None:
    """The command `verbatim`."""
    cli()


@contextmanager
def _errors(as_json: bool) -> Iterator[None]:
    """An error of ours becomes one line and exit code 2."""
    try:
        yield
    except VerbatimError as error:
        if as_json:
            _print_json({"error": str(error), "kind": type(error).__name__})
        else:
            _console(stderr=True).print(_plain(f"verbatim: {error}"), style="red", soft_wrap=True)
        raise typer.Exit(BAD_INPUT) from None
    except KeyboardInterrupt:
        _console(stderr=True).print("stopped; what was indexed so far is kept")
        raise typer.Exit(130) from None


@contextmanager
def _load(folder: Path | None, **settings: Any) -> "Iterator[QuestionAnswerer]":  # noqa: ANN401 (fields of Settings)
    from qa.answering import load

    with load(folder, **settings) as answerer:
        _refuse_empty(answerer)
        yield answerer


def _refuse_empty(answerer: "QuestionAnswerer") -> None:
    from index.loading import LOADERS

    if not answerer.documents():
        left_out = answerer.left_out()
        why = f"; {len(left_out)} files were left out: {next(iter(left_out.items()))}" if left_out else ""
        kinds = ", ".join(sorted(LOADERS))
        raise FolderError(f"folder={str(answerer.folder)!r} holds no documents{why}; put {kinds} files into it")


# Printing


def _console(*, stderr: bool = False) -> Any:  # noqa: ANN401 (rich is imported late)
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def _plain(text: str) -> Any:  # noqa: ANN401
    """Text that rich prints as it is: nothing in it is markup."""
    from rich.text import Text

    return Text(text)


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _jsonable(record: Any) -> dict[str, Any]:  # noqa: ANN401 (any dataclass)
    from dataclasses import asdict

    return asdict(record)


def _print_answer(answer: "Answer") -> None:
    from rich.text import Text

    console = _console()
    if answer.reason is not None:
        console.print(_plain(f"I don't know. {answer.reason.explanation}"), style="bold")
        for passage in answer.nearest[:1]:
            console.print(_plain(f"Nearest, in {passage.document}:"), style="dim")
            console.print(_plain(" ".join(passage.text.split())), style="dim")
        return
    start = (answer.start or 0) - (answer.sentence_start or 0)
    quote = Text(answer.sentence)
    quote.stylize("bold black on yellow", start, start + len(answer.text))
    if console.is_terminal:
        console.print(quote)
    else:  # where colours do not show, the words are marked by brackets
        end = start + len(answer.text)
        console.print(_plain(f"{answer.sentence[:start]}[[{answer.text}]]{answer.sentence[end:]}"), soft_wrap=True)
    place = f", {answer.place}" if answer.place else ""
    console.print(_plain(f"— {answer.title}{place}"), style="dim", soft_wrap=True)
    where = f"{answer.document} [{answer.start}:{answer.end}]"
    console.print(_plain(f"  {where} · confidence {answer.confidence:.2f}"), style="dim", soft_wrap=True)


def _print_report(report: "SyncReport", count: int, left_out: dict[str, str]) -> None:
    console = _console()
    done = {"added": report.added, "changed": report.changed, "removed": report.removed, "renamed": report.renamed}
    parts = [f"{len(names)} {what}" for what, names in done.items() if names]
    parts.append(f"{report.unchanged} unchanged")
    console.print(f"{count} documents in the index: {', '.join(parts)}")
    for name, why in left_out.items():
        console.print(_plain(f"left out: {name}: {why}"), style="yellow", soft_wrap=True)


@contextmanager
def _counting(name: str) -> Iterator[Any]:
    from rich.progress import Progress

    with Progress(console=_console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


_FIGURES = {
    "questions": "questions",
    "answerable": "of them answerable",
    "exact_match": "EM",
    "f1": "F1",
    "undeclined_exact_match": "EM, nothing declined",
    "undeclined_f1": "F1, nothing declined",
    "best_f1": "F1, best threshold",
    "right_kept": "right ones answered, %",
    "declined": "unanswerable declined, %",
    "auroc": "AUROC",
    "calibration_error": "calibration error",
    "recall": "recall@1 / 5 / 10",
    "mrr": "MRR",
    "median_seconds": "seconds a question",
}


def _print_scores(rows: "list[tuple[Path, str, Scores]]") -> None:
    from rich.table import Table

    table = Table("", box=None, header_style="bold")
    for file, system, _ in rows:
        table.add_column(_plain(f"{file.name}\n{system}"))
    columns = [scores.as_dict() for _, _, scores in rows]
    for name, label in _FIGURES.items():
        if any(column[name] is not None for column in columns):
            table.add_row(label, *(_figure(column[name]) for column in columns))
    _console().print(table)


def _figure(value: object) -> str:
    if isinstance(value, dict):
        return " / ".join(f"{share:.3f}" for share in value.values())
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)

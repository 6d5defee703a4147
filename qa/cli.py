"""`verbatim …`: what people type. Models are imported only by the commands that need them."""

import codecs
import io
import json
import re
import shlex
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.errors import DamagedIndexError, FolderError, ParameterError, VerbatimError

if TYPE_CHECKING:
    from index.examining import Diagnosis
    from index.store import DocumentRecord, FileRecord
    from index.syncing import SyncReport
    from qa.answering import QuestionAnswerer
    from qa.answers import Answer
    from qa.conversing import Conversation
    from qa.evaluating import Scores
    from qa.feedback import Feedback
    from qa.turns import Turn

ANSWERED, NOT_ANSWERED, BAD_INPUT = 0, 1, 2
_MANY = 10
"""Files of a type that is not supported from which on they are counted rather than listed at the end of a run."""

cli = typer.Typer(
    help="Answers questions from a folder of documents, in the documents' own words.",
    no_args_is_help=True,
    epilog='Example: verbatim ask "who signed it?" --folder reports/',
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes leave little room in 80 columns, and take as long to draw as all the rest
)

train = typer.Typer(help="Fit what ships, on data of your own.", no_args_is_help=True, rich_markup_mode=None)
cli.add_typer(train, name="train")

# A string: as a Path, "" would be the current folder.
Folder = Annotated[
    str | None,
    typer.Option("--folder", "-f", metavar="FOLDER", help="Folder of documents; without it, the packaged example."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Throw the index away and begin anew.")]
TopK = Annotated[int | None, typer.Option(metavar="N", help="Passages to retrieve and read, 1 to 1000.")]
Threshold = Annotated[
    float | None, typer.Option(metavar="P", help="Confidence, 0 to 1, below which a question is declined.")
]
MaxWrong = Annotated[
    float | None,
    typer.Option(metavar="P", help="Share of the answers given, 0 to 1, that may be wrong; in place of --threshold."),
]
ReaderName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Reader: fast, accurate, cascade, or a folder or Hugging Face name of another."),
]
Base = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Folder of the model that START was made from, for what it lacks.")
]


class Mode(StrEnum):
    """What is asked of what in an evaluation."""

    READ = "read"
    RETRIEVE = "retrieve"
    BOTH = "both"


class Size(StrEnum):
    """How large the reader is that is trained."""

    SMALL = "small"
    LARGE = "large"


@cli.command()
def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question.")],
    folder: Folder = None,
    within: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this document; may be given again.")
    ] = None,
    top_k: TopK = None,
    threshold: Threshold = None,
    max_wrong: MaxWrong = None,
    reader: ReaderName = None,
    as_json: Json = False,
) -> None:
    """Answer a question; exit code 0 when answered, 1 when not."""
    with _errors(as_json):
        from qa.answering import check_question

        check_question(question)
        with _load(folder, top_k=top_k, threshold=threshold, max_wrong=max_wrong, reader=reader) as answerer:
            answer = answerer.ask(question, within=within)
            # Said before the index is closed: then what was deleted since the last time is erased.
            if as_json:
                _print_json(_jsonable(answer))
            else:
                _print_answer(answer)
    raise typer.Exit(ANSWERED if answer.answered else NOT_ANSWERED)


@cli.command()
def chat(
    folder: Folder = None,
    within: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this document; may be given again.")
    ] = None,
    reader: ReaderName = None,
    as_json: Json = False,
) -> None:
    """Talk with the documents, a line at a time; Ctrl-D ends it.

    Follow up as you would with a person. A line that begins with = says how the one before it was meant.
    With --json each line is answered by a line of JSON.
    """
    with _errors(as_json), _load(folder, reader=reader) as answerer:
        _talk(answerer.conversation(within), as_json=as_json)


@cli.command()
def index(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of documents.")],
    rebuild: Rebuild = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Read again what failed, was empty or was read only partly.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with whatever changes, until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the index of a folder in step with its files.

    With --watch and --json, what was done is printed as one line of JSON each time.
    """
    if watch:
        _watch(folder, rebuild, as_json)
    with _errors(as_json):
        from qa.answering import QuestionAnswerer
        from qa.progress import show_progress

        with QuestionAnswerer(_named(folder), rebuild=rebuild) as answerer, show_progress() as on_progress:
            report = answerer.sync(on_progress, retry_failed=retry_failed)
            _refuse_empty(answerer)
            place, count, files = answerer.index_dir, len(answerer.documents()), answerer.files()
    if as_json:
        ledger = {"statuses": _by_status(files), "left_out": _left_out(files), "notes": _notes(files)}
        _print_json({**_jsonable(report), "documents": count, **ledger, "index_dir": str(place)})
    else:
        _print_report(report, count, files)


@cli.command()
def documents(folder: Folder = None, as_json: Json = False) -> None:
    """List a folder's files, and what became of each."""
    with _errors(as_json):
        from qa.answering import QuestionAnswerer, default_folder

        with QuestionAnswerer(default_folder() if folder is None else _named(folder)) as answerer:
            records, files = answerer.documents(), answerer.files()
            if not records and not files:
                place = str(answerer.folder)
                raise FolderError(f"folder={place!r} is not indexed yet; run: verbatim index {place!r}")
    if as_json:
        listed = {"documents": [_jsonable(record) for record in records], "files": [_jsonable(file) for file in files]}
        _print_json({**listed, "left_out": _left_out(files), "notes": _notes(files)})
        return
    console = _console()
    console.print(_table_of_files(records, files))
    console.print(_summary(files))
    _print_problems(console, files)


@cli.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `verbatim ask --json` printed; - is stdin.")],
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Check that an answer still stands; exit code 1 when not."""
    with _errors(as_json):
        answer = _read_json(file)
        with _load(folder) as answerer:
            found = answerer.verify(answer)
    if as_json:
        _print_json({**_jsonable(found), "explanation": found.standing.explanation})
    else:
        place = "" if found.start is None else f" [{found.start}:{found.end}]"
        where = "" if found.document is None else f"\n{_plain(_name(found.document))}{place}"
        _console().print(f"{found.standing}: {found.standing.explanation}{where}", markup=False, highlight=False)
    raise typer.Exit(ANSWERED if found.start is not None else NOT_ANSWERED)


@cli.command()
def doctor(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of documents.")],
    mend: Annotated[bool, typer.Option("--mend", help="Mend what can be mended; documents may be read again.")] = False,
    as_json: Json = False,
) -> None:
    """Check a folder's index; exit code 1 when something is wrong."""
    with _errors(as_json):
        from index.examining import Diagnosis, Problem
        from qa.answering import QuestionAnswerer

        try:
            with QuestionAnswerer(_named(folder)) as answerer:
                found = answerer.doctor(mend=mend)
        except DamagedIndexError as error:  # it cannot even be opened
            found = Diagnosis({}, (Problem("database", str(error)),))
    if as_json:
        _print_json({"is_sound": not found.problems, **_jsonable(found)})
    else:
        _print_diagnosis(found, folder, "--rebuild" if mend else "--mend")
    raise typer.Exit(NOT_ANSWERED if found.problems else ANSWERED)


@cli.command()
def feedback(
    folder: Folder = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write what tells which answers are right.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="squad, for evaluate; or jsonl, for train.")
    ] = "squad",
    as_json: Json = False,
) -> None:
    """Show what people said of answers in the web chat, or export it."""
    with _errors(as_json):
        from qa.answering import QuestionAnswerer, default_folder
        from qa.feedback import FeedbackStore, hashes
        from qa.saving import check_writable, write_whole
        from qa.training.feedback import Format, teaches
        from qa.training.feedback import export as exported

        if form not in tuple(Format):
            raise ParameterError(f"format={form!r} is none; choose squad or jsonl")
        if export is not None:
            check_writable("export", export)
        with QuestionAnswerer(default_folder() if folder is None else _named(folder)) as answerer:
            given, now = FeedbackStore(answerer.index_dir).all(), hashes(answerer)
        taught = sum(teaches(said) for said in given)
        if export is not None:
            write_whole(export, exported(given, Format(form)))
    if export is not None and as_json:
        _print_json({"exported": taught, "left_out": len(given) - taught})
    elif export is not None:
        _console().print(_plain(f"wrote {_counted(taught, 'question')} to {export}"), soft_wrap=True)
    elif as_json:
        _print_json([_feedback_as_json(said, now) for said in given])
    else:
        _print_feedback(given, taught, now)


@cli.command()
def serve(
    folder: Folder = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    *,
    port: Annotated[int, typer.Option(metavar="PORT", help="Port to listen on; 0 takes a free one.")] = 7860,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Ask for no password, even where other machines are let in.")
    ] = False,
    allowed_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="What a proxy calls the server; may be given again.")
    ] = None,
    reader: ReaderName = None,
    patience: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="How long questions wait before the fast reader alone reads: 0.5; inf: forever."
        ),
    ] = None,
    rebuild: Rebuild = False,
    history: Annotated[bool, typer.Option("--history/--no-history", help="Keep conversations, or don't.")] = True,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Log to stderr, a JSON object a line: each question, without its words.")
    ] = False,
    log_questions: Annotated[
        bool, typer.Option("--log-questions", help="The same, with the words of the questions.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Serve the web chat until Ctrl-C; what changes is indexed.

    Beside the page, for programs: POST /api/ask, described in /openapi.json; MCP at /mcp; /health and /metrics.
    Where a password is set (verbatim password), it is asked for.
    """
    with _errors(as_json):
        from qa.web import serve as serve_page
        from qa.web.logs import log_as_json

        if log_json or log_questions:
            log_as_json()

        serve_page(
            folder if folder is None else _named(folder),
            host=host,
            port=port,
            open_browser=open_browser,
            rebuild=rebuild,
            keep_history=history,
            log_questions=log_questions,
            no_auth=no_auth,
            allowed_hosts=allowed_host or (),
            reader=reader,
            patience=patience,
        )


@cli.command()
def mcp(folder: Folder = None, reader: ReaderName = None) -> None:
    """Serve an assistant over stdio (MCP); what changes is indexed.

    The assistant starts it: name this command, with its options, in the assistant's settings as a server of the Model
    Context Protocol.
    """
    with _errors(as_json=False), _load(folder, reader=reader) as answerer:  # stdout is the protocol's alone
        from qa.web.mcp import serve_stdio

        with answerer.watch():
            serve_stdio(answerer)


@cli.command()
def password(
    remove: Annotated[bool, typer.Option("--remove", help="Ask for none any more.")] = False,
    print_hash: Annotated[
        bool, typer.Option("--print-hash", help="Store nothing; print what VERBATIM_PASSWORD_HASH takes.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Set the password of the web chat.

    It is asked for twice; in a script, it is the first line of stdin. A server that runs takes it over at once, and
    whoever is signed in signs in again.
    """
    with _errors(as_json):
        from qa.web.passwords import hash_password, password_path, store_password

        path = password_path()
        if remove:
            path.unlink(missing_ok=True)
            _say_done({"removed": str(path)}, "There is no password any more.", as_json=as_json)
        elif print_hash:
            hashed = hash_password(_read_password())
            _say_done({"hash": hashed}, hashed, as_json=as_json)
        else:
            store_password(_read_password(), path)
            _say_done({"stored": str(path)}, f"The password is set; its hash is in {path}.", as_json=as_json)


def _read_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _say_done(record: dict[str, str], line: str, *, as_json: bool) -> None:
    if as_json:
        _print_json(record)
    else:
        _console().print(_plain(line), soft_wrap=True)


@cli.command()
def evaluate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Questions in SQuAD's format, 1.1 or 2.0.")],
    mode: Annotated[
        Mode, typer.Option(help="Read the given paragraph, retrieve from all paragraphs as documents, or both.")
    ] = Mode.BOTH,
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Ask only so many, drawn at random, always the same.", min=1)
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Another system's answers, {id: text}, scored beside ours.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write what was said to each question, JSON Lines."),
    ] = None,
    reader: ReaderName = None,
    top_k: TopK = None,
    as_json: Json = False,
) -> None:
    """Measure answers to questions whose answers are known.

    EM, F1, recall@k, MRR, AUROC, calibration error, seconds a question.
    """
    with _errors(as_json):
        from index.settings import read_settings
        from qa.evaluating import evaluate_file
        from qa.saving import RecordsFile

        settings = read_settings(reader=reader, top_k=top_k)
        records = None if save is None else RecordsFile(save)
        modes = ["read", "retrieve"] if mode is Mode.BOTH else [mode.value]
        rows: list[tuple[Path, str, Scores]] = []
        for file in files:
            on_said = None if records is None else partial(records.add, file)
            with _counting(file.name) as on_progress:
                found = evaluate_file(file, modes, limit, predictions, on_progress, settings, on_said)
            rows += [(file, system, scores) for system, scores in found]
    if as_json:
        _print_json([{"file": str(file), "system": system, **scores.as_dict()} for file, system, scores in rows])
    else:
        _print_scores(rows)


@train.command()
def fusion(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Training data: JSON Lines, .xz or plain.")],
    measure_on: Annotated[
        Path, typer.Argument(metavar="MEASURE_ON", help="Questions in SQuAD's format that nothing is fitted on.")
    ],
    limit: Annotated[int | None, typer.Option(metavar="N", help="Measure on only so many questions.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Fit and print what fuses lexical and dense scores."""
    with _errors(as_json):
        from index.settings import read_settings
        from qa.training.fusion import run

        run(data, measure_on, limit, read_settings(), typer.echo)


@train.command()
def confidence(
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
    with _errors(as_json):
        from index.settings import read_settings
        from qa.training.confidence import run

        run(answerable, unanswerable, out, read_settings(reader=reader), typer.echo, questions, keep)


@train.command("reader")
def train_reader(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Training data: JSON Lines, .xz or plain.")],
    start: Annotated[Path, typer.Argument(metavar="START", help="Folder of the model to start from.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder of checkpoints; one that is there is gone on from.")
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
        float, typer.Option(metavar="T", help="With --labels: above 1, its second thoughts count more.", min=0.1)
    ] = 1.0,
    as_json: Json = False,
) -> None:
    """Train a reader, or go on training it."""
    with _errors(as_json):
        from dataclasses import replace

        from qa.training import reader, teaching
        from qa.training.learning import LARGE, SMALL

        recipe = replace(SMALL if size is Size.SMALL else LARGE, steps=steps)
        recipe = recipe if decay_steps is None else replace(recipe, decay_steps=decay_steps)
        if labels is None:
            reader.run(data, start, base, out, recipe, typer.echo)
        else:
            how = teaching.Teaching(teacher_weight, teacher_temperature)
            teaching.run(labels, start, base, out, recipe, how, typer.echo)


@train.command()
def label(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Training data: JSON Lines, .xz or plain.")],
    teacher: Annotated[Path, typer.Argument(metavar="TEACHER", help="Folder of the reader that teaches.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="File to write, .jsonl; one that is there is gone on with.")
    ],
    base: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of the model that TEACHER was made from, for what it lacks."),
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Label only so many pairs of the pass.", min=1)] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Chooses the pass: pairs and their order.", min=0)] = 1,
    as_json: Json = False,
) -> None:
    """Write down what a larger reader says, for train reader --labels."""
    with _errors(as_json):
        from qa.training.labelling import run

        run(data, teacher, base, out, limit=limit, seed=seed, say=typer.echo)


@train.command("embedder")
def train_embedder(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Training data: JSON Lines, .xz or plain.")],
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Folder of the checkpoint, gone on from if there; OUT/embedder is made."),
    ],
    steps: Annotated[int, typer.Option(metavar="N", help="Steps in all; the rate falls to 0 in them.", min=1)] = 100,
    rate: Annotated[float, typer.Option(metavar="X", help="Highest learning rate, 0 to 0.01.", min=0, max=0.01)] = 5e-5,
    frozen_layers: Annotated[
        int, typer.Option(metavar="N", help="Lowest layers that are left as they are.", min=0)
    ] = 3,
    keep_original: Annotated[
        float, typer.Option(metavar="P", help="Part of the original weights in what is made, 0 to 1.", min=0, max=1)
    ] = 0.5,
    as_json: Json = False,
) -> None:
    """Train the embedder, or go on training it."""
    with _errors(as_json):
        from index.settings import read_settings
        from qa.training.embedder import EmbedderRecipe, run

        recipe = EmbedderRecipe(steps=steps, rate=rate, frozen_layers=frozen_layers, keep_original=keep_original)
        run(data, out, recipe, read_settings(), typer.echo)


@train.command()
def recall(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Questions in SQuAD's format.")],
    embedder: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Embedder: a folder or Hugging Face name; else the one that is set."),
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Ask only so many questions.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Measure an embedder, alone and fused with FTS5."""
    with _errors(as_json):
        from index.settings import read_settings
        from qa.training.recall import lines
        from qa.training.recall import measure as measured

        say = (lambda _: None) if as_json else typer.echo
        table = measured(file, limit, read_settings(embedder=embedder), say)
    if as_json:
        _print_json(table)
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
    with _errors(as_json):
        from qa.training.reader import export as write

        write(trained, start, base, folder, small=small)


@train.command()
def measure(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A reader that was exported.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Questions in SQuAD's format.")],
    limit: Annotated[int | None, typer.Option(metavar="N", help="Measure on only so many questions.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Measure a reader alone, before its confidence is fitted."""
    with _errors(as_json):
        from qa.training.reader import measure as figures_of

        scores = figures_of(folder, file, limit)
    if as_json:
        _print_json({"file": str(file), **scores.as_dict()})
    else:
        _print_scores([(file, folder.name, scores)])


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `verbatim`.

    Args:
        arguments: In place of those on the command line.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # one that cannot show a character shows its number
            stream.reconfigure(errors="backslashreplace")
    cli(arguments)


@contextmanager
def _errors(as_json: bool) -> Iterator[None]:
    """An error of ours, or of the machine (a full disk, a folder that is gone), becomes one line and exit code 2."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever was reading has gone; typer ends in silence
    except (VerbatimError, OSError) as error:
        said = str(error) if isinstance(error, VerbatimError) else f"the operating system refused: {error}"
        if as_json:
            _print_json({"error": said, "kind": type(error).__name__})
        else:
            _console(stderr=True).print(_plain(f"verbatim: {said}"), style="red", soft_wrap=True)
        raise typer.Exit(BAD_INPUT) from None
    except KeyboardInterrupt:
        _console(stderr=True).print("stopped; what was done so far is kept")
        raise typer.Exit(130) from None


def _named(folder: str) -> str:
    """A folder as it was given; the empty string, which would be the current one, is none."""
    if not folder.strip():
        raise FolderError(f"folder={folder!r} is empty; name a folder that holds documents")
    return folder


@contextmanager
def _load(folder: str | None, **settings: Any) -> "Iterator[QuestionAnswerer]":  # noqa: ANN401 (fields of Settings)
    from qa.answering import load

    with load(folder if folder is None else _named(folder), **settings) as answerer:
        _refuse_empty(answerer)
        yield answerer


def _read_json(file: Path) -> Any:  # noqa: ANN401 (whatever it holds)
    """What a file, or stdin, holds.

    Args:
        file: The file; `-` is stdin.

    Returns:
        The JSON.

    Raises:
        ParameterError: It cannot be read, or is no JSON.
    """
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"FILE={str(file)!r} cannot be read: {error.strerror}; name one that can") from error
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"FILE={str(file)!r} is no JSON; give what `verbatim ask --json` printed") from error


def _watch(folder: str, rebuild: bool, as_json: bool) -> None:
    """Index what changes in a folder until Ctrl-C."""
    with _errors(as_json):
        from qa.answering import QuestionAnswerer
        from qa.progress import show_progress

        with QuestionAnswerer(_named(folder), rebuild=rebuild) as answerer:
            known: set[FileRecord] = set()

            def tell(report: "SyncReport") -> None:
                nonlocal known
                count, files = len(answerer.documents()), answerer.files()
                if as_json:
                    left_out = {"left_out": _left_out(files), "notes": _notes(files)}
                    _print_json({**_jsonable(report), "documents": count, **left_out}, indent=None)
                else:
                    _print_report(report, count, [file for file in files if file not in known])
                known = set(files)

            with show_progress() as on_progress:
                tell(answerer.sync(on_progress))
            with answerer.watch(tell):
                threading.Event().wait()


def _refuse_empty(answerer: "QuestionAnswerer") -> None:
    from index.formats.kinds import SUMMARY

    if not answerer.documents():
        left_out = answerer.left_out()
        why = f" ({_counted(len(left_out), 'file')} left out: {_first(left_out)})" if left_out else ""
        raise FolderError(f"folder={str(answerer.folder)!r} holds no documents{why}; put files into it: {SUMMARY}")


def _first(left_out: dict[str, str]) -> str:
    name, why = next(iter(left_out.items()))
    return f"{_name(name)}, {why}{', …' if len(left_out) > 1 else ''}"


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


# Printing. A document may hold anything; none of it may drive the terminal, or show one thing and be another.

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but for newline and tab, and those that turn the direction of writing around."""

_NOT_RAW_IN_JSON = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""The same, less those that JSON escapes by itself, and halves of characters, which cannot be written."""

_ODD_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What would break the line that a name stands in, or show another name."""

_DELETE = 0x7F
_PICTURES = 0x2400
"""Where Unicode has pictures of the first 32 control characters, in their order."""


def _visible(text: str) -> str:
    """Text with a picture or the number of each control character in its place."""
    return _CONTROLS.sub(_picture, text.replace("\r\n", "\n"))


def _name(name: str) -> str:
    """A file's name on one line, as it really is."""
    return _ODD_IN_NAMES.sub(_picture, name)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == _DELETE:
        return "\N{SYMBOL FOR DELETE}"
    return chr(_PICTURES + code) if code < _DELETE else f"<U+{code:04X}>"


def _console(*, stderr: bool = False) -> Any:  # noqa: ANN401 (rich is imported late)
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def _plain(text: str) -> Any:  # noqa: ANN401
    """Text that rich prints as it is: nothing in it is markup."""
    from rich.text import Text

    return Text(_visible(text))


def _print_json(value: object, indent: int | None = 2) -> None:
    is_utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    text = json.dumps(value, ensure_ascii=not is_utf8, indent=indent)
    sys.stdout.write(_NOT_RAW_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")
    sys.stdout.flush()  # who reads what --watch prints does not wait for more


def _jsonable(record: Any) -> dict[str, Any]:  # noqa: ANN401 (any dataclass)
    from dataclasses import asdict

    return asdict(record)


def _print_answer(answer: "Answer") -> None:
    console = _console()
    if answer.understood is not None:
        console.print(_plain(f"asked as: {answer.understood}"), style="dim", soft_wrap=True)
    if answer.reason is not None:
        console.print(_plain(f"I don't know. {answer.reason.explanation}"), style="bold", soft_wrap=True)
        for passage in answer.nearest[:1]:
            console.print(_plain(f"Nearest, in {_name(passage.document)}:"), style="dim", soft_wrap=True)
            text = _plain(" ".join(passage.text.split()))
            console.print(text, style="dim", soft_wrap=not console.is_terminal)
        return
    start = (answer.start or 0) - (answer.sentence_start or 0)
    _print_quote(console, answer.sentence[:start], answer.text, answer.sentence[start + len(answer.text) :])
    place = f", {answer.place}" if answer.place else ""
    console.print(_plain(f"— {answer.title}{place}"), style="dim", soft_wrap=True)
    where = f"{_name(answer.document or '')} [{answer.start}:{answer.end}]"
    console.print(_plain(f"  {where} · confidence {answer.confidence:.2f}"), style="dim", soft_wrap=True)


def _print_quote(console: Any, before: str, words: str, after: str) -> None:  # noqa: ANN401
    from rich.text import Text

    if console.is_terminal and console.color_system is not None and not console.no_color:
        # Put together from its parts: offsets would no longer fit the text once controls are replaced.
        console.print(Text.assemble(_visible(before), (_visible(words), "bold black on yellow"), _visible(after)))
    else:  # where colours do not show, the words are marked by brackets
        console.print(_plain(f"{before}[[{words}]]{after}"), soft_wrap=not console.is_terminal)


# A conversation

_CORRECTS = "="
"""What a line begins with that says how the one before it was meant."""


def _talk(conversation: "Conversation", *, as_json: bool) -> None:
    """Answer the lines of stdin one by one; what cannot be asked is said, and the conversation goes on."""
    shows_prompt = sys.stdin.isatty() and not as_json
    last = ""
    while line := _next_line(shows_prompt):
        said = line.strip()
        if not said:
            continue
        try:
            corrected = said.removeprefix(_CORRECTS).strip() if said.startswith(_CORRECTS) and last else None
            turn = conversation.ask(last if corrected is not None else said, understood=corrected)
        except VerbatimError as error:
            _print_refusal(error, as_json=as_json)
            continue
        last = turn.asked
        if as_json:
            _print_json(_jsonable(turn), indent=None)
        else:
            _print_turn(turn)
        sys.stdout.flush()


def _next_line(shows_prompt: bool) -> str:
    if shows_prompt:
        sys.stdout.write("> ")
        sys.stdout.flush()
    return sys.stdin.readline()


def _print_refusal(error: VerbatimError, *, as_json: bool) -> None:
    if as_json:
        _print_json({"error": str(error), "kind": type(error).__name__}, indent=None)
    else:
        _console().print(_plain(str(error)), style="red", soft_wrap=True)


def _print_turn(turn: "Turn") -> None:
    console = _console()
    if turn.understood is not None and turn.understood != turn.asked:
        console.print(_plain(f"Understood as: {turn.understood}"), style="dim", soft_wrap=True)
    if turn.kind == "answer" and turn.answer is not None:
        _print_answer(turn.answer)
    else:
        console.print(_plain(turn.text), style="bold", soft_wrap=not console.is_terminal)
        for answer in turn.answers:
            _print_answer(answer)
    if turn.evidence is not None:
        where = f"— {turn.evidence.document} [{turn.evidence.start}:{turn.evidence.end}]"
        console.print(_plain(where), style="dim", soft_wrap=True)
    for passage in turn.answer.nearest[:1] if turn.answer and not turn.suggestions and turn.evidence is None else ():
        nearest = f"Nearest, in {passage.document}: {' '.join(passage.text.split())}"
        console.print(_plain(nearest), style="dim", soft_wrap=not console.is_terminal)
    for suggestion in turn.suggestions:
        console.print(_plain(f"  Try: {suggestion}"), style="dim", soft_wrap=True)


def _left_out(files: "Sequence[FileRecord]") -> dict[str, str]:
    return {file.name: file.reason for file in files if not file.is_read}


def _notes(files: "Sequence[FileRecord]") -> dict[str, str]:
    """What is to be said of files that are in the index."""
    return {file.name: file.detail for file in files if file.is_read and file.detail}


def _by_status(files: "Sequence[FileRecord]") -> dict[str, int]:
    return dict(Counter(file.status for file in files).most_common())


def _summary(files: "Sequence[FileRecord]") -> str:
    counts = ", ".join(f"{count:,} {status}" for status, count in _by_status(files).items())
    return f"{_counted(len(files), 'file')}: {counts}"


def _print_report(report: "SyncReport", count: int, files: "Sequence[FileRecord]") -> None:
    console = _console()
    done = {"added": report.added, "changed": report.changed, "removed": report.removed, "renamed": report.renamed}
    parts = [f"{len(names):,} {what}" for what, names in done.items() if names]
    parts.append(f"{report.unchanged:,} unchanged")
    console.print(f"{_counted(count, 'document')} in the index: {', '.join(parts)}")
    console.print(_summary(files))
    kinds = Counter(_unread_kind(file) for file in files)
    many = {kind: n for kind, n in kinds.items() if kind and n > _MANY}
    _print_problems(console, [file for file in files if _unread_kind(file) not in many])
    for kind, n in many.items():
        said = f"left out: {n:,} {_name(kind)} files: unsupported file type; verbatim documents lists them"
        console.print(_plain(said), style="yellow", soft_wrap=True)


def _unread_kind(file: "FileRecord") -> str:
    """The suffix of a file whose type is not supported; "" of any other."""
    return PurePosixPath(file.name).suffix.lower() if file.status == "unsupported" else ""


def _print_problems(console: Any, files: "Sequence[FileRecord]") -> None:  # noqa: ANN401
    for file in files:
        if not file.is_read:
            said = f"left out: {_name(file.name)}: {file.reason}"
        elif file.detail:
            said = f"{'note' if file.status == 'indexed' else file.status}: {_name(file.name)}: {file.detail}"
        else:
            continue
        console.print(_plain(said), style="yellow", soft_wrap=True)


def _table_of_files(records: "Sequence[DocumentRecord]", files: "Sequence[FileRecord]") -> Any:  # noqa: ANN401
    """A line for each file, and for each document that comes from none."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for what in ("file", "title"):
        table.add_column(what, overflow="fold")
    for what in ("passages", "characters"):
        table.add_column(what, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    statuses = {file.name: file.status for file in files}
    documents = {record.name: record for record in records}
    for name in sorted(statuses.keys() | documents.keys()):
        record = documents.get(name)
        figures = ("", "", "") if record is None else (record.title, f"{record.n_passages:,}", f"{record.n_chars:,}")
        title, *counts = figures
        table.add_row(_plain(_name(name)), _plain(title), *counts, statuses.get(name, ""))
    return table


def _print_diagnosis(found: "Diagnosis", folder: str, next_option: str) -> None:
    console = _console()
    for what, problems in (("mended", found.mended), ("wrong", found.problems)):
        for problem in problems:
            console.print(_plain(f"{what}: {problem.check}: {problem.what}"), style="yellow", soft_wrap=True)
    if found.problems:
        command = "doctor" if next_option == "--mend" else "index"
        console.print(_plain(f"run: verbatim {command} {shlex.quote(folder)} {next_option}"), soft_wrap=True)
    else:
        counted = ", ".join(f"{count:,} {what}" for what, count in found.counts.items())
        console.print(f"the index is sound: {counted}")


def _feedback_as_json(said: "Feedback", now: dict[str, str]) -> dict[str, Any]:
    from qa.feedback import standing

    shown = {name: value for name, value in _jsonable(said).items() if name != "browser"}
    return {**shown, "standing": standing(said, now)}


def _print_feedback(given: "Sequence[Feedback]", taught: int, now: dict[str, str]) -> None:
    from qa.feedback import Standing, standing

    console = _console()
    for said in given:
        answer = "I don't know" if said.answer is None else f"“{said.answer.text}”"
        right = "; not in the documents" if said.is_absent else ""
        right = right if said.correction is None else f"; right is “{said.correction.text}”"
        became = standing(said, now)
        since = "" if became is Standing.UNCHANGED else f" (the document is {became} since)"
        console.print(_plain(f"{said.verdict}: {said.question} {answer}{right}{since}"), soft_wrap=True)
    judged = f"{_counted(len(given), 'answer')} judged, {taught} of them tell what is right"
    console.print(_plain(judged if given else "Nobody has judged an answer yet."), soft_wrap=True)


@contextmanager
def _counting(name: str) -> Iterator[Any]:
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=_console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(escape(_visible(name)), total=None)
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

    table = Table("", box=None, header_style="bold", pad_edge=False)
    for file, system, _ in rows:
        table.add_column(_plain(f"{file.name}\n{system}"), justify="right", overflow="fold")
    columns = [scores.as_dict() for _, _, scores in rows]
    for name, label in _FIGURES.items():
        if any(column[name] is not None for column in columns):
            table.add_row(label, *(_figure(column[name]) for column in columns))
    _console().print(table)


def _figure(value: object) -> str:
    if isinstance(value, dict):
        return " / ".join(f"{share:.3f}" for share in value.values())
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)

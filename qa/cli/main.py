"""Commands of `verbatim`. Models are imported only by the commands that need them."""

import io
import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.errors import DamagedIndexError, FolderError, ParameterError, VerbatimError
from qa.cli.options import Folder, Json, MaxWrong, ReaderName, Rebuild, Threshold, TopK
from qa.cli.output import (
    by_status,
    count_of,
    counting,
    errors,
    feedback_as_json,
    jsonable,
    left_out_of,
    new_console,
    notes_of,
    plain,
    print_answer,
    print_diagnosis,
    print_feedback,
    print_json,
    print_places,
    print_problems,
    print_refusal,
    print_report,
    print_scores,
    print_turn,
    print_worked_out,
    shown_name,
    summary_of,
    table_of_files,
)
from qa.cli.train import train

if TYPE_CHECKING:
    from index.ingest.sync import SyncReport
    from index.records import FileRecord
    from qa.answerer import QuestionAnswerer
    from qa.dialogue.conversation import Conversation
    from qa.engine import Engine
    from qa.evaluation.metrics import Scores

ANSWERED, NOT_ANSWERED = 0, 1

cli = typer.Typer(
    help="Answers questions from a folder of documents, in the documents' own words.",
    no_args_is_help=True,
    epilog='Example: verbatim ask "who signed it?" --folder reports/',
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its boxes leave little room in 80 columns, and take long to draw
)

cli.add_typer(train, name="train")


class Mode(StrEnum):
    """What `evaluate` measures."""

    READ = "read"
    RETRIEVE = "retrieve"
    BOTH = "both"


@cli.command()
def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question.")],
    *,
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
    with errors(as_json):
        from qa.question.checks import check_question
        from qa.response.working_out import ask_or_work_out

        check_question(question)
        with _load(context, folder, top_k=top_k, threshold=threshold, max_wrong=max_wrong, reader=reader) as answerer:
            answer, worked_out = ask_or_work_out(answerer, question, within)
            # Printed before the index is closed, since closing may first erase deleted data.
            if as_json:
                print_json({**jsonable(answer), "worked_out": None if worked_out is None else jsonable(worked_out)})
            elif worked_out is not None:
                print_worked_out(worked_out)
            else:
                print_answer(answer)
    raise typer.Exit(ANSWERED if answer.answered or worked_out is not None else NOT_ANSWERED)


@cli.command()
def search(
    context: typer.Context,
    words: Annotated[str, typer.Argument(metavar="WORDS", help="Words, and phrases in quotes: all are to stand.")],
    *,
    folder: Folder = None,
    within: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this document; may be given again.")
    ] = None,
    any_form: Annotated[
        bool, typer.Option("--any-form", help="Other forms of the words too: signed for sign.")
    ] = False,
    limit: Annotated[int, typer.Option(metavar="N", help="Documents to list, 1 to 500.")] = 20,
    places: Annotated[int, typer.Option(metavar="N", help="Places to list of each, 1 to 1000.")] = 20,
    offset: Annotated[int, typer.Option(metavar="N", help="Documents to skip.")] = 0,
    as_json: Json = False,
) -> None:
    """List every place where words stand; exit code 1 when none.

    Case and accents are ignored. No question is answered, and no model is loaded.
    """
    with errors(as_json), _load(context, folder) as answerer:
        found = answerer.find(words, within=within, any_form=any_form, limit=limit, places=places, offset=offset)
        if as_json:
            print_json(jsonable(found))
        else:
            print_places(found, offset)
    raise typer.Exit(ANSWERED if found.n_places else NOT_ANSWERED)


@cli.command()
def chat(
    context: typer.Context,
    folder: Folder = None,
    within: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this document; may be given again.")
    ] = None,
    reader: ReaderName = None,
    as_json: Json = False,
) -> None:
    """Talk with the documents, a line at a time; Ctrl-D ends it.

    Follow up as you would with a person. A line that begins with = rewords the line before it.
    With --json each line is answered by a line of JSON.
    """
    with errors(as_json), _load(context, folder, reader=reader) as answerer:
        _talk(answerer.conversation(within), as_json=as_json)


@cli.command()
def index(
    context: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of documents.")],
    rebuild: Rebuild = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Read again what failed, was empty or was read only partly.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep indexing changes until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Update the index of a folder to match its files.

    With --watch and --json, each update prints its result as one line of JSON.
    """
    if watch:
        _watch(context, folder, rebuild, as_json)
    with errors(as_json):
        from qa.answerer import QuestionAnswerer
        from qa.progress import show_progress

        with (
            QuestionAnswerer(_named(folder), rebuild=rebuild, engine=context.obj) as answerer,
            show_progress() as on_progress,
        ):
            report = answerer.sync(on_progress, retry_failed=retry_failed)
            _refuse_empty(answerer)
            place, count, files = answerer.index_dir, answerer.counts()["documents"], answerer.files()
    if as_json:
        ledger = {"statuses": by_status(files), "left_out": left_out_of(files), "notes": notes_of(files)}
        print_json({**jsonable(report), "documents": count, **ledger, "index_dir": str(place)})
    else:
        print_report(report, count, files)


@cli.command()
def documents(context: typer.Context, folder: Folder = None, as_json: Json = False) -> None:
    """List a folder's files with their state in the index."""
    with errors(as_json):
        from qa.answerer import QuestionAnswerer
        from qa.open_folder import default_folder

        place = default_folder() if folder is None else _named(folder)
        with QuestionAnswerer(place, engine=context.obj) as answerer:
            records, files = answerer.documents(), answerer.files()
            if not records and not files:
                name = str(answerer.folder)
                raise FolderError(f"folder={name!r} is not indexed yet; run: verbatim index {name!r}")
    if as_json:
        listed = {"documents": [jsonable(record) for record in records], "files": [jsonable(file) for file in files]}
        print_json({**listed, "left_out": left_out_of(files), "notes": notes_of(files)})
        return
    console = new_console()
    console.print(table_of_files(records, files))
    console.print(summary_of(files))
    print_problems(console, files)


@cli.command()
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `verbatim ask --json` printed; - is stdin.")],
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Check that an answer still stands; exit code 1 when not."""
    with errors(as_json):
        answer = _read_json(file)
        with _load(context, folder) as answerer:
            found = answerer.verify(answer)
    if as_json:
        print_json({**jsonable(found), "explanation": found.standing.explanation})
    else:
        place = "" if found.start is None else f" [{found.start}:{found.end}]"
        where = "" if found.document is None else f"\n{plain(shown_name(found.document))}{place}"
        new_console().print(f"{found.standing}: {found.standing.explanation}{where}", markup=False, highlight=False)
    raise typer.Exit(ANSWERED if found.start is not None else NOT_ANSWERED)


@cli.command()
def doctor(
    context: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of documents.")],
    mend: Annotated[bool, typer.Option("--mend", help="Mend what can be mended; documents may be read again.")] = False,
    as_json: Json = False,
) -> None:
    """Check a folder's index; exit code 1 when something is wrong."""
    with errors(as_json):
        from index.maintenance.integrity import Diagnosis, Problem
        from qa.answerer import QuestionAnswerer

        try:
            with QuestionAnswerer(_named(folder), engine=context.obj) as answerer:
                found = answerer.doctor(mend=mend)
        except DamagedIndexError as error:  # too damaged to open
            found = Diagnosis({}, (Problem("database", str(error)),))
    if as_json:
        print_json({"is_sound": not found.problems, **jsonable(found)})
    else:
        print_diagnosis(found, folder, "--rebuild" if mend else "--mend")
    raise typer.Exit(NOT_ANSWERED if found.problems else ANSWERED)


@cli.command()
def feedback(
    context: typer.Context,
    folder: Folder = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write the feedback that tells right answers to.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="squad, for evaluate; or jsonl, for train.")
    ] = "squad",
    as_json: Json = False,
) -> None:
    """Show users' feedback on answers in the web chat, or export it."""
    with errors(as_json):
        from qa.answerer import QuestionAnswerer
        from qa.evaluation.prediction_log import check_writable, write_whole
        from qa.feedback.export import Format, teaches
        from qa.feedback.export import export as exported
        from qa.feedback.store import FeedbackStore, hashes
        from qa.open_folder import default_folder

        if form not in tuple(Format):
            raise ParameterError(f"format={form!r} is unknown; choose squad or jsonl")
        if export is not None:
            check_writable("export", export)
        place = default_folder() if folder is None else _named(folder)
        with QuestionAnswerer(place, engine=context.obj) as answerer:
            given = FeedbackStore(answerer.index_dir).all()
            now = hashes(answerer, given)
        taught = sum(teaches(said) for said in given)
        if export is not None:
            write_whole(export, exported(given, Format(form)))
    if export is not None and as_json:
        print_json({"exported": taught, "left_out": len(given) - taught})
    elif export is not None:
        new_console().print(plain(f"wrote {count_of(taught, 'question')} to {export}"), soft_wrap=True)
    elif as_json:
        print_json([feedback_as_json(said, now) for said in given])
    else:
        print_feedback(given, taught, now)


@cli.command()
def serve(
    context: typer.Context,
    folder: Folder = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    *,
    port: Annotated[int, typer.Option(metavar="PORT", help="Port to listen on; 0 takes a free one.")] = 7860,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Ask for no password, even if other machines have access.")
    ] = False,
    allowed_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Host name used by a proxy; may be given again.")
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
    """Serve the web chat until Ctrl-C, and index changes.

    Beside the page, for programs: POST /api/ask, described in /openapi.json; MCP at /mcp; /health and /metrics.
    If a password is set (verbatim password), visitors must enter it.
    """
    with errors(as_json):
        from qa.web import serve as serve_page
        from qa.web.observability.logs import log_as_json

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
            engine=context.obj,
            reader=reader,
            patience=patience,
        )


@cli.command()
def mcp(context: typer.Context, folder: Folder = None, reader: ReaderName = None) -> None:
    """Serve an assistant over stdio (MCP), and index changes.

    The assistant starts it: name this command, with its options, in the assistant's settings as a server of the Model
    Context Protocol.
    """
    with errors(as_json=False), _load(context, folder, reader=reader) as answerer:  # stdout carries the protocol only
        from qa.web.api.mcp import serve_stdio

        with answerer.watch():
            serve_stdio(answerer)


@cli.command()
def password(
    remove: Annotated[bool, typer.Option("--remove", help="Remove the password.")] = False,
    print_hash: Annotated[
        bool, typer.Option("--print-hash", help="Print a hash for VERBATIM_PASSWORD_HASH; store nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Set the password of the web chat.

    It is asked for twice; in a script, it is the first line of stdin. A running server uses it at once, and everybody
    must sign in again.
    """
    with errors(as_json):
        from qa.web.security.passwords import hash_password, password_path, store_password

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
        print_json(record)
    else:
        new_console().print(plain(line), soft_wrap=True)


@cli.command()
def evaluate(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Questions in SQuAD's format, 1.1 or 2.0.")],
    *,
    mode: Annotated[
        Mode, typer.Option(help="Read the given paragraph, retrieve from all paragraphs as documents, or both.")
    ] = Mode.BOTH,
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Ask only N questions, always the same random ones.", min=1)
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Another system's answers, {id: text}, scored beside ours.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write each question's answer to, as JSON Lines."),
    ] = None,
    reader: ReaderName = None,
    top_k: TopK = None,
    as_json: Json = False,
) -> None:
    """Measure answers to questions with known answers.

    EM, F1, recall@k, MRR, AUROC, calibration error, seconds a question.
    """
    with errors(as_json):
        from index.settings import read_settings
        from qa.evaluation.metrics import evaluate_file
        from qa.evaluation.prediction_log import RecordsFile

        settings = read_settings(reader=reader, top_k=top_k)
        records = None if save is None else RecordsFile(save)
        modes = ["read", "retrieve"] if mode is Mode.BOTH else [mode.value]
        rows: list[tuple[Path, str, Scores]] = []
        for file in files:
            on_said = None if records is None else partial(records.add, file)
            with counting(file.name) as on_progress:
                found = evaluate_file(file, modes, limit, predictions, on_progress, settings, on_said, context.obj)
            rows += [(file, system, scores) for system, scores in found]
    if as_json:
        print_json([{"file": str(file), "system": system, **scores.as_dict()} for file, system, scores in rows])
    else:
        print_scores(rows)


def main(arguments: Sequence[str] | None = None, engine: "Engine | None" = None) -> None:
    """Run the command `verbatim`.

    Args:
        arguments: Replace those of the command line.
        engine: Runs the models; None is the engine shared by this process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # if it cannot encode a character, it writes its code
            stream.reconfigure(errors="backslashreplace")
    cli(arguments, obj=engine)


def _named(folder: str) -> str:
    """Return a folder as given; the empty string, which would be the current folder, is refused."""
    if not folder.strip():
        raise FolderError(f"folder={folder!r} is empty; name a folder that holds documents")
    return folder


@contextmanager
def _load(context: typer.Context, folder: str | None, **settings: Any) -> "Iterator[QuestionAnswerer]":  # noqa: ANN401
    from qa.open_folder import load

    with load(folder if folder is None else _named(folder), engine=context.obj, **settings) as answerer:
        _refuse_empty(answerer)
        yield answerer


def _read_json(file: Path) -> Any:  # noqa: ANN401 (whatever it holds)
    """Read JSON from a file or stdin.

    Args:
        file: The file; `-` is stdin.

    Returns:
        The value.

    Raises:
        ParameterError: It cannot be read, or is not JSON.
    """
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"FILE={str(file)!r} cannot be read: {error.strerror}; choose another file") from error
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"FILE={str(file)!r} is not JSON; give what `verbatim ask --json` printed") from error


def _watch(context: typer.Context, folder: str, rebuild: bool, as_json: bool) -> None:
    """Index changes of a folder until Ctrl-C."""
    with errors(as_json):
        from qa.answerer import QuestionAnswerer
        from qa.progress import show_progress

        with QuestionAnswerer(_named(folder), rebuild=rebuild, engine=context.obj) as answerer:
            known: set[FileRecord] = set()

            def tell(report: "SyncReport") -> None:
                nonlocal known
                count, files = answerer.counts()["documents"], answerer.files()
                if as_json:
                    left_out = {"left_out": left_out_of(files), "notes": notes_of(files)}
                    print_json({**jsonable(report), "documents": count, **left_out}, indent=None)
                else:
                    print_report(report, count, [file for file in files if file not in known])
                known = set(files)

            with show_progress() as on_progress:
                tell(answerer.sync(on_progress))
            with answerer.watch(tell):
                threading.Event().wait()


def _refuse_empty(answerer: "QuestionAnswerer") -> None:
    from index.formats.kinds import SUMMARY

    if not answerer.counts()["documents"]:
        left_out = answerer.left_out()
        why = f" ({count_of(len(left_out), 'file')} left out: {_first(left_out)})" if left_out else ""
        raise FolderError(f"folder={str(answerer.folder)!r} holds no documents{why}; put files into it: {SUMMARY}")


def _first(left_out: dict[str, str]) -> str:
    name, why = next(iter(left_out.items()))
    return f"{shown_name(name)}, {why}{', …' if len(left_out) > 1 else ''}"


# A conversation

_CORRECTS = "="
"""Starts a line that rewords the line before it."""


def _talk(conversation: "Conversation", *, as_json: bool) -> None:
    """Answer the lines of stdin one by one; a question that is refused prints why, and the conversation goes on."""
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
            print_refusal(error, as_json=as_json)
            continue
        last = turn.asked
        if as_json:
            print_json(jsonable(turn), indent=None)
        else:
            print_turn(turn)
        sys.stdout.flush()


def _next_line(shows_prompt: bool) -> str:
    if shows_prompt:
        sys.stdout.write("> ")
        sys.stdout.flush()
    return sys.stdin.readline()

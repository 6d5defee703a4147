"""Output of `verbatim`.

Documents may hold any characters: control characters must not reach the terminal, nor text be shown in another order.
"""

import codecs
import json
import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import typer

from index.errors import VerbatimError

if TYPE_CHECKING:
    from index.ingest.sync import SyncReport
    from index.maintenance.integrity import Diagnosis
    from index.records import Concordance, DocumentRecord, FileRecord, Occurrence
    from qa.evaluation.metrics import Scores
    from qa.feedback.store import Feedback
    from qa.records.answer import Answer
    from qa.records.turn import Turn
    from qa.records.worked_out import WorkedOut

BAD_INPUT = 2
"""Exit code of bad usage or input."""
_MANY = 10
"""Unsupported files of one type from this number on are counted instead of listed at the end of a run."""
_ROWS = 10
"""Rows printed of those that something was worked out from."""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters except newline and tab, and characters that change the direction of writing."""

_NOT_RAW_IN_JSON = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""The same without those that JSON escapes, and with lone surrogates, which cannot be encoded."""

_ODD_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that would break a name's line or disguise the name."""

_DELETE = 0x7F
_PICTURES = 0x2400
"""Start of the pictures of the first 32 control characters in Unicode, in their order."""


def visible(text: str) -> str:
    """Replace each control character by its picture or its code."""
    return _CONTROLS.sub(_picture, text.replace("\r\n", "\n"))


def shown_name(name: str) -> str:
    """Return a file's name on one line, with no character hidden."""
    return _ODD_IN_NAMES.sub(_picture, name)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == _DELETE:
        return "\N{SYMBOL FOR DELETE}"
    return chr(_PICTURES + code) if code < _DELETE else f"<U+{code:04X}>"


def new_console(*, stderr: bool = False) -> Any:  # noqa: ANN401 (rich is imported late)
    """Create a rich console on standard output or standard error."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def plain(text: str) -> Any:  # noqa: ANN401
    """Return text that rich prints without interpreting markup."""
    from rich.text import Text

    return Text(visible(text))


def print_json(value: object, indent: int | None = 2) -> None:
    """Print JSON without control characters; on one line if `indent` is None."""
    is_utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    text = json.dumps(value, ensure_ascii=not is_utf8, indent=indent)
    sys.stdout.write(_NOT_RAW_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")
    sys.stdout.flush()  # so that readers of --watch see it at once


def jsonable(record: Any) -> dict[str, Any]:  # noqa: ANN401 (any dataclass)
    """Return the fields of a dataclass."""
    from dataclasses import asdict

    return asdict(record)


def print_answer(answer: "Answer") -> None:
    """Print an answer's sentence with its words marked, and its source; or the reason for declining."""
    console = new_console()
    if answer.understood is not None:
        console.print(plain(f"asked as: {answer.understood}"), style="dim", soft_wrap=True)
    if answer.reason is not None:
        console.print(plain(f"I don't know. {answer.reason.explanation}"), style="bold", soft_wrap=True)
        for passage in answer.nearest[:1]:
            console.print(plain(f"Nearest, in {shown_name(passage.document)}:"), style="dim", soft_wrap=True)
            text = plain(" ".join(passage.text.split()))
            console.print(text, style="dim", soft_wrap=not console.is_terminal)
        return
    start = (answer.start or 0) - (answer.sentence_start or 0)
    _print_quote(console, answer.sentence[:start], answer.text, answer.sentence[start + len(answer.text) :])
    place = f", {answer.place}" if answer.place else ""
    console.print(plain(f"— {answer.title}{place}"), style="dim", soft_wrap=True)
    where = f"{shown_name(answer.document or '')} [{answer.start}:{answer.end}]"
    console.print(plain(f"  {where} · confidence {answer.confidence:.2f}"), style="dim", soft_wrap=True)


def print_worked_out(worked_out: "WorkedOut") -> None:
    """Print what was worked out from the rows of a table, and the first of these rows."""
    console = new_console()
    console.print(plain(worked_out.text), style="bold", soft_wrap=not console.is_terminal)
    console.print(plain(f"\u2014 {worked_out.title}; no quotation: check the rows"), style="dim", soft_wrap=True)
    for row in worked_out.rows[:_ROWS]:
        where = f"{shown_name(row.document)} [{row.start}:{row.end}]"
        console.print(plain(f"  {where} {' '.join(row.text.split())}"), style="dim", soft_wrap=True)
    if worked_out.n_rows > _ROWS:
        console.print(f"  and {count_of(worked_out.n_rows - _ROWS, 'more row')}", style="dim")


def _print_quote(console: Any, before: str, words: str, after: str) -> None:  # noqa: ANN401
    from rich.text import Text

    if console.is_terminal and console.color_system is not None and not console.no_color:
        # Assembled from parts: replacing control characters would shift offsets.
        console.print(Text.assemble(visible(before), (visible(words), "bold black on yellow"), visible(after)))
    else:  # without colours, brackets mark the words
        console.print(plain(f"{before}[[{words}]]{after}"), soft_wrap=not console.is_terminal)


def print_places(found: "Concordance", skipped: int = 0) -> None:
    """Print where words stand, document by document, each place with the words marked.

    Args:
        found: Where they stand.
        skipped: Number of found documents before those listed.
    """
    console = new_console()
    for document in found.documents:
        count = count_of(document.n_places, "place")
        head = f"{shown_name(document.document)} · {count}"
        console.print(plain(head), style="bold", soft_wrap=True)
        for place in document.places:
            where = f"{place.place}, " if place.place else ""
            console.print(plain(f"  {where}[{place.start}:{place.end}]"), style="dim", soft_wrap=True)
            _print_marked(console, place)
        if len(document.places) < document.n_places:
            rest = document.n_places - len(document.places)
            console.print(plain(f"  and {count_of(rest, 'more place')}; --places lists more"), style="dim")
    said = f"{count_of(found.n_places, 'place')} in {count_of(found.n_documents, 'document')}"
    if len(found.documents) < found.n_documents:
        said += f"; documents {skipped + 1:,} to {skipped + len(found.documents):,} are listed, --offset lists others"
    if found.n_unread:
        said += f"; {count_of(found.n_unread, 'document')} not looked through, --within looks into them"
    console.print(plain(said), style="bold", soft_wrap=True)


def _print_marked(console: Any, place: "Occurrence") -> None:  # noqa: ANN401
    """Print a snippet on one line with its words marked: in colour, or in brackets."""
    from rich.text import Text

    is_coloured = console.is_terminal and console.color_system is not None and not console.no_color
    line, last = Text("    "), 0
    for start, end in [(mark[0] - place.snippet_start, mark[1] - place.snippet_start) for mark in place.marks]:
        line.append(_on_a_line(place.snippet[last:start]))
        words = _on_a_line(place.snippet[start:end])
        line.append(words if is_coloured else f"[[{words}]]", "bold black on yellow" if is_coloured else "")
        last = end
    line.append(_on_a_line(place.snippet[last:]))
    console.print(line, soft_wrap=not console.is_terminal)


def _on_a_line(text: str) -> str:
    return visible(re.sub(r"\s+", " ", text))


@contextmanager
def errors(as_json: bool) -> Iterator[None]:
    """Print a `VerbatimError` or `OSError` as one line, and exit with code 2.

    Args:
        as_json: Whether the line is JSON.

    Raises:
        BrokenPipeError: The reader of stdout is gone; typer ends silently.
        Exit: With the exit code.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except (VerbatimError, OSError) as error:
        said = str(error) if isinstance(error, VerbatimError) else f"operating system error: {error}"
        if as_json:
            print_json({"error": said, "kind": type(error).__name__})
        else:
            new_console(stderr=True).print(plain(f"verbatim: {said}"), style="red", soft_wrap=True)
        raise typer.Exit(BAD_INPUT) from None
    except KeyboardInterrupt:
        new_console(stderr=True).print("stopped; what was done so far is kept")
        raise typer.Exit(130) from None


def count_of(n: int, what: str) -> str:
    """Return a number with its noun: "1 file", "2,000 files"."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def print_refusal(error: VerbatimError, *, as_json: bool) -> None:
    """Print why a line of a conversation was refused, among the answers."""
    if as_json:
        print_json({"error": str(error), "kind": type(error).__name__}, indent=None)
    else:
        new_console().print(plain(str(error)), style="red", soft_wrap=True)


def print_turn(turn: "Turn") -> None:
    """Print the reply to a line of a conversation, and suggestions."""
    console = new_console()
    if turn.understood is not None and turn.understood != turn.asked:
        console.print(plain(f"Understood as: {turn.understood}"), style="dim", soft_wrap=True)
    if turn.worked_out is not None:
        print_worked_out(turn.worked_out)
        return
    if turn.kind == "answer" and turn.answer is not None:
        print_answer(turn.answer)
    elif turn.found is not None and turn.found.n_places:
        print_places(turn.found)
    else:
        console.print(plain(turn.text), style="bold", soft_wrap=not console.is_terminal)
        for answer in turn.answers:
            print_answer(answer)
    if turn.evidence is not None:
        where = f"— {turn.evidence.document} [{turn.evidence.start}:{turn.evidence.end}]"
        console.print(plain(where), style="dim", soft_wrap=True)
    for passage in turn.answer.nearest[:1] if turn.answer and not turn.suggestions and turn.evidence is None else ():
        nearest = f"Nearest, in {passage.document}: {' '.join(passage.text.split())}"
        console.print(plain(nearest), style="dim", soft_wrap=not console.is_terminal)
    for suggestion in turn.suggestions:
        console.print(plain(f"  Try: {suggestion}"), style="dim", soft_wrap=True)


def left_out_of(files: "Sequence[FileRecord]") -> dict[str, str]:
    """Return the files that are not in the index: name to reason."""
    return {file.name: file.reason for file in files if not file.is_read}


def notes_of(files: "Sequence[FileRecord]") -> dict[str, str]:
    """Return notes on files that are in the index, by name."""
    return {file.name: file.detail for file in files if file.is_read and file.detail}


def by_status(files: "Sequence[FileRecord]") -> dict[str, int]:
    """Count files by status, most frequent first."""
    return dict(Counter(file.status for file in files).most_common())


def summary_of(files: "Sequence[FileRecord]") -> str:
    """Return the number of files, in all and by status."""
    counts = ", ".join(f"{count:,} {status}" for status, count in by_status(files).items())
    return f"{count_of(len(files), 'file')}: {counts}"


def print_report(report: "SyncReport", count: int, files: "Sequence[FileRecord]") -> None:
    """Print what a sync run did.

    Args:
        report: Report of the run.
        count: Number of documents in the index now.
        files: The files to report on.
    """
    console = new_console()
    done = {"added": report.added, "changed": report.changed, "removed": report.removed, "renamed": report.renamed}
    parts = [f"{len(names):,} {what}" for what, names in done.items() if names]
    parts.append(f"{report.unchanged:,} unchanged")
    console.print(f"{count_of(count, 'document')} in the index: {', '.join(parts)}")
    console.print(summary_of(files))
    kinds = Counter(_unread_kind(file) for file in files)
    many = {kind: n for kind, n in kinds.items() if kind and n > _MANY}
    print_problems(console, [file for file in files if _unread_kind(file) not in many])
    for kind, n in many.items():
        said = f"left out: {n:,} {shown_name(kind)} files: unsupported file type; verbatim documents lists them"
        console.print(plain(said), style="yellow", soft_wrap=True)


def _unread_kind(file: "FileRecord") -> str:
    """Return the suffix of a file with an unsupported type; "" for other files."""
    return PurePosixPath(file.name).suffix.lower() if file.status == "unsupported" and not file.detail else ""


def print_problems(console: Any, files: "Sequence[FileRecord]") -> None:  # noqa: ANN401
    """Print a line for each file that was left out or has a note."""
    for file in files:
        if not file.is_read:
            said = f"left out: {shown_name(file.name)}: {file.reason}"
        elif file.detail:
            said = f"{'note' if file.status == 'indexed' else file.status}: {shown_name(file.name)}: {file.detail}"
        else:
            continue
        console.print(plain(said), style="yellow", soft_wrap=True)


def table_of_files(records: "Sequence[DocumentRecord]", files: "Sequence[FileRecord]") -> Any:  # noqa: ANN401
    """Build a table with a row for each file, and for each document that does not come from a file."""
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
        table.add_row(plain(shown_name(name)), plain(title), *counts, statuses.get(name, ""))
    return table


def print_diagnosis(found: "Diagnosis", folder: str, next_option: str) -> None:
    """Print the problems of an index.

    Args:
        found: The problems, and what was repaired.
        folder: The folder of documents.
        next_option: Option of `verbatim doctor` or `index` to run next if something is wrong.
    """
    console = new_console()
    for what, problems in (("mended", found.mended), ("wrong", found.problems)):
        for problem in problems:
            console.print(plain(f"{what}: {problem.check}: {problem.what}"), style="yellow", soft_wrap=True)
    if found.problems:
        command = "doctor" if next_option == "--mend" else "index"
        console.print(plain(f"run: verbatim {command} {shlex.quote(folder)} {next_option}"), soft_wrap=True)
    else:
        counted = ", ".join(f"{count:,} {what}" for what, count in found.counts.items())
        console.print(f"the index is sound: {counted}")


def feedback_as_json(said: "Feedback", now: dict[str, str]) -> dict[str, Any]:
    """Return feedback as JSON, without the browser.

    Args:
        said: The feedback.
        now: SHA-256 of each document's file, by name.

    Returns:
        Its fields, and the state of its document now.
    """
    from qa.feedback.store import standing

    shown = {name: value for name, value in jsonable(said).items() if name != "browser"}
    return {**shown, "standing": standing(said, now)}


def print_feedback(given: "Sequence[Feedback]", taught: int, now: dict[str, str]) -> None:
    """Print feedback, one line each.

    Args:
        given: The feedback.
        taught: Number of those that tell the right answer.
        now: SHA-256 of each document's file, by name.
    """
    from qa.feedback.store import Standing, standing

    console = new_console()
    for said in given:
        answer = "I don't know" if said.answer is None else f"“{said.answer.text}”"
        right = "; not in the documents" if said.is_absent else ""
        right = right if said.correction is None else f"; right is “{said.correction.text}”"
        became = standing(said, now)
        since = "" if became is Standing.UNCHANGED else f" (the document is {became} since)"
        console.print(plain(f"{said.verdict}: {said.question} {answer}{right}{since}"), soft_wrap=True)
    judged = f"{count_of(len(given), 'answer')} judged; the right answer is known for {taught}"
    console.print(plain(judged if given else "Nobody has judged an answer yet."), soft_wrap=True)


@contextmanager
def counting(name: str) -> Iterator[Any]:
    """Show a progress bar on the terminal; yields a function of the number done and the total."""
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=new_console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(escape(visible(name)), total=None)
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


def print_scores(rows: "list[tuple[Path, str, Scores]]") -> None:
    """Print scores, with a column for each file and mode."""
    from rich.table import Table

    table = Table("", box=None, header_style="bold", pad_edge=False)
    for file, system, _ in rows:
        table.add_column(plain(f"{file.name}\n{system}"), justify="right", overflow="fold")
    columns = [scores.as_dict() for _, _, scores in rows]
    for name, label in _FIGURES.items():
        if any(column[name] is not None for column in columns):
            table.add_row(label, *(_figure(column[name]) for column in columns))
    new_console().print(table)


def _figure(value: object) -> str:
    if isinstance(value, dict):
        return " / ".join(f"{share:.3f}" for share in value.values())
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)

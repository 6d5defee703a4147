"""Measures conversations: python benchmarks/conversations.py [--questions SQUAD.json].

Follow-up questions understood and answered, with and without rewriting; spans of lists; disagreements found and wrongly
reported; and, for stand-alone questions in a file in SQuAD's format, each asked after another about the same paragraph,
how many are rewritten needlessly. Prints Markdown tables. The questions are in benchmarks/conversations/.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from index.errors import VerbatimError
from index.settings import Settings, read_settings
from qa.answerer import QuestionAnswerer
from qa.dialogue.conversation import Conversation
from qa.engine import Engine
from qa.evaluation.metrics import Question, corpus_answerer, load_questions, sample
from qa.open_folder import default_folder
from qa.question.coreference import pointer_of
from qa.records.answer import Answer
from qa.records.turn import Kind, Turn
from qa.text.normalization import exact_match, f1

DATA = Path(__file__).parent / "conversations"
"""Folder of the questions and documents."""
PARTS = ("follow-ups", "lists", "disagreements")
QUESTIONS = 1000
_RIGHT_F1 = 0.5


def main(arguments: Sequence[str] | None = None, engine: Engine | None = None) -> None:
    """Run the measurements given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--questions", type=Path, metavar="FILE", help="stand-alone questions in SQuAD's format")
    parser.add_argument("--limit", type=int, default=QUESTIONS, metavar="N", help=f"how many of them ({QUESTIONS})")
    parser.add_argument("--reader", metavar="NAME", help="a reader, as for verbatim ask")
    parser.add_argument("--details", action="store_true", help="print also what went wrong")
    given = parser.parse_args(arguments)
    if given.limit < 1:
        parser.error(f"--limit={given.limit} is less than 1")
    try:
        settings = read_settings(reader=given.reader)
        run(given, settings, engine)
    except (VerbatimError, OSError) as error:
        sys.exit(f"conversations: {error}")


def run(given: argparse.Namespace, settings: Settings, engine: Engine | None) -> None:
    """Measure and print the tables."""
    parts = given.part or ([] if given.questions else PARTS)
    measures = {"follow-ups": measure_follow_ups, "lists": measure_lists, "disagreements": measure_disagreements}
    for part in parts:
        print_table(part, measures[part](settings, engine, details=given.details))
    if given.questions is not None:
        figures = measure_alone(given.questions, given.limit, settings, engine, details=given.details)
        print_table("stand-alone questions", figures)


def print_table(name: str, figures: dict[str, str]) -> None:
    """Print figures as a Markdown table."""
    print(f"\n| {name} | |\n|---|---|")
    for what, figure in figures.items():
        print(f"| {what} | {figure} |", flush=True)


@contextmanager
def opened(folder: Path, settings: Settings, engine: Engine | None) -> Iterator[QuestionAnswerer]:
    """Open an answerer over a folder, with a temporary index."""
    with tempfile.TemporaryDirectory() as scratch:
        own = settings.model_copy(update={"index_dir": Path(scratch) / "index"})
        with QuestionAnswerer(folder, own, engine=engine) as answerer:
            answerer.sync()
            yield answerer


def load(name: str) -> list[dict[str, Any]]:
    """Load the records of a file."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


# Follow-ups


def measure_follow_ups(settings: Settings, engine: Engine | None, *, details: bool) -> dict[str, str]:
    """Hold all conversations, and also ask each follow-up question exactly as typed."""
    understood, right, plain = [], [], []
    with (
        opened(default_folder(), settings, engine) as seeds,
        opened(DATA / "library", settings, engine) as library,
    ):
        for conversation in load("conversations.json"):
            answerer = {"seeds": seeds, "library": library}[conversation["documents"]]
            chat = Conversation(answerer)
            chat.ask(conversation["turns"][0]["say"])
            for expected in conversation["turns"][1:]:
                turn = chat.ask(expected["say"])
                understood.append(is_understood(turn, expected["needs"]))
                right.append(is_right(turn.answer, expected["answers"]))
                plain.append(is_right(answerer.ask(expected["say"]), expected["answers"]))
                if details and not (understood[-1] and right[-1]):
                    answer = turn.answer.text if turn.answer else None
                    print(f"{expected['say']} → {turn.understood} → {answer!r} ({expected['answers'][:1]})", flush=True)
    n = len(right)
    return {
        "follow-ups": f"{n}",
        "understood right": f"{sum(understood)}",
        "answered right": f"{sum(right)}",
        "answered right without rewriting": f"{sum(plain)}",
    }


def is_understood(turn: Turn, needs: Sequence[str]) -> bool:
    """Return whether the question as understood contains all required words; "a|b" requires one of them."""
    question = (turn.understood or "").lower()
    return all(any(words.lower() in question for words in need.split("|")) for need in needs)


def is_right(answer: Answer | None, gold: Sequence[str]) -> bool:
    """Return whether the answer's F1 is above 0.5; without a right answer, whether it was declined."""
    said = answer.text if answer is not None and answer.answered else ""
    return f1(said, gold) > _RIGHT_F1


# Lists


def measure_lists(settings: Settings, engine: Engine | None, *, details: bool) -> dict[str, str]:
    """Ask the list questions of all documents."""
    exact, close, told, wanted, whole = 0, 0, 0, 0, 0
    with opened(DATA / "lists", settings, engine) as answerer:
        questions = load("lists.json")
        for record in questions:
            turn = Conversation(answerer).ask(record["question"])
            said = [answer.text for answer in spans_of(turn)]
            gold = record["spans"]
            exact += sum(exact_match(text, gold) for text in said)
            found = [span for span in gold if any(f1(text, [span]) > _RIGHT_F1 for text in said)]
            close += len(found)
            told += len(said)
            wanted += len(gold)
            whole += len(found) == len(gold) == len(said)
            if details and not len(found) == len(gold) == len(said):
                print(f"{record['question']} → {said} ({gold})", flush=True)
    return {
        "questions": f"{len(questions)}",
        "spans that are right": f"{wanted}",
        "spans given": f"{told}",
        "precision / recall, the very span": f"{_ratio(exact, told)} / {_ratio(exact, wanted)}",
        "precision / recall, more than half the words": f"{_ratio(min(close, told), told)} / {_ratio(close, wanted)}",
        "questions with all spans and no other": f"{whole}",
    }


def spans_of(turn: Turn) -> tuple[Answer, ...]:
    """Return a list's items, or the single answer."""
    if turn.kind in {Kind.LIST, Kind.DISAGREEMENT}:
        return turn.answers
    return (turn.answer,) if turn.answer is not None and turn.answer.answered else ()


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "—"


# Disagreements


def measure_disagreements(settings: Settings, engine: Engine | None, *, details: bool) -> dict[str, str]:
    """Ask each pair of documents its question."""
    found, falsely, n_disagreeing = 0, 0, 0
    pairs = load("pairs.json")
    for pair in pairs:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in pair["documents"].items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            with opened(Path(folder), settings, engine) as answerer:
                turn = Conversation(answerer).ask(pair["question"])
        is_called = turn.kind is Kind.DISAGREEMENT
        found += is_called and pair["disagree"]
        falsely += is_called and not pair["disagree"]
        n_disagreeing += pair["disagree"]
        if details and is_called != pair["disagree"]:
            print(f"{pair['question']} → {turn.kind}: {turn.text} ({pair['answers']})", flush=True)
    return {
        "disagreements found": f"{found} of {n_disagreeing}",
        "falsely called": f"{falsely} of {len(pairs) - n_disagreeing}",
    }


# Questions that stand alone


def measure_alone(
    path: Path, limit: int, settings: Settings, engine: Engine | None, *, details: bool
) -> dict[str, str]:
    """Ask each question after another one about its paragraph, as if that had been answered correctly.

    Only those that refer back are asked: others are not changed at all, and neither are their answers.
    """
    everything = load_questions(path)
    before = _questions_before(everything)
    asked = sample(everything, limit)
    pointing = [question for question in asked if pointer_of(question.text) is not None]
    rewritten, with_em, without_em, with_f1, without_f1 = 0, 0, 0, 0.0, 0.0
    names = {text: f"{i:06}.txt" for i, text in enumerate(dict.fromkeys(question.paragraph for question in everything))}
    with (
        tempfile.TemporaryDirectory() as scratch,
        corpus_answerer(names, settings, Path(scratch), engine=engine) as answerer,
    ):
        for question in pointing:
            turn = Conversation(answerer, turns=[before[question.id]] if question.id in before else []).ask(
                question.text
            )
            rewritten += turn.understood != question.text
            said, plain = _said(turn.answer), _said(answerer.ask(question.text))
            with_em += exact_match(said, question.answers)
            without_em += exact_match(plain, question.answers)
            with_f1 += f1(said, question.answers)
            without_f1 += f1(plain, question.answers)
            if details:
                print(f"{question.text} → {turn.understood}", flush=True)
    return {
        "questions": f"{len(asked)}",
        "that point back, by the rules": f"{len(pointing)}",
        "rewritten, rightly or not": f"{rewritten} ({100 * rewritten / len(asked):.1f} %)",
        "EM with rewriting less EM without, points": f"{100 * (with_em - without_em) / len(asked):+.2f}",
        "F1 with rewriting less F1 without, points": f"{100 * (with_f1 - without_f1) / len(asked):+.2f}",
    }


def _questions_before(questions: Sequence[Question]) -> dict[str, Turn]:
    """Return, by question id, the question before it about the same paragraph, with a human answer."""
    before = {}
    for previous, question in pairwise(questions):
        if previous.paragraph == question.paragraph:
            text = previous.answers[0] if previous.answers else ""
            start = previous.paragraph.find(text)
            answer = Answer(
                previous.text, answered=bool(text), text=text, document="", start=start, end=start + len(text)
            )
            before[question.id] = Turn(previous.text, text, Kind.ANSWER, previous.text, answer)
    return before


def _said(answer: Answer | None) -> str:
    return answer.text if answer is not None and answer.answered else ""


if __name__ == "__main__":
    main()

"""The real models behind all doors: the seed document, and a document that nobody could have prepared for."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import qa
from pages import ask, served
from qa.cli.main import cli
from qa.evaluation.metrics import load_questions
from qa.text.normalization import exact_match, f1
from recorded import QUESTIONS, Record

pytestmark = pytest.mark.models

SEED = "000_3b116a473c1228c7.txt"
ONE_LINE = "import qa; a = qa.ask({question!r}); print(a.text, a.document, a.start, a.end, a.confidence, sep='|')"
ELSEWHERE = "; a = qa.ask({question!r}, folder={folder!r}); print(a.text, a.document, a.start, a.end, sep='|')"


@pytest.fixture(scope="module")
def printed(invented):
    """What a fresh Python prints: of the README's line, and of the same asked of the invented document."""
    folder, _, question, _ = invented
    code = ONE_LINE.format(question="when was Jamaat Ansarullah banned?")
    code += ELSEWHERE.format(question=question, folder=str(folder))
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.strip().splitlines()]


def command(*arguments):
    """What the command prints, in this process: the models are loaded here."""
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_readme_line_prints_may_2012_and_the_file_says_so_there(printed):
    text, document, start, end, confidence = printed[0]
    assert (text, document) == ("May 2012", SEED)
    stored = (Path(__file__).parents[1] / "seeds" / SEED).read_bytes().decode("utf-8")
    assert stored[int(start) : int(end)] == "May 2012"
    assert 0.5 < float(confidence) <= 1


def test_the_president_is_declined_with_the_reason(seed_answerer):
    answer = seed_answerer.ask("Who is the president of Tajikistan?")
    assert (answer.answered, answer.text) == (False, "")
    assert answer.reason in (qa.Reason.TOO_UNSURE, qa.Reason.NO_SPAN_FOUND)
    assert answer.nearest


def test_the_seed_questions(seed_answerer):
    """30 with an answer and 15 without, written before the system was asked; the bounds are what it reached."""
    asked, record = load_questions(QUESTIONS), Record.load()
    with record.replayed():
        answers = seed_answerer.ask_many([q.text for q in asked])
    assert record.missed < 20, "the record is old; make it anew with: python tests/recorded.py"
    given = [(q, a) for q, a in zip(asked, answers, strict=True) if q.answers]
    best = [a.text if a.answered else a.alternatives[0].text for _, a in given]
    assert sum(exact_match(t, q.answers) for (q, _), t in zip(given, best, strict=True)) >= 27
    assert sum(f1(t, q.answers) for (q, _), t in zip(given, best, strict=True)) > 27
    assert sum(not a.answered for q, a in zip(asked, answers, strict=True) if not q.answers) >= 12
    assert sum(a.answered for _, a in given) >= 27


@pytest.mark.parametrize("number", [0, 17, 31, 44])
def test_what_is_recorded_is_what_the_readers_say(seed_answerer, number):
    record, said = Record.load(), Record({})
    with said.replayed():
        seed_answerer.ask(load_questions(QUESTIONS)[number].text)
    assert said.missed >= 2
    for key, spans in said.spans.items():
        scores = {(s.start, s.end): s.score for s in record.spans[key]}
        assert [scores.get((s.start, s.end)) for s in spans[:3]] == pytest.approx(
            [s.score for s in spans[:3]], abs=0.05
        )


def test_the_same_question_has_the_same_answer_whatever_else_is_asked(seed_answerer):
    question = "Who was the suicide bomber?"
    alone = seed_answerer.ask(question)
    again = seed_answerer.ask_many(["When was it banned?", question, "x" * 500, question])
    for answer in (again[1], again[3]):
        assert (answer.text, answer.start, answer.end) == (alone.text, alone.start, alone.end)
        assert answer.confidence == pytest.approx(alone.confidence, abs=0.01)


VERBS = ["inaugurated", "demolished", "purchased", "renovated", "flooded", "abandoned"]
PLACES = ["the harbour of Velmora", "the Ostrand lighthouse", "the Quillby observatory", "the Tarnsen bridge"]
MONTHS = ["January", "March", "April", "June", "August", "October", "December"]


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    """A folder with a document whose body, verb and date are drawn, and the question about it."""
    rng = random.Random(15)
    verb, place = rng.choice(VERBS), rng.choice(PLACES)
    date = f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(1700, 1999)}"
    filler = [
        "The weather was mild that season.",
        "Fishermen mended their nets.",
        "Nobody kept the minutes.\u00a0",
        "Trade was slow.",
    ]
    rng.shuffle(filler)
    sentence = f"{place[0].upper()}{place[1:]} was {verb} on {date} by order of the council."
    text = f"Chronicle of the coast\r\n\r\n{filler[0]} {filler[1]} {sentence} {filler[2]}\r\n\r\n{filler[3]}\r\n"
    folder = tmp_path_factory.mktemp("chronicle")
    (folder / "chronicle.txt").write_bytes(text.encode("utf-8"))
    return folder, text, f"When was {place} {verb}?", date


@pytest.mark.browser
def test_an_invented_document_is_answered_from_through_every_door(invented, printed, visit):
    folder, text, question, date = invented
    said, document, start, end = printed[1]
    assert date in said
    assert document == "chronicle.txt"
    assert text[int(start) : int(end)] == said

    answer = command("ask", question, "--folder", str(folder), "--json")
    assert (answer["text"], answer["start"], answer["end"]) == (said, int(start), int(end))
    listed = command("documents", "--folder", str(folder), "--json")
    assert [d["title"] for d in listed["documents"]] == ["Chronicle of the coast"]

    with qa.load(folder) as answerer, served(answerer) as url:
        page = visit(url)
        turn = ask(page, question)
        assert turn.locator("mark").text_content() == said
        assert page.text_content("#panel mark") == said
        assert page.text_content("#panel .text") == text

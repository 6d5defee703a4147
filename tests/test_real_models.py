"""The real models behind all doors: the seed document, and a document that nobody could have prepared for."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import qa
from pages import ask, served
from qa.evaluation.metrics import load_questions
from qa.text.normalization import exact_match, f1

pytestmark = pytest.mark.models

SEED = "000_3b116a473c1228c7.txt"
QUESTIONS = Path(__file__).parent / "data" / "seed-questions.json"
ONE_LINE = "import qa; a = qa.ask({question!r}{more}); print(a.text, a.document, a.start, a.end, a.confidence, sep='|')"


def python(code):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def command(*arguments):
    code = "from qa.cli.main import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_the_readme_line_prints_may_2012_and_the_file_says_so_there():
    text, document, start, end, confidence = python(
        ONE_LINE.format(question="when was Jamaat Ansarullah banned?", more="")
    ).split("|")
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
    asked = load_questions(QUESTIONS)
    answers = seed_answerer.ask_many([q.text for q in asked])
    given = [(q, a) for q, a in zip(asked, answers, strict=True) if q.answers]
    best = [a.text if a.answered else a.alternatives[0].text for _, a in given]
    assert sum(exact_match(t, q.answers) for (q, _), t in zip(given, best, strict=True)) >= 27
    assert sum(f1(t, q.answers) for (q, _), t in zip(given, best, strict=True)) > 27
    assert sum(not a.answered for q, a in zip(asked, answers, strict=True) if not q.answers) >= 12
    assert sum(a.answered for _, a in given) >= 27


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


@pytest.fixture
def invented(tmp_path):
    """A folder with a document whose body, verb and date are drawn anew each time, and the question about it."""
    rng = random.Random()
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
    folder = tmp_path / "chronicle"
    folder.mkdir()
    (folder / "chronicle.txt").write_bytes(text.encode("utf-8"))
    return folder, text, f"When was {place} {verb}?", date


@pytest.mark.browser
def test_an_invented_document_is_answered_from_through_every_door(invented, visit):
    folder, text, question, date = invented
    said, document, start, end, _ = python(ONE_LINE.format(question=question, more=f", folder={str(folder)!r}")).split(
        "|"
    )
    assert date in said
    assert document == "chronicle.txt"
    assert text[int(start) : int(end)] == said

    done = command("ask", question, "--folder", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["text"], answer["start"], answer["end"]) == (said, int(start), int(end))

    listed = json.loads(command("documents", "--folder", str(folder), "--json").stdout)
    assert [d["title"] for d in listed["documents"]] == ["Chronicle of the coast"]

    with qa.load(folder) as answerer, served(answerer) as url:
        page = visit(url)
        turn = ask(page, question)
        assert turn.locator("mark").text_content() == said
        assert page.text_content("#panel mark") == said
        assert page.text_content("#panel .text") == text

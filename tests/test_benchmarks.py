"""What draws pictures and measures robustness: by hand where it counts, and as the command line calls it."""

import importlib.util
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from qa.evaluation.metrics import Question
from qa.evaluation.prediction_log import Record

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


plots, robustness = load("plots"), load("robustness")

RECORD = Record("f.json", "read", "1", "who?", ("a",), "a", 0.5, True, 0.1, None, True, 1.0)


def record(confidence, right, **changes):
    return replace(RECORD, confidence=confidence, right=right, f1=float(right), **changes)


def write(path, records):
    path.write_text("".join(json.dumps(asdict(r)) + "\n" for r in records))
    return path


# Pictures


@pytest.fixture
def each_counts(monkeypatch):
    monkeypatch.setattr(plots, "FEWEST_GIVEN", 1)


def test_risk_by_coverage_by_hand(each_counts):
    records = [
        record(0.2, False),
        record(0.9, True),
        record(0.7, False),
        record(0.7, True),
        record(0.0, False, text=""),
    ]
    coverage, risk = plots.risk_by_coverage(records)
    assert coverage.tolist() == [
        1 / 5,
        3 / 5,
        4 / 5,
    ]  # two of one confidence are given together; nothing found never is
    assert risk.tolist() == [0, 1 / 3, 2 / 4]


def test_risk_begins_with_answers_enough_and_ends_with_all():
    records = [record(i / 400, i % 3 > 0) for i in range(200)]
    coverage, risk = plots.risk_by_coverage(records)
    assert coverage[0] == plots.FEWEST_GIVEN / 200
    assert (coverage[-1], risk[-1]) == (1, np.mean([not r.right for r in records]))
    few, _ = plots.risk_by_coverage(records[:9])
    assert few.tolist() == [1]
    none, _ = plots.risk_by_coverage([record(0.0, False, text="")])
    assert none.tolist() == []


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_risk_is_what_any_threshold_gives(said):
    records = [record(confidence, right) for confidence, right in said]
    shown = {(round(c, 9), round(r, 9)) for c, r in zip(*plots.risk_by_coverage(records), strict=True)}
    fewest = min(plots.FEWEST_GIVEN, len(records))
    for threshold in {confidence for confidence, _ in said}:
        given_ = [right for confidence, right in said if confidence >= threshold]
        point = round(len(given_) / len(said), 9), round(1 - sum(given_) / len(given_), 9)
        assert (point in shown) == (len(given_) >= fewest)


def drawn(figure):
    """Texts of a figure that are seen."""
    return [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")) if text.get_visible()]


def runs_of(tmp_path, **saved):
    return plots.load_runs([write(tmp_path / f"{name}.jsonl", records) for name, records in saved.items()])


MIXED = [record((i + 0.5) / 40, i % 40 > 13, answered=i % 40 > 9, seconds=0.2) for i in range(40)]


def test_a_run_for_each_file_and_mode(tmp_path):
    assert [run.name for run in runs_of(tmp_path, fast=MIXED, slow=MIXED)] == ["fast", "slow"]
    both = [*MIXED, *(replace(r, mode="retrieve") for r in MIXED[:7])]
    runs = runs_of(tmp_path, fast=both, slow=MIXED)
    assert [(run.name, len(run.records)) for run in runs] == [
        ("fast, read", 40),
        ("fast, retrieve", 7),
        ("slow, read", 40),
    ]
    assert (
        len({run.colour for run in runs}) == len({run.line for run in runs}) == len({run.marker for run in runs}) == 3
    )


def test_the_risk_picture_has_a_line_and_the_threshold_of_each_run(tmp_path, each_counts):
    figure = plots.draw_risk(runs_of(tmp_path, fast=MIXED, slow=MIXED[:30]))
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert {"fast", "slow"} <= set(lines)
    assert lines["fast"].get_xydata()[-1].tolist() == [100, 35]
    thresholds = [line.get_xydata().tolist() for line in axes.lines if len(line.get_xydata()) == 1]
    assert thresholds == [[[75, pytest.approx(100 * 4 / 30)]], [[pytest.approx(100 * 20 / 30), 20]]]


def test_the_reliability_picture_tells_counts_and_error(tmp_path):
    records = [record(0.95, True), record(0.95, False), record(1.0, True), record(0.16, False)]
    figure = plots.draw_reliability(runs_of(tmp_path, fast=records, slow=MIXED, third=MIXED, fourth=MIXED))
    words = drawn(figure)
    assert "fast: error (ECE) 0.265" in words  # |mean(.95, .95, 1) - 2/3| * 3/4 + .16 * 1/4
    above, below = figure.subfigs[0].axes
    points = above.lines[1].get_xydata()
    assert points.ravel() == pytest.approx([16, 0, 100 * 2.9 / 3, 100 * 2 / 3])
    assert [bar.get_height() for bar in below.patches] == [0, 1, *[0] * 7, 3]
    assert [text.get_text() for text in below.texts] == ["0", "1", *["0"] * 7, "3"]
    assert len([subfigure for subfigure in figure.subfigs if subfigure.axes]) == 4


def test_the_speed_picture_tells_f1_as_evaluate_does_and_the_median_time(tmp_path):
    records = [
        record(0.9, True, seconds=0.1),
        record(0.2, True, seconds=0.3, answered=False),  # declined, and had an answer
        record(0.1, False, seconds=0.2, answered=False, answers=()),  # rightly declined
        record(0.8, False, seconds=0.9, answers=()),
    ]
    assert "fast\nF1 50.0, 250 ms" in drawn(plots.draw_speed(runs_of(tmp_path, fast=records)))


def test_pictures_are_written(tmp_path, capsys):
    saved = [write(tmp_path / f"{name}.jsonl", MIXED) for name in ("fast", "accurate")]
    folder = tmp_path / "new" / "pictures"
    plots.main([*map(str, saved), str(folder)])
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["reliability.png", "risk-coverage.png", "speed.png"]
    said = capsys.readouterr().out
    for file in files:
        assert f"{file}: " in said
        assert 5_000 < file.stat().st_size < 80_000
        with Image.open(file) as picture:
            assert picture.width >= 1300
            assert picture.convert("RGB").getpixel((2, picture.height - 3)) == (255, 255, 255)
            assert len(picture.convert("RGB").getcolors()) > 10


def test_a_tiny_run_is_drawn_too(tmp_path):
    for records in ([RECORD], [record(0.0, False, text="", answered=False)]):
        assert len(plots.draw_all([write(tmp_path / "one.jsonl", records)], tmp_path / "out")) == 3


def test_what_cannot_be_drawn_is_said_in_a_line(tmp_path):
    with pytest.raises(SystemExit, match=r"^plots: .*gone\.jsonl cannot be read: No such file"):
        plots.main([str(tmp_path / "gone.jsonl"), str(tmp_path / "out")])
    saved = write(tmp_path / "saved.jsonl", MIXED)
    with pytest.raises(SystemExit, match=r"^plots: .*File exists"):
        plots.main([str(saved), str(saved)])


# Robustness

ASKED = [
    Question("1", "Who later led the farmers?", "Later KARIMOV led the farmers of old.", ("KARIMOV",)),
    Question("2", "What joins another river?", "The river VARZOB joins another river. It is long.", ("VARZOB",)),
    Question("3", "Who founded the moon?", "The river VARZOB joins another river.", ()),
]


@pytest.mark.parametrize("name", robustness.VARIANTS)
def test_a_variant_changes_the_question_or_the_paragraph_and_is_always_the_same(name):
    for question in ASKED:
        varied = robustness.vary(question, name, 0)
        assert (varied.text != question.text) == (name in robustness.QUESTION_VARIANTS)
        assert (varied.paragraph != question.paragraph) == (name in robustness.TEXT_VARIANTS)
        assert (varied.id, varied.answers) == (question.id, question.answers)
        assert varied == robustness.vary(question, name, 0)


def test_what_is_chosen_differs_by_question_and_seed():
    made = {
        robustness.vary(replace(ASKED[0], id=str(number)), "dateline", seed).paragraph
        for number in range(5)
        for seed in range(5)
    }
    assert len(made) > 15


def test_losses_are_of_the_same_questions(make_answerer):
    said = []
    rows = list(robustness.measure(make_answerer(), ASKED, ["upper-case", "dateline"], 0, said.append))
    assert [row.name for row in rows] == ["as it is", "upper-case", "dateline"]
    plain, upper, dateline = rows
    assert (plain.loss, plain.margin, plain.scores.undeclined_f1, plain.scores.questions) == (0, 0, 100, 3)
    assert (upper.loss, upper.scores.undeclined_f1) == (0, 100)  # the fake reader looks at no capitals of questions
    assert dateline.loss == pytest.approx(100 - dateline.scores.undeclined_f1)
    assert said[:3] == ["as it is: 1 of 3", "as it is: 2 of 3", "as it is: 3 of 3"]
    assert robustness.line(dateline).startswith(f"| dateline | {dateline.scores.undeclined_exact_match:.1f} | ")
    assert robustness.line(plain).split(" | ")[3] == ""


def test_the_margin_of_a_loss_by_hand(monkeypatch, make_answerer):
    f1s = iter([[100.0, 100.0, 50.0, 0.0], [100.0, 0.0, 50.0, 50.0]])
    monkeypatch.setattr(robustness, "best_f1s", lambda *_: next(f1s))
    row = list(robustness.measure(make_answerer(), ASKED, ["polite"], 0, lambda _: None))[-1]
    assert row.loss == 12.5
    assert row.margin == pytest.approx(1.96 * np.std([0, 100, 0, -50], ddof=1) / 2)


def squad(path):
    entries = [
        {
            "context": q.paragraph,
            "qas": [
                {
                    "id": q.id,
                    "question": q.text,
                    "is_impossible": not q.answers,
                    "answers": [{"text": a, "answer_start": q.paragraph.index(a)} for a in q.answers],
                }
            ],
        }
        for q in ASKED
    ]
    path.write_text(json.dumps({"data": [{"title": "t", "paragraphs": entries}]}))
    return path


def test_the_table_is_markdown(tmp_path, engine, capsys):
    file = squad(tmp_path / "questions.json")
    robustness.main([str(file), "--limit", "2", "--variant", "polite", "--variant", "heading"], engine)
    first, _, head, rule, *rows = capsys.readouterr().out.splitlines()
    assert first == "2 questions of questions.json, reader fast, seed 0"
    assert rule == "| --- | --- | --- | --- | --- | --- | --- | --- |"
    assert {line.count("|") for line in (head, *rows)} == {9}
    assert [row.split(" | ")[0] for row in rows] == ["| as it is", "| polite", "| heading"]


def test_what_cannot_be_measured_is_said_in_a_line(tmp_path, capsys):
    with pytest.raises(SystemExit, match=r"^robustness: .*gone\.json cannot be read: No such file"):
        robustness.main([str(tmp_path / "gone.json")])
    with pytest.raises(SystemExit):
        robustness.main([str(tmp_path / "gone.json"), "--limit", "0"])
    assert "--limit=0 is less than 1" in capsys.readouterr().err

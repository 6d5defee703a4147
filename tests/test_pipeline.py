"""The pipeline over an index that is no library: it needs what the protocol has, and nothing else."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import FrozenInstanceError, replace

import pytest

from fakes import HashEmbedder, SpansReader, WordReader
from index.records import Hit, Passage, TableRow
from index.settings import read_settings
from qa.engine import Engine
from qa.pipeline import Options, Pipeline, Stage, unseen
from qa.reader.calibrations import load_calibration
from qa.reader.cascade import Cascade, SingleReader
from qa.records.answer import Reason
from qa.records.span import Span

TEXTS = {"a.txt": "The river is called OXUS. It is long.", "b.txt": "The lake is called VANER."}


class ListedIndex:
    """Every document is one passage, and fits the better the more of the question's words it has."""

    def reading(self) -> AbstractContextManager[object]:
        return nullcontext()

    def remembered(self, question: str, top_k: int, within: Sequence[str] | None = None) -> None:
        return None

    def search(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit]:
        asked = set(question.lower().rstrip("?").split())
        names = [name for name in TEXTS if within is None or name in within]
        found = [(len(asked & set(TEXTS[name].lower().split())), name) for name in names]
        passages = [(Passage(name, 0, len(TEXTS[name]), TEXTS[name]), float(n)) for n, name in sorted(found)[::-1]]
        return [Hit(passage, "", "0" * 64, score, 0.5, score) for passage, score in passages[:top_k]]

    def words_held(self, words: Collection[str], *, as_written: bool = False) -> set[str]:
        return {word for word in words if any(word in text.lower() for text in TEXTS.values())}

    def text(self, name: str) -> str:
        return TEXTS[name]

    def table_rows(self, name: str, start: int, end: int) -> list[TableRow]:
        return []

    def place_at(self, name: str, offset: int) -> str:
        return "page 1"


def piped(engine: Engine, **given: object) -> Pipeline:
    settings = read_settings(**{"threshold": 0.0, **given})
    return Pipeline(ListedIndex(), HashEmbedder(), engine, Options.of(engine.reader(settings), settings, unseen))


def test_it_answers_from_any_index(engine: Engine) -> None:
    pipeline = piped(engine)
    answer = pipeline.ask("what is the river called?")
    assert (answer.text, answer.document, answer.place) == ("OXUS", "a.txt", "page 1")
    assert TEXTS["a.txt"][answer.start : answer.end] == "OXUS"
    assert pipeline.ask("what is the rvier called?").understood == "what is the river called?"
    assert pipeline.ask("what is the lake called?", ["b.txt"]).text == "VANER"
    assert pipeline.ask("what is the river called?", []).reason is Reason.NOTHING_RETRIEVED
    assert pipeline.ask("what is the river called?") == answer
    assert [hit.passage.document for hit in pipeline.search("the lake")] == ["b.txt", "a.txt"]


def test_it_tells_each_stage_and_ends_where_one_is_refused(engine: Engine) -> None:
    seen: list[Stage] = []
    pipeline = piped(engine)
    watched = replace(pipeline, options=replace(pipeline.options, on_stage=seen.append))
    watched.ask("what is the river called?")
    assert seen == [Stage.SEARCHING, Stage.READING, Stage.DECIDING, Stage.DONE]

    def refuse(stage: Stage) -> None:
        seen.append(stage)
        if stage is Stage.READING:
            raise RuntimeError("enough")

    seen.clear()
    with pytest.raises(RuntimeError, match="enough"):
        replace(pipeline, options=replace(pipeline.options, on_stage=refuse)).ask("what is the river called?")
    assert seen == [Stage.SEARCHING, Stage.READING]


def test_options_cannot_be_changed_and_hold_how_a_hurried_question_is_read() -> None:
    calibration = load_calibration(None)
    fast, slow = (SpansReader(lambda text: [Span(0, 3, 9.0)]) for _ in range(2))
    cascade = Cascade(fast, slow, calibration, calibration)
    options = Options.of(cascade, read_settings(patience=0.5, top_k=3), unseen)
    with pytest.raises(FrozenInstanceError):
        options.top_k = 4  # type: ignore[misc]
    assert (options.top_k, options.patience, options.threshold) == (3, 0.5, calibration.threshold)
    assert options.hurried is not None
    assert (options.hurried.reader, options.hurried.top_k) == (cascade.quick, 3)
    assert Options.of(cascade, read_settings(), unseen).hurried is None
    assert Options.of(SingleReader(WordReader()), read_settings(patience=0.5), unseen).hurried is None

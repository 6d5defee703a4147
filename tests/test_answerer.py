"""The promises, on the call that all doors go through; models are faked, nothing else is."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qa
from fakes import SpansReader, WordReader, busy_inference
from index.errors import BusyIndexError, ParameterError, UnknownDocumentError, VerbatimError
from index.library import Library
from index.records import Document
from index.settings import read_settings
from index.storage.write_lock import WriteLock
from qa.answerer import QuestionAnswerer
from qa.engine import Engine
from qa.open_folder import OpenFolders
from qa.pipeline import Stage
from qa.reader.calibrations import load_calibration
from qa.reader.inference_thread import InferenceThread
from qa.records.answer import Answer, Reason
from qa.records.span import Span


def write(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.txt").write_bytes(text.encode())


def assert_verbatim(answerer, answer):
    for one in (answer, *answer.alternatives):
        if one.answered:
            text = answerer.text(one.document)
            assert text[one.start : one.end] == one.text != ""
            assert text[one.sentence_start : one.sentence_start + len(one.sentence)] == one.sentence
            assert one.sentence_start <= one.start <= one.end <= one.sentence_start + len(one.sentence)
            assert one.alternatives == () or one is answer
        for passage in (*one.evidence, *one.nearest, *([one.passage] if one.passage else [])):
            assert answerer.text(passage.document)[passage.start : passage.end] == passage.text
        assert 0 <= one.confidence <= 1


def test_an_answer_carries_its_proof(folder, make_answerer):
    write(folder, a="Title line\n\nThe bomber was KARIMOV of Khujand. He came alone.", b="Nothing about it, says NASA.")
    answerer = make_answerer()
    answerer.sync()
    answer = answerer.ask("who was the bomber of Khujand?")
    assert (answer.answered, answer.text, answer.document, answer.title) == (True, "KARIMOV", "a.txt", "Title line")
    assert answer.sentence == "The bomber was KARIMOV of Khujand."
    assert answer.reason is None
    assert [a.text for a in answer.alternatives] == ["NASA"]
    assert answer.document_sha256 == answerer._library.store.documents.get("a.txt").sha256
    assert_verbatim(answerer, answer)


def test_the_place_in_markdown_is_its_headings(folder, make_answerer):
    (folder / "a.md").write_text("# Report\n\nIntro.\n\n## Costs\n\nThe cost was paid by NASA.\n")
    answerer = make_answerer()
    answerer.sync()
    answer = answerer.ask("who paid the cost?")
    assert (answer.text, answer.place) == ("NASA", "Report › Costs")


def test_an_empty_folder_has_nothing_to_retrieve(make_answerer):
    answer = make_answerer().ask("anything at all?")
    assert (answer.answered, answer.reason, answer.text) == (False, Reason.NOTHING_RETRIEVED, "")
    assert (answer.document, answer.start, answer.nearest) == (None, None, ())


def test_no_span_is_no_answer_and_names_the_nearest(folder, make_answerer):
    write(folder, a="No capitals here at all.")
    answerer = make_answerer()
    answerer.sync()
    answer = answerer.ask("who?")
    assert (answer.answered, answer.reason) == (False, Reason.NO_SPAN_FOUND)
    assert [p.document for p in answer.nearest] == ["a.txt"]


@pytest.mark.parametrize(("score", "reason"), [(5.0, Reason.TOO_UNSURE), (-5.0, Reason.NO_SPAN_FOUND)])
def test_below_the_threshold_is_declined_with_what_was_rejected(folder, make_answerer, score, reason):
    write(folder, a="It was the court.")
    answerer = make_answerer(threshold=0.999, reader=SpansReader(lambda _: [Span(11, 16, score)]))
    answerer.sync()
    answer = answerer.ask("who?")
    assert (answer.answered, answer.text, answer.reason) == (False, "", reason)
    assert 0 < answer.confidence < 0.999
    assert [a.text for a in answer.alternatives] == ["court"]
    assert_verbatim(answerer, answer)


def test_how_many_may_be_wrong_sets_the_threshold(make_answerer):
    risk = load_calibration(None).risk
    threshold, wrong = risk[len(risk) // 2]
    assert make_answerer(threshold=None, max_wrong=wrong).threshold <= threshold
    assert make_answerer(threshold=None, max_wrong=1.0).threshold == 0
    with pytest.raises(ParameterError, match=r"threshold=0\.0 and max_wrong=0\.1 both say when to decline; set one"):
        make_answerer(max_wrong=0.1)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("", "holds no words"),
        (" \n\t", "holds no words"),
        ("?!… —", "holds no words"),
        ("x" * 100_000, r"100,000 characters, at most 1,000"),
        (None, "is not a string"),
        ("who is \ud800?", r"not valid Unicode: '\\ud800' at offset 7"),
    ],
)
def test_a_question_that_cannot_be_asked(make_answerer, question, said):
    with pytest.raises(qa.QuestionError, match=said):
        make_answerer().ask(question)


def test_ask_many_keeps_the_order_and_takes_no_single_string(folder, make_answerer):
    write(folder, a="ALPHA is first.", b="BETA is second.")
    answerer = make_answerer()
    answerer.sync()
    assert [a.text for a in answerer.ask_many(["what is first?", "what is second?"])] == ["ALPHA", "BETA"]
    assert answerer.ask_many([]) == []
    with pytest.raises(ParameterError, match="is a single string"):
        answerer.ask_many("what is first?")
    with pytest.raises(qa.QuestionError):
        answerer.ask_many(["fine?", " "])


def test_within_and_unknown_names(folder, make_answerer):
    write(folder, a="ALPHA is first.", b="BETA is first.")
    answerer = make_answerer()
    answerer.sync()
    assert answerer.ask("what is first?", within=["b.txt"]).text == "BETA"
    assert answerer.ask("what is first?", within=[]).reason is Reason.NOTHING_RETRIEVED
    with pytest.raises(UnknownDocumentError, match=r"c\.txt"):
        answerer.ask("what is first?", within=["c.txt"])
    with pytest.raises(ParameterError, match=r"within='b\.txt' is a single string"):
        answerer.ask("what is first?", within="b.txt")
    with pytest.raises(UnknownDocumentError, match=r"c\.txt"):
        answerer.text("c.txt")


def test_a_change_of_the_folder_is_answered_from_after_sync(folder, make_answerer):
    write(folder, a="The leader is ALPHA now.")
    answerer = make_answerer()
    answerer.sync()
    assert answerer.ask("who is the leader?").text == "ALPHA"
    write(folder, a="The leader is OMEGA now.")
    answerer.sync()
    assert answerer.ask("who is the leader?").text == "OMEGA"
    (folder / "a.txt").unlink()
    answerer.sync()
    assert answerer.ask("who is the leader?").reason is Reason.NOTHING_RETRIEVED


def test_a_second_answerer_sees_what_the_first_one_writes(folder, make_answerer):
    first, second = make_answerer(), make_answerer()
    assert second.ask("who is the leader?").reason is Reason.NOTHING_RETRIEVED
    write(folder, a="The leader is ALPHA now.")
    first.sync()
    assert second.ask("who is the leader?").text == "ALPHA"


def test_what_is_quoted_is_of_the_state_that_was_searched(folder, make_answerer):
    class Meddler(WordReader):
        def read(self, question, passages):
            write(folder, a="Now there is a longer beginning. The leader is OMEGA.")
            changing = threading.Thread(target=other.sync)  # it has its own connection, as another process has
            changing.start()
            changing.join(60)
            return super().read(question, passages)

    write(folder, a="The leader is ALPHA now.")
    other, answerer = make_answerer(), make_answerer(reader=Meddler())
    other.sync()
    answer = answerer.ask("who is the leader?")
    assert (answer.text, answer.sentence) == ("ALPHA", "The leader is ALPHA now.")
    assert answerer.text("a.txt")[answer.start : answer.end] != "ALPHA"  # the document has changed since ...
    assert answer.document_sha256 != other._library.store.documents.get("a.txt").sha256  # ... which the answer shows


def test_text_that_is_no_unicode_is_refused(make_answerer):
    answerer = make_answerer()
    with pytest.raises(ParameterError, match="text is not valid Unicode"):
        answerer.read("who?", "BAD \udcff")
    with pytest.raises(ParameterError, match=r"the text of 'a\.txt' is not valid Unicode"):
        answerer.write([Document("a.txt", "BAD \udcff", "", "0" * 64)])
    assert answerer.documents() == []


def test_answerers_share_their_models(folder, tmp_path):
    engine = Engine()
    settings = [read_settings(index_dir=tmp_path / name, threshold=threshold) for name, threshold in ("a0", "b1")]
    both = [QuestionAnswerer(folder, each, engine=engine) for each in settings]
    assert both[0].calibration is both[1].calibration
    assert both[0]._library.embedder is both[1]._library.embedder is engine.embedder(settings[0])
    assert engine.reader(settings[0]) is engine.reader(settings[1])
    assert engine.reader(settings[0]) is not engine.reader(read_settings(reader="fast"))
    assert engine.embedder(settings[0]) is engine.embedder(read_settings(reader="fast"))
    for answerer in both:
        answerer.close()
    engine.close()


def test_a_given_text_is_read_without_being_stored(make_answerer):
    answerer = make_answerer()
    text = "The leader is ALPHA now."
    answer = answerer.read("who is the leader?", text)
    assert (answer.text, answer.document, text[answer.start : answer.end]) == ("ALPHA", "", "ALPHA")
    assert answerer.documents() == []
    assert answerer.read("who?", " ").reason is Reason.NOTHING_RETRIEVED


def test_many_threads_get_the_answers_that_one_gets(folder, make_answerer):
    write(folder, **{f"d{i}": f"Number{i} is led by LEADER{chr(65 + i)}X." for i in range(12)})
    answerer = make_answerer()
    answerer.sync()
    questions = [f"who leads number{i}?" for i in range(12)] * 3
    alone = [answerer.ask(question) for question in questions]
    together: list[Answer | None] = [None] * len(questions)

    def work(position):
        together[position] = answerer.ask(questions[position])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert together == alone


def test_the_inference_thread_runs_in_order_on_one_thread_and_hands_errors_on():
    thread = InferenceThread()
    names = [thread.run(lambda: threading.current_thread().name) for _ in range(3)]
    assert names == ["verbatim-inference_0"] * 3
    assert thread.run(lambda: thread.run(lambda: "nested")) == "nested"
    with pytest.raises(ZeroDivisionError):
        thread.run(lambda: 1 / 0)
    thread.close()


def test_passages_just_found_are_not_looked_for_again_until_the_index_changes(folder, make_answerer):
    write(folder, a="The leader is ALPHA now.", b="The leader was OMEGA then.")
    answerer = make_answerer()
    answerer.sync()
    answerer.ask("who is the leader?")
    embedded = len(answerer._library.embedder.embedded)
    found = answerer.search("who is the leader?")
    assert (sorted(hit.passage.document for hit in found), len(answerer._library.embedder.embedded)) == (
        ["a.txt", "b.txt"],
        embedded,
    )
    found.clear()  # the caller's own
    assert [hit.passage.document for hit in answerer.search("who is the leader?", within=["b.txt"])] == ["b.txt"]
    assert len(answerer.search("who is the leader?")) == 2
    answerer.remove(["a.txt"])
    assert [hit.passage.document for hit in answerer.search("who is the leader?")] == ["b.txt"]
    with pytest.raises(UnknownDocumentError):
        answerer.search("who is the leader?", within=["a.txt"])
    for number in range(200):
        answerer.search(f"who is number {number}?")
    assert len(answerer._library._remembered) <= 100


def asked_while_busy(answerer: QuestionAnswerer, question: str) -> Answer:
    """The answer to a question that has to wait for what runs on the inference thread."""
    answers: list[Answer] = []
    asking = threading.Thread(target=lambda: answers.append(answerer.ask(question)))
    with busy_inference(answerer.engine):
        asking.start()
        time.sleep(0.2)
    asking.join()
    return answers[0]


def test_a_question_that_waited_too_long_is_read_by_the_fast_reader_which_is_said(two_readers):
    hurried = asked_while_busy(two_readers, "which?")
    assert (hurried.text, hurried.hurried) == ("FAST", True)
    at_leisure = two_readers.ask("which?")
    assert (at_leisure.text, at_leisure.hurried) == ("SLOW", False)


def test_a_view_that_is_closed_leaves_open_what_it_is_a_view_of(folder, make_answerer, monkeypatch):
    write(folder, a="The leader is ALPHA now.")
    answerer = make_answerer()
    answerer.sync()
    closed, close = [], Library.close
    monkeypatch.setattr(Library, "close", lambda library: closed.append(library) or close(library))
    with answerer.adjusted(max_wrong=1.0) as view:
        assert view.ask("who is the leader?").text == "ALPHA"
    view.adjusted().close()
    assert closed == []
    assert answerer.ask("who is the leader?").text == "ALPHA"
    answerer.close()
    assert len(closed) == 1


def test_who_chose_a_reader_or_has_patience_waits_for_it(two_readers, folder, tmp_path):
    with qa.load(folder, index_dir=tmp_path / "index", threshold=0.0, engine=two_readers.engine) as patient:
        for answerer in (two_readers.adjusted(reader="cascade"), patient):
            answer = asked_while_busy(answerer, "which?")
            assert (answer.text, answer.hurried) == ("SLOW", False)


def test_a_fast_reader_that_is_wrong_more_often_than_may_be_is_not_taken(two_readers):
    rarely_wrong = replace(load_calibration(None), risk=((0.0, 0.01),))
    two_readers.engine.reader(two_readers.settings).calibration = rarely_wrong  # the fast one keeps its own
    assert asked_while_busy(two_readers.adjusted(max_wrong=0.01), "which?").hurried is False
    assert asked_while_busy(two_readers.adjusted(max_wrong=0.9), "which?").hurried is True


def test_ask_in_one_call_keeps_in_step_and_open(folder, tmp_path, engine):
    folders = OpenFolders(engine)
    given = {"folder": folder, "index_dir": tmp_path / "index", "threshold": 0.0}
    write(folder, a="The leader is ALPHA now.")
    assert folders.ask("who is the leader?", **given).text == "ALPHA"
    write(folder, a="The leader is OMEGA now.")
    assert folders.ask("who is the leader?", **given).text == "OMEGA"
    opened = [folders.answerer(folder, read_settings(index_dir=tmp_path / "index", threshold=t)) for t in (0.0, 0.0, 1)]
    assert (opened[0] is opened[1], opened[1] is opened[2]) == (True, False)
    with pytest.raises(ParameterError, match="top_k=0"):
        qa.ask("who is the leader?", folder=folder, top_k=0)
    with pytest.raises(qa.QuestionError):
        qa.ask(" ", folder="no/such/folder")


def test_while_another_process_writes_load_answers_from_what_is_there(folder, tmp_path, monkeypatch, caplog, engine):
    def busy(self, timeout_s=0):
        raise BusyIndexError("the index is being written by another process")

    write(folder, a="The leader is ALPHA now.")
    given = {"index_dir": tmp_path / "index", "threshold": 0.0, "engine": engine}
    with monkeypatch.context() as patch:
        patch.setattr(WriteLock, "held", busy)
        with pytest.raises(BusyIndexError):  # nothing is there yet
            qa.load(folder, **given)
    qa.load(folder, **given).close()
    write(folder, b="BETA came later.")
    monkeypatch.setattr(WriteLock, "held", busy)
    with qa.load(folder, **given) as answerer:
        assert [d.name for d in answerer.documents()] == ["a.txt"]
        assert answerer.ask("who is the leader?").text == "ALPHA"
    assert "answering from what is indexed so far" in caplog.text


ODD = [
    "\u00a0",
    "ﬁ",
    "\r\n",
    "😀",
    "e\u0301",
    "\u202e",
    "NASA",
    "ISI",
    "USSR",
    ". ",
    "\n\n",
    "# Head\n",
    "<b>",
    "&amp;",
    "$x$",
    "İ",
]
texts = st.lists(
    st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=10)), min_size=1
).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    files=st.dictionaries(st.sampled_from(["a.txt", "b.md", "c.txt"]), texts, min_size=1),
    question=st.sampled_from(["who is NASA?", "ISI or USSR?", "what is it", "head"]),
    scores=st.lists(st.floats(-30, 30), min_size=1, max_size=5),
)
def test_every_answer_evidence_and_alternative_is_the_stored_text(folder, make_answerer, files, question, scores):
    for old in folder.iterdir():
        old.unlink()
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())

    def spans(passage):
        words = [i for i in range(len(passage)) if not passage[i].isspace()]
        return [
            Span(words[i % len(words)], min(len(passage), words[i % len(words)] + 5), s) for i, s in enumerate(scores)
        ]

    answerer = make_answerer(reader=SpansReader(spans))
    answerer.sync()
    for name in (d.name for d in answerer.documents()):
        assert answerer.text(name) == files[name].removeprefix("\ufeff")
    assert_verbatim(answerer, answerer.ask(question))
    assert_verbatim(answerer, answerer.ask(question, within=[d.name for d in answerer.documents()][:1]))
    answerer.close()


@pytest.mark.parametrize("call", [qa.load, lambda folder: qa.ask("who?", folder=folder), QuestionAnswerer])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "is empty"),
        ("no\0folder", "contains a NUL character"),
        ("x" * 300, "cannot be opened: File name too long"),
        ("~nobody-here/x", "names the home folder of a user"),
    ],
)
def test_what_is_no_name_of_a_folder(call, name, said):
    with pytest.raises(VerbatimError, match=f"folder='.*{said}"):
        call(name)


def test_answers_are_frozen_and_compare_by_value():
    answer = Answer("q", answered=False, reason=Reason.TOO_UNSURE)
    assert answer == replace(answer)
    with pytest.raises(AttributeError):
        answer.text = "made up"


def test_the_public_surface():
    errors, records = {"QuestionError", "VerbatimError"}, {"Answer", "Reason", "Turn"}
    assert set(qa.__all__) == {"Conversation", "QuestionAnswerer", "ask", "load"} | errors | records
    assert all(getattr(qa, name) for name in qa.__all__)
    with pytest.raises(AttributeError, match="no attribute 'anwser'"):
        assert qa.anwser


def test_an_adjusted_view_asks_the_same_documents_and_tells_its_stages(
    folder: Path, make_answerer: Callable[..., QuestionAnswerer]
) -> None:
    (folder / "a.txt").write_text("The river is called OXUS.")
    answerer = make_answerer(threshold=0.0)
    answerer.sync()
    stages: list[Stage] = []
    assert answerer.adjusted(on_stage=stages.append).ask("What is the river called?") == answerer.ask(
        "What is the river called?"
    )
    assert stages == [Stage.SEARCHING, Stage.READING, Stage.DECIDING, Stage.DONE]


def test_what_looks_on_can_end_the_work(folder: Path, make_answerer: Callable[..., QuestionAnswerer]) -> None:
    (folder / "a.txt").write_text("The river is called OXUS.")
    answerer = make_answerer(threshold=0.0)
    answerer.sync()

    def stop(stage: Stage) -> None:
        if stage is Stage.READING:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        answerer.adjusted(on_stage=stop).ask("What is the river called?")
    assert answerer.ask("What is the river called?").text == "OXUS"


@pytest.mark.models
def test_a_view_with_another_reader_declines_as_that_reader_does(seed_answerer: QuestionAnswerer) -> None:
    fast = seed_answerer.adjusted(reader="fast")
    assert fast.threshold == load_calibration(None).threshold != seed_answerer.threshold
    assert fast.ask("when was Jamaat Ansarullah banned?").text == "May 2012"
    strict = seed_answerer.adjusted(max_wrong=0.1)
    assert strict.threshold > seed_answerer.threshold == seed_answerer.adjusted(reader="cascade").threshold


@pytest.mark.parametrize("max_wrong", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_refused(max_wrong: float, make_answerer: Callable[..., QuestionAnswerer]) -> None:
    with pytest.raises(ParameterError, match="must be between 0 and 1"):
        make_answerer().adjusted(max_wrong=max_wrong)

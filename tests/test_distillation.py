"""A larger reader says what it thinks, and a smaller one learns from it; on tiny models."""

import json
import lzma
import random
import re
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from typer.testing import CliRunner

from qa.cli.main import cli
from qa.training.data.examples import Pair
from qa.training.data.questions import DataError
from qa.training.data.windows import encode, window_of
from qa.training.distillation import labelling
from qa.training.distillation.labelling import PLACES, fitting
from qa.training.distillation.teaching import Lesson, Teaching, load_lessons, make_window, shuffled
from qa.training.distillation.teaching import run as teach
from qa.training.reader.checkpoints import load_tensors
from qa.training.reader.commands import export
from qa.training.reader.learning import WEIGHTS
from qa.training.reader.models import load_reader
from tiny import EXAMPLES, FILLER, MIX, example, recipe, tokenizer_of, write_examples

CONTEXT = "The town of Paris lies on the river Seine. It was founded in 1800 by settlers."
QUESTION = "On what river does Paris lie?"
SEINE = (CONTEXT.index("Seine"), CONTEXT.index("Seine") + 5)
PARIS = (CONTEXT.index("Paris"), CONTEXT.index("Paris") + 5)
WORDS = [match.span() for match in re.finditer(r"\w+", CONTEXT)]


def lesson(**changes):
    sure = {"starts": ((SEINE[0], 1.0),), "ends": ((SEINE[1], 1.0),), "null": (0.0, 0.0)}
    return Lesson(**{"question": QUESTION, "context": CONTEXT, "spans": (SEINE,), **sure, **changes})


def targets(one, tokenizer, teaching):
    """Start and end targets by their offsets; None stands for the null answer."""
    window = make_window(one, tokenizer, teaching)
    offsets = encode(one.question, one.context, tokenizer)[0].offsets
    starts = {offsets[i][0] if i else None: float(window.starts[i]) for i in window.starts.nonzero()[0]}
    ends = {offsets[i][1] if i else None: float(window.ends[i]) for i in window.ends.nonzero()[0]}
    return starts, ends


# The target


@given(
    st.lists(st.tuples(st.integers(0, len(WORDS) - 1), st.integers(0, 4)), min_size=1, max_size=5),
    st.floats(0, 1),
    st.floats(0.2, 5),
)
def test_a_teacher_that_says_what_people_say_changes_nothing(tiny, places, weight, temperature):
    spans = tuple((WORDS[first][0], WORDS[min(first + more, len(WORDS) - 1)][1]) for first, more in places)
    starts, ends = (
        tuple((at, n / len(spans)) for at, n in Counter(span[side] for span in spans).items()) for side in (0, 1)
    )
    # where people differ, a temperature changes what the teacher says
    temperature = temperature if len(starts) == len(ends) == 1 else 1.0
    one = lesson(spans=spans, starts=starts, ends=ends)
    tokenizer = tokenizer_of(tiny)
    found = make_window(one, tokenizer, Teaching(weight, temperature))
    human = window_of(encode(QUESTION, CONTEXT, tokenizer)[0], spans)
    assert human.starts[0] == 0
    assert (found.starts.dtype, found.ends.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(found.starts, human.starts, atol=1e-6)
    np.testing.assert_allclose(found.ends, human.ends, atol=1e-6)


@given(
    st.lists(st.tuples(st.integers(0, len(CONTEXT) - 1), st.floats(0, 0.12)), max_size=8),
    st.floats(0, 0.04),
    st.floats(0, 1),
    st.floats(0.2, 5),
)
def test_a_target_adds_up_to_1_within_what_is_allowed(tiny, said, null, weight, temperature):
    one = lesson(starts=tuple(said), ends=tuple((at + 1, p) for at, p in said), null=(null, null))
    window = make_window(one, tokenizer_of(tiny), Teaching(weight, temperature))
    for target in (window.starts, window.ends):
        assert target.sum() == pytest.approx(1, abs=1e-5)
        assert (target >= 0).all()
        assert target[1 : window.first].sum() == target[window.last + 1 :].sum() == 0


def test_the_teachers_part_is_its_weight(tiny):
    one = lesson(starts=((SEINE[0], 0.5), (PARIS[0], 0.3)), null=(0.2, 0.0))
    starts, ends = targets(one, tokenizer_of(tiny), Teaching(weight=0.5, temperature=1))
    assert starts == pytest.approx({SEINE[0]: 0.75, PARIS[0]: 0.15, None: 0.1})
    assert ends == pytest.approx({SEINE[1]: 1})
    starts, _ = targets(one, tokenizer_of(tiny), Teaching(weight=1, temperature=1))
    assert starts == pytest.approx({SEINE[0]: 0.5, PARIS[0]: 0.3, None: 0.2})
    starts, _ = targets(one, tokenizer_of(tiny), Teaching(weight=0))
    assert starts == {SEINE[0]: 1}


def test_what_the_teacher_kept_to_itself_is_made_up_for(tiny):
    one = lesson(starts=((SEINE[0], 0.4), (PARIS[0], 0.2)))
    starts, _ = targets(one, tokenizer_of(tiny), Teaching(weight=1))
    assert starts == pytest.approx({SEINE[0]: 2 / 3, PARIS[0]: 1 / 3})


def test_temperature_divides_log_probabilities(tiny):
    one = lesson(starts=((SEINE[0], 0.64), (PARIS[0], 0.32)), null=(0.04, 0.0))
    starts, _ = targets(one, tokenizer_of(tiny), Teaching(weight=1, temperature=2))
    logits = torch.tensor([0.64, 0.32, 0.04]).log() / 2
    assert list(starts.values()) == pytest.approx(logits.softmax(0)[[2, 1, 0]].tolist())
    assert list(starts) == [None, PARIS[0], SEINE[0]]


def test_unanswerable_stays_unanswerable_whatever_the_teacher_says(tiny):
    tokenizer = tokenizer_of(tiny)
    assert targets(lesson(spans=()), tokenizer, Teaching(weight=1)) == ({None: 1}, {None: 1})
    assert targets(lesson(), tokenizer, Teaching(weight=1)) == ({SEINE[0]: 1}, {SEINE[1]: 1})


def student(pre_tokenizer, vocabulary):
    tokens = {token: number for number, token in enumerate(["<s>", "</s>", "[UNK]", *vocabulary])}
    tokenizer = Tokenizer(models.WordLevel(tokens, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return tokenizer


def test_a_place_that_the_student_has_no_token_for_is_left_to_people():
    tokenizer = student(pre_tokenizers.WhitespaceSplit(), ())  # to which "Seine." is one token
    one = lesson(starts=((SEINE[0] + 1, 0.9), (PARIS[0], 0.1)), ends=((SEINE[1], 0.9), (PARIS[1], 0.1)))
    starts, ends = targets(one, tokenizer, Teaching(weight=0.5))
    assert starts == pytest.approx({SEINE[0]: 0.95, PARIS[0]: 0.05})
    assert ends == pytest.approx({SEINE[1] + 1: 0.95, PARIS[1]: 0.05})
    # nothing is left of its best place: what remains is no certainty
    starts, _ = targets(replace(one, starts=((SEINE[0] + 1, 0.99),), null=(0.01, 0)), tokenizer, Teaching(weight=0.5))
    assert starts == pytest.approx({SEINE[0]: 0.995, None: 0.005})


def test_tokens_that_share_a_character_begin_with_the_first_and_end_with_the_last():
    context = "It is 雪 there"
    tokenizer = student(pre_tokenizers.Split("", "isolated"), ())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), pre_tokenizers.Split("", "isolated")]
    )
    span = (6, 7)
    one = lesson(context=context, spans=(span,), starts=((6, 1.0),), ends=((7, 1.0),))
    encoding = encode(QUESTION, context, tokenizer)[0]
    assert sum(part == 1 and at == span for part, at in zip(encoding.sequence_ids, encoding.offsets, strict=True)) == 3
    window = make_window(one, tokenizer, Teaching(weight=1))
    human = window_of(encoding, (span,))
    assert window.ends.argmax() == window.starts.argmax() + 2
    np.testing.assert_array_equal(window.starts, human.starts)
    np.testing.assert_array_equal(window.ends, human.ends)


def test_a_text_that_does_not_fit_the_students_window_is_left_out(tiny):
    tokenizer = tokenizer_of(tiny)
    assert make_window(lesson(context=CONTEXT + FILLER * 40), tokenizer, Teaching()) is None
    assert make_window(lesson(context=" ", spans=(), starts=(), ends=()), tokenizer, Teaching()) is None


def test_every_pass_has_another_order():
    lessons = [lesson(question=str(number)) for number in range(30)]
    assert shuffled(lessons, 1) == shuffled(lessons, 1)
    assert shuffled(lessons, 1) != shuffled(lessons, 2)
    assert {one.question for one in shuffled(lessons, 2)} == {str(number) for number in range(30)}


# Records


def write_lessons(path, lessons):
    path.write_text("".join(json.dumps(asdict(one)) + "\n" for one in lessons), encoding="utf-8")
    return path


def test_records_are_read_as_they_were_written_compressed_or_not(tmp_path):
    lessons = [lesson(), lesson(spans=(), starts=(), ends=(), null=(1.0, 0.9)), lesson(context="\u2028雪" + CONTEXT)]
    path = write_lessons(tmp_path / "labels.jsonl", lessons)
    assert load_lessons(path) == lessons
    packed = tmp_path / "labels.jsonl.xz"
    packed.write_bytes(lzma.compress(path.read_bytes()))
    assert load_lessons(packed) == lessons


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"question": "  "}, "its question is blank"),
        ({"question": "\ud800"}, "Invalid JSON: unexpected end of hex escape"),
        ({"context": 3}, "context: Input should be a valid string; it is 3"),
        ({"spans": [[4, 900]]}, "no span from 4 to 900 in a text of 78 characters"),
        ({"spans": [[4, 4]]}, "no span from 4 to 4"),
        ({"spans": [[-4, 4]]}, "no span from -4 to 4"),
        ({"spans": [[1.5, 4]]}, "spans.0.0: Input should be a valid integer; it is 1.5"),
        ({"spans": [4]}, "spans.0: Input should be a valid array; it is 4"),
        ({"starts": [[78, 0.5]]}, "starts: 78 is no place in a text of 78 characters"),
        ({"starts": [[-1, 0.5]]}, "starts: -1 is no place"),
        ({"starts": [[0.5, 0.5]]}, "starts.0.0: Input should be a valid integer; it is 0.5"),
        ({"ends": [[0, 0.5]]}, "ends: 0 is no place"),
        ({"ends": [[79, 0.5]]}, "ends: 79 is no place"),
        ({"ends": [[3, 1.5]]}, "ends.0.1: Input should be less than or equal to 1; it is 1.5"),
        ({"ends": [[3, -0.5]]}, "ends.0.1: Input should be greater than or equal to 0; it is -0.5"),
        ({"ends": [[3, float("nan")]]}, "ends.0.1: Input should be a finite number; it is nan"),
        ({"ends": [[3, "much"]]}, "ends.0.1: Input should be a valid number; it is 'much'"),
        ({"ends": [[3]]}, "ends.0.1: Field required"),
        ({"starts": [[3, 0.7], [4, 0.7]]}, "starts: the probabilities add up to 1.400"),
        ({"null": [0.0, 0.7]}, "ends: the probabilities add up to 1.700"),
        ({"null": [2, 0]}, "null.0: Input should be less than or equal to 1; it is 2"),
        ({"context": "", "spans": [], "starts": [], "ends": []}, "starts: 0 is no place in a text of 0 characters"),
        ({"null": [0.1]}, "null.1: Field required"),
    ],
)
def test_a_damaged_record_is_named(tmp_path, change, says):
    records = [asdict(lesson()), asdict(lesson()) | change]
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(DataError, match=re.escape(f"{path}, line 2: ")) as refused:
        load_lessons(path)
    assert says in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("missing", ["question", "context", "spans", "starts", "ends", "null"])
def test_a_record_that_lacks_something_is_named(tmp_path, missing):
    record = {key: value for key, value in asdict(lesson()).items() if key != missing}
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps(record) + "\n")
    with pytest.raises(DataError, match=f"line 1: {missing}: Field required"):
        load_lessons(path)


def test_torn_empty_and_missing_files_are_refused(tmp_path):
    path = write_lessons(tmp_path / "labels.jsonl", [lesson()])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="line 1: Invalid JSON"):
        load_lessons(path)
    path.write_text("")
    with pytest.raises(DataError, match="holds no record"):
        load_lessons(path)
    with pytest.raises(DataError, match=r"none\.jsonl cannot be read"):
        load_lessons(tmp_path / "none.jsonl")


def test_a_refused_file_is_closed_while_the_refusal_is_kept(tmp_path, monkeypatch):
    path = write_lessons(tmp_path / "labels.jsonl", [lesson(question=" "), lesson()])
    opened = []

    def spy(*arguments, **given):
        opened.append(open(*arguments, **given))  # noqa: PTH123, SIM115 (what the module calls)
        return opened[-1]

    monkeypatch.setattr("qa.training.data.questions.open", spy, raising=False)
    with pytest.raises(DataError) as refused:
        load_lessons(path)
    assert [file.closed for file in opened] == [True]
    assert refused.value


# Labelling


@pytest.fixture(scope="session")
def teacher(tiny, tmp_path_factory):
    """A folder with a reader that is as ignorant as the tiny one, but sure of itself."""
    folder = tmp_path_factory.mktemp("teacher")
    export(None, tiny, None, folder, small=False)
    model = load_reader(folder)
    with torch.no_grad():
        model.qa_outputs.weight *= 20
    model.save_pretrained(folder)
    return folder


def run(data, teacher, out, say=print, **changes):
    labelling.run(data, teacher, None, out, **{"limit": None, "seed": 1, "say": say, "mix": MIX, **changes})
    return load_lessons(out)


def asked(lessons):
    return [(one.question, one.context, one.spans) for one in lessons]


def test_records_hold_what_the_teacher_says(data, teacher, tmp_path):
    said = []
    lessons = run(data[0], teacher, tmp_path / "new" / "labels.jsonl", said.append)
    assert said == [f"{len(lessons)} records in {tmp_path / 'new' / 'labels.jsonl'}"]
    assert len(lessons) > 70
    assert {bool(one.spans) for one in lessons} == {True, False}
    model, tokenizer = load_reader(teacher).eval(), tokenizer_of(teacher)
    surest = []
    assert {(one.starts, one.ends, one.null) for one in lessons if not one.spans} == {((), (), (1.0, 1.0))}
    for one in [one for one in lessons if one.spans][::4]:
        encoding = encode(one.question, one.context, tokenizer)[0]
        places = [i for i, part in enumerate(encoding.sequence_ids) if part == 1]
        with torch.inference_mode():
            output = model(torch.tensor([encoding.ids]))
        for side, (found, logits) in enumerate([(one.starts, output.start_logits), (one.ends, output.end_logits)]):
            null, *probable = logits[0, [0, *places]].softmax(0).tolist()
            expected = {encoding.offsets[i][side]: p for i, p in zip(places, probable, strict=True)}
            assert one.null[side] == pytest.approx(null, abs=0.02)
            assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
            assert len(found) == PLACES
            assert dict(found) == pytest.approx({at: expected[at] for at, _ in found}, abs=0.02)
            assert found[0][1] == pytest.approx(max(probable), abs=0.02)
            surest.append(found[0][1])
    assert max(surest) > 0.1  # else anything would be near


def test_limit_and_seed_choose_what_is_asked(data, teacher, tmp_path):
    whole = run(data[0], teacher, tmp_path / "whole.jsonl")
    assert asked(run(data[0], teacher, tmp_path / "some.jsonl", limit=5)) == asked(whole[:5])
    assert asked(run(data[0], teacher, tmp_path / "other.jsonl", limit=5, seed=2)) != asked(whole[:5])


class Stopped(BaseException):
    """Ctrl-C, or a machine that goes down."""


@pytest.mark.parametrize("torn", [b"", b'{"question": "On wh', '{"question": "On\u2026'.encode()[:-1]])
def test_interrupted_labelling_goes_on(data, teacher, tmp_path, monkeypatch, torn):
    whole, out = run(data[0], teacher, tmp_path / "whole.jsonl"), tmp_path / "labels.jsonl"
    read, n_read = labelling._read, []

    def counted(model, some):
        n_read.append(len(some))
        return read(model, some)

    def stopped(model, some):
        if sum(n_read) >= sum(bool(one.spans) for one in whole[:64]):
            raise Stopped
        return counted(model, some)

    monkeypatch.setattr(labelling, "_read", stopped)
    with pytest.raises(Stopped):
        run(data[0], teacher, out)
    monkeypatch.setattr(labelling, "_read", counted)
    assert asked(load_lessons(out)) == asked(whole[:64])
    before = out.read_bytes()
    with out.open("ab") as stream:
        stream.write(torn)
    n_read.clear()
    said = []
    again = run(data[0], teacher, out, said.append)
    assert out.read_bytes().startswith(before)
    assert said[0] == "resuming after 64 records"
    assert sum(n_read) == sum(bool(one.spans) for one in whole[64:])
    assert asked(again) == asked(whole)
    for found, expected in zip(again, whole, strict=True):
        assert found.null == pytest.approx(expected.null, abs=0.02)
    assert run(data[0], teacher, out) == again  # what is done is not done again
    assert sum(n_read) == sum(bool(one.spans) for one in whole[64:])


def test_records_of_something_else_are_not_gone_on_with(data, teacher, tmp_path):
    path, write = data
    out = tmp_path / "labels.jsonl"
    run(path, teacher, out, limit=5)
    with pytest.raises(DataError, match=r"labels\.jsonl, line 1: made from other data or another seed"):
        run(path, teacher, out, seed=2)
    write([example(number, question=f"Which river flows through town {number}?") for number in range(40)])
    with pytest.raises(DataError, match="made from other data"):
        run(path, teacher, out)


@pytest.mark.parametrize("held", ['{"data": []}', '{"data": []}\n', "a line\nand another"])
def test_a_file_of_something_else_is_left_as_it_is(data, teacher, tmp_path, held):
    out = tmp_path / "labels.jsonl"
    out.write_text(held)
    with pytest.raises(DataError, match=r"no complete record|line 1: "):
        run(data[0], teacher, out)
    assert out.read_text() == held
    before = data[0].read_bytes()
    with pytest.raises(DataError, match="line 1: spans: Field required"):
        run(data[0], teacher, data[0])
    assert data[0].read_bytes() == before


def test_what_cannot_be_labelled_is_refused(data, teacher, tmp_path):
    with pytest.raises(DataError, match=r"compress it afterwards"):
        run(data[0], teacher, tmp_path / "labels.jsonl.xz")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        run(data[0], teacher, tmp_path / "file" / "labels.jsonl")
    with pytest.raises(DataError, match="nothing to label"):
        run(data[0], teacher, tmp_path / "labels.jsonl", mix={})


def test_long_texts_are_cropped_or_left_out(tiny):
    one = EXAMPLES[0]
    start = one.answers[0][1]
    span = (start, start + len(one.answers[0][0]))
    short = Pair("atlas", "answered", one.question, one.context, (span,))
    long = replace(short, context=one.context + FILLER * 40)
    endless = replace(short, context=one.context.replace(".", ",") + FILLER.replace(".", ",") * 40)
    empty = replace(short, context=" ", spans=())
    found = list(fitting([long, endless, empty, short], tokenizer_of(tiny), random.Random(0)))
    assert len(found) == 2
    assert found[1].pair == short
    cropped = found[0].pair
    assert cropped.context in long.context
    assert [cropped.context[a:b] for a, b in cropped.spans] == ["Seine"]
    assert all(len(fits.window.ids) <= 320 for fits in found)


# Both together


def test_a_student_learns_what_the_teacher_says(tiny, tmp_path):
    """The teacher says what is not so: the student that listens to it alone says so, too."""
    lessons = []
    for one in EXAMPLES:
        start = one.answers[0][1]
        town = one.context.index(one.question.split()[7])
        lessons.append(
            Lesson(one.question, one.context, ((start, start + 4),), ((town, 1.0),), ((town + 5, 1.0),), (0.0, 0.0))
        )
    labels = write_lessons(tmp_path / "labels.jsonl", lessons)
    tokenizer, begins = tokenizer_of(tiny), []
    long = recipe(steps=40, decay_steps=10, batches_per_step=2, frozen_layers=0, save_every_s=600)
    for weight in (0.0, 1.0):
        out = tmp_path / str(weight)
        teach(labels, tiny, None, out, long, Teaching(weight), print)
        export(out, tiny, None, out / "reader", small=False)
        encoding = encode(lessons[0].question, lessons[0].context, tokenizer)[0]
        with torch.inference_mode():
            logits = load_reader(out / "reader").eval()(torch.tensor([encoding.ids])).start_logits[0]
        best = max((i for i, part in enumerate(encoding.sequence_ids) if part == 1), key=logits.__getitem__)
        begins.append(lessons[0].context[slice(*encoding.offsets[best])])
    assert begins == ["Seine", "Paris"]


def test_records_that_fit_no_window_of_the_student_are_refused(tiny, tmp_path):
    labels = write_lessons(tmp_path / "labels.jsonl", [lesson(context=CONTEXT + FILLER * 40)])
    with pytest.raises(DataError, match=r"nothing to train on.*no text fits"):
        teach(labels, tiny, None, tmp_path / "out", recipe(), Teaching(), print)


def invoke(*arguments):
    return CliRunner().invoke(cli, ["train", *map(str, arguments)])


def test_the_commands_label_and_train(data, tiny, teacher, tmp_path):
    path = write_examples(data[0], [example(number, source="newwiki") for number in range(40)])
    labels, out = tmp_path / "labels.jsonl", tmp_path / "out"
    for limit in (10, 30):  # the second goes on
        done = invoke("label", path, teacher, labels, "--limit", limit, "--seed", 3)
        assert done.exit_code == 0, done.output
        assert f"{limit} records in" in done.output
    packed = tmp_path / "labels.jsonl.xz"
    packed.write_bytes(lzma.compress(labels.read_bytes()))
    train = ["reader", path, tiny, out, "--labels", packed, "--steps", 0, "--decay-steps", 2]
    done = invoke(*train, "--teacher-weight", 0.5, "--teacher-temperature", 2)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0] == "30 records to train on"
    assert load_tensors(out / WEIGHTS)[1]["done"] == "yes"
    done = invoke(*train)
    assert "resuming from step 2" in done.output
    assert done.exit_code == 0, done.output
    done = invoke(*train, "--json")
    assert json.loads(done.stdout) == {"done": True, "written": str(out)}
    assert "resuming from step 2" in done.stderr
    done = invoke("label", path, teacher, labels, "--limit", 30, "--seed", 3, "--json")
    assert json.loads(done.stdout) == {"done": True, "written": str(labels), "records": 30}
    assert "resuming after 30 records" in done.stderr


def test_the_options_reach_the_student(data, tiny, tmp_path):
    labels = write_lessons(tmp_path / "labels.jsonl", [lesson(starts=((PARIS[0], 0.7), (SEINE[0], 0.2)))] * 8)
    weights = []
    for number, options in enumerate(([], ["--teacher-weight", 0], ["--teacher-temperature", 3])):
        out = tmp_path / str(number)
        done = invoke("reader", data[0], tiny, out, "--labels", labels, "--steps", 0, "--decay-steps", 2, *options)
        assert done.exit_code == 0, done.output
        weights.append(load_tensors(out / WEIGHTS)[0]["qa_outputs.weight"])
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_commands_refuse_in_one_line(data, tiny, tmp_path):
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"question": "who?"}\n')
    train = ["reader", data[0], tiny, tmp_path / "out", "--labels", labels]
    done = invoke(*train)
    assert done.exit_code == 2
    assert "labels.jsonl, line 1: context: Field required" in done.output.replace("\n", "")
    for option, value in (("--teacher-weight", 1.1), ("--teacher-weight", -1), ("--teacher-temperature", 0)):
        assert invoke(*train, option, value).exit_code == 2
    done = invoke("label", data[0], tmp_path / "none", tmp_path / "new.jsonl")
    assert done.exit_code == 2
    assert "none has no readable tokenizer.json" in done.output.replace("\n", "")

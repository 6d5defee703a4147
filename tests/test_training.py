"""Every step of training a reader: preparation, negatives, windows, learning and going on, export; on a tiny model."""

import errno
import json
import os
import random
from statistics import fmean

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertConfig, BertForQuestionAnswering
from typer.testing import CliRunner

from index.errors import ModelError
from index.settings import Settings
from qa.cli.main import cli
from qa.evaluation.metrics import load_questions, sample
from qa.reader.extractive import Reader
from qa.reader.quantized import dequantise, read_shards
from qa.text.normalization import f1
from qa.training.data.entity_swapping import Vocabulary, contrasts, names_in, swap
from qa.training.data.examples import (
    Pair,
    Share,
    answered,
    augment,
    crop,
    holds_answer,
    is_for_training,
    load_checked,
    sentences,
)
from qa.training.data.negatives import Mixer, Negatives
from qa.training.data.questions import DataError
from qa.training.data.windows import collate, make_batches, make_windows
from qa.training.reader.checkpoints import load_tensors, save_tensors
from qa.training.reader.commands import export, measure, run
from qa.training.reader.export import quantise, write_shards
from qa.training.reader.learning import (
    AVERAGE,
    DECAY_NOW,
    WEIGHTS,
    Learner,
    batches_of,
    learn,
    loss_of,
    rate_at,
)
from qa.training.reader.models import load_reader, speed_up
from tiny import EXAMPLES, FILLER, MIX, TOWNS, example, recipe, tokenizer_of, windows_by

# Bad data


def bad(change):
    return [*EXAMPLES[:3], example(3, **change), *EXAMPLES[4:]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"answers": ()}, "'atlas/3': it has no answer"),
        ({"answers": (("", 3),)}, "'atlas/3': '' does not stand at offset 3"),
        ({"answers": (("Aker", 3),)}, "'atlas/3': 'Aker' does not stand at offset 3"),
        ({"question": " "}, "'atlas/3': its question is blank"),
    ],
)
def test_bad_record_is_named(data, tiny, tmp_path, change, says):
    path, write = data
    write(bad(change))
    with pytest.raises(DataError) as refused:
        run(path, tiny, None, tmp_path / "out", recipe(), print, MIX)
    assert says in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_an_id_that_stands_there_twice_is_left_out_and_named(data):
    path, write = data
    write([*EXAMPLES, example(1, question="which?")])
    said = []
    assert load_checked(path, said.append) == EXAMPLES
    assert said == [f"{path}, record 'atlas/1': left out, since its id occurs twice"]


def test_missing_empty_and_useless_data_are_refused(data, tiny, tmp_path):
    path, write = data
    with pytest.raises(DataError, match=r"none\.jsonl cannot be read"):
        load_checked(tmp_path / "none.jsonl", print)
    with pytest.raises(DataError, match="nothing to train on"):
        run(path, tiny, None, tmp_path / "out", recipe(), print, {"other": Share(1, 1)})
    write([])
    with pytest.raises(DataError, match="has no examples"):
        load_checked(path, print)


def test_held_out_groups_are_never_trained_on():
    texts = [f"{number} {FILLER}" for number in range(400)]
    trained = [is_for_training(example(0, source="reddit", group="all", context=text)) for text in texts]
    assert 0 < trained.count(False) < 60  # all of reddit is one group: there each text is its own
    assert len({is_for_training(example(0, context=text)) for text in texts}) == 1


# Pairs


def test_sentences_are_the_whole_text():
    text = EXAMPLES[0].context
    assert "".join(text[a:b] for a, b in sentences(text)) == text
    assert len(sentences(text)) == 4


@given(st.integers(0, 10_000), st.integers(0, 39), st.integers(5, 60))
def test_cropping_keeps_every_answer_where_it_says(seed, number, n_words):
    pair = answered(EXAMPLES[number])
    cropped = crop(pair, random.Random(seed), n_words)
    assert [cropped.context[a:b] for a, b in cropped.spans] == [text for text, _ in EXAMPLES[number].answers]
    assert cropped.context in pair.context


@given(st.text(max_size=60), st.integers(0, 100))
def test_augmenting_takes_any_question(question, seed):
    assert isinstance(augment(question, random.Random(seed)), str)


def test_augmented_questions_differ():
    question = "Where did the settlers of Paris live?"
    made = {augment(question, random.Random(seed)) for seed in range(40)}
    assert question.lower() in made
    assert question[:-1] in made
    assert "Where settlers Paris live" in made
    assert len(made) > 5


# Negatives


def test_swapped_questions_ask_something_else():
    vocabulary = Vocabulary.of([e.question for e in EXAMPLES])
    assert vocabulary.names == sorted(TOWNS)
    first = example(0, question="When was Paris founded before 1805, in the north?", answers=(("1800", 60),))
    made = {swap(first, vocabulary, random.Random(seed)) for seed in range(80)}
    assert any(made_of and "Seine" in made_of for made_of in made)
    assert any(made_of and "after" in made_of for made_of in made)
    assert any(made_of and "south" in made_of for made_of in made)
    assert any(made_of and "1806" in made_of for made_of in made)
    assert any(made_of and "wasn't" in made_of for made_of in made)
    assert first.question not in made
    assert swap(example(0, question="so?"), vocabulary, random.Random(0)) is None


def test_names_are_told_from_beginnings_of_sentences():
    text = "Water is wet. Many of New York's people know. Rivers flow. The Nile flows."
    assert [text[start : start + len(name)] for start, name in names_in(text, is_question=False)] == [
        "New York",
        "Nile",
    ]
    assert [name for _, name in names_in("Did King Louis of France see it?", is_question=True)] == [
        "King Louis of France"
    ]


def test_contrasts_exclude_each_other():
    for word, others in contrasts().items():
        assert others
        assert word not in others
        assert all(word in contrasts()[other] for other in others)


def test_no_negative_holds_its_answer():
    negatives = Negatives(EXAMPLES)
    kinds = set()
    for seed in range(100):
        one = EXAMPLES[seed % 40]
        pair = negatives.make(one, random.Random(seed))
        assert pair.spans == ()
        kinds.add(pair.kind)
        if pair.kind != "swapped":
            assert pair.question == one.question
            assert not holds_answer(pair.context, one.answers)
    assert kinds == {"swapped", "removed", "elsewhere"}


def test_nothing_is_made_where_nothing_can_be():
    alone = example(0, question="so?")
    assert Negatives([alone]).elsewhere(alone, random.Random(0)) is None
    assert Negatives.removed(example(0, context="It lies on the Seine.", answers=(("Seine", 15),))) is None


def test_a_pass_is_the_same_for_the_same_seed():
    mixer = Mixer(EXAMPLES, MIX)
    assert mixer.mixed(1) == mixer.mixed(1)
    assert mixer.mixed(1) != mixer.mixed(2)
    kinds = [pair.kind for pair in mixer.mixed(1)]
    assert kinds.count("answered") == 40
    assert len(kinds) > 70


# Windows


@given(st.integers(0, 39), st.integers(0, 4))
def test_targets_point_at_the_answer(tiny, number, n_fillers):
    one = EXAMPLES[number]
    shift = len(FILLER) * n_fillers * 10
    context = FILLER * n_fillers * 10 + one.context
    spans = tuple((start + shift, start + shift + len(text)) for text, start in one.answers)
    pair = Pair("atlas", "answered", one.question, context, spans)
    tokenizer = tokenizer_of(tiny)
    windows = [w for w in make_windows(pair, tokenizer, random.Random(0)) if w.starts[0] == 0]
    assert windows
    for window in windows:
        assert len(window.ids) <= 320
        found = window.ids[window.starts.argmax() : window.ends.argmax() + 1]
        assert tokenizer.decode(found) == one.answers[0][0].lower()
        assert window.first <= window.starts.argmax() <= window.ends.argmax() <= window.last


def test_targets_are_shared_between_people(tiny):
    one = EXAMPLES[0]
    start = one.answers[0][1]
    spans = ((start, start + 5), (start, start + 5), (start - 6, start + 5), (start - 6, start + 5))
    (window,) = make_windows(
        Pair("atlas", "answered", one.question, one.context, spans), tokenizer_of(tiny), random.Random(0)
    )
    assert sorted(window.starts[window.starts > 0]) == [0.5, 0.5]
    assert window.ends.max() == 1


def test_unanswerable_and_unreadable_texts(tiny):
    tokenizer = tokenizer_of(tiny)
    null = Pair("atlas", "removed", "where?", FILLER * 60, ())
    (window,) = make_windows(null, tokenizer, random.Random(0))
    assert window.starts[0] == window.ends[0] == 1
    assert make_windows(Pair("atlas", "removed", "where?", " ", ()), tokenizer, random.Random(0)) == []
    long = Pair("atlas", "removed", "where " * 2000, FILLER, ())
    assert len(make_windows(long, tokenizer, random.Random(0))[0].ids) <= 320


def test_batches_hold_every_window_and_a_budget_of_tokens(tiny):
    pairs = Mixer(EXAMPLES, MIX).mixed(1)
    batches = list(make_batches(pairs, windows_by(tiny), 200, random.Random(0)))
    assert sum(len(batch) for batch in batches) == len(pairs)
    assert all(len(b) == 1 or len(b) * max(len(w.ids) for w in b) <= 200 for b in batches)
    batch = collate(batches[0], padding_id=1)
    assert (batch.ids[batch.mask == 0] == 1).all()
    assert batch.starts.sum() == pytest.approx(len(batches[0]))
    assert (batch.starts[~batch.allowed] == 0).all()


# Learning


def test_rate_rises_stays_and_falls():
    plan = recipe(warm_up_steps=4, decay_steps=10)
    assert [rate_at(step, 0, None, plan) for step in (0, 3, 100)] == [0.25, 1, 1]
    assert [rate_at(step, 0, 20, plan) for step in (20, 25, 30, 40)] == [1, 0.5, 0, 0]


def test_fast_attention_says_the_same(tiny):
    slow, fast = load_reader(tiny).eval(), load_reader(tiny).eval()
    speed_up(fast)
    ids = torch.randint(4, 20, (3, 30))
    mask = torch.ones_like(ids)
    mask[1, 20:] = 0
    with torch.inference_mode():
        expected, found = slow(ids, attention_mask=mask), fast(ids, attention_mask=mask)
        torch.testing.assert_close(found.start_logits[mask == 1], expected.start_logits[mask == 1])
        torch.testing.assert_close(fast(ids).end_logits, slow(ids).end_logits)


def test_threads_add_up_to_the_gradient_of_one(tiny):
    batches = list(make_batches(Mixer(EXAMPLES, MIX).mixed(1), windows_by(tiny), 200, random.Random(0)))[:4]
    trained = []
    for threads in (1, 2):
        learner = Learner(load_reader(tiny), recipe(threads=threads))
        for _ in range(3):
            learner.step(batches, 1.0)
        learner.close()
        trained.append(learner.parameters)
    for name, weights in trained[0].items():
        if name != "qa_outputs.bias":  # moves all logits alike: its gradient is rounding, which Adam makes a step of
            torch.testing.assert_close(trained[1][name], weights, atol=2e-3, rtol=0.05)


def test_every_step_from_data_to_figures(data, tiny, tmp_path):
    path, _ = data
    out, said = tmp_path / "out", []
    run(path, tiny, None, out, recipe(steps=30, decay_steps=10, save_every_s=60.0), said.append, MIX)
    assert said[-1] == "done after 40 steps"
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in said if "loss" in line]
    assert losses[-1] < losses[0]
    export(out, tiny, None, tmp_path / "reader", small=False)
    assert {p.name for p in (tmp_path / "reader").iterdir()} >= {"config.json", "model.safetensors", "tokenizer.json"}
    asked = [{"id": e.id, "question": e.question, "context": e.context, "answers": e.answers} for e in EXAMPLES[:8]]
    squad = tmp_path / "squad.json"
    squad.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [paragraph(one) for one in asked]}]}))
    scores = measure(tmp_path / "reader", squad, 6)
    assert (scores.questions, scores.answerable) == (6, 6)
    assert scores.f1 == pytest.approx(mean_f1(Reader(Settings(reader=str(tmp_path / "reader"))), squad, 6))


def mean_f1(reader, squad, limit):
    """In percent, of each question asked of its paragraph; nothing is said where null is surer."""
    asked = sample(load_questions(squad), limit)
    best = [reader.read(question.text, [question.paragraph])[0][0] for question in asked]
    said = [q.paragraph[b.start : b.end] if b.score > 0 else "" for q, b in zip(asked, best, strict=True)]
    return 100 * fmean(f1(text, question.answers) for text, question in zip(said, asked, strict=True))


def test_the_commands_train_export_and_measure(data, tiny, tmp_path):
    path, write = data
    write([example(number, source="newwiki") for number in range(40)])
    out, made = tmp_path / "out", tmp_path / "reader"
    squad = tmp_path / "squad.json"
    one = EXAMPLES[0]
    asked = {"id": one.id, "question": one.question, "context": one.context, "answers": one.answers}
    squad.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [paragraph(asked)]}]}))
    for arguments in (
        ["reader", path, tiny, out, "--steps", 0, "--decay-steps", 2, "--size", "large"],
        ["reader", path, tiny, tmp_path / "small", "--steps", 0, "--decay-steps", 2],
        ["export", tiny, tmp_path / "silent", "--trained", out],
    ):
        done = CliRunner().invoke(cli, ["train", *map(str, arguments)])
        assert done.exit_code == 0, done.output
    assert done.stdout == ""
    for arguments, wanted in (
        (["reader", path, tiny, out, "--steps", 0, "--decay-steps", 2, "--size", "large"], {"written": str(out)}),
        (["export", tiny, made, "--trained", out], {"written": str(made)}),
        (["measure", made, squad], {"questions": 1}),
    ):
        done = CliRunner().invoke(cli, ["train", *map(str, arguments), "--json"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout).items() >= wanted.items()
    write(bad({"question": ""}))
    done = CliRunner().invoke(cli, ["train", "reader", str(path), str(tiny), str(out)])
    assert done.exit_code == 2
    assert "record 'atlas/3': its question is blank" in done.output


def paragraph(one):
    answers = [{"text": text, "answer_start": start} for text, start in one["answers"]]
    return {"context": one["context"], "qas": [{"id": one["id"], "question": one["question"], "answers": answers}]}


def stream(folder, plan):
    return batches_of(Mixer(EXAMPLES, MIX).mixed, windows_by(folder), plan)


def test_frozen_weights_stay_and_the_rest_learns(tiny, tmp_path):
    before = {name: w.clone() for name, w in load_reader(tiny).state_dict().items()}
    learner = Learner(load_reader(tiny), recipe())
    learn(learner, stream(tiny, recipe()), tmp_path, print)
    learner.close()
    moved = {name for name, w in learner.model.state_dict().items() if not torch.equal(w, before[name])}
    assert moved == set(learner.parameters)
    assert not any("embeddings" in name or "layer.0." in name or "relative" in name for name in moved)


class Stopped(BaseException):
    """Ctrl-C, or a machine that goes down."""


def stop_after(batches, n_steps, plan):
    for number, batch in enumerate(batches):
        if number == n_steps * plan.batches_per_step:
            raise Stopped
        yield batch


def test_an_interrupted_run_goes_on(tiny, tmp_path):
    plan, said = recipe(), []
    learner = Learner(load_reader(tiny), plan)
    with pytest.raises(Stopped):
        learn(learner, stop_after(stream(tiny, plan), 3, plan), tmp_path, said.append)
    learner.close()
    assert load_tensors(tmp_path / WEIGHTS)[1]["step"] == "3"
    again = Learner(load_reader(tiny), plan)
    learn(again, stream(tiny, plan), tmp_path, said.append)
    assert said[-2:] == ["resuming from step 3", "done after 8 steps"]
    learn(again, stream(tiny, plan), tmp_path, said.append)  # what is done is not done again
    again.close()
    assert said[-2:] == ["resuming from step 8", "done after 8 steps"]


def test_the_rate_falls_when_it_is_asked_to(tiny, tmp_path):
    (tmp_path / DECAY_NOW).touch()
    said = []
    learner = Learner(load_reader(tiny), recipe(steps=None))
    learn(learner, stream(tiny, recipe()), tmp_path, said.append)
    learner.close()
    assert said == ["done after 4 steps"]


def test_a_checkpoint_of_something_else_is_refused(tiny, tmp_path):
    learner = Learner(load_reader(tiny), recipe())
    learn(learner, stream(tiny, recipe()), tmp_path, print)
    learner.close()
    for changed, says in ((recipe(frozen_layers=0), "other layers were frozen"), (recipe(seed=2), "with seed 1")):
        other = Learner(load_reader(tiny), changed)
        with pytest.raises(DataError, match=says):
            learn(other, stream(tiny, changed), tmp_path, print)
        other.close()
    (tmp_path / WEIGHTS).write_bytes(b"torn")
    with pytest.raises(DataError, match=r"last\.safetensors cannot be read"):
        export(tmp_path, tiny, None, tmp_path / "reader", small=False)


# Checkpoints


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path, monkeypatch, broken):
    path = tmp_path / WEIGHTS
    save_tensors({"w": torch.ones(2)}, path, {"step": "1"})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if broken == "fsync":
            patch.setattr(os, "fsync", full)
        else:
            patch.setattr("pathlib.Path.replace", full)
        with pytest.raises(DataError, match=r"the last good one is kept: .*No space left"):
            save_tensors({"w": torch.zeros(2)}, path, {"step": "2"})
    weights, about = load_tensors(path)
    assert about["step"] == "1"
    assert weights["w"].tolist() == [1, 1]
    assert [p.name for p in tmp_path.iterdir()] == [WEIGHTS]


def test_an_interrupt_in_the_middle_of_a_save_leaves_the_last_good_one(tmp_path, monkeypatch):
    path = tmp_path / AVERAGE
    save_tensors({"w": torch.ones(2)}, path, {"step": "1"})

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_tensors({"w": torch.zeros(2)}, path, {"step": "2"})
    assert load_tensors(path)[1]["step"] == "1"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        save_tensors({"w": torch.ones(2)}, tmp_path / "file" / "out.safetensors", {})


# Export


def test_int8_rounds_by_less_than_half_a_step(tiny):
    weights = {name: tensor.clone() for name, tensor in load_reader(tiny).state_dict().items()}
    back = dequantise(quantise(weights))
    assert set(back) == set(weights)
    for name, tensor in weights.items():
        step = tensor.abs().amax(dim=-1, keepdim=True) / 127 if tensor.ndim == 2 else torch.tensor(2e-3)
        assert ((back[name] - tensor).abs() <= 0.5 * step + 1e-6).all()
    assert torch.equal(dequantise(quantise({"zero": torch.zeros(2, 3)}))["zero"], torch.zeros(2, 3))


def test_small_export_is_read_again_exactly(data, tiny, tmp_path):
    path, _ = data
    run(path, tiny, None, tmp_path / "out", recipe(), print, MIX)
    export(tmp_path / "out", tiny, None, tmp_path / "small", small=True)
    first = load_reader(tmp_path / "small").state_dict()
    write_shards(quantise(first), tmp_path / "again", largest=20_000)
    assert len(list((tmp_path / "again").iterdir())) > 1
    assert all(p.stat().st_size < 24_000 for p in (tmp_path / "again").iterdir())
    for name, tensor in read_shards(tmp_path / "again").items():
        torch.testing.assert_close(tensor, first[name], atol=1e-6, rtol=1e-5)


def test_a_reader_in_8_bits_is_read_with_and_refused_when_it_lacks_something(tiny, tmp_path):
    export(None, tiny, None, tmp_path / "small", small=True)
    spans = Reader(Settings(reader=str(tmp_path / "small"))).read("Where is the Nile?", ["The Nile is in Cairo."])[0]
    model = load_reader(tmp_path / "small").eval()
    window = make_windows(
        Pair("", "", "Where is the Nile?", "The Nile is in Cairo.", ((0, 3),)), tokenizer_of(tiny), random.Random(0)
    )
    batch = collate(window, 0)
    with torch.inference_mode():
        said = model(input_ids=batch.ids, attention_mask=batch.mask)
    start, end = said.start_logits[0], said.end_logits[0]
    places = range(window[0].first, window[0].last + 1)
    best = max(float(start[i] + end[j]) for i in places for j in places if i <= j)
    assert spans[0].score == pytest.approx(best - float(start[0] + end[0]), abs=1e-3)
    weights = read_shards(tmp_path / "small")
    write_shards(quantise({n: t for n, t in weights.items() if "word_embeddings" not in n}), tmp_path / "small")
    with pytest.raises(DataError, match=r"lacks mpnet\.embeddings\.word_embeddings\.weight"):
        load_reader(tmp_path / "small")
    with pytest.raises(ModelError, match=r"lacks the weights mpnet\.embeddings\.word_embeddings\.weight"):
        Reader(Settings(reader=str(tmp_path / "small"))).read("who?", ["The court."])


def test_export_refuses_what_does_not_fit(tiny, tmp_path):
    with pytest.raises(DataError, match="at most 10"):
        write_shards({"w": torch.zeros(100)}, tmp_path, largest=10)
    with pytest.raises(ModelError, match=r"holds no \.safetensors file"):
        read_shards(tmp_path)
    with pytest.raises(DataError, match="has no model configuration"):
        load_reader(tmp_path / "nowhere")


def test_a_bert_is_trained_too(tiny, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes((tiny / "tokenizer.json").read_bytes())
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertForQuestionAnswering(BertConfig(vocab_size=200, **sizes)).bert.save_pretrained(tmp_path)
    learner = Learner(load_reader(tmp_path), recipe(frozen_layers=0))  # an encoder alone gets a head
    batches = stream(tmp_path, recipe())
    before = float(loss_of(learner.model, next(batches)).detach())
    learn(learner, batches, tmp_path / "out", print)
    learner.close()
    assert before > 0
    assert load_tensors(tmp_path / "out" / WEIGHTS)[1]["done"] == "yes"

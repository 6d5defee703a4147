"""Training the embedder: batches, learning, going on, the folder that is made; and what it finds, on texts by hand."""

import json
import math
import random
import re
import shutil
from dataclasses import asdict, astuple, fields
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel
from typer.testing import CliRunner

from fakes import word_tokenizer
from index.errors import ModelError
from index.retrieval.embedding import SentenceTransformerEmbedder, unit_length
from index.retrieval.fusion import FusionWeights, weights_of
from index.settings import Settings
from qa.answerer import QuestionAnswerer
from qa.cli.main import cli
from qa.evaluation.metrics import EvaluationError
from qa.training.data.examples import Pair, answered, is_for_training
from qa.training.data.question_passage_pairs import PASSAGE_TOKENS, Pairing, is_for_embedder, shorten
from qa.training.data.questions import DataError, Example, group_of
from qa.training.embedder.learning import MADE, EmbedderLearner, EmbedderRecipe, learn, rate_at, run
from qa.training.embedder.recall import BOUND, lines, measure
from qa.training.fit import fusion
from qa.training.fit.fusion import Retrieved, held_out_questions
from qa.training.reader.checkpoints import load_tensors
from qa.training.reader.learning import WEIGHTS

TOWNS = (
    "Paris Rome Oslo Cairo Lima Delhi Quito Accra Turin Perth Osaka Leeds Sofia Minsk Tunis Dakar "
    "Lyon Kiel Bern Graz Porto Bari Nice Pisa Brno Gent Metz Vigo Ulm Lodz Cork Bath"
).split()
FILLER = "Many people live there and they like it a great deal, whatever the weather may be on any given day. "


def examples_of(number, source="newwiki"):
    """Two questions about one town; each year and each settler is also another town's."""
    town, year, settler = TOWNS[number], str(1800 + number // 2), f"Settler{number // 2}"
    context = f"The town of {town} lies on a river. It was founded in {year} by {settler}. {FILLER}"
    asked = ((f"In what year was {town} founded?", year), (f"Who founded the town of {town}?", settler))
    return [
        Example(f"{source}/{number}/{n}", source, f"group {number}", question, context, ((text, context.index(text)),))
        for n, (question, text) in enumerate(asked)
    ]


EXAMPLES = [example for number in range(32) for example in examples_of(number)]
SEEN = [example for example in EXAMPLES if is_for_embedder(example)]
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]


def write_examples(path, examples):
    lines_ = [
        {
            "id": e.id,
            "source": e.source,
            "group": e.group,
            "question": e.question,
            "context": e.context,
            "answers": [{"text": text, "start": start} for text, start in e.answers],
        }
        for e in examples
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines_), encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path):
    """A file of training data."""
    return write_examples(tmp_path / "train.jsonl", EXAMPLES)


@pytest.fixture(scope="session")
def tiny_embedder(tmp_path_factory):
    """A folder, laid out as the packaged one is, with an embedder of two layers of 32 that has learnt nothing."""
    folder = tmp_path_factory.mktemp("tiny-embedder")
    splitter = pre_tokenizers.BertPreTokenizer()
    texts = [text.lower() for e in EXAMPLES for text in (e.question, e.context)]
    words = sorted({word for text in texts for word, _ in splitter.pre_tokenize_str(text)})
    vocabulary = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = splitter
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(vocabulary), initializer_range=0.2, **sizes)).save_pretrained(folder)
    (folder / "1_Pooling").mkdir()
    for name, content in (
        ("modules.json", MODULES),
        ("sentence_bert_config.json", {"max_seq_length": 256, "do_lower_case": False}),
        ("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"}),
        ("1_Pooling/config.json", {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}),
    ):
        (folder / name).write_text(json.dumps(content))
    return folder


def recipe(**changes):
    small = {"steps": 6, "warm_up_steps": 2, "frozen_layers": 1, "questions_per_step": 8, "rate": 5e-3}
    return EmbedderRecipe(**{**small, "save_every_s": 0.0, **changes})


def tokenizer_of(folder):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def pairing_of(folder, size=8, seed=1, examples=SEEN):
    return Pairing(examples, tokenizer_of(folder), size, seed)


def embedder_of(folder):
    return SentenceTransformerEmbedder(Settings(embedder=str(folder), precision="fp32"))


def settings_of(folder):
    return Settings(embedder=str(folder))


@pytest.fixture
def steps(monkeypatch):
    """The batches that were learnt from; at the one whose number is in `stop_at` the machine goes down."""

    class Steps(list):
        stop_at = None

    seen, step = Steps(), EmbedderLearner.step

    def noted(self, batch, share):
        if len(seen) == seen.stop_at:
            raise Stopped
        seen.append(batch)
        return step(self, batch, share)

    monkeypatch.setattr(EmbedderLearner, "step", noted)
    return seen


class Stopped(BaseException):
    """Ctrl-C, or a machine that goes down."""


# Batches


def test_no_two_questions_of_a_text_are_in_a_batch(tiny_embedder):
    for size in (2, 8, 1000):
        batches = list(islice(pairing_of(tiny_embedder, size).batches(), 30))
        assert {len(batch) for batch in batches} == {min(size, len(SEEN) // 2)}  # two questions are asked of a text
        assert all(len({e.context for e in batch}) == len(batch) for batch in batches)


def test_a_pass_asks_every_question_that_fills_a_batch_once(tiny_embedder):
    n_batches = len(SEEN) // 2
    asked = [e.id for batch in islice(pairing_of(tiny_embedder, 2).batches(), n_batches - 1) for e in batch]
    assert len(set(asked)) == len(asked)


def test_groups_that_anything_is_measured_or_fitted_on_are_never_seen(data, tiny_embedder, tmp_path, steps):
    kept_out = [e for e in EXAMPLES if not is_for_embedder(e)]
    fitted_on = {question for asked, _ in held_out_questions(EXAMPLES).values() for question, _ in asked}
    assert {e.question for e in kept_out} == fitted_on  # what fusion is fitted on
    assert {e.id for e in EXAMPLES if not is_for_training(e)} <= {e.id for e in kept_out}
    run(data, tmp_path / "out", recipe(steps=20, questions_per_step=20), settings_of(tiny_embedder), print)
    learnt_from = " ".join(text for batch in steps for text in (*batch.questions, *batch.passages))
    assert all(TOWNS[int(group_of(e).split()[1])] not in learnt_from for e in kept_out)
    assert any(TOWNS[int(group_of(e).split()[1])] in learnt_from for e in SEEN)


def test_a_passage_is_ranked_once_and_never_against_a_question_it_answers(tiny_embedder):
    pairing = pairing_of(tiny_embedder)
    n_hard = n_masked = 0
    for step, examples in enumerate(islice(pairing.batches(), 10)):
        batch = pairing.make(examples, step)
        assert batch.passages[: len(examples)] == tuple(e.context for e in examples)
        assert len(set(batch.passages)) == len(batch.passages)
        assert batch.allowed.shape == (len(examples), len(batch.passages))
        for row, one in enumerate(examples):
            answer = one.answers[0][0]
            expected = [text == one.context or not re.search(rf"\b{answer}\b", text) for text in batch.passages]
            assert batch.allowed[row].tolist() == expected
        n_hard += len(batch.passages) - len(examples)
        n_masked += (~batch.allowed).sum()
    assert n_hard > 10
    assert n_masked > 10  # neighbours share years and settlers


def test_a_batch_is_the_same_for_the_same_seed_and_step(tiny_embedder):
    batches = [next(pairing_of(tiny_embedder, seed=seed).batches()) for seed in (1, 1, 2)]
    assert batches[0] == batches[1] != batches[2]
    pairing = pairing_of(tiny_embedder)
    made = [pairing.make(batches[0], step).passages for step in (5, 5, 6)]
    assert made[0] == made[1] != made[2]


@given(st.integers(0, 9), st.integers(0, 400), st.integers(0, 400), st.booleans(), st.integers(0, 200))
def test_a_shortened_passage_holds_the_answer(seed, before, after, in_sentences, length):
    filler = FILLER if in_sentences else FILLER.replace(".", " ,")
    text = filler * (before // 20) + " word" * (before % 20) + " Answer" * (length + 1) + ". " + filler * (after // 20)
    start = text.index("Answer")
    end = text.rindex("Answer") + len("Answer")
    tokenizer = word_tokenizer()
    short = shorten(Pair("", "answered", "what?", text, ((start, end),)), tokenizer, random.Random(seed))
    assert len(tokenizer.encode(short).ids) <= PASSAGE_TOKENS - 2
    assert short in text
    assert short.count("Answer") == min(length + 1, PASSAGE_TOKENS - 2)


def test_passages_without_an_answer_and_short_ones_are_shortened_too():
    tokenizer, one = word_tokenizer(), EXAMPLES[0]
    assert shorten(answered(one), tokenizer, random.Random(0)) == one.context
    long = f"{FILLER * 20}The bridge of Oslo is red. {FILLER * 20}"
    short = shorten(Pair("", "elsewhere", "Is the bridge of Oslo red?", long, ()), tokenizer, random.Random(0))
    assert "The bridge of Oslo is red." in short
    assert len(tokenizer.encode(short).ids) <= PASSAGE_TOKENS - 2


# Learning


def test_rate_rises_and_falls():
    plan = recipe(steps=10, warm_up_steps=4)
    assert [rate_at(step, 0, plan) for step in (0, 3, 5, 9)] == pytest.approx([0.25, 0.7, 0.5, 0.1])
    assert rate_at(6, 6, plan) == pytest.approx(0.25 * 0.4)  # the optimiser's state is not kept


def test_the_loss_is_that_of_the_vectors_that_are_searched(tiny_embedder):
    pairing = pairing_of(tiny_embedder)
    batch = pairing.make(next(pairing.batches()), 0)
    searched = embedder_of(tiny_embedder)
    scores = 20 * searched.embed(batch.questions) @ searched.embed(batch.passages).T
    scores[~batch.allowed] = -np.inf
    of_each = [np.log(np.exp(row).sum()) - row[n] for n, row in enumerate(scores)]
    loss = EmbedderLearner(tiny_embedder, recipe()).loss_of(batch)
    assert float(loss.detach()) == pytest.approx(np.mean(of_each), rel=1e-3)


def test_the_loss_falls(data, tiny_embedder, tmp_path):
    said = []
    run(data, tmp_path / "out", recipe(steps=60, save_every_s=60.0), settings_of(tiny_embedder), said.append)
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in said if line.startswith("step ")]
    assert len(losses) == 6
    assert losses[-1] < 0.5 * losses[0]


def test_only_layers_above_the_frozen_ones_change(tiny_embedder, tmp_path):
    learner = EmbedderLearner(tiny_embedder, recipe())
    before = {name: weights.clone() for name, weights in learner.encoder.state_dict().items()}
    learn(learner, pairing_of(tiny_embedder), tmp_path, print)
    moved = {name for name, w in learner.encoder.state_dict().items() if not torch.equal(w, before[name])}
    assert moved
    assert all("layer.1." in name for name in moved)


def test_an_interrupted_run_goes_on_where_it_was(data, tiny_embedder, tmp_path, steps):
    start, said = settings_of(tiny_embedder), []
    run(data, tmp_path / "whole", recipe(), start, said.append)
    whole, steps[:] = list(steps), []
    steps.stop_at = 3
    with pytest.raises(Stopped):
        run(data, tmp_path / "out", recipe(), start, said.append)
    assert load_tensors(tmp_path / "out" / WEIGHTS)[1]["step"] == "3"
    assert not (tmp_path / "out" / MADE).exists()
    steps.stop_at = None
    run(data, tmp_path / "out", recipe(), start, said.append)
    assert "resuming from step 3" in said
    assert [batch.passages for batch in steps] == [batch.passages for batch in whole]
    run(data, tmp_path / "out", recipe(keep_original=0.2), start, said.append)
    assert len(steps) == len(whole)  # what is done is not done again, only mixed again


def test_a_checkpoint_of_something_else_is_refused(data, tiny_embedder, tmp_path):
    out, start = tmp_path / "out", settings_of(tiny_embedder)
    run(data, out, recipe(steps=1), start, print)
    with pytest.raises(DataError, match="other layers were frozen"):
        run(data, out, recipe(frozen_layers=0), start, print)
    with pytest.raises(DataError, match="trained with seed 1"):
        run(data, out, recipe(seed=2), start, print)
    shutil.copytree(out / MADE, tmp_path / "other")
    with pytest.raises(DataError, match="trained from another embedder"):
        run(data, out, recipe(), settings_of(tmp_path / "other"), print)
    with pytest.raises(DataError, match=r"out='.*' contains the embedder to start from"):
        run(data, out, recipe(), settings_of(out / MADE), print)
    (out / WEIGHTS).write_bytes(b"torn")
    with pytest.raises(DataError, match=r"last\.safetensors cannot be read"):
        run(data, out, recipe(), start, print)


# What is made


def test_what_is_made_lies_between_what_was_and_what_was_learnt(data, tiny_embedder, tmp_path):
    made, texts = {}, [text for e in EXAMPLES[:6] for text in (e.question, e.context)]
    for keep in (0.0, 0.5, 1.0):
        run(data, tmp_path / "out", recipe(keep_original=keep), settings_of(tiny_embedder), print)
        made[keep] = tmp_path / f"kept {keep}"
        shutil.copytree(tmp_path / "out" / MADE, made[keep])
    weights = {keep: load_tensors(folder / "model.safetensors")[0] for keep, folder in made.items()}
    for name, half in weights[0.5].items():
        mean = (weights[0.0][name].float() + weights[1.0][name].float()) / 2
        torch.testing.assert_close(half.float(), mean, atol=2e-3, rtol=2e-3)
    first = embedder_of(tiny_embedder)
    vectors = {keep: embedder_of(folder).embed(texts) for keep, folder in made.items()}
    np.testing.assert_allclose(vectors[1.0], first.embed(texts), atol=5e-3)
    assert abs(vectors[0.0] - vectors[1.0]).max() > 0.05
    prints = {embedder_of(folder).fingerprint for folder in made.values()} | {first.fingerprint}
    assert len(prints) == 4  # the index tells them apart
    assert embedder_of(made[0.5]).tokenizer.to_str() == first.tokenizer.to_str()
    assert not list(tmp_path.rglob("*.new"))


def test_later_modules_are_copied_with_their_weights(data, tiny_embedder, tmp_path):
    start = tmp_path / "start"
    shutil.copytree(tiny_embedder, start)
    (start / "2_Dense").mkdir()
    (start / "2_Dense" / "model.safetensors").write_bytes(b"weights of their own")
    (start / "onnx").mkdir()
    run(data, tmp_path / "out", recipe(steps=1), settings_of(start), print)
    made = tmp_path / "out" / MADE
    assert (made / "2_Dense" / "model.safetensors").read_bytes() == b"weights of their own"
    assert not (made / "onnx").exists()


# Bad input


def test_data_that_cannot_be_used_is_refused(data, tiny_embedder, tmp_path):
    out, start = tmp_path / "out", settings_of(tiny_embedder)
    with pytest.raises(DataError, match=r"none\.jsonl cannot be read"):
        run(tmp_path / "none.jsonl", out, recipe(), start, print)
    for useless in ([e for n in range(8) for e in examples_of(n, "other")], SEEN[:2]):
        with pytest.raises(DataError, match=r"nothing to train on: the sources newwiki, .* have fewer than two texts"):
            run(write_examples(data, useless), out, recipe(), start, print)
    assert not out.exists()


def test_embedders_that_cannot_be_trained_are_refused(data, tiny_embedder, tmp_path):
    with pytest.raises(DataError, match="frozen_layers=2 leaves nothing to train: the embedder has 2 layers"):
        run(data, tmp_path / "out", recipe(frozen_layers=2), settings_of(tiny_embedder), print)
    other = tmp_path / "other"
    shutil.copytree(tiny_embedder, other)
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
    DistilBertModel(DistilBertConfig(vocab_size=200, **sizes)).save_pretrained(other)
    with pytest.raises(DataError, match="other layers than BERT's"):
        run(data, tmp_path / "out", recipe(), settings_of(other), print)
    (other / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(DataError, match="has no embedder that can be trained") as refused:
        run(data, tmp_path / "out", recipe(), settings_of(other), print)
    assert len(str(refused.value).splitlines()) == 1


# What is found

NAMES = ("apples are red", "bananas are yellow", "cherries are small", "dates are sweet")
ASKED = {  # the question's nearness to each paragraph, and the paragraph that answers it
    "where are apples?": ((1, 0, 0, 0), 0),  # found by both
    "how about bananas?": ((1, 0.9, 0, 0), 1),  # second to the embedder, first by words
    "why zebras?": ((0.4, 0.3, 0.1, 0.2), 2),  # last to the embedder, not found by words
    "do apples grow?": ((0, 0, 1, 0), 2),  # first to the embedder, by words another is
}


class HandEmbedder:
    """Vectors set by hand; notes how many texts each call embedded."""

    name, fingerprint, dimension = "hand", "hand", 4

    def __init__(self):
        self.tokenizer = word_tokenizer()
        self.calls = []

    def embed(self, texts, on_progress=None):
        self.calls.append(len(texts))
        if on_progress is not None:
            on_progress(len(texts))
        known = dict(zip(NAMES, np.eye(4), strict=True))
        known |= {question: vector for question, (vector, _) in ASKED.items()}
        return unit_length(np.array([known[text] for text in texts], dtype=np.float32))


def write_squad(path, questions):
    paragraphs = [
        {
            "context": name,
            "qas": [
                {"id": q, "question": q, "answers": [{"text": name[:5], "answer_start": 0}]}
                for q, (_, gold) in questions.items()
                if gold == number
            ],
        }
        for number, name in enumerate(NAMES)
    ]
    paragraphs[0]["qas"].append({"id": "no", "question": "who?", "is_impossible": True, "answers": []})
    path.write_text(json.dumps({"data": [{"title": "fruit", "paragraphs": paragraphs}]}))
    return path


def test_the_table_of_recall_is_right(tmp_path):
    embedder, said = HandEmbedder(), []
    table = measure(write_squad(tmp_path / "squad.json", ASKED), None, Settings(), said.append, embedder)
    assert said[0] == "4 questions, 4 paragraphs"
    assert list(table) == ["embedder", "FTS5", "fusion", BOUND]
    assert table["embedder"] == {"recall@1": 0.5, "recall@5": 1.0, "recall@10": 1.0, "mrr": 0.6875}
    assert table["FTS5"] == {"recall@1": 0.5, "recall@5": 0.5, "recall@10": 0.5, "mrr": 0.5}
    assert table["fusion"] == {"recall@1": 0.75, "recall@5": 1.0, "recall@10": 1.0, "mrr": 0.8125}
    assert table[BOUND]["recall@10"] == 1.0
    assert sorted(embedder.calls) == [4, 4]  # all questions at once, all paragraphs at once
    printed = lines(table)
    assert printed[0].split() == ["recall@1", "recall@5", "recall@10", "mrr"]
    assert printed[2].split() == ["FTS5", "0.5000", "0.5000", "0.5000", "0.5000"]
    assert len({len(line) for line in printed}) == 1


def test_recall_asks_a_sample_and_needs_an_answer(tmp_path):
    file = write_squad(tmp_path / "squad.json", ASKED)
    said = []
    measure(file, 2, Settings(), said.append, HandEmbedder())
    assert said[0] == "2 questions, 4 paragraphs"
    with pytest.raises(EvaluationError, match="has no question with an answer"):
        measure(write_squad(file, {}), None, Settings(), said.append, HandEmbedder())


def test_what_shares_no_word_is_not_found_by_words():
    found = Retrieved("b", ["a", "b"], np.array([[0.1, 1.0], [0.9, 0.0]]))
    assert found.rank(np.array([0.0, 1.0])) == 2
    assert found.lexical().rank(np.array([0.0, 1.0])) is None


def test_fitted_fusion_weights_are_what_search_adds_up_with(data, tiny_embedder, tmp_path, caplog):
    folder = shutil.copytree(tiny_embedder, tmp_path / "embedder")
    settings = Settings(embedder=str(folder))
    squad = write_squad(tmp_path / "squad.json", ASKED)
    assert weights_of(SentenceTransformerEmbedder(settings)) == FusionWeights()
    assert "no fusion weights were fitted for" in caplog.text  # MiniLM's are taken, but not in silence
    caplog.clear()
    fitted = fusion.run(data, squad, None, None, settings, print)
    assert fitted.file == folder / "fusion.json"
    assert fitted.weights != FusionWeights()
    embedder = SentenceTransformerEmbedder(settings)
    assert weights_of(embedder) == fitted.weights
    documents = tmp_path / "documents"
    documents.mkdir()
    documents.joinpath("a.txt").write_text("a dog ran to the sea\n")
    with QuestionAnswerer(documents, Settings(index_dir=tmp_path / "index"), embedder=embedder) as answerer:
        answerer.sync()
        [hit] = answerer.search("dog sea")
    scores = (hit.cosine, 1.0, hit.proximity.window, hit.proximity.phrases)  # BM25 divided by the best, its own
    assert hit.score == pytest.approx(sum(map(math.prod, zip(astuple(fitted.weights), scores, strict=True))))
    assert not caplog.records


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "{",
            r"fusion\.json is not a file of fusion weights: Invalid JSON.*write it again with: verbatim train fusion",
        ),
        ("[]", "is not a file of fusion weights"),
        (lambda good: good | {"weights": good["weights"] | {"cosine": "8"}}, r"weights\.cosine: .* valid number"),
        (lambda good: good | {"weights": good["weights"] | {"cosine": math.nan}}, r"weights\.cosine: .*finite"),
        (lambda good: good | {"embedder_sha256": "0" * 64}, "was written for other weights of 'tiny'"),
    ],
)
def test_a_file_of_fusion_weights_that_cannot_be_used_is_refused(tiny_embedder, tmp_path, content, message):
    folder = shutil.copytree(tiny_embedder, tmp_path / "embedder")
    embedder = SentenceTransformerEmbedder(Settings(embedder=str(folder)))
    good = {"embedder": "tiny", "embedder_sha256": embedder.fingerprint, "weights": asdict(FusionWeights())}
    text = content if isinstance(content, str) else json.dumps(content(good))
    (folder / "fusion.json").write_text(text)
    with pytest.raises(ModelError, match=message):
        weights_of(embedder)


def test_the_commands_train_an_embedder_and_measure_it(data, tiny_embedder, tmp_path, monkeypatch):
    monkeypatch.setenv("VERBATIM_EMBEDDER", str(tiny_embedder))
    out = tmp_path / "out"
    trains = ["embedder", data, out, "--steps", 1, "--frozen-layers", 1, "--rate", 0.001, "--keep-original", 0.25]
    done = CliRunner().invoke(cli, ["train", *map(str, trains)])
    assert done.exit_code == 0, done.output
    assert f"written: {out / MADE}" in done.output.replace("\n", "")
    squad = write_squad(tmp_path / "squad.json", ASKED)
    for more in ([], ["--json"]):
        done = CliRunner().invoke(cli, ["train", "recall", str(squad), "--embedder", str(out / MADE), *more])
        assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["FTS5"]["recall@1"] == 0.5
    assert f"{len(ASKED)} questions" in done.stderr
    done = CliRunner().invoke(cli, ["train", *map(str, trains), "--json"])
    assert json.loads(done.stdout) == {"done": True, "written": str(out / MADE)}
    assert f"written: {out / MADE}" in done.stderr.replace("\n", "")
    weights_file = tmp_path / "fusion.json"
    done = CliRunner().invoke(cli, ["train", "fusion", str(data), str(squad), "--out", str(weights_file), "--json"])
    assert done.exit_code == 0, done.output
    fitted = json.loads(done.stdout)
    assert fitted["file"] == str(weights_file)
    assert json.loads(weights_file.read_text())["weights"] == fitted["weights"]
    assert fitted["weights"].keys() == {field.name for field in fields(FusionWeights)}
    assert fitted["figures"].keys() == {"embedder", "FTS5", "fusion"}
    assert "fitted: FusionWeights(" in done.stderr
    done = CliRunner().invoke(cli, ["train", "embedder", str(data), str(tmp_path / "no"), "--frozen-layers", "2"])
    assert done.exit_code == 2
    assert "frozen_layers=2 leaves nothing to train" in done.output

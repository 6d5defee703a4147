"""Trains, measures and exports a reader: what `verbatim train reader` and `verbatim train export` do."""

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from index.pretrained import load_tokenizer
from index.settings import Settings
from qa.evaluation.metrics import Prediction, Question, Scores, load_questions, sample, score
from qa.reader.extractive import Reader, SpanReader
from qa.records.span import Span
from qa.training.data.examples import MIX, Share, is_for_training, load_checked
from qa.training.data.negatives import Mixer
from qa.training.data.questions import DataError
from qa.training.data.windows import Window, make_windows
from qa.training.reader.checkpoints import load_tensors
from qa.training.reader.export import quantise, write_shards
from qa.training.reader.learning import AVERAGE, WEIGHTS, Learner, Recipe, Say, batches_of, learn
from qa.training.reader.models import load_reader

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def run(
    data: Path, start: Path, base: Path | None, out: Path, recipe: Recipe, say: Say, mix: Mapping[str, Share] = MIX
) -> None:
    """Train a reader, going on where an earlier run stopped.

    Args:
        data: Training data.
        start: Folder of the model to start from.
        base: Folder of the model that one was made from, for weights it lacks.
        out: Folder for checkpoints.
        recipe: How.
        say: Prints a line.
        mix: How much of each source goes into a pass.
    """
    examples = [example for example in load_checked(data, say) if is_for_training(example)]
    mixer = Mixer(examples, mix)
    say(f"{len(examples)} questions to train on")
    tokenizer = load_tokenizer(start)
    batches = batches_of(mixer.mixed, lambda pair, rng: make_windows(pair, tokenizer, rng), recipe)
    train(batches, start, base, out, recipe, say)


def train(batches: Iterator[list[Window]], start: Path, base: Path | None, out: Path, recipe: Recipe, say: Say) -> None:
    """Train a reader on batches, going on where an earlier run stopped.

    Args:
        batches: What it learns from, from the beginning.
        start: Folder of the model to start from.
        base: Folder of the model that one was made from, for weights it lacks.
        out: Folder for checkpoints.
        recipe: How.
        say: Prints a line.
    """
    learner = Learner(load_reader(start, base), recipe)
    try:
        learn(learner, batches, out, say)
    finally:
        learner.close()


def export(trained: Path | None, start: Path, base: Path | None, folder: Path, *, small: bool) -> None:
    """Write a reader that was trained, or the one it starts from, with its tokenizer.

    Args:
        trained: Folder of checkpoints: the last weights when training is done, else their average. None takes
            the reader as it started.
        start: Folder of the model that training started from.
        base: Folder of the model that one was made from.
        folder: Where to write.
        small: In 8 bits and files below 50 MB; else in one file, as fp16.
    """
    model = load_reader(start, base)
    if trained is not None:
        _take(model, trained)
    folder.mkdir(parents=True, exist_ok=True)
    for name in _TOKENIZER_FILES:
        if (start / name).exists():
            shutil.copyfile(start / name, folder / name)
    if not small:
        model.half().save_pretrained(folder)
        return
    model.config.save_pretrained(folder)
    write_shards(quantise(model.state_dict()), folder)


def _take(model: "PreTrainedModel", trained: Path) -> None:
    """Put trained weights in place of those that a model has.

    Args:
        model: The model.
        trained: Folder of checkpoints.

    Raises:
        DataError: They cannot be read, or are another model's.
    """
    weights, about = load_tensors(trained / WEIGHTS)
    if about.get("done") != "yes":
        weights, _ = load_tensors(trained / AVERAGE)
    unknown = model.load_state_dict({name: t.float() for name, t in weights.items()}, strict=False).unexpected_keys
    if unknown:
        raise DataError(f"{trained} holds weights of another model: {unknown[0]}")


def measure(folder: Path, questions: Path, limit: int | None) -> Scores:
    """Figures of a reader alone, each question asked of its own paragraph and declined when null scores higher.

    Args:
        folder: The reader, in full.
        questions: A file in SQuAD's format that nothing is trained on.
        limit: Ask only so many, drawn at random; None asks all.

    Returns:
        The figures.
    """
    asked = sample(load_questions(questions), limit)
    reader = Reader(Settings(reader=str(folder)))
    return score(asked, [_predict(reader, question) for question in asked])


def _predict(reader: SpanReader, question: Question) -> Prediction:
    spans: Sequence[Span] = reader.read(question.text, [question.paragraph])[0]
    if not spans:
        return Prediction("", 0.0, answered=False)
    best = spans[0]
    # Odds against the null answer; divided by 4, or else ties at 1 would hide the order of the surest.
    confidence = 1 / (1 + math.exp(-best.score / 4))
    return Prediction(question.paragraph[best.start : best.end], confidence, answered=best.score > 0)

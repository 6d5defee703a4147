"""Trains, measures and exports a reader: `verbatim train reader` and `verbatim train export`."""

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
    """Train a reader, resuming an earlier run.

    Args:
        data: Training data.
        start: Folder of the model to start from.
        base: Folder of the model that this one was made from, for weights it lacks.
        out: Folder for checkpoints.
        recipe: Hyperparameters.
        say: Prints a line.
        mix: How much of each source goes into an epoch.
    """
    examples = [example for example in load_checked(data, say) if is_for_training(example)]
    mixer = Mixer(examples, mix)
    say(f"{len(examples)} questions to train on")
    tokenizer = load_tokenizer(start)
    batches = batches_of(mixer.mixed, lambda pair, rng: make_windows(pair, tokenizer, rng), recipe)
    train(batches, start, base, out, recipe, say)


def train(batches: Iterator[list[Window]], start: Path, base: Path | None, out: Path, recipe: Recipe, say: Say) -> None:
    """Train a reader on batches, resuming an earlier run.

    Args:
        batches: All batches, from the first.
        start: Folder of the model to start from.
        base: Folder of the model that this one was made from, for weights it lacks.
        out: Folder for checkpoints.
        recipe: Hyperparameters.
        say: Prints a line.
    """
    learner = Learner(load_reader(start, base), recipe)
    try:
        learn(learner, batches, out, say)
    finally:
        learner.close()


def export(trained: Path | None, start: Path, base: Path | None, folder: Path, *, small: bool) -> None:
    """Write a trained reader, or the one that training started from, with its tokenizer.

    Args:
        trained: Folder of checkpoints: the last weights if training is done, else their average. None writes the
            untrained reader.
        start: Folder of the model that training started from.
        base: Folder of the model that this one was made from.
        folder: Folder to write.
        small: Quantized to 8 bits, in files below 50 MB; otherwise one file in fp16.
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
    """Load trained weights into a model.

    Args:
        model: The model.
        trained: Folder of checkpoints.

    Raises:
        DataError: They cannot be read, or belong to another model.
    """
    weights, about = load_tensors(trained / WEIGHTS)
    if about.get("done") != "yes":
        weights, _ = load_tensors(trained / AVERAGE)
    unknown = model.load_state_dict({name: t.float() for name, t in weights.items()}, strict=False).unexpected_keys
    if unknown:
        raise DataError(f"{trained} has weights of another model: {unknown[0]}")


def measure(folder: Path, questions: Path, limit: int | None) -> Scores:
    """Measure a reader alone: each question is asked of its own paragraph, and declined if null scores higher.

    Args:
        folder: The reader, with full weights.
        questions: A file in SQuAD's format that is not used for training.
        limit: Number of questions, drawn at random; None is all.

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
    # Odds against the null answer, divided by 4: confidences that round to 1 would all be ties.
    confidence = 1 / (1 + math.exp(-best.score / 4))
    return Prediction(question.paragraph[best.start : best.end], confidence, answered=best.score > 0)

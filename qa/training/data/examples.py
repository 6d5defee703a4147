"""Training examples of the reader: questions paired with texts, answerable or not, mixed from several sources."""

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from qa.training.data.augmentation import Vary, keywords, lower, mistyped, unmarked
from qa.training.data.questions import DataError, Example, group_of, is_held_out, load_examples

HELD_OUT_ONE_IN = 20
CROP_WORDS = 95

_SENTENCE_END = re.compile(r"[.!?][\"\u201d\u2019)\]]*\s+(?=[\"\u201c\u2018(\[]?[A-Z0-9])")
_WORD = re.compile(r"\w+")

Offsets = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question paired with a text.

    Attributes:
        source: Its data set.
        kind: "answered", or how it was made unanswerable: "swapped", "removed", "elsewhere".
        question: The question.
        context: The text.
        spans: Start and end offset of each human answer; empty if the text does not answer.
    """

    source: str
    kind: str
    question: str
    context: str
    spans: tuple[Offsets, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a source goes into an epoch.

    Attributes:
        answered: Share of its questions that are paired with their own text, 0 to 1.
        unanswerable: Number of unanswerable pairs for each of these.
    """

    answered: float
    unanswerable: float


MIX: Mapping[str, Share] = {
    "newwiki": Share(1.0, 0.8),
    "reddit": Share(1.0, 0.5),
    "amazon": Share(1.0, 0.5),
    "fairytale": Share(0.5, 0.4),
    "qed": Share(1.0, 0.8),
    "covid": Share(0.35, 0.4),
    "qamr": Share(0.15, 0.5),
}
AUGMENTED = 0.35
TYPED: Sequence[Vary] = (lower, unmarked, keywords, mistyped)
CROPPED = 0.6


def is_for_training(example: Example) -> bool:
    """Return whether an example is in a group used for training."""
    return not is_held_out(group_of(example), HELD_OUT_ONE_IN)


def load_checked(path: Path, say: Callable[[str], None]) -> list[Example]:
    """Load all examples of a file, each with a unique id and an answer.

    Args:
        path: The file, in a format of `load_examples`.
        say: Prints a line, here naming each record that is left out since its id was used before.

    Returns:
        The examples, those of held-out groups included.

    Raises:
        DataError: A record has no answer or no question, or the file is empty.
    """
    seen: set[str] = set()
    examples = []
    for example in load_examples(path):
        if example.id in seen:
            say(f"{path}, record {example.id!r}: left out, since its id occurs twice")
            continue
        if not example.answers:
            raise DataError(f"{path}, record {example.id!r}: it has no answer")
        if not example.question.strip():
            raise DataError(f"{path}, record {example.id!r}: its question is blank")
        seen.add(example.id)
        examples.append(example)
    if not examples:
        raise DataError(f"{path} has no examples")
    return examples


def words_of(text: str) -> str:
    """Return the text's words in lower case, each surrounded by spaces so that `in` finds whole words."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def holds_answer(text: str, answers: Iterable[tuple[str, int]]) -> bool:
    """Return whether a text contains one of the answers, word by word."""
    words = words_of(text)
    return any(words_of(answer) in words for answer, _ in answers)


def sentences(text: str) -> list[Offsets]:
    """Return the offsets of a text's sentences, which cover the text."""
    cuts = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    return [(start, end) for start, end in pairwise(cuts) if start < end]


def answered(example: Example) -> Pair:
    """Pair an example with its own text; each human answer is kept, so that frequent ones weigh more."""
    spans = tuple((start, start + len(text)) for text, start in example.answers)
    return Pair(example.source, "answered", example.question, example.context, spans)


def crop(pair: Pair, rng: random.Random, n_words: int = CROP_WORDS) -> Pair:
    """Keep only some sentences around the answer, or around the one most like the question, to save computation.

    Args:
        pair: The pair.
        rng: Chooses the other sentences.
        n_words: Sentences are added up to this number of words.

    Returns:
        The pair with a part of its text; unchanged if the text is short.
    """
    parts = sentences(pair.context)
    if len(pair.context.split()) < 1.25 * n_words or len(parts) < 3:  # noqa: PLR2004
        return pair
    first, last = _anchor(pair, parts, rng)
    while len(pair.context[parts[first][0] : parts[last][1]].split()) < n_words:
        if first == 0 and last == len(parts) - 1:
            break
        if last == len(parts) - 1 or (first > 0 and rng.random() < 0.5):  # noqa: PLR2004
            first -= 1
        else:
            last += 1
    start, end = parts[first][0], parts[last][1]
    spans = tuple((a - start, b - start) for a, b in pair.spans)
    return replace(pair, context=pair.context[start:end], spans=spans)


def _anchor(pair: Pair, parts: Sequence[Offsets], rng: random.Random) -> tuple[int, int]:
    """Return the first and the last sentence that must be kept."""
    if pair.spans:
        low, high = min(start for start, _ in pair.spans), max(end for _, end in pair.spans)
        return (
            max(i for i, (start, _) in enumerate(parts) if start <= low),
            min(i for i, (_, end) in enumerate(parts) if end >= high),
        )
    asked = set(words_of(pair.question).split())
    alike = [len(asked & set(words_of(pair.context[a:b]).split())) + rng.random() / 2 for a, b in parts]
    best = max(range(len(parts)), key=alike.__getitem__)
    return best, best


def augment(question: str, rng: random.Random) -> str:
    """Rewrite a question as people type it: lower case, no question mark, keywords, or a typing mistake."""
    return rng.choice(TYPED)(question, rng)

"""What the reader is trained on: questions beside texts, with and without an answer, mixed from several sources."""

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
    """A question beside a text.

    Attributes:
        source: The data set it comes from.
        kind: "answered", or how it lost its answer: "swapped", "removed", "elsewhere".
        question: The question.
        context: The text.
        spans: Offsets of the first character and after the last of what people answered, one for each of
            them; none when the text does not answer.
    """

    source: str
    kind: str
    question: str
    context: str
    spans: tuple[Offsets, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a source goes into a pass.

    Attributes:
        answered: Part of its questions that are asked of their own text, 0 to 1.
        unanswerable: Questions made unanswerable, for each that is asked of its own text.
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
    """Whether an example is of a group that the reader may see."""
    return not is_held_out(group_of(example), HELD_OUT_ONE_IN)


def load_checked(path: Path, say: Callable[[str], None]) -> list[Example]:
    """All examples of a file, each with an id of its own and an answer.

    Args:
        path: The file, as `load_examples` takes it.
        say: Prints a line: a record whose id stood there before is left out and named.

    Returns:
        The examples, those of groups that are held out among them.

    Raises:
        DataError: A record has no answer or no question, or the file holds nothing.
    """
    seen: set[str] = set()
    examples = []
    for example in load_examples(path):
        if example.id in seen:
            say(f"{path}, record {example.id!r}: left out, the id stands there twice")
            continue
        if not example.answers:
            raise DataError(f"{path}, record {example.id!r}: it has no answer")
        if not example.question.strip():
            raise DataError(f"{path}, record {example.id!r}: its question is blank")
        seen.add(example.id)
        examples.append(example)
    if not examples:
        raise DataError(f"{path} holds no example")
    return examples


def words_of(text: str) -> str:
    """A text's words in lower case, one space between and around them: `in` finds whole words."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def holds_answer(text: str, answers: Iterable[tuple[str, int]]) -> bool:
    """Whether one of the answers stands in a text, by its words."""
    words = words_of(text)
    return any(words_of(answer) in words for answer, _ in answers)


def sentences(text: str) -> list[Offsets]:
    """Offsets of a text's sentences, which together are the text."""
    cuts = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    return [(start, end) for start, end in pairwise(cuts) if start < end]


def answered(example: Example) -> Pair:
    """An example as it is, every human answer counting once: the more say the same, the more weight it has."""
    spans = tuple((start, start + len(text)) for text, start in example.answers)
    return Pair(example.source, "answered", example.question, example.context, spans)


def crop(pair: Pair, rng: random.Random, n_words: int = CROP_WORDS) -> Pair:
    """Keep some sentences around the answer, or around the one most like the question: shorter is cheaper to learn.

    Args:
        pair: The pair.
        rng: Chooses what else is kept.
        n_words: Sentences are kept until there are so many words.

    Returns:
        The pair with a part of its text, or as it is when there is little to save.
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
    """First and last sentence that must be kept."""
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
    """A question as people type it: in lower case, without its mark, as keywords, or with a typing mistake."""
    return rng.choice(TYPED)(question, rng)

"""Makes questions unanswerable by swapping a name, number or word, or by negation."""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qa.training.data.examples import words_of
from qa.training.data.questions import Example

NOT_NAMES = frozenset(
    "what who whom whose when where which why how in on at the a an is are was were did do does if of for to from by "
    "with after before during according name i and but it he she they this that these those my we our you his her "
    "their its as not no there some many most however also although while since".split()
)

_CONTRASTS = [Path(__file__).parent / name for name in ("contrasts.txt", "antonyms.txt")]
_NAME = re.compile(r"[A-Z][\w\u2019'-]*(?:\s+(?:(?:of|de|von|van|the|al)\s+)?[A-Z][\w\u2019'-]*)*")
_YEAR = re.compile(r"\b1[0-9]{3}\b|\b20[0-9]{2}\b")
_NUMBER = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})*(?:\.\d+)?(?![\w,]|\.\d)")
_CONTENT_WORD = re.compile(r"\b[a-z]{5,}\b")
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|did|does|do|can|could|will|would|has|have|had|should)\b")
_TO_BE_OF = re.compile(r"(?:who|what) (?:is|are|was|were)\b", re.IGNORECASE)
_SHORT_NEGATION = {"can": "can't", "will": "won't"}
_SUFFIXES = ("ing", "ion", "ers", "ity", "ies", "ent", "ed", "ly", "es", "er", "s")
_SHORTEST_NAME = 3
_NAME_OF_ELSEWHERE = 0.4
_YEARS_APART = (-30, -11, -10, -2, -1, 1, 2, 10, 13, 40)
_TIMES_AND_MORE = ((1, 1), (1, 2), (2, 0), (3, 1), (0.5, 1), (10, 0))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names and words in questions about the same topic.

    Attributes:
        names: Distinct names.
        words: Distinct content words, in lower case.
    """

    names: Sequence[str]
    words: Sequence[str]

    @classmethod
    def of(cls, questions: Sequence[str]) -> "Vocabulary":
        """Collect the vocabulary of questions."""
        names = {name for question in questions for _, name in names_in(question, is_question=True)}
        words = {word for question in questions for word in _CONTENT_WORD.findall(question)} - NOT_NAMES
        return cls(sorted(names), sorted(words))


def names_in(text: str, *, is_question: bool) -> Iterator[tuple[int, str]]:
    """Find names: capitalized words, unless only for beginning a sentence.

    Args:
        text: A question or a text.
        is_question: Whether a single word at the beginning counts as well.

    Yields:
        Offset and name.
    """
    for match in _NAME.finditer(text):
        name = match.group().removesuffix("'s").removesuffix("\u2019s")
        start = match.start()
        while name.split(" ")[0].lower() in NOT_NAMES and " " in name:
            word, name = name.split(" ", 1)
            start += len(word) + 1
        before = text[max(0, start - 2) : start].strip()
        begins = start == 0 or before[-1:] in tuple('.!?"“')
        if len(name) < _SHORTEST_NAME or name.lower() in NOT_NAMES:
            continue
        if is_question or " " in name or not begins:
            yield start, name


def swap(example: Example, vocabulary: Vocabulary, rng: random.Random) -> str | None:
    """Change a question so that the example's text most likely does not answer it.

    Args:
        example: A question with its text.
        vocabulary: Names and words of other questions about the same topic.
        rng: Chooses what is swapped.

    Returns:
        The question; None if nothing in it can be swapped.
    """
    certain: list[Callable[[], str | None]] = [
        lambda: _swap_name(example, vocabulary, rng),
        lambda: _swap_year(example, rng),
        lambda: _swap_number(example, rng),
        lambda: _swap_contrast(example.question, rng),
    ]
    rough: list[Callable[[], str | None]] = [
        lambda: _swap_word(example, vocabulary, rng),
        lambda: _negate(example.question),
    ]
    ways = certain if rng.random() < 0.8 else rough  # noqa: PLR2004
    rng.shuffle(ways)
    asked = words_of(example.question)
    return next((made for way in ways if (made := way()) and words_of(made) != asked), None)


def _put(text: str, start: int, old: str, new: str) -> str:
    return text[:start] + new + text[start + len(old) :]


def _swap_name(example: Example, vocabulary: Vocabulary, rng: random.Random) -> str | None:
    question, asked, context = example.question, words_of(example.question), words_of(example.context)
    here = {name for _, name in names_in(example.context, is_question=False)}
    known = words_of(" ".join(here))
    found = [
        (start, name)
        for start, name in names_in(question, is_question=True)
        if start > 0 or " " in name or words_of(name) in known  # else it may be any word that begins the question
    ]
    if not found:
        return None
    start, old = rng.choice(found)
    answers = words_of(" ".join(text for text, _ in example.answers))
    options = {name for name in here if words_of(name) not in answers and words_of(old) not in words_of(name)}
    options = {name for name in options if words_of(name) not in asked}
    if not options or rng.random() < _NAME_OF_ELSEWHERE:
        options = {name for name in vocabulary.names if words_of(name) not in asked and words_of(name) not in context}
    same_length = sorted(name for name in options if len(name.split()) == len(old.split()))
    if not options:
        return None
    return _put(question, start, old, rng.choice(same_length or sorted(options)))


def _swap_year(example: Example, rng: random.Random) -> str | None:
    near = [lambda year, d=d: str(int(year) + d) for d in _YEARS_APART]
    return _swap_figure(example, _YEAR, near, rng)


def _swap_number(example: Example, rng: random.Random) -> str | None:
    def scaled(number: str, times: float, more: int) -> str:
        value = int(float(number.replace(",", "")) * times + more)
        return f"{value:,}" if "," in number else str(value)

    near = [lambda number, k=k, c=c: scaled(number, k, c) for k, c in _TIMES_AND_MORE]
    return _swap_figure(example, _NUMBER, near, rng)


def _swap_figure(
    example: Example, shape: re.Pattern[str], near: Sequence[Callable[[str], str]], rng: random.Random
) -> str | None:
    """Swap a number or year for another in the text, or for one of similar value."""
    found = list(shape.finditer(example.question))
    if not found:
        return None
    match = rng.choice(found)
    answers = words_of(" ".join(text for text, _ in example.answers))
    here = {figure for figure in shape.findall(example.context) if words_of(figure) not in answers}
    options = sorted((here | {make(match.group()) for make in near}) - set(shape.findall(example.question)))
    return _put(example.question, match.start(), match.group(), rng.choice(options)) if options else None


@cache
def contrasts() -> Mapping[str, Sequence[str]]:
    """Return, for each word, the words that exclude it."""
    excluded: dict[str, set[str]] = defaultdict(set)
    for line in (line for path in _CONTRASTS for line in path.read_text(encoding="utf-8").splitlines()):
        words = [] if line.startswith("#") else line.split()
        for word in words:
            excluded[word].update(other for other in words if other != word)
    return {word: sorted(others) for word, others in excluded.items()}


def _swap_contrast(question: str, rng: random.Random) -> str | None:
    """Swap a word for one that excludes it, but not in "how high" or "what book", which ask for its kind."""
    found = [
        match
        for match in re.finditer(r"[A-Za-z]+", question)
        if match.group() in contrasts()
        and match.start() > 0
        and not question[: match.start()].lower().endswith(("how ", "what ", "which "))
    ]
    if not found:
        return None
    match = rng.choice(found)
    return _put(question, match.start(), match.group(), rng.choice(contrasts()[match.group()]))


def _negate(question: str) -> str | None:
    match = _AUXILIARY.search(question)
    if match is None or match.start() == 0:
        return None
    verb = match.group()
    negated = f"{verb} not" if _TO_BE_OF.match(question) else _SHORT_NEGATION.get(verb, f"{verb}n't")
    return _put(question, match.start(), verb, negated)


def _swap_word(example: Example, vocabulary: Vocabulary, rng: random.Random) -> str | None:
    """Swap a word that the text shares for one with the same ending from other questions."""
    context = set(words_of(example.context).split())
    found = [match for match in _CONTENT_WORD.finditer(example.question) if match.group() in context - NOT_NAMES]
    if not found:
        return None
    match = rng.choice(found)
    old = match.group()
    suffix = next((suffix for suffix in _SUFFIXES if old.endswith(suffix)), None)
    options = [
        word
        for word in vocabulary.words
        if word not in context
        and word[:4] != old[:4]
        and (word.endswith(suffix) if suffix else not word.endswith(_SUFFIXES))
    ]
    return _put(example.question, match.start(), old, rng.choice(options)) if options else None

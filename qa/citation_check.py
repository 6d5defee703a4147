"""Whether an answer given once still stands: its words, where it said, in a document that is still the same."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from pydantic import StrictInt, StrictStr, TypeAdapter, ValidationError

from index.errors import ParameterError
from index.protocol import DocumentIndex
from qa.records.answer import Answer


class Standing(StrEnum):
    """What became of the words that an answer quotes."""

    HOLDS = "holds"
    MOVED = "moved"
    CHANGED = "changed"
    GONE = "gone"
    FALSE = "false"

    @property
    def explanation(self) -> str:
        """The same in a sentence for people."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    Standing.HOLDS: "The document is the same, and the words stand where the answer says.",
    Standing.MOVED: "The document has changed; the sentence still stands in it, at the place given here.",
    Standing.CHANGED: "The document has changed, and the sentence no longer stands in it.",
    Standing.GONE: "The document is not in the index any more.",
    Standing.FALSE: "The document is the same, and the words do not stand where the answer says.",
}


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of an answer.

    Attributes:
        standing: What became of its words.
        text: The words.
        document: Name of the document now; None when it is gone.
        start: Offset of the words now, in code points; None when they are not there.
        end: Offset after them; None when they are not there.
    """

    standing: Standing
    text: str
    document: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What an answer claims.

    Attributes:
        text: The words.
        document: Name of their document.
        document_sha256: Hash of its file.
        start: Offset of the words.
        end: Offset after them.
        sentence: The sentence around them.
        sentence_start: Its offset.
    """

    text: StrictStr
    document: StrictStr
    document_sha256: StrictStr
    start: StrictInt
    end: StrictInt
    sentence: StrictStr
    sentence_start: StrictInt


_QUOTES = TypeAdapter(Quote)


def quote_of(answer: Answer | Mapping[str, object]) -> Quote:
    """What an answer claims.

    Args:
        answer: The answer, or the same as `verbatim ask --json` printed it.

    Returns:
        The claim.

    Raises:
        ParameterError: It is no answer, lacks something, or was declined and so claims nothing.
    """
    said = asdict(answer) if isinstance(answer, Answer) else answer
    if not isinstance(said, Mapping):
        raise ParameterError(f"answer={said!r:.60} is no answer; give what `verbatim ask --json` printed")
    if said.get("answered") is False:
        raise ParameterError("answered=False: the question was declined, so there are no words to verify")
    try:
        quote = _QUOTES.validate_python(dict(said))
    except ValidationError as error:
        name = error.errors()[0]["loc"][0]
        value = said.get(str(name))
        raise ParameterError(f"answer has {name}={value!r:.60}; give what `verbatim ask --json` printed") from error
    first = quote.start - quote.sentence_start
    if quote.sentence[first : first + len(quote.text)] != quote.text or not quote.text or first < 0:
        raise ParameterError(f"answer has text={quote.text!r:.60}, which does not stand in its sentence: it was edited")
    return quote


def verify(quote: Quote, index: DocumentIndex) -> Verification:
    """Compare a claim with the documents as they are now.

    Args:
        quote: The claim.
        index: The documents, in one state.

    Returns:
        What became of the words. A document that was renamed is known by its hash.
    """
    same = index.names_by_hash([quote.document_sha256]).get(quote.document_sha256, [])
    if same:
        name = quote.document if quote.document in same else same[0]
        text = index.text(name)
        if text[quote.start : quote.end] == quote.text:
            return Verification(Standing.HOLDS, quote.text, name, quote.start, quote.end)
    elif index.records([quote.document]):
        name = quote.document
        text = index.text(name)
    else:
        return Verification(Standing.GONE, quote.text)
    found = _nearest(text, quote.sentence, quote.sentence_start)
    if found is None:
        return Verification(Standing.FALSE if same else Standing.CHANGED, quote.text, name)
    start = found + quote.start - quote.sentence_start
    return Verification(Standing.MOVED, quote.text, name, start, start + len(quote.text))


def _nearest(text: str, words: str, place: int) -> int | None:
    """Where words stand in a text, nearest to a place; None where they don't."""
    after = text.find(words, max(0, place))
    before = text.rfind(words, 0, max(0, place) + len(words))
    found = [offset for offset in (before, after) if offset >= 0]
    return min(found, key=lambda offset: abs(offset - place), default=None)

"""Citation check: do the words of an earlier answer still stand where it said, in an unchanged document?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from pydantic import StrictInt, StrictStr, TypeAdapter, ValidationError

from index.errors import ParameterError
from index.protocol import DocumentIndex
from qa.records.answer import Answer


class Standing(StrEnum):
    """Result of checking an answer's quotation against the documents."""

    HOLDS = "holds"
    MOVED = "moved"
    CHANGED = "changed"
    GONE = "gone"
    FALSE = "false"

    @property
    def explanation(self) -> str:
        """The result as a sentence for people."""
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
    """Result of checking an answer.

    Attributes:
        standing: Whether its words still stand in the documents.
        text: The quoted words.
        document: Current name of the document; None if it is gone.
        start: Current offset of the words, in code points; None if they are not found.
        end: Offset after the words; None if they are not found.
    """

    standing: Standing
    text: str
    document: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What an answer claims: words at a place of a document.

    Attributes:
        text: The quoted words.
        document: Name of the document.
        document_sha256: SHA-256 of the document's file.
        start: Offset of the words.
        end: Offset after the words.
        sentence: The sentence that holds the words.
        sentence_start: Offset of the sentence.
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
    """Extract the quotation from an answer.

    Args:
        answer: The answer, or its JSON as printed by `verbatim ask --json`.

    Returns:
        The quotation.

    Raises:
        ParameterError: It is not an answer, a field is missing or wrong, or it was declined and quotes nothing.
    """
    said = asdict(answer) if isinstance(answer, Answer) else answer
    if not isinstance(said, Mapping):
        raise ParameterError(f"answer={said!r:.60} is not an answer; give what `verbatim ask --json` printed")
    if said.get("answered") is False:
        raise ParameterError("answered=False: the question was declined, so there is no quotation to verify")
    try:
        quote = _QUOTES.validate_python(dict(said))
    except ValidationError as error:
        name = error.errors()[0]["loc"][0]
        value = said.get(str(name))
        raise ParameterError(f"answer has {name}={value!r:.60}; give what `verbatim ask --json` printed") from error
    first = quote.start - quote.sentence_start
    if quote.sentence[first : first + len(quote.text)] != quote.text or not quote.text or first < 0:
        raise ParameterError(f"answer has text={quote.text!r:.60}, which is not in its sentence; give it unedited")
    return quote


def verify(quote: Quote, index: DocumentIndex) -> Verification:
    """Compare a quotation with the documents as they are now.

    Args:
        quote: The quotation.
        index: The index, in one state.

    Returns:
        Where the words are now. A renamed document is recognized by its hash.
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
    """Return the offset of words in a text, the one nearest to a place; None if they do not occur."""
    after = text.find(words, max(0, place))
    before = text.rfind(words, 0, max(0, place) + len(words))
    found = [offset for offset in (before, after) if offset >= 0]
    return min(found, key=lambda offset: abs(offset - place), default=None)

"""Requests for all places where words stand: "which documents mention Bonn?", "where is it mentioned?"."""

import re
from collections.abc import Callable, Iterator

from index.records import Concordance
from index.retrieval.lexical import terms

_POLITE = r"(?:(?:and|so|but|then|please|can\s+you|could\s+you)\s+)*"
_DOCUMENTS = r"(?:documents?|files?|texts?|sources?|reports?|pages?|papers?)"
_MENTION = (
    r"(?:mentions?|contains?|holds?|refers?\s+to|includes?|uses?|(?:has|have)|speaks?\s+of)(?=\s+(?P<kind>the\s+(?:words?"
    r"|phrase|term|name|expression)\b|[\"“„]))|mentions?|refers?\s+to"
)
_WORDS = r"(?P<words>\S.*?)"
_ANYWHERE = rf"(?:\s+(?:anywhere|at\s+all|in\s+(?:any|all|(?:any\s+of\s+|all\s+)?(?:the|these|your))\s+{_DOCUMENTS}))?"
_END = r"\s*[?.!]*"
_REQUESTS = tuple(
    re.compile(f"{_POLITE}{pattern}{_ANYWHERE}{_END}", re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"(?:which|what|how\s+many)\s+(?:of\s+(?:the|these|your)\s+)?{_DOCUMENTS}\s+(?:{_MENTION})\s+{_WORDS}",
        rf"(?:do|does)\s+(?:any|some|all|one|the|these|a)\s*(?:of\s+(?:the|these|your)\s+)?{_DOCUMENTS}\s+(?:{_MENTION})\s+{_WORDS}",
        rf"in\s+(?:which|what|how\s+many)\s+{_DOCUMENTS}\s+(?:is|are|was|were|do|does)\s+{_WORDS}"
        r"\s+(?:mentioned|referred\s+to|appear|occur|come\s+up)",
        rf"(?:where|how\s+often)\s+(?:else\s+)?(?:is|are|was|were)\s+{_WORDS}\s+(?:mentioned|referred\s+to)",
        rf"where\s+(?:do|does)\s+(?:the|these|your|any)\s+{_DOCUMENTS}\s+(?:{_MENTION})\s+{_WORDS}",
        rf"(?:is|are)\s+{_WORDS}\s+(?:ever\s+)?mentioned",
        r"(?:find|show|list|give|search|look)\s*(?:me|for|up)?\s+(?:all|every|each|the|any)?\s*(?:of\s+)?(?:the\s+)?"
        rf"(?:mentions?|occurrences?|places?|passages?)\s+(?:of|with|that\s+mention|where)\s+{_WORDS}",
    )
)
_NAMED = re.compile(r"(?:the\s+)?(?:words?|phrase|term|name|expression)\s+(?=\S)", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:the|an?|any)\s+(?=\S)", re.IGNORECASE)
_BOTH = re.compile(r"\s+(?:and|as\s+well\s+as|together\s+with)\s+|\s*[,&]\s*(?:and\s+)?", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“„]([^\"“”„]+)[\"”“]|(?<!\w)['\u2018]([^'\u2018\u2019]+)['\u2019](?!\w)")


def words_asked_for(text: str) -> str | None:
    """Return the words whose places somebody asks for, as typed.

    Args:
        text: What the user typed.

    Returns:
        The words; None if it is another question, or if they are only pronouns and the like.
    """
    for pattern in _REQUESTS:
        found = pattern.fullmatch(text.strip())
        if found is not None:
            words = found["words"].strip(" ,;:")
            return words if terms(words) or _QUOTED.search(words) else None
    return None


def find_as_meant(words: str, find: Callable[[str, bool], Concordance]) -> Concordance:
    """Find words as they are written, else all of them in any order, else in other forms.

    Args:
        words: The words, as `words_asked_for` returns them.
        find: Finds words and phrases; the second argument is whether any form counts.

    Returns:
        The first of these that are found; where none is, what was found of the words as they are written.
    """
    ways = [*_ways(words)]
    found = [find(ways[0], False)]
    for way, any_form in [*((way, False) for way in ways[1:]), *((way, True) for way in ways)]:
        if found[-1].n_places:
            return found[-1]
        found.append(find(way, any_form))
    return found[-1] if found[-1].n_places else found[0]


def told_of(words: str, found: Concordance) -> str:
    """Return in a sentence where words stand.

    Args:
        words: The words, as `words_asked_for` returns them.
        found: Where they stand.

    Returns:
        How many places there are, and in which documents.
    """
    unread = f" {found.n_unread:,} documents were not looked through." if found.n_unread else ""
    if not found.n_places:
        return f"No document mentions {_in_quotes(words)}.{unread}"
    named = "; ".join(f"{each.document} ({each.n_places:,})" for each in found.documents)
    more = found.n_documents - len(found.documents)
    rest = f"; and {more:,} more" if more else ""
    return (
        f"{_count(found.n_places, 'place')} in {_count(found.n_documents, 'document')} for {found.words}:"
        f" {named}{rest}.{unread}"
    )


def _in_quotes(words: str) -> str:
    return words if _QUOTED.fullmatch(words) else f"\u201c{words}\u201d"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _ways(words: str) -> Iterator[str]:
    """Yield the words as a search, strictest first: phrases, then words in any order."""
    quoted = ["".join(found) for found in _QUOTED.findall(words)]
    if quoted:
        yield " ".join(f'"{phrase}"' for phrase in quoted)
        return
    bare = _ARTICLE.sub("", _NAMED.sub("", words, count=1), count=1).replace('"', " ")
    yield f'"{bare}"'
    parts = [_ARTICLE.sub("", part, count=1) for part in _BOTH.split(bare) if part.strip()]
    if len(parts) > 1:
        yield " ".join(f'"{part}"' for part in parts)
    if len(bare.split()) > 1:
        yield " ".join(parts)

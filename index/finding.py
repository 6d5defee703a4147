"""Finding words: every place where they stand, document by document."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from index.errors import ParameterError, UnknownDocumentError
from index.formats.content import Place
from index.protocol import DocumentIndex
from index.records import Concordance, DocumentOccurrences, Occurrence, label_at
from index.retrieval.word_matching import Span, Term, matched, terms_of

MAX_DOCUMENTS, MAX_PLACES = 500, 1_000
MAX_READ_CHARS = 50_000_000
"""Length of the texts that are looked through for one request."""
_AROUND_CHARS = 80
"""Most characters of a snippet on each side of the words."""


def find(
    documents: DocumentIndex,
    words: str,
    within: Sequence[str] | None = None,
    *,
    any_form: bool = False,
    offset: int = 0,
    limit: int = 20,
    places: int = 20,
    start: int = 0,
) -> Concordance:
    """Find where words stand in the documents; case and accents are ignored.

    Args:
        documents: The index.
        words: Words, and phrases in quotation marks. Several are all to stand within 300 characters of one another;
            in a document that holds them all, but never so close, each of its own.
        within: Names of the documents to look in; None is all of them.
        any_form: Whether a word may stand in any form of its stem: "signed" for "sign".
        offset: Number of found documents to skip.
        limit: Most documents to return, 1 to 500.
        places: Most places to return of each, 1 to 1,000.
        start: Offset in a document's text before which places are skipped.

    Returns:
        Where they stand.

    Raises:
        ParameterError: There is nothing to look for, or a number is out of range.
        UnknownDocumentError: `within` names a document that is not in the index.
    """
    terms = terms_of(words, any_form=any_form)
    _check(within, offset, limit, places, start)
    found: list[DocumentOccurrences] = []
    n_documents = n_places = n_read = n_unread = 0
    with documents.reading():
        for name in _candidates(documents, terms, within):
            if n_read > MAX_READ_CHARS:
                n_unread += 1
                continue
            text = documents.text(name)
            n_read += len(text)
            stretches, standing = matched(text, terms)
            n_documents, n_places = n_documents + bool(stretches), n_places + len(stretches)
            if stretches and offset < n_documents <= offset + limit:
                first = bisect_left(stretches, (start, 0))
                record, labels = documents.record(name), documents.places(name)
                shown = (_occurrence(text, each, standing, labels) for each in stretches[first : first + places])
                found.append(DocumentOccurrences(name, record.sha256, record.title, len(stretches), tuple(shown)))
    return Concordance(words, n_documents, n_places, n_unread, tuple(found))


def _candidates(documents: DocumentIndex, terms: Sequence[Term], within: Sequence[str] | None) -> list[str]:
    """Return the names of the documents that may hold all terms.

    Args:
        documents: The index.
        terms: The words and phrases.
        within: Names of the documents to look in; None is all of them.

    Returns:
        The names, sorted.

    Raises:
        UnknownDocumentError: `within` names a document that is not in the index.
    """
    known = documents.records(within or ())
    missing = next((name for name in within or () if name not in known), None)
    if missing is not None:
        raise UnknownDocumentError(f"within names {missing!r}, which is not in the index")
    words = dict.fromkeys(word for term in terms for word in term.words)
    strings = dict.fromkeys(string for term in terms for string in term.strings)
    names = documents.names_holding(list(words), list(strings))
    return names if within is None else [name for name in names if name in known]


def _check(within: Sequence[str] | None, offset: int, limit: int, places: int, start: int) -> None:
    """Check the numbers of a request.

    Args:
        within: Names of documents.
        offset: Number of documents to skip.
        limit: Most documents.
        places: Most places of each.
        start: Offset in the texts.

    Raises:
        ParameterError: One is out of range, or `within` is a single string.
    """
    if isinstance(within, str):
        raise ParameterError(f"within={within!r} is a single string; give a list of documents' names")
    for name, value, least, most in (
        ("offset", offset, 0, None),
        ("limit", limit, 1, MAX_DOCUMENTS),
        ("places", places, 1, MAX_PLACES),
        ("start", start, 0, None),
    ):
        if value < least or (most is not None and value > most):
            allowed = f"{least} or more" if most is None else f"{least} to {most:,}"
            raise ParameterError(f"{name}={value} is out of range; choose {allowed}")


def _occurrence(text: str, place: Span, standing: Sequence[Span], labels: Sequence[Place]) -> Occurrence:
    start, end = place
    first, after = _snippet(text, start, end)
    marks = standing[bisect_left(standing, (first, 0)) : bisect_left(standing, (after, 0))]
    return Occurrence(
        start,
        end,
        text[start:end],
        label_at(labels, start) or None,
        text[first:after],
        first,
        tuple(mark for mark in marks if mark[1] <= after),
    )


def _snippet(text: str, start: int, end: int) -> Span:
    """Return the stretch of whole words around a place, within its paragraph."""
    before, after = text[max(0, start - _AROUND_CHARS) : start], text[end : end + _AROUND_CHARS]
    gap = list(re.finditer(r"\n\s*\n", before))
    if gap:
        before = before[gap[-1].end() :]
    elif len(before) == _AROUND_CHARS:
        before = re.sub(r"\A\S*\s*", "", before)
    after = re.split(r"\n\s*\n", after, maxsplit=1)[0]
    if len(after) == _AROUND_CHARS:
        after = re.sub(r"\s*\S*\Z", "", after)
    return start - len(before), end + len(after)

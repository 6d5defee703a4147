"""Numbered clauses: "What does clause 2.1 say?" is answered by the clause with that number, as a look-up."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.records import Hit
from index.retrieval.lexical import terms

_ASKED = re.compile(
    r"^\W*(?:what\s+(?:does|do|is|says)|quote|read|show|give)\b.*?"
    r"(?P<kind>\b(?:clause|section|article|paragraph|rule|regulation|point|item|sec\.|art\.)|§)\s*(?P<number>\d+(?:\.\d+)*)"
    r"(?P<rest>(?![\d.]*\d).*)$",
    re.IGNORECASE,
)
_SAYS = frozenset(
    "say says state states provide provides require requires contain contains read quote show give".split()
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause in a document.

    Attributes:
        hit: The retrieved passage that holds it.
        start: Offset of its first word in the document's text, after its number.
        end: Offset after its last word, clauses below it included.
    """

    hit: Hit
    start: int
    end: int


def clauses_asked_for(question: str, hits: Sequence[Hit]) -> list[Clause]:
    """Find the clauses that a question asks for by number.

    Args:
        question: The question.
        hits: The retrieved passages, best first.

    Returns:
        The clauses with that number, of the documents whose titles hold most of the question's other words; empty if
        the question asks for something else, such as a fact in a clause, or no passage holds the clause.
    """
    asked = _ASKED.match(question)
    if asked is None:
        return []
    others = {word for word in terms(question) if not re.search(r"\d", word)} - _SAYS - {asked["kind"].lower()}
    if not _SAYS & set(re.findall(r"\w+", question.lower())):
        return []
    found = {
        (clause.hit.passage.document, clause.start): clause for hit in hits for clause in _in(hit, asked["number"])
    }
    named = {key: len(others & set(terms(f"{c.hit.title} {c.hit.passage.document}"))) for key, c in found.items()}
    most = max(named.values(), default=0)
    return [clause for key, clause in found.items() if named[key] == most]


def _in(hit: Hit, number: str) -> Iterator[Clause]:
    exact = re.escape(number)
    begins = re.compile(rf"^[^\S\n]*(?:\w+\.?\s|§\s?)?{exact}[.):]?[^\S\n]+(?=\S)", re.MULTILINE)
    below = re.compile(rf"\n+[^\S\n]*{exact}\.\d[^\n]*")
    text = hit.passage.text
    for match in begins.finditer(text):
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        while (lower := below.match(text, end)) is not None:
            end = lower.end()
        yield Clause(hit, hit.passage.start + match.end(), hit.passage.start + len(text[:end].rstrip()))

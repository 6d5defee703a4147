"""Clauses that are asked for by their number."""

import pytest

from index.records import Hit, Passage
from qa.question.numbered_clause import clauses_asked_for

LEASE = (
    "1. Use\n1.1 Boats only.\n\n2. Fees\n2.1 The fee is 275 pounds.\n2.2 It is due in April.\n2.10 Late fees double.\n"
)


def hit(text=LEASE, name="boathouse-lease.docx", title="Lease of the boathouse", start=0):
    return Hit(Passage(name, start, start + len(text), text), title, "0" * 64, 0.0, 0.5, 1.0)


def said(question, *hits):
    return [
        c.hit.passage.text[c.start - c.hit.passage.start : c.end - c.hit.passage.start]
        for c in clauses_asked_for(question, hits or [hit(start=40)])
    ]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What does clause 2.1 say?", "The fee is 275 pounds."),
        ("what does section 2.10 of the lease state", "Late fees double."),
        ("Quote clause 2.2, please", "It is due in April."),
        (
            "What does clause 2 say?",
            "Fees\n2.1 The fee is 275 pounds.\n2.2 It is due in April.\n2.10 Late fees double.",
        ),
        ("What does § 1.1 say?", "Boats only."),
    ],
)
def test_a_clause_is_found_by_its_number(question, text):
    assert said(question) == [text]


@pytest.mark.parametrize(
    "question",
    ["What does clause 3 say?", "What is the fee in clause 2.1?", "When is clause 2.1 due?", "Who says 2.1?"],
)
def test_other_questions_and_clauses_that_there_are_not_give_none(question):
    assert said(question) == []


def test_the_document_that_is_named_is_meant_and_of_several_all():
    other = hit("2.1 Dogs stay outside.", "garden-rules.docx", "Rules of the garden")
    assert said("What does rule 2.1 of the garden say?", hit(), other) == ["Dogs stay outside."]
    assert len(said("What does clause 2.1 say?", hit(), other)) == 2

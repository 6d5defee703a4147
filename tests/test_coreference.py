"""What points back, what stands alone, and what follow-ups are rewritten to."""

import pytest

from qa.dialogue.query_rewriting import MAX_CANDIDATES, Said, rewritings
from qa.question.coreference import Back, pointer_of

ALONE = """
What did Nikola Tesla study when he lived in Graz?
Which university has its origins in a school of medicine?
Who lost his life in the accident?
How long does it take to cross the bridge?
Why is it important to boil the water?
When was it decided that the council would meet?
When the law is a direct target of the protest, what is it called?
How many people are there in the village?
What is the name of the river that crosses Paris?
Which team won its first game in 1999?
What characteristic of oxygen causes it to form bonds?
Who won the cup in 2010?
Where does the river rise?
suicide bomber Khujand
What gave its name to the lake?
Who was determined to expose Luther at this time?
What did the licence to build this type of car cost?
And what does admission to the museum cost?
""".strip().splitlines()

POINTING = {
    "When was it banned?": (Back.THING, "it"),
    "Who was his father?": (Back.PERSON, "his"),
    "What was the name of his ship?": (Back.PERSON, "his"),
    "Who handed him over?": (Back.PERSON, "him"),
    "How many people were wounded in it?": (Back.THING, "it"),
    "What did they call on citizens to do?": (Back.GROUP, "they"),
    "Who was killed there?": (Back.PLACE, "there"),
    "Who is the president of that country?": (Back.THING, "that country"),
    "Who announced that?": (Back.THING, "that"),
    "and by whom?": (Back.ASKED_ANEW, "by whom"),
    "When exactly?": (Back.ASKED_ANEW, "When exactly"),
    "In which year?": (Back.ASKED_ANEW, "In which year"),
    "Who else?": (Back.MORE, "Who else?"),
    "And the scientist?": (Back.ABOUT, "the scientist"),
    "what about Ashby?": (Back.ABOUT, "Ashby"),
    "What are the other two?": (Back.OTHERS, "the other two"),
}


@pytest.mark.parametrize("question", ALONE)
def test_a_question_that_stands_alone_does_not_point_back(question):
    assert pointer_of(question) is None


@pytest.mark.parametrize(("question", "found"), POINTING.items())
def test_what_points_back(question, found):
    pointer = pointer_of(question)
    assert (pointer.back, pointer.words.text) == found
    assert question[pointer.words.start : pointer.words.end] == pointer.words.text


BANNED = Said("When was Jamaat Ansarullah banned?", ("May 2012",), "In May 2012, the court banned it.")
FOUNDED = Said("Who founded the Brannick Museum?", ("Tom Garrity",), "It was founded by Tom Garrity.")
DOCTOR = Said("Who was the doctor of the Orrin expedition?", ("Pavel Novak",))
SERVICES = Said("What is the largest intelligence service of Pakistan?", ("The ISI",))
BETROTHED = Said("To whom was Jorinde betrothed?", ("Joringel",))
LOCATED = Said("Where was the attack?", ("in Khujand",))
ISSUED = Said("What did Jamaat Ansarullah issue in May?", ("several videos",))


@pytest.mark.parametrize(
    ("typed", "past", "first"),
    [
        ("And by whom?", [BANNED], "By whom was Jamaat Ansarullah banned?"),
        ("When?", [FOUNDED], "When was the Brannick Museum founded?"),
        ("Who is its director?", [FOUNDED], "Who is the Brannick Museum\u2019s director?"),
        ("When did he die?", [FOUNDED], "When did Tom Garrity die?"),
        ("When did he die?", [BANNED, FOUNDED], "When did Tom Garrity die?"),
        ("And the scientist?", [DOCTOR], "Who was the scientist of the Orrin expedition?"),
        ("What are the other two?", [SERVICES], "What are the other two intelligence services of Pakistan?"),
        ("Who else?", [FOUNDED], "Who else founded the Brannick Museum?"),
        ("Where did they go?", [BETROTHED], "Where did Jorinde and Joringel go?"),
        ("Who was killed there?", [LOCATED], "Who was killed in Khujand?"),
        ("Who announced that?", [BANNED], "Who announced that Jamaat Ansarullah was banned?"),
        ("Why?", [ISSUED], "Why did Jamaat Ansarullah issue several videos in May?"),
        ("and in 2011?", [Said("Who won the cup in 2010?")], "Who won the cup in 2011?"),
    ],
)
def test_the_likeliest_rewriting(typed, past, first):
    assert rewritings(typed, pointer_of(typed), past)[0].question == first


def test_what_was_put_in_for_a_pronoun_stays_one_phrase():
    past = [
        Said("How did the doctor of the Orrin expedition treat scurvy?", (), "", "the doctor of the Orrin expedition")
    ]
    made = rewritings("When did he die?", pointer_of("When did he die?"), past)
    assert made[0].question == "When did the doctor of the Orrin expedition die?"
    assert made[0].meant == "the doctor of the Orrin expedition"


def test_nothing_before_gives_no_rewriting_and_much_gives_a_few():
    assert rewritings("When was it?", pointer_of("When was it?"), []) == []
    past = [Said(f"Who saw the Bridge of City{i} from the Tower of Town{i}?") for i in range(10)]
    assert 1 < len(rewritings("When was it?", pointer_of("When was it?"), past)) <= MAX_CANDIDATES

"""What the chat says: lists, disagreements, evidence without a verdict, and help where there is no answer."""

import pytest

from fakes import SpansReader
from qa.records.span import Span
from qa.records.turn import Kind
from qa.response.working_out import ask_or_work_out


def write(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")


def finder(*wanted, score=9.0):
    """A reader that finds the first of some words that a passage holds."""

    def spans(passage):
        return [
            Span(passage.index(words), passage.index(words) + len(words), score) for words in wanted if words in passage
        ][:1]

    return SpansReader(spans)


def chat_over(make_answerer, *wanted, **given):
    answerer = make_answerer(reader=finder(*wanted), **given)
    answerer.sync()
    return answerer.conversation()


def assert_verbatim(answerer, turn):
    for answer in turn.answers:
        text = answerer.text(answer.document)
        assert text[answer.start : answer.end] == answer.text
        assert text[answer.sentence_start : answer.sentence_start + len(answer.sentence)] == answer.sentence
        assert answer.start >= answer.sentence_start
    if turn.evidence is not None:
        text = answerer.text(turn.evidence.document)
        assert text[turn.evidence.start : turn.evidence.end] == turn.evidence.text


def test_a_list_in_one_sentence_is_given_whole_with_its_places(folder, make_answerer):
    write(folder, a="The pears are sold at the markets of Thorne, Epworth and Crowle.")
    chat = chat_over(make_answerer, "Epworth")
    turn = chat.ask("Which markets are the pears sold at?")
    assert turn.kind is Kind.LIST
    assert [answer.text for answer in turn.answers] == ["Thorne", "Epworth", "Crowle"]
    assert turn.text == "Thorne; Epworth; Crowle"
    assert turn.answer.text == "Epworth"
    assert_verbatim(chat._answerer, turn)


def test_a_list_in_bullets_is_given_whole(folder, make_answerer):
    write(folder, a="The safety equipment is:\n\n- life rafts\n- smoke hoods,\n- two rescue boats.\n\nNothing else.")
    chat = chat_over(make_answerer, "smoke hoods")
    turn = chat.ask("List the safety equipment.")
    assert [answer.text for answer in turn.answers] == ["life rafts", "smoke hoods", "two rescue boats"]
    assert_verbatim(chat._answerer, turn)


def test_one_of_them_is_no_list(folder, make_answerer):
    write(folder, a="The pears are sold at the markets of Thorne, Epworth and Crowle.")
    chat = chat_over(make_answerer, "Epworth")
    assert chat.ask("When are the pears sold?").kind is Kind.ANSWER
    assert chat.ask("Which market are the pears sold at?").kind is Kind.ANSWER


def test_documents_that_disagree_are_both_given_with_their_dates(folder, make_answerer):
    write(
        folder,
        a="Report, 4 March 2011\n\nThe dam of Kessel was finished in 1954.",
        b="The dam of Kessel was finished in 1957.",
        c="Nothing of the kind.",
    )
    chat = chat_over(make_answerer, "1954", "1957")
    turn = chat.ask("When was the dam of Kessel finished?")
    assert turn.kind is Kind.DISAGREEMENT
    assert {answer.text: date for answer, date in zip(turn.answers, turn.dates, strict=True)} == {
        "1954": "4 March 2011",
        "1957": None,
    }
    assert "disagree" in turn.text
    assert "a.txt, 4 March 2011" in turn.text
    assert_verbatim(chat._answerer, turn)


@pytest.mark.parametrize("other", ["1954", "the year 1954", "in May 1954"])
def test_the_same_in_other_words_is_no_disagreement(folder, make_answerer, other):
    write(folder, a="The dam of Kessel was finished in 1954.", b=f"The dam of Kessel was finished: {other}.")
    chat = chat_over(make_answerer, "finished in 1954", other)
    assert chat.ask("When was the dam of Kessel finished?").kind is Kind.ANSWER


def test_documents_about_other_things_do_not_disagree(folder, make_answerer):
    write(folder, a="The dam of Kessel was finished in 1954.", b="The dam of Orva was finished in 1957.")
    chat = chat_over(make_answerer, "1954", "1957")
    assert chat.ask("When was the dam of Kessel finished?").kind is Kind.ANSWER


def test_yes_or_no_gets_the_sentence_and_no_verdict(folder, make_answerer):
    write(folder, a="The council met in May. It rejected the night bus to Lindau by nine votes. Rain fell.")
    chat = chat_over(make_answerer, "nowhere")
    turn = chat.ask("Did the council reject the night bus to Lindau?")
    assert turn.kind is Kind.EVIDENCE
    assert turn.evidence.text == "It rejected the night bus to Lindau by nine votes."
    assert "verdict" in turn.text
    assert_verbatim(chat._answerer, turn)
    assert chat.ask("Did the emperor visit Antarctica?").kind is Kind.UNKNOWN


def test_a_heading_that_asks_the_same_is_no_evidence(folder, make_answerer):
    heading = "(5) Can several programs open the archive at once?"
    write(folder, a=f"{heading}\n\nSeveral programs may open the archive at once.")
    for said in (heading, "nowhere"):
        turn = chat_over(make_answerer, said).ask("Can several programs open the archive at once?")
        assert turn.evidence.text == "Several programs may open the archive at once."


def test_why_gets_the_sentence_that_gives_a_reason(folder, make_answerer):
    write(folder, a="The plant was sold. The plant in Corran was sold because its boilers were worn out.")
    chat = chat_over(make_answerer, "nowhere")
    turn = chat.ask("Why was the plant in Corran sold?")
    assert turn.kind is Kind.EVIDENCE
    assert turn.evidence.text == "The plant in Corran was sold because its boilers were worn out."


def test_nothing_is_counted(folder, make_answerer):
    write(folder, a="The crew were Magnus and Freya. The crew had 24 hands.")
    turn = chat_over(make_answerer, "Magnus and Freya").ask("How many were the crew?")
    assert (turn.kind, turn.answer.answered) == (Kind.UNKNOWN, False)
    assert "do not count" in turn.text
    assert chat_over(make_answerer, "24 hands").ask("How many were the crew?").text == "24 hands"


def test_i_do_not_know_comes_with_its_reason_and_what_may_be_asked_instead(folder, make_answerer):
    write(folder, a="In 1924 the Larkfield Cooperative was founded. The tea is cold.")
    found = finder("1924")

    class Picky:
        def read(self, question, passages):
            return found.read(question, passages) if question.startswith("When") else [[] for _ in passages]

    answerer = make_answerer(reader=Picky())
    answerer.sync()
    turn = answerer.conversation().ask("Who is the president of the Larkfield Cooperative?")
    assert turn.kind is Kind.UNKNOWN
    assert turn.text == f"I don't know. {turn.answer.reason.explanation}"
    assert turn.suggestions == ("When was the Larkfield Cooperative founded?",)
    assert [passage.document for passage in turn.answer.nearest] == ["a.txt"]
    assert answerer.ask(turn.suggestions[0]).answered


def test_what_is_not_answered_is_not_suggested(folder, make_answerer):
    write(folder, a="In 1924 the Larkfield Cooperative was founded.")
    assert chat_over(make_answerer, "nowhere").ask("Who is the president of Larkfield?").suggestions == ()


def test_what_else_there_is(folder, make_answerer):
    write(folder, a="The treaty was signed by Hugo Lind and Petra Vales.")
    chat = chat_over(make_answerer, "Hugo Lind")
    assert [answer.text for answer in chat.ask("Who signed the treaty?").answers] == ["Hugo Lind", "Petra Vales"]
    nothing = chat.ask("who else?")
    assert (nothing.kind, nothing.understood) == (Kind.UNKNOWN, "Who else signed the treaty?")
    assert "nothing beside" in nothing.text


def test_in_the_second_one(folder, make_answerer):
    write(folder, a="The cost was 5 EUROS.", b="The cost was 9 DOLLARS.")
    chat = chat_over(make_answerer, "5 EUROS", "9 DOLLARS")
    chat.ask("Which documents do you have?")
    turn = chat.ask("What was the cost in the second one?")
    assert (turn.within, turn.understood, turn.answer.text) == (("b.txt",), "What was the cost?", "9 DOLLARS")
    turn = chat.ask("And in the first document?")
    assert (turn.within, turn.understood, turn.answer.text) == (("a.txt",), "What was the cost?", "5 EUROS")
    assert chat.ask("According to b.txt, what was the cost?").within == ("b.txt",)
    assert chat.ask("What was the cost?").within is None


FEES = "Member,Town,Fee\nANN LEE,Bergen,40\nBEN MOE,Oslo,55\nCAS POE,Bergen,25\n"


def test_a_sum_over_a_table_is_said_to_be_worked_out_and_is_no_answer(folder, make_answerer):
    (folder / "members.csv").write_text(FEES, encoding="utf-8")
    chat = chat_over(make_answerer, "55", "BEN MOE")
    question = "What is the total fee?"
    turn = chat.ask(question)
    assert (turn.kind, turn.text) == (Kind.WORKED_OUT, "Worked out by adding up Fee in 3 rows of members: 120")
    assert turn.answered
    assert (turn.answer.answered, turn.answers) == (False, ())
    rows, text = turn.worked_out.rows, chat._answerer.text("members.csv")
    assert [text[row.start : row.end] for row in rows] == [row.text for row in rows] == text.splitlines()
    assert not chat._answerer.ask(question).answered
    assert ask_or_work_out(chat._answerer, question, None)[1] == turn.worked_out
    # What is asked next is about the same document, and no figure is taken for an answer that was given.
    assert chat.ask("How many members are from Bergen?").worked_out.value == "2"


def test_what_the_documents_say_themselves_is_quoted_rather_than_worked_out(folder, make_answerer):
    (folder / "members.csv").write_text(FEES, encoding="utf-8")
    write(folder, minutes="The total fee of the members was 119 in all, they say.")
    chat = chat_over(make_answerer, "119")
    assert chat.ask("What is the total fee?").text == "119"
    assert ask_or_work_out(chat._answerer, "What is the total fee?", None)[1] is None
    assert chat_over(make_answerer, "they").ask("What is the total fee?").kind is Kind.WORKED_OUT  # not a number


def test_the_row_with_the_most_is_quoted_by_every_door_and_any_other_is_not(folder, make_answerer):
    (folder / "members.csv").write_text(FEES, encoding="utf-8")
    answerer = make_answerer(reader=finder("ANN LEE"))
    answerer.sync()
    answer = answerer.ask("Which member pays the highest fee?")
    assert (answer.text, answer.sentence) == ("BEN MOE", "Member: BEN MOE; Town: Oslo; Fee: 55")
    assert answer.evidence == (answer.passage,)
    assert answerer.text("members.csv")[answer.start : answer.end] == "BEN MOE"
    assert answerer.conversation().ask("Which member pays the highest fee?").text == "BEN MOE"
    assert (
        not make_answerer(reader=finder("ANN LEE"), threshold=0.95).ask("Which member pays the highest fee?").answered
    )
    # It does not say who is the heaviest, and the reader's guess is any row.
    heaviest = answerer.ask("Who is the heaviest member?")
    assert (heaviest.answered, heaviest.alternatives) == (False, ())

"""Validation of questions."""

from index.errors import ParameterError, QuestionError
from index.records import check_unicode

MAX_QUESTION_CHARS = 1000


def check_question(question: str) -> str:
    """Validate a question.

    Args:
        question: The question.

    Returns:
        The same question.

    Raises:
        QuestionError: It is not a string, has no words, is longer than 1,000 characters, or is not valid Unicode.
    """
    if not isinstance(question, str):
        raise QuestionError(f"question={question!r} is not a string; ask with text")
    if not any(char.isalnum() for char in question):
        raise QuestionError(f"question={question[:20]!r} holds no words; type a question")
    if len(question) > MAX_QUESTION_CHARS:
        raise QuestionError(
            f"the question has {len(question):,} characters, at most {MAX_QUESTION_CHARS:,}; ask a shorter one"
        )
    try:
        return check_unicode("question", question)
    except ParameterError as error:
        raise QuestionError(str(error)) from error

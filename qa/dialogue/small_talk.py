"""Replies to small talk: greetings, thanks, and questions about the chat's abilities and its documents."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.records import DocumentRecord
from qa.text.shallow_parsing import names_in

_NAMED_DOCUMENTS = 10
_READ_CHARS = 20_000
_NAMES_TOLD = 4

_POLITE = r"(?:[\s,.!]*(?:please|there|verbatim|everyone|all|again|very much|so much|a lot|for now|then))*"
_GREETING = re.compile(
    rf"(?:hi|hello|hey|howdy|greetings|good\s+(?:morning|afternoon|evening|day)){_POLITE}\W*(?:how\s+are\s+you\W*)?",
    re.IGNORECASE,
)
_HOW_ARE_YOU = re.compile(
    r"how\s+(?:are|do)\s+you(?:\s+do(?:ing)?)?(?:\s+today)?\W*|how(?:'s|\s+is)\s+it\s+going\W*", re.I
)
_THANKS = re.compile(
    rf"(?:many\s+)?(?:thanks|thank\s+you|thx|cheers|great|perfect|nice|cool|good|ok|okay|i\s+see|got\s+it)"
    rf"(?:[\s,!.]+(?:thanks|thank\s+you))?(?:\s+for\s+(?:your|the)\s+\w+)?{_POLITE}\W*",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    rf"(?:bye|goodbye|bye\s+bye|see\s+you|good\s+night|farewell|that(?:'s|\s+is)\s+all){_POLITE}\W*", re.I
)
_ABILITIES = re.compile(
    r"(?:please\s+)?(?:help(?:\s+me)?|what\s+(?:can|do)\s+you\s+(?:do|know)(?:\s+for\s+me)?|who\s+are\s+you|what\s+are\s+you"
    r"|how\s+(?:do|does|can)\s+(?:you|this|i\s+use\s+(?:you|this))(?:\s+work)?|what\s+can\s+i\s+ask(?:\s+you)?"
    r"|are\s+you\s+(?:a\s+)?(?:human|robot|bot|person|an?\s+ai)|what(?:'s|\s+is)\s+your\s+name)\W*",
    re.IGNORECASE,
)
_DOCUMENTS = re.compile(
    r"(?:(?:which|what|how\s+many|list(?:\s+me)?|show(?:\s+me)?|name)\s+(?:all\s+)?(?:of\s+)?(?:the\s+|your\s+)?"
    r"(?:documents|files|texts|sources)(?:\s+(?:do|can)\s+you\s+(?:have|know|read|search|use)|\s+are\s+there"
    r"|\s+have\s+you(?:\s+got)?|\s+you\s+have|\s+are\s+(?:these|in\s+here))?)\W*",
    re.IGNORECASE,
)
_TOPIC = re.compile(
    r"(?:(?:so|ok|and)[\s,]+)?(?:what(?:'s|\s+is|\s+are)\s+(?P<it>(?:this|that|the|it|these|those|they|your)(?:\s+\S+){0,3}?|\S+\.\w+)"
    r"\s+(?:all\s+)?about|summari[sz]e\s+(?P<what>(?:this|that|the|it|these|your)(?:\s+\S+){0,3}?|\S+\.\w+)"
    r"|what\s+does\s+(?P<which>(?:this|that|the)\s+(?:document|file|text)|\S+\.\w+)\s+(?:say|cover|deal\s+with))\W*",
    re.IGNORECASE,
)
_A_DOCUMENT = re.compile(
    r"\b(?:it|this|that|one|documents?|files?|texts?|reports?|articles?|sources?|they|these|those)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Talk:
    """A reply to small talk.

    Attributes:
        text: The reply.
        documents: Names of the documents that it mentions, in order.
    """

    text: str
    documents: tuple[str, ...] = ()


def reply_to(
    text: str, records: Callable[[], Sequence[DocumentRecord]], text_of: Callable[[str], str], at_hand: Sequence[str]
) -> Talk | None:
    """Reply to small talk.

    Args:
        text: What the user typed.
        records: Returns the documents; called only if the reply depends on them.
        text_of: Returns a document's stored text by name.
        at_hand: Names of documents that "this document" may mean, likeliest first.

    Returns:
        The reply; None if the words are a question for the documents.
    """
    said = text.strip()
    for pattern, words in _ROUTINE:
        if pattern.fullmatch(said):
            return Talk(words)
    if _ABILITIES.fullmatch(said):
        return _abilities(len(records()))
    if _DOCUMENTS.fullmatch(said):
        return _documents(records())
    topic = _TOPIC.fullmatch(said)
    if topic:
        asked = topic["it"] or topic["what"] or topic["which"]
        return _topic(asked, records(), text_of, at_hand)
    return None


_ROUTINE = (
    (_GREETING, "Hello! Ask me something about the documents."),
    (_HOW_ARE_YOU, "Well enough, thank you. Ask me something about the documents."),
    (_THANKS, "You are welcome."),
    (_FAREWELL, "Goodbye."),
)


def _abilities(n_documents: int) -> Talk:
    return Talk(
        f"I look for answers in {_count(n_documents)} and quote them word for word, with the place where they stand."
        " You may follow up, or ask for a list. I make nothing up: what the documents do not say I cannot tell, and I"
        " neither count nor judge."
    )


def _documents(records: Sequence[DocumentRecord]) -> Talk:
    if not records:
        return Talk("I have no documents yet.")
    shown = records[:_NAMED_DOCUMENTS]
    listed = "; ".join(f"{number}. {_called(record)}" for number, record in enumerate(shown, 1))
    more = f"; and {len(records) - len(shown):,} more" if len(records) > len(shown) else ""
    return Talk(f"I have {_count(len(records))}: {listed}{more}.", tuple(record.name for record in shown))


def _called(record: DocumentRecord) -> str:
    return f"{record.title} ({record.name})" if record.title and record.title != record.name else record.name


def _count(n: int) -> str:
    return f"{n:,} document{'' if n == 1 else 's'}"


def _topic(
    asked: str, records: Sequence[DocumentRecord], text_of: Callable[[str], str], at_hand: Sequence[str]
) -> Talk | None:
    named = [record for record in records if record.name.lower() == asked.lower()]
    if not named and not _A_DOCUMENT.search(asked):
        return None  # "what is the agreement about?" is for the documents to answer
    known = {record.name: record for record in records}
    meant = named or [known[name] for name in at_hand if name in known] or list(records)
    if re.search(r"\b(?:documents|files|texts|they|these|those|sources|your)\b", asked) and not named:
        meant = list(records)
    if len(meant) > 1 and len(meant) == len(records):
        return _documents(records)
    return _about(meant[0], text_of(meant[0].name)) if meant else Talk("I have no documents yet.")


def _about(record: DocumentRecord, text: str) -> Talk:
    """Describe a document by its title and its most frequent names."""
    counts = Counter(name.text for name in names_in(text[:_READ_CHARS]))
    told = [name for name, count in counts.most_common(_NAMES_TOLD) if count > 1] or list(counts)[:_NAMES_TOLD]
    mentions = f" The names in it that come up most are {_enumerated(told)}." if told else ""
    return Talk(
        f"It is headed “{record.title or record.name}” ({record.name}).{mentions}"
        " Ask it something, and I quote what it says.",
        (record.name,),
    )


def _enumerated(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]

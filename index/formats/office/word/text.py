"""Writes out what Word shows by other means than text: numbers, raised figures, symbols, ticked boxes, marks of notes.

The XML is changed in place, so that whatever reads its text reads what people see.
"""

import re
from collections import Counter
from collections.abc import Iterator

from lxml import etree

from index.formats.office.containers import attribute, local
from index.formats.office.numerals import number_text
from index.formats.office.symbols import is_symbol_font, lowered, mark, raised, symbols
from index.formats.office.word.numbering import Numbering

HIDDEN = frozenset("Fallback del moveFrom pPr rPr txbxContent instrText delText rt".split())
"""Elements whose text is not part of the paragraph they stand in."""
_IN_PLACE_OF = {"tab": " ", "ptab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_OFF = frozenset({"0", "false", "off"})
_MAX_STYLES_DEEP = 20
_CONTEXT_CHARS = 20
_SPECIAL = tuple(
    f"{{*}}{name}"
    for name in (
        "strike dstrike vertAlign rStyle pStyle rFonts sym footnoteReference endnoteReference ffData sup sub".split()
    )
)
"""Elements for which a paragraph's runs are looked at one by one."""
_CODE = re.compile(r"[0-9A-Fa-f]{2,4}")
_PRIVATE = ("\ue000", "\uf8ff")
_HALVES = ("\ud800", "\udfff")
_PAGE_FIELDS = frozenset({"PAGE", "NUMPAGES", "SECTIONPAGES", "SECTION"})


class WordText:
    """Writes out the parts of one document."""

    def __init__(self, styles: dict[str, etree._Element], numbering: Numbering, notes: dict[str, str]) -> None:
        """Begin with the first part.

        Args:
            styles: The document's styles by their ids.
            numbering: Counts its numbered paragraphs.
            notes: Number format of its footnotes and endnotes by "footnote" and "endnote".
        """
        self._styles = styles
        self._numbering = numbering
        self._note_forms = notes
        self._n_notes: Counter[str] = Counter()
        self._known_styles: dict[tuple[str, str], str | None] = {}
        self.marks: dict[tuple[str, str], str] = {}
        """Marks of the notes referred to so far, by kind and id."""
        self.left_out: Counter[str] = Counter()
        """How many passages were left out, by what they are."""

    def write_out(self, root: etree._Element) -> None:
        """Change a part, or a note, in place.

        Args:
            root: Its root.
        """
        changes = [element for element in root.iter("{*}del", "{*}moveFrom") if len(element)]
        for mark_of_row in list(root.iter("{*}del")):
            row = mark_of_row.getparent().getparent()
            if local(mark_of_row.getparent()) == "trPr" and row is not None and row.getparent() is not None:
                changes.append(row)
                row.getparent().remove(row)
        self.left_out["tracked deletion"] += len(changes)
        _write_out_formulas(root)
        _drop_page_numbers(root)
        special = self._special(root)
        for paragraph in list(root.iter("{*}p")):
            if paragraph in special:
                self._write_out(paragraph)
            self._write_number(paragraph)

    def _special(self, root: etree._Element) -> set[etree._Element]:
        """Return the paragraphs that hold more than plain runs: looking at each run takes ten times as long."""
        special = set()
        for element in root.iter(*_SPECIAL):
            kind = local(element)
            if kind in {"rStyle", "pStyle"}:
                names = ("strike", "dstrike", "vertAlign") if kind == "rStyle" else ("strike", "dstrike")
                is_special = any(self._said_by_style(attribute(element, "val"), name) is not None for name in names)
            else:
                is_special = kind != "rFonts" or is_symbol_font(attribute(element, "ascii"))
            if is_special:
                special.add(next(element.iterancestors("{*}p"), root))
        return special

    def _write_out(self, paragraph: etree._Element) -> None:
        before = place = said = ""
        group: list[etree._Element] = []
        for run in visible(paragraph, "r"):
            properties = run.find("{*}rPr")
            if self._is_struck(properties, paragraph):
                self.left_out["struck-through passage"] += place != "struck" and bool(text_of(run).strip())
                self._n_notes.update(local(child).removesuffix("Reference") for child in _references(run))
                _blank(run)
                before, place, said, group = _end(place, said, group, before), "struck", "", []
                continue
            self._write_symbols(run, properties)
            notes = self._write_marks(run, before + said)
            its_place = "" if notes else self._position(run, properties)
            if its_place != place or not its_place:
                before, place, said, group = _end(place, said, group, before), its_place, "", []
            said += text_of(run)
            group.append(run)
        _end(place, said, group, before)

    def _write_number(self, paragraph: etree._Element) -> None:
        if not self._numbering.has_number(paragraph):
            return
        has_words = bool(text_of(paragraph).strip())
        if not has_words and paragraph.find("{*}pPr/{*}rPr/{*}del") is not None:
            return
        number = self._numbering.next_number(paragraph)
        if number and (has_words or local(paragraph.getparent()) == "tc"):
            namespace = paragraph.tag[: -len("p")]
            run = etree.Element(f"{namespace}r")
            etree.SubElement(run, f"{namespace}t").text = f"{number} " if has_words else number
            paragraph.insert(int(len(paragraph) > 0 and local(paragraph[0]) == "pPr"), run)

    def _is_struck(self, properties: etree._Element | None, paragraph: etree._Element) -> bool:
        return any(
            said is not None and said not in _OFF
            for said in (self._said(properties, paragraph, name) for name in ("strike", "dstrike"))
        )

    def _position(self, run: etree._Element, properties: etree._Element | None) -> str:
        """Return "superscript", "subscript", "exponent" in a formula, or "" for what stands on the line."""
        for above in run.iterancestors():
            if local(above) in {"sup", "sub"}:
                return "exponent" if local(above) == "sup" else "subscript"
            if local(above) not in {"e", "d", "oMath"}:
                break
        said = self._said(properties, None, "vertAlign") or ""
        return said if said in {"superscript", "subscript"} else ""

    def _said(self, properties: etree._Element | None, paragraph: etree._Element | None, name: str) -> str | None:
        """Return the value of a property of a run: its own, or that of its style; None if nothing says it."""
        if properties is not None:
            own = properties.find(f"{{*}}{name}")
            if own is not None:
                return attribute(own, "val")
        style = properties.find("{*}rStyle") if properties is not None else None
        if style is None and paragraph is not None:
            style = paragraph.find("{*}pPr/{*}pStyle")
        return self._said_by_style(attribute(style, "val"), name) if style is not None else None

    def _said_by_style(self, style: str, name: str) -> str | None:
        if (style, name) not in self._known_styles:
            said, called = None, style
            for _ in range(_MAX_STYLES_DEEP):
                defined = self._styles.get(called)
                own = defined.find(f"{{*}}rPr/{{*}}{name}") if defined is not None else None
                if defined is None or own is not None:
                    said = attribute(own, "val") if own is not None else None
                    break
                based = defined.find("{*}basedOn")
                called = attribute(based, "val") if based is not None else ""
            self._known_styles[style, name] = said
        return self._known_styles[style, name]

    def _write_symbols(self, run: etree._Element, properties: etree._Element | None) -> None:
        fonts = properties.find("{*}rFonts") if properties is not None else None
        font = attribute(fonts, "ascii") if fonts is not None else ""
        for child in run:
            kind = local(child)
            if kind == "sym":
                sign = symbols(_character(attribute(child, "char")), attribute(child, "font"))
                _become_text(child, self._known(sign))
            elif kind == "t" and is_symbol_font(font):
                child.text = self._known(symbols(child.text or "", font))
            elif kind == "fldChar":
                self._write_form_field(child)

    def _known(self, signs: str) -> str:
        """Leave out characters that only their font knows."""
        known = "".join(sign for sign in signs if not _PRIVATE[0] <= sign <= _PRIVATE[1])
        self.left_out["unknown symbol"] += len(signs) - len(known)
        return known

    @staticmethod
    def _write_form_field(field: etree._Element) -> None:
        box = field.find("{*}ffData/{*}checkBox")
        choices = field.find("{*}ffData/{*}ddList")
        if box is not None:
            said = box.find("{*}checked")
            said = box.find("{*}default") if said is None else said
            is_ticked = said is not None and attribute(said, "val") not in _OFF
            _become_text(field, "☒ " if is_ticked else "☐ ")
        elif choices is not None:
            chosen = choices.find("{*}result")
            entries = [attribute(entry, "val") for entry in choices.iterfind("{*}listEntry")]
            number = attribute(chosen, "val") if chosen is not None else "0"
            _become_text(field, "".join(entries[int(number) :][:1]) if number.isdecimal() else "")

    def _write_marks(self, run: etree._Element, before: str) -> bool:
        """Write the mark of a note in place of a reference to it, which stays; return whether there was one."""
        found = False
        for reference in _references(run):
            kind = local(reference).removesuffix("Reference")
            if attribute(reference, "customMarkFollows") not in {"", *_OFF}:
                number = text_of(run).strip()
                _blank(run)
            else:
                self._n_notes[kind] += 1
                number = number_text(self._n_notes[kind], self._note_forms.get(kind, "decimal"))
            self.marks[kind, attribute(reference, "id")] = number
            reference.addnext(_text_like(run, mark(number, before)))
            found = True
        return found


def _references(run: etree._Element) -> list[etree._Element]:
    return [child for child in run if local(child) in {"footnoteReference", "endnoteReference"}]


def visible(parent: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Yield the outermost visible descendants with these names."""
    for element in parent:
        if local(element) in names:
            yield element
        elif local(element) not in HIDDEN:
            yield from visible(element, *names)


def text_of(paragraph: etree._Element) -> str:
    """Return a paragraph's text without its footnotes and text boxes."""
    pieces = visible(paragraph, "t", *_IN_PLACE_OF)
    return "".join(_IN_PLACE_OF.get(local(element), element.text or "") for element in pieces)


def _end(place: str, said: str, group: list[etree._Element], before: str) -> str:
    """Write out runs that are raised or lowered together, and return the text up to there."""
    if place in {"superscript", "subscript", "exponent"} and said.strip():
        base = "x" if place == "exponent" else before  # no note's mark, whatever it follows
        shown_as = lowered(said, before) if place == "subscript" else raised(said, base)
        if shown_as != said:
            texts = [element for run in group for element in visible(run, "t")]
            for text in texts:
                text.text = ""
            texts[0].text = shown_as
            said = shown_as
    return (before + said)[-_CONTEXT_CHARS:]


def _character(code: str) -> str:
    """Return the character of a code in hexadecimal; "" if it is none."""
    character = chr(int(code, 16)) if _CODE.fullmatch(code) else ""
    return "" if character < " " or _HALVES[0] <= character <= _HALVES[1] else character


def _blank(run: etree._Element) -> None:
    for element in list(visible(run, "t", "sym", *_IN_PLACE_OF)):
        element.text = ""
        element.tag = f"{element.tag.rpartition('}')[0]}}}t"


def _become_text(element: etree._Element, text: str) -> None:
    element.addnext(_text_like(element, text))
    if local(element) == "sym":
        element.getparent().remove(element)


def _text_like(element: etree._Element, text: str) -> etree._Element:
    """Return a text element in the namespace of another."""
    made: etree._Element = etree.Element(f"{element.tag.rpartition('}')[0]}}}t")
    made.text = text
    return made


def _write_out_formulas(root: etree._Element) -> None:
    """Put strokes between numerators and denominators, and signs before roots."""
    for formula in list(root.iter("{*}f", "{*}rad")):
        sign, after = ("/", "den") if local(formula) == "f" else ("√", "e")
        part = formula.find(f"{{*}}{after}")
        if part is not None:
            run = etree.Element(f"{formula.tag.rpartition('}')[0]}}}r")
            run.append(_text_like(formula, sign))
            part.addprevious(run)


def _drop_page_numbers(root: etree._Element) -> None:
    """Remove the saved results of fields that show page numbers: they are those of one page only."""
    for field in list(root.iter("{*}fldSimple")):
        if attribute(field, "instr").strip().partition(" ")[0].upper() in _PAGE_FIELDS:
            field.getparent().remove(field)
    for paragraph in {next(field.iterancestors("{*}p"), root) for field in root.iter("{*}instrText")}:
        code, depth, in_result = "", 0, False
        for run in list(visible(paragraph, "r")):
            for child in run:
                kind = local(child)
                if kind == "fldChar":
                    step = attribute(child, "fldCharType")
                    depth += {"begin": 1, "end": -1}.get(step, 0)
                    code = "" if step == "begin" else code
                    in_result = step == "separate"
                elif kind == "instrText":
                    code += child.text or ""
                elif kind == "t" and in_result and depth > 0:
                    child.text = "" if code.strip().partition(" ")[0].upper() in _PAGE_FIELDS else child.text

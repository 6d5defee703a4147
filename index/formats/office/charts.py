"""Charts and diagrams of Office Open XML: titles, and what they show, as rows."""

from bisect import bisect
from collections.abc import Iterator
from itertools import islice

from lxml import etree

from index.formats.office.containers import attribute, local

MAX_POINTS = 100_000
"""Points of a chart that are read, all its series together."""
_MAX_LEVELS = 10


def chart_rows(root: etree._Element) -> tuple[str, list[list[str]]]:
    """Read a chart.

    Args:
        root: Root of the chart's part.

    Returns:
        Its title and the titles of its axes, and its table: a row of headers, then one of each category with the value
        of each series; no rows if the file does not hold what the chart shows. A single series is named in the title,
        not in headers.
    """
    titles = [_text(title) for title in root.iter() if local(title) == "title"]
    series = [_Series(each) for each in root.iter() if local(each) == "ser"] or list(_newer_series(root))
    rows = _rows(series)
    if rows and len(rows[0]) == 2:  # noqa: PLR2004 (categories and values)
        titles.append(rows.pop(0)[1])
    return "; ".join(dict.fromkeys(filter(None, titles))), rows


def paragraphs(root: etree._Element) -> list[str]:
    """Return the paragraphs of a drawing or diagram that have text."""
    return list(filter(None, (_text(paragraph) for paragraph in root.iter() if local(paragraph) == "p")))


class _Series:
    """A series of a chart: its name, and categories and values by their places."""

    def __init__(self, series: etree._Element) -> None:
        self.name = ""
        self.categories: dict[int, str] = {}
        self.values: list[tuple[str, dict[int, str]]] = []
        for part in series:
            kind = local(part)
            if kind == "tx":
                self.name = " ".join(_points(part).values()) or _text(part)
            elif kind in {"cat", "xVal"}:
                self.categories = _points(part)
            elif kind in {"val", "yVal", "bubbleSize"}:
                self.values.append(("size" if kind == "bubbleSize" else "", _points(part)))


def _points(part: etree._Element) -> dict[int, str]:
    """Return what is cached of a range by place; categories of several levels are joined, outermost first."""
    levels = [each for each in part.iter() if local(each) == "lvl"]
    if not levels:
        return dict(islice(_values(part), MAX_POINTS))
    inner, *outer = (dict(sorted(islice(_values(level), MAX_POINTS))) for level in levels[:_MAX_LEVELS])
    starts = [(list(level), list(level.values())) for level in reversed(outer)]
    return {
        place: " ".join(
            [*(said[bisect(begun, place) - 1] for begun, said in starts if begun and begun[0] <= place), words]
        )
        for place, words in inner.items()
    }


def _values(part: etree._Element) -> Iterator[tuple[int, str]]:
    code = next((each.text or "" for each in part.iter() if local(each) == "formatCode"), "General")
    for point in part.iter():
        place = attribute(point, "idx")
        if local(point) == "pt" and place.isdecimal():
            value = point.find("{*}v")
            said = (point.text if value is None else value.text) or ""
            yield int(place), _formatted(" ".join(said.split()), attribute(point, "formatCode") or code)


def _formatted(said: str, code: str) -> str:
    """Return a number as the chart shows it; other words unchanged."""
    from index.formats.office.excel.number_formats import shown_number

    try:
        return shown_number(float(said), code)
    except (ValueError, OverflowError):
        return said


def _newer_series(root: etree._Element) -> Iterator["_Series"]:
    """Yield the series of a chart of the kinds that Office 2016 brought: waterfall, treemap and the like."""
    data = {attribute(each, "id"): each for each in root.iter() if local(each) == "data"}
    for series in (each for each in root.iter() if local(each) == "series"):
        found = _Series(series)
        link = series.find("{*}dataId")
        its = data.get(attribute(link, "val")) if link is not None else None
        for dimension in () if its is None else its:
            if local(dimension) == "strDim":
                found.categories = _points(dimension)
            elif local(dimension) == "numDim":
                found.values.append(("", _points(dimension)))
        yield found


def _rows(series: list[_Series]) -> list[list[str]]:
    columns = [(" ".join(filter(None, (each.name, what))), values) for each in series for what, values in each.values]
    categories: dict[int, str] = {}
    for each in series:
        categories = {**each.categories, **categories}
    places = sorted({place for _, values in columns for place in values})
    if not places:
        return []
    rows = [["", *(name for name, _ in columns)]]
    for place in places[: MAX_POINTS // len(rows[0])]:
        label = categories.get(place, str(place + 1))
        rows.append([label, *(values.get(place, "") for _, values in columns)])
    return rows


def _text(parent: etree._Element) -> str:
    pieces = (element.text or "" for element in parent.iter() if local(element) in {"t", "v"})
    return " ".join("".join(pieces).split())

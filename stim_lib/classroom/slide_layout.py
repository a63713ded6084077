"""How much goes on one slide, and what of a code cell is worth showing there.

For whoever presents a chapter.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

HIDDEN = {"hide-input", "remove-input", "remove-cell", "hide-cell"}
CODE_LINES, OUTPUT_LINES, TABLE_ROWS, TABLE_COLUMNS = 8, 14, 14, 8
# A slide holds fourteen lines of eighty letters under its title; code and tables are set smaller.
# One short line more is better than a slide for it alone: the page sets the slide a little smaller.
SHORT, ROOM_FOR_SHORT = 16, 16.0
ROOM, LETTERS, MAX_WORDS, FIGURE_WORDS, PANEL_WORDS = 14.5, 82, 95, 40, 320


@dataclass
class Slide:
    """One slide.

    Attributes
    ----------
    title : str
    new : bool
        Whether it lies to the right of the one before, and not below it.
    items : list of str and NotebookNode
        Blocks of Markdown, and code cells whose code or output is shown, in order.
    notes : list of str
        Paragraphs for the speaker.
    figure : bool
        Whether it holds a figure, and as yet no sentence about it.
    """

    title: str
    new: bool
    items: list = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figure: bool = False

    def has_room_for(self, item: str | dict) -> bool:
        """Whether another block or cell fits under what is there."""
        words = sum(len(text.split()) for text in (*self.items, item) if isinstance(text, str))
        is_short = isinstance(item, str) and len(item.split()) <= SHORT
        room = ROOM_FOR_SHORT if is_short else ROOM
        return sum(map(_height, (*self.items, item))) <= room and words <= MAX_WORDS


def put(
    slides: list[Slide], title: str, item: str | dict, *, with_line_before: bool = False
) -> None:
    """Add to the last slide, or to a new one below it if that is full; one sentence to a figure.

    Parameters
    ----------
    slides : list of Slide
        At least one; grows.
    title : str
        Of the section; a slide of another title takes nothing.
    item : str or NotebookNode
    with_line_before : bool
        Whether the line before points at the item, and so goes with it to a new slide.

    Notes
    -----
    For the slides of a chapter.

    Examples
    --------
    >>> slides = [Slide("Tea", True)]
    >>> for line in ("green " * 60, "black " * 60):
    ...     put(slides, "Tea", line.strip())
    >>> len(slides)
    2
    """
    last = slides[-1]
    if last.figure and isinstance(item, str) and len(item.split()) <= FIGURE_WORDS:
        last.items.append(item)
        last.figure = False
        return
    full = last.title != title or not last.has_room_for(item)
    if full and last.items:
        slides.append(Slide(title, False))
        if with_line_before and len(last.items) > 1 and isinstance(last.items[-1], str):
            slides[-1].items.append(last.items.pop())
    slides[-1].items.append(item)


def pieces(cell: dict) -> Iterator[tuple[str, dict, str]]:
    """What of a code cell is worth a slide.

    Parameters
    ----------
    cell : NotebookNode
        An executed code cell.

    Yields
    ------
    (str, NotebookNode, str)
        "figure", "table" or "code"; a cell to show; the caption of a figure.

    Notes
    -----
    A table has at most 14 rows and 8 columns; code at most eight lines, and printed text beside
    it. Interactive maps stay in the book. For the slides of a chapter.

    Examples
    --------
    >>> import nbformat.v4 as v4
    >>> said = v4.new_output("stream", text="3")
    >>> [kind for kind, _, _ in pieces(v4.new_code_cell("print(3)", outputs=[said]))]
    ['code']
    """
    tags = set(cell["metadata"].get("tags", []))
    if "remove-cell" in tags or "remove-output" in tags or "show_quiz(" in cell["source"]:
        return
    made = cell["metadata"].get("mystnb", {})
    alt = made.get("image", {}).get("alt", "")
    caption = made.get("figure", {}).get("caption", "")
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            yield "figure", _picture(data["image/png"], alt), caption
        elif "text/html" in data:
            yield from _from_page(data["text/html"])
    printed = [output for output in cell["outputs"] if output["output_type"] == "stream"]
    if printed and not tags & HIDDEN:
        together = {**printed[0], "text": "".join(output["text"] for output in printed)}
        if _is_short(cell, together):
            yield "code", {**cell, "outputs": [together]}, ""


def _from_page(page: str) -> Iterator[tuple[str, dict, str]]:
    """Pictures and small tables of an output in HTML; a short panel of words as it is."""
    page = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    heading = re.search(r"<h\d[^>]*>(.*?)</h\d>", page)
    pictures = re.findall(r'<img alt="([^"]*)" src="data:image/png;base64,([^"]+)"', page)
    tables = re.findall(r"<table\b.*?</table>", page, flags=re.DOTALL)
    for alt, data in pictures:
        yield (
            "figure",
            _picture(data, html.unescape(alt)),
            html.unescape(heading[1]) if heading else "",
        )
    for table in filter(_is_small, tables):
        yield "table", _output({"text/html": table}), ""
    words = len(re.sub(r"<[^>]+>", " ", page).split())
    if heading and not pictures and not tables and "<iframe" not in page and words <= PANEL_WORDS:
        # A section in a slide would be a slide of its own.
        panel = re.sub(r"(</?)section\b", r"\1div", page)
        yield "table", _output({"text/html": re.sub(r"(</?)h\d\b", r"\1h4", panel)}), ""


def _picture(data: str, alt: str) -> dict:
    return _output({"image/png": data}, {"alt": alt})


def _output(data: dict, metadata: dict | None = None) -> dict:
    """A code cell of which only this output is shown."""
    from nbformat import v4

    output = v4.new_output("display_data", data, metadata=metadata or {})
    return v4.new_code_cell("", metadata={"tags": ["no-code"]}, outputs=[output])


def _is_short(cell: dict, output: dict) -> bool:
    lines = output["text"].rstrip().splitlines()
    return (
        len(cell["source"].splitlines()) <= CODE_LINES
        and 0 < len(lines) <= OUTPUT_LINES
        and max(map(len, lines)) <= 90
    )


def _is_small(table: str) -> bool:
    rows = table.split("<tr")[1:]
    columns = max((len(re.findall(r"<t[hd]\b", row)) for row in rows), default=0)
    return len(rows) <= TABLE_ROWS + 1 and columns <= TABLE_COLUMNS + 1


def _height(item: str | dict) -> float:
    """Lines that a block of Markdown or a cell takes."""
    if not isinstance(item, str):
        output = item["outputs"][0]
        if "data" in output:
            page = output["data"].get("text/html", "")
            rows = page.count("<tr") or len(page.split()) / 12
            return 0.9 * rows + 0.8
        lines = item["source"].splitlines() + output["text"].splitlines()
        return 0.65 * len(lines) + 1.8
    if item.startswith("$$"):
        return 2.2 + 1.5 * item.count("\\\\")
    return sum(math.ceil(len(line) / LETTERS) for line in item.splitlines() if line) + 0.5

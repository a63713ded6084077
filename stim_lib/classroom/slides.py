"""Slides of a chapter, from the chapter as it was executed.

Nothing is written twice: headings, first sentences, formulas, figures, small tables and checks by
hand are taken from the notebook; what stays out becomes notes for the speaker. nbconvert makes the
page and reveal.js shows it, from one file and without a network. For whoever presents a chapter.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stim_lib import assets
from stim_lib.classroom.quiz import Quiz
from stim_lib.classroom.slide_layout import Slide, pieces, put
from stim_lib.classroom.slide_text import (
    Block,
    glued_values,
    headline,
    plain_markdown,
    read_blocks,
    sentences,
)

WHOLE = ("What could fool us", "Answer")
CAPTION_WORDS = 6
LEFT_OUT = ("Setup", "Where next")
_EXERCISE = re.compile(r"\*\*(\d+\.\d+) (.+?) \((\d+) min[^)]*\)")


class SlidesError(RuntimeError):
    """Slides that can't be made; the message says what to do first."""


@dataclass(frozen=True)
class Section:
    """One heading of a chapter and what stands under it, up to the next heading.

    Attributes
    ----------
    title : str
    level : int
    parent : str
        The heading of level 2 above it, or its own.
    items : list
        Blocks of text and code cells, in order.
    """

    title: str
    level: int
    parent: str
    items: list


def chapter_slides(notebook: dict, quiz: Quiz | None = None) -> list[Slide]:
    r"""Choose what of a chapter goes on slides.

    Parameters
    ----------
    notebook : NotebookNode
        Executed.
    quiz : Quiz, optional
        Its questions come before the exercises.

    Returns
    -------
    list of Slide
        At least one. The input is not changed.

    Notes
    -----
    Of a section: its heading, the first sentences of its paragraphs, its formulas; each figure,
    small table and short check by hand on a slide of its own. "What could fool us" and "Answer"
    are there in full. For the slides of a chapter.

    Examples
    --------
    >>> import nbformat.v4 as v4
    >>> text = "# Tea\n\n*read 1 min*\n\n**Why?**\n\n## Leaves\n\nThey are green. Mostly."
    >>> slides = chapter_slides(v4.new_notebook(cells=[v4.new_markdown_cell(text)]))
    >>> [(slide.title, slide.items) for slide in slides]
    [('Tea', ['*read 1 min*', '**Why?**']), ('Leaves', ['They are green. Mostly.'])]
    """
    sections = list(_sections(notebook))
    slides = _opening(sections[0])
    for section in sections[1:]:
        if section.parent == "Exercises":
            if section.level == 2:
                slides += _quiz_slides(quiz) + _exercise_slides(section)
        elif section.parent not in LEFT_OUT:
            slides += _section_slides(section)
    return slides


def slides_notebook(slides: list[Slide], title: str) -> dict:
    """Slides as the notebook that nbconvert's exporter of slides reads.

    Parameters
    ----------
    slides : list of Slide
    title : str

    Returns
    -------
    NotebookNode
        Its cells say in their metadata on which slide they are.

    Notes
    -----
    For the slides of a chapter.

    Examples
    --------
    >>> made = slides_notebook([Slide("Tea", True, ["Green."], notes=["Or black."])], "Tea")
    >>> [cell.metadata.slideshow.slide_type for cell in made.cells]
    ['slide', '-', 'notes']
    """
    from nbformat import v4

    cells = []
    for place, slide in enumerate(slides):
        level = "#" if place == 0 else "##" if slide.new else "###"
        kind = "slide" if slide.new else "subslide"
        cells.append(v4.new_markdown_cell(f"{level} {slide.title}", metadata=_slide_type(kind)))
        for item in slide.items:
            if isinstance(item, str):
                cells.append(v4.new_markdown_cell(item, metadata=_slide_type("-")))
                continue
            shown = v4.new_code_cell(item["source"], outputs=item["outputs"])
            shown.metadata = _slide_type("-") | {"tags": item["metadata"].get("tags", [])}
            cells.append(shown)
        if slide.notes:
            notes = "\n\n".join(slide.notes)
            cells.append(v4.new_markdown_cell(notes, metadata=_slide_type("notes")))
    for number, cell in enumerate(cells):
        cell["id"] = f"slide-{number}"
    return v4.new_notebook(cells=cells, metadata={"title": title})


def slides_page(notebook: dict, quiz: Quiz | None = None) -> str:
    """Make the page of slides of one chapter.

    Parameters
    ----------
    notebook : NotebookNode
        Executed.
    quiz : Quiz, optional

    Returns
    -------
    str
        HTML with everything in it: figures, reveal.js, MathJax.

    Raises
    ------
    AssetError
        If reveal.js or MathJax can't be had.

    Notes
    -----
    For the slides of a chapter.

    Examples
    --------
    >>> slides_page  # doctest: +ELLIPSIS
    <function slides_page at ...>
    """
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    slides = chapter_slides(notebook, quiz)
    config = Config({"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": ["no-code"]}})
    exporter = SlidesExporter(config=config)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    exporter.exclude_anchor_links = True
    exporter.raw_template = Path(__file__).with_name("slides.html.j2").read_text(encoding="utf-8")
    made = slides_notebook(slides, slides[0].title)
    page, _ = exporter.from_notebook_node(made, resources={"slides": _parts()})
    return page


def read_executed(path: str | Path, cache_folder: str | Path) -> dict:
    """A chapter with the outputs that the last build of the book has kept.

    Parameters
    ----------
    path : path
        The chapter's notebook.
    cache_folder : path
        ``_build/.jupyter_cache``.

    Returns
    -------
    NotebookNode

    Raises
    ------
    SlidesError
        If the chapter has not been executed as it stands.

    Notes
    -----
    For the slides of a chapter.

    Examples
    --------
    >>> read_executed("notebooks/99_none.ipynb", "nowhere")
    Traceback (most recent call last):
    stim_lib.classroom.slides.SlidesError: 99_none: expected its outputs in nowhere, found none. \
Run `make book` first.
    """
    advice = (
        f"{Path(path).stem}: expected its outputs in {cache_folder}, found none. "
        "Run `make book` first."
    )
    if not Path(cache_folder).is_dir():
        raise SlidesError(advice)
    from jupyter_cache import get_cache

    try:
        return get_cache(cache_folder).merge_match_into_file(str(path))[1]
    except KeyError:
        raise SlidesError(advice) from None


def _sections(notebook: dict) -> Iterator[Section]:
    """The sections of a chapter; text before the first heading is dropped."""
    values = glued_values(notebook)
    section = None
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            if section is not None:
                section.items.append(cell)
            continue
        for block in read_blocks(plain_markdown(cell["source"], values)):
            if block.kind != "heading":
                if section is not None:
                    section.items.append(block)
                continue
            if section is not None:
                yield section
            parent = block.text if block.level < 3 or section is None else section.parent
            section = Section(block.text, block.level, parent, [])
    if section is None:
        raise SlidesError("chapter: expected a heading, found none")
    yield section


def _opening(section: Section) -> list[Slide]:
    """Title, run line and question; then the aims."""
    blocks = [item for item in section.items if isinstance(item, Block)]
    said = [b.text for b in blocks if b.text.startswith("*") and b.kind == "paragraph"]
    slides = [Slide(section.title, True, said)]
    slides[0].notes = [b.text for b in blocks if b.kind == "paragraph" and b.text not in said]
    aims = [block.text for block in blocks if block.kind == "list"]
    if aims:
        without = re.sub(r" \(exercise \d+\.\d+\)", "", "\n".join(aims))
        slides.append(Slide("You will be able to", False, [without]))
        slides[0].notes = [note for note in slides[0].notes if not note.endswith("able to")]
    return slides


def _section_slides(section: Section) -> list[Slide]:
    """Text, checks and tables one after the other, each figure on a slide of its own."""
    slides = [Slide(section.title, section.level == 2)]
    for item, following in itertools.zip_longest(section.items, section.items[1:]):
        if isinstance(item, Block):
            said = [item.text]
            if section.parent not in WHOLE and item.kind == "paragraph":
                said = _said(item.text, points_on=_is_shown(following))
            for text in said:
                put(slides, section.title, text, with_line_before=item.kind == "math")
            if " ".join(" ".join(said).split()) != " ".join(item.text.split()):
                slides[-1].notes.append(item.text)
            continue
        for kind, cell, caption in pieces(item):
            if kind == "figure":
                claim = headline(caption, CAPTION_WORDS) or section.title
                notes = [caption] if claim != caption else []
                slides.append(Slide(claim, False, [cell], notes, figure=True))
            else:
                put(slides, section.title, cell, with_line_before=True)
    return [slide for slide in slides if slide.items]


def _is_shown(item: Block | dict | None) -> bool:
    """Whether it is a formula or a cell of which something goes on a slide."""
    if item is None or isinstance(item, Block):
        return item is not None and item.kind == "math"
    return bool(list(pieces(item)))


def _said(text: str, *, points_on: bool) -> list[str]:
    """First sentence of a paragraph, and the last if it says what to look for next."""
    first = headline(text)
    if not points_on:
        return [first]
    asides = [sentence for sentence in sentences(text) if not sentence.startswith("(")]
    return [first] if not asides or asides[-1][:-1] in first else [first, asides[-1]]


def _quiz_slides(quiz: Quiz | None) -> list[Slide]:
    """One slide a question; the answers are for the speaker."""
    slides = []
    for number, question in enumerate(quiz.questions if quiz else (), start=1):
        slide = Slide(f"Question {number}", number == 1, [question.text])
        if question.kind == "multiple_choice":
            letters = zip("ABCDEFGH", question.answers, strict=False)
            slide.items.append("\n".join(f"- **{a}** {answer.text}" for a, answer in letters))
        for letter, answer in zip("ABCDEFGH", question.answers, strict=False):
            said = answer.text or _between(answer.low, answer.high)
            mark = "✓" if answer.correct else "✗"
            slide.notes.append(f"{mark} **{letter}** {said}: {answer.feedback}")
        slides.append(slide)
    return slides


def _between(low: float | None, high: float | None) -> str:
    return "any other number" if low is None else f"{(low + high) / 2:.3g}"


def _exercise_slides(section: Section) -> list[Slide]:
    """The titles of the exercises, with minutes."""
    text = "\n".join(item.text for item in section.items if isinstance(item, Block))
    lines = [f"- **{n}** {title}, {minutes} min" for n, title, minutes in _EXERCISE.findall(text)]
    return [Slide("Exercises", True, ["\n".join(lines)])] if lines else []


def _slide_type(name: str) -> dict:
    return {"slideshow": {"slide_type": name}}


def _parts() -> dict[str, str]:
    """Scripts and styles that go into the page."""
    folder = assets.fetch("reveal").parent
    theme = re.sub(r"@import url\([^)]*\);", "", (folder / "white.css").read_text(encoding="utf-8"))
    own = Path(__file__).with_name("slides.css").read_text(encoding="utf-8")
    reset = (folder / "reset.css").read_text(encoding="utf-8")
    frame = (folder / "reveal.css").read_text(encoding="utf-8")
    scripts = {
        "reveal": folder / "reveal.js",
        "notes": folder / "notes.js",
        "mathjax": assets.fetch("mathjax"),
    }
    return {"css": "\n".join([reset, frame, theme, own])} | {
        name: _inside_a_page(path.read_text(encoding="utf-8")) for name, path in scripts.items()
    }


def _inside_a_page(script: str) -> str:
    r"""A script as it may stand between tags: a comment or an end tag in it would end it.

    Examples
    --------
    >>> _inside_a_page("/<!--/ '</script>'")
    "/\\x3C!--/ '<\\/script>'"
    """
    return script.replace("<!--", "\\x3C!--").replace("</script", "<\\/script")

"""The text of a chapter in the plain Markdown that slides can show.

Chapters are written in MyST. Slides know neither its roles nor its boxes, so values that were
computed are put in their places, references become words, and boxes become paragraphs. For
whoever presents a chapter.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

_ROLE = re.compile(r"\{(?P<role>[\w:]+)\}`(?P<body>[^`]*)`")
_TARGET = re.compile(r"^\([\w-]+\)=\s*$", re.MULTILINE)
_LABEL = re.compile(r"^\$\$ *\([\w-]+\) *$", re.MULTILINE)
_MASKED = re.compile(r"\$[^$]+\$|`[^`]+`")
_SENTENCE = re.compile(r"(?<=[.!?])([*)”’]*)\s+(?=[*“‘(\[\x00A-Z0-9α-ω])")
MAKING = "application/papermill.record/text/plain"


@dataclass(frozen=True)
class Block:
    """One paragraph, list, formula or box of a chapter.

    Attributes
    ----------
    kind : str
        heading, paragraph, list, math or other.
    text : str
        Plain Markdown.
    level : int
        Of a heading; 0 for anything else.
    """

    kind: str
    text: str
    level: int = 0


def glued_values(notebook: dict) -> dict[str, str]:
    """What the cells of an executed notebook have glued, by name.

    Parameters
    ----------
    notebook : NotebookNode

    Returns
    -------
    dict of str to str

    Notes
    -----
    For the slides of a chapter.

    Examples
    --------
    >>> made = {"data": {MAKING: "'0.31'"}, "metadata": {"scrapbook": {"name": "share"}}}
    >>> glued_values({"cells": [{"cell_type": "code", "outputs": [made]}]})
    {'share': '0.31'}
    """
    values = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []) if cell["cell_type"] == "code" else []:
            if MAKING in output.get("data", {}):
                name = output["metadata"]["scrapbook"]["name"]
                values[name] = _unquoted(output["data"][MAKING])
    return values


def plain_markdown(text: str, values: dict[str, str]) -> str:
    """MyST as Markdown: roles become words, labels go.

    Parameters
    ----------
    text : str
    values : dict of str to str
        As `glued_values` returns them. A name that is lacking becomes "…".

    Returns
    -------
    str

    Notes
    -----
    For the slides of a chapter.

    Examples
    --------
    >>> plain_markdown("{numref}`fig-04-week` shows {glue:text}`share` of all.", {"share": "0.31"})
    'The figure shows 0.31 of all.'
    """

    def word(found: re.Match) -> str:
        role, body = found["role"], found["body"]
        if role.startswith("glue"):
            return values.get(body.split(":")[0], "…")
        if role.startswith("cite"):
            return ""
        if role == "math":
            return f"${body}$"
        if role in {"numref", "eq"}:
            name = "figure" if role == "numref" else "equation"
            before = text[: found.start()].rstrip(" *")
            start = not before or before[-1] in ".!?\n"
            return f"{'The' if start else 'the'} {name}"
        return body.split(" <")[0]

    text = _LABEL.sub("$$", _TARGET.sub("", text))
    plain = _ROLE.sub(word, text)
    return re.sub(r" +([.,;:)])", r"\1", re.sub(r"(?<=\S) {2,}", " ", plain))


def read_blocks(text: str) -> list[Block]:
    r"""Cut plain Markdown into its blocks.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of Block
        A box of MyST becomes a paragraph that begins with its title in bold; other directives and
        comments go.

    Notes
    -----
    For the slides of a chapter.

    Examples
    --------
    >>> [block.kind for block in read_blocks("# A\n\nb.\n\n$$\nc\n$$\n\n- d")]
    ['heading', 'paragraph', 'math', 'list']
    """
    from markdown_it import MarkdownIt
    from mdit_py_plugins.colon_fence import colon_fence_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    kinds = {"paragraph_open": "paragraph", "math_block": "math", "math_block_label": "math"}
    kinds |= {"bullet_list_open": "list", "ordered_list_open": "list"}
    parser = MarkdownIt().enable("table").use(dollarmath_plugin).use(colon_fence_plugin)
    lines = text.splitlines()
    blocks = []
    for token in parser.parse(text):
        if token.level or token.map is None:
            continue
        source = "\n".join(lines[slice(*token.map)]).strip()
        if token.type == "heading_open":
            blocks.append(Block("heading", source.lstrip("# "), int(token.tag[1])))
        elif token.type in {"fence", "colon_fence"}:
            blocks += _box(token.info, token.content)
        else:
            blocks.append(Block(kinds.get(token.type, "other"), source))
    return blocks


def sentences(text: str) -> list[str]:
    """Cut a paragraph into sentences; a formula or a piece of code is never cut.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Notes
    -----
    For the slides of a chapter.

    Examples
    --------
    >>> sentences("See $a. B$ first. Then go. It is 1.5 km.")
    ['See $a. B$ first.', 'Then go.', 'It is 1.5 km.']
    """
    kept = _MASKED.findall(text)
    masked = _MASKED.sub("\x00", " ".join(text.split()))
    parts = [part.strip() for part in _SENTENCE.sub("\\1\n", masked).split("\n")]
    found = iter([" ".join(piece.split()) for piece in kept])
    return [re.sub("\x00", lambda _: next(found), part) for part in parts if part]


def headline(text: str, least: int = 16) -> str:
    """What a paragraph says first, in as many sentences as make so many words.

    Parameters
    ----------
    text : str
    least : int
        Words; a paragraph that has fewer is taken whole.

    Returns
    -------
    str

    Notes
    -----
    For the slides of a chapter.

    Examples
    --------
    >>> headline("**Zones.** A time without a zone is not an instant. Read on.", least=8)
    '**Zones.** A time without a zone is not an instant.'
    """
    said = ""
    for sentence in sentences(text):
        said = f"{said} {sentence}".lstrip()
        if len(said.split()) >= least:
            break
    return said[:-1] + "." if said.endswith(":") else said


def _unquoted(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return value


def _box(info: str, content: str) -> list[Block]:
    """A box with a title as one paragraph; nothing of other directives."""
    found = re.fullmatch(r"\{(admonition|note|tip|warning)\}\s*(.*)", info.strip())
    if not found:
        return []
    body = "\n".join(line for line in content.splitlines() if not line.startswith(":"))
    title = found[2] or found[1].capitalize()
    paragraphs = [f"**{title}.** {body.strip()}"] if body.strip() else []
    return [block for p in paragraphs for block in read_blocks(p)]

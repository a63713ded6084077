"""Pieces of a page that need nothing from outside: tables, pictures, lists, each with a title.

Introduced in chapter 14.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Dark on white, whatever the page around it is: the same in a book, a notebook and a report.
STYLE = """<style>
.stim-panel{background:#fff;color:#1f2328;padding:.2rem 1rem 1rem;margin:0 0 1rem;
border:1px solid #d0d7de;border-radius:6px;line-height:1.5;overflow-wrap:break-word}
.stim-panel h3,.stim-panel h2{margin:.9rem 0 .4rem;font-size:1.2rem;line-height:1.3;color:#1f2328}
.stim-panel p,.stim-panel li{color:#1f2328;margin:.4rem 0}
.stim-panel img{max-width:100%;height:auto;display:block;background:#fff}
.stim-panel figure{margin:.6rem 0}
.stim-panel figcaption,.stim-panel p.stim-caption{color:#444c56;font-size:.9rem;
margin:.8rem 0 .2rem}
.stim-row{display:flex;flex-wrap:wrap;gap:0 1rem}
.stim-row figure{flex:1 1 17rem;min-width:0}
.stim-scroll{overflow-x:auto;margin:0 0 .6rem}
.stim-panel table{border-collapse:collapse;font-size:.9rem;margin:0;color:#1f2328;background:#fff}
.stim-panel th,.stim-panel td{padding:.3rem .7rem;border-bottom:1px solid #d0d7de;
text-align:right;vertical-align:top;color:#1f2328;background:#fff}
.stim-panel th[scope=row],.stim-panel td.text,.stim-panel th.text{text-align:left}
.stim-panel td.text{min-width:8rem}
@media(max-width:500px){.stim-panel{padding:.2rem .6rem .6rem}
.stim-panel th,.stim-panel td{padding:.3rem .35rem;font-size:.8rem}}
.stim-yes::before{content:"\\2713\\00a0";color:#0a6b2d;font-weight:bold}
.stim-no::before{content:"\\2717\\00a0";color:#a40e26;font-weight:bold}
.stim-panel ul.stim-claims{list-style:none;padding-left:0}
.stim-panel ul.stim-claims li{padding-left:1.6rem;text-indent:-1.6rem}
</style>"""


@dataclass(frozen=True)
class Panel:
    """A titled piece of a page.

    Attributes
    ----------
    title : str
        What it shows, or better: what it says.
    body : str
        HTML, safe: the functions of this module escape what they are given.
    first : bool
        Whether it opens a report.
    """

    title: str
    body: str
    first: bool = False

    def __repr__(self) -> str:
        return f"<panel: {self.title}>"

    def section(self, level: int = 3) -> str:
        """HTML without the style."""
        title = html.escape(self.title)
        return (
            f'<section class="stim-panel" aria-label="{title}"><h{level}>{title}</h{level}>'
            f"{self.body}</section>"
        )

    def _repr_html_(self) -> str:
        first = ' data-first="1"' if self.first else ""
        return f"{STYLE}<div{first}>{self.section()}</div>"


def paragraph(text: str) -> str:
    """Escape a text and make it a paragraph.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f"<p>{html.escape(text)}</p>"


def bullets(lines: Sequence[str]) -> str:
    """Make a list.

    Parameters
    ----------
    lines : sequence of str

    Returns
    -------
    str
        HTML; "" where there is no line.

    Examples
    --------
    >>> bullets(["a", "b"])
    '<ul><li>a</li><li>b</li></ul>'
    """
    inside = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<ul>{inside}</ul>" if inside else ""


def table(frame: pd.DataFrame, caption: str, *, digits: int = 3, corner: str = "") -> str:
    """Make a table that scrolls sideways by itself where it is too wide.

    Parameters
    ----------
    frame : DataFrame, shape (n_rows, n_columns)
        Its index are the heads of the rows.
    caption : str
    digits : int
        Of floats.
    corner : str
        Head of the index.

    Returns
    -------
    str
        HTML, all text escaped.

    Examples
    --------
    >>> "0.33" in table(pd.DataFrame({"a": [1 / 3]}), "Thirds", digits=2)
    True
    """
    heads = [f'<th scope="col" class="text">{html.escape(corner)}</th>' if corner else "<td></td>"]
    is_text = [not pd.api.types.is_numeric_dtype(frame[name].dtype) for name in frame]
    for name, text in zip(frame, is_text, strict=True):
        mark = ' class="text"' if text else ""
        heads.append(f'<th scope="col"{mark}>{html.escape(str(name))}</th>')
    rows = []
    for label, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        cells = "".join(
            f"<td{' class=text' if text else ''}>{html.escape(_written(value, digits))}</td>"
            for value, text in zip(row, is_text, strict=True)
        )
        rows.append(f'<tr><th scope="row">{html.escape(str(label))}</th>{cells}</tr>')
    label = html.escape(caption)
    return (
        f'<p class="stim-caption">{label}</p>'
        f'<div class="stim-scroll" tabindex="0" role="region" aria-label="{label}">'
        f"<table><thead><tr>{''.join(heads)}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _written(value: object, digits: int) -> str:
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value):
        return "–"
    if isinstance(value, float):
        return f"{value:.{digits}f}"
    return f"{value:,}" if isinstance(value, int) or hasattr(value, "dtype") else str(value)


def picture(figure: Figure, *, alt: str, caption: str = "") -> str:
    """Draw a figure into the page, and close it.

    Parameters
    ----------
    figure : matplotlib Figure
    alt : str
        What there is to see, for who can't.
    caption : str

    Returns
    -------
    str
        HTML with the image inside.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> picture(plt.figure(), alt="Nothing").startswith('<figure><img alt="Nothing" src="data:')
    True
    """
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    # Without its date, so that the same log gives the same page.
    figure.savefig(file, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    data = base64.b64encode(file.getvalue()).decode()
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure><img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">{below}</figure>'
    )

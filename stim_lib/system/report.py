"""Run chapter 14's notebook on a log and make one page of what it shows.

The notebook is the program: what a reader of the book runs by hand is what the report holds, less
the prose and the exercises. Introduced in chapter 14.
"""

from __future__ import annotations

import html
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import stim_lib
from stim_lib.system.describe import show_quality, show_when, show_where, show_who
from stim_lib.system.exam import TooLittleData
from stim_lib.system.load import Loaded
from stim_lib.system.panel import STYLE, Panel
from stim_lib.system.settings import Settings
from stim_lib.system.show import show_claims, show_needs

# Cells with one of these tags run for a report; all others are the book's alone.
KEPT_TAGS = frozenset({"parameters", "report"})
SECTION = re.compile(
    r'<div( data-first="1")?>(<section class="stim-panel".*?</section>)', re.DOTALL
)
TITLE = re.compile(r'aria-label="([^"]*)"')
PAGE_STYLE = """<style>
*{box-sizing:border-box}
body{margin:0;background:#f6f8fa;color:#1f2328;
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",
"PingFang SC","Microsoft YaHei",sans-serif}
main,header,footer{max-width:60rem;margin:0 auto;padding:0 1rem}
header h1{font-size:1.7rem;line-height:1.25;margin:1.5rem 0 .3rem}
nav ol{margin:.5rem 0 1.2rem;padding-left:1.4rem;columns:2 20rem}
a{color:#0550ae}
footer{font-size:.9rem;color:#444c56;padding-bottom:2rem}
@media print{body{background:#fff}.stim-panel{break-inside:avoid-page}}
</style>"""


def make_page(panels: Sequence[Panel], *, title: str, about: Sequence[str] = ()) -> str:
    """Join panels to one page that needs nothing from outside.

    Parameters
    ----------
    panels : sequence of Panel
        Those marked `first` open the page; the others keep their order.
    title : str
    about : sequence of str
        Lines of the foot: how the page was made.

    Returns
    -------
    str
        HTML.

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> page = make_page([Panel("One", "<p>1</p>")], title="A & B")
    >>> "<title>A &amp; B</title>" in page, '<h2 id="part-1">One</h2>' in page
    (True, True)
    """
    ordered = sorted(panels, key=lambda panel: not panel.first)
    entries, sections = [], []
    for number, panel in enumerate(ordered, start=1):
        name = html.escape(panel.title)
        entries.append(f'<li><a href="#part-{number}">{name}</a></li>')
        heading = f'<h2 id="part-{number}">'
        sections.append(panel.section(level=2).replace("<h2>", heading, 1))
    shown = html.escape(title)
    foot = "".join(f"<p>{html.escape(line)}</p>" for line in about)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{shown}</title>{PAGE_STYLE}{STYLE}</head><body>"
        f'<header><h1>{shown}</h1><nav aria-label="Contents"><ol>{"".join(entries)}</ol></nav>'
        f"</header><main>{''.join(sections)}</main><footer>{foot}</footer></body></html>\n"
    )


def panels_of_log(loaded: Loaded, settings: Settings, refusal: TooLittleData) -> list[Panel]:
    """Panels of a log on which no model can be judged.

    Parameters
    ----------
    loaded : Loaded
    settings : Settings
    refusal : TooLittleData

    Returns
    -------
    list of Panel

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.system.load import load_log
    >>> chosen = Settings(dataset="seed_example")
    >>> panels_of_log(load_log(chosen), chosen, TooLittleData(["Found 4 actions."]))[0].title
    'Too little data to judge a model'
    """
    return [
        show_needs(refusal),
        show_claims(loaded),
        show_quality(loaded),
        show_who(loaded),
        show_when(loaded),
        show_where(loaded, fewest_people=settings.report.fewest_people),
    ]


def run_notebook(notebook: Path, loaded: Loaded, config: str | Path | None) -> list[Panel]:
    """Run the report's cells of a notebook on a log.

    Parameters
    ----------
    notebook : Path
        Chapter 14; only its cells tagged "parameters" or "report" run.
    loaded : Loaded
    config : str or Path, optional

    Returns
    -------
    list of Panel
        What the cells showed, in order.

    Raises
    ------
    papermill.PapermillExecutionError
        If a cell fails.

    Notes
    -----
    What the cells print goes to the error stream as it comes. Introduced in chapter 14.

    Examples
    --------
    >>> KEPT_TAGS == {"parameters", "report"}
    True
    """
    import nbformat
    import papermill

    book = nbformat.read(notebook, as_version=4)
    book.cells = [
        cell
        for cell in book.cells
        if cell.cell_type == "code" and KEPT_TAGS & set(cell.metadata.get("tags", []))
    ]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        loaded.save(work)
        nbformat.write(book, work / "in.ipynb")
        parameters = {
            "LOG": str(work), "CONFIG": str(Path(config).resolve()) if config else "",
            "PROGRESS": True,
        }  # fmt: skip
        done = papermill.execute_notebook(
            str(work / "in.ipynb"), str(work / "out.ipynb"), parameters, kernel_name="python3",
            progress_bar=False, stdout_file=sys.stderr, cwd=str(work),
        )  # fmt: skip
    return read_panels(
        output["data"]["text/html"]
        for cell in done.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    )


def read_panels(pages: Sequence[str]) -> list[Panel]:
    """Find the panels in what a notebook shows.

    Parameters
    ----------
    pages : iterable of str
        HTML of outputs.

    Returns
    -------
    list of Panel

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> read_panels([Panel("A < B", "<p>x</p>", first=True)._repr_html_()])[0]
    <panel: A < B>
    """
    panels = []
    for page in pages:
        for first, section in SECTION.findall(page):
            title = html.unescape(TITLE.search(section)[1])
            body = section.split("</h3>", 1)[1].removesuffix("</section>")
            panels.append(Panel(title, body, first=bool(first)))
    return panels


def make_report(
    panels: Sequence[Panel], loaded: Loaded, settings: Settings, output: str | Path
) -> Path:
    """Write the page; it appears whole or not at all.

    Parameters
    ----------
    panels : sequence of Panel
    loaded : Loaded
    settings : Settings
    output : str or Path

    Returns
    -------
    Path

    Raises
    ------
    OSError
        If it can't be written there.

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> import tempfile
    >>> from stim_lib.system.load import load_log
    >>> chosen = Settings(dataset="seed_example")
    >>> path = Path(tempfile.mkdtemp()) / "page.html"
    >>> make_report([], load_log(chosen), chosen, path).name
    'page.html'
    """
    title = settings.report.title or f"Report on {loaded.name}"
    about = [
        f"Made from {loaded.name} by stim_lib {stim_lib.__version__} with seed "
        f"{settings.models.seed}. All of it is in this one file; it asks for nothing over the "
        "network.",
        f"Settings: {settings.model_dump_json(exclude_defaults=True)}",
    ]
    path = Path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(make_page(panels, title=title, about=about), encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path

"""Pictures of a log: what was read, who acts, when, and where.

Introduced in chapter 14.
"""

from __future__ import annotations

import html

import numpy as np
import pandas as pd

from stim_lib import maps, plots, schema, spatial
from stim_lib.system.load import Loaded
from stim_lib.system.panel import Panel, bullets, paragraph, picture, table

RESOLUTIONS = range(9, 1, -1)
MOST_CELLS = 2500
NYC = (40.45, 40.95, -74.3, -73.65)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def show_quality(loaded: Loaded) -> Panel:
    """Show what was read, what was lost and why, and which column was taken for what.

    Parameters
    ----------
    loaded : Loaded

    Returns
    -------
    Panel

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.system.load import load_log
    >>> from stim_lib.system.settings import Settings
    >>> show_quality(load_log(Settings(dataset="seed_example")))
    <panel: Every row was kept: 4 actions>
    """
    log = loaded.log
    found = loaded.steps[0]["rows_in"]
    lost = found - len(log)
    title = f"Every row was kept: {found:,} actions"
    if lost:
        title = f"{len(log):,} of {found:,} rows were kept, {lost:,} lost"
    steps = pd.DataFrame(loaded.steps).set_index("step")
    steps = steps.set_axis(["rows in", "rows out", "what and why"], axis=1)
    body = table(steps, "Each row is accounted for", corner="step") + _columns(loaded)
    missing = log[[c for c in log if log[c].isna().any()]].isna().mean()
    if len(missing):
        shares = "; ".join(f"{name} {share:.1%}" for name, share in missing.items())
        body += paragraph(f"Missing afterwards: {shares}.")
    return Panel(title, body + bullets(loaded.notes))


def _columns(loaded: Loaded) -> str:
    if not loaded.columns:
        return ""
    rows = {
        name: {"column of the file": given, "how": "guessed from its name"}
        if name in loaded.guessed
        else {"column of the file": given, "how": "as configured"}
        for name, given in loaded.columns.items()
    }
    frame = pd.DataFrame(rows).T
    return table(frame, "Which column was taken for what (check the guesses)", corner="log column")


def show_who(loaded: Loaded) -> Panel:
    """Show sizes, and how unevenly actions are spread over users and items.

    Parameters
    ----------
    loaded : Loaded

    Returns
    -------
    Panel

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.system.load import load_log
    >>> from stim_lib.system.settings import Settings
    >>> show_who(load_log(Settings(dataset="seed_example"))).title
    'Who: the busiest tenth of the users did 25 % of everything'
    """
    log = loaded.log
    shares = {name: _shares(log[column]) for name, column in
              (("users", schema.USER), ("items", schema.ITEM))}  # fmt: skip
    tenth = {name: y[max(1, round(0.1 * (len(y) - 1)))] for name, y in shares.items()}
    title = f"Who: the busiest tenth of the users did {tenth['users'] * 100:.0f} % of everything"
    body = table(_sizes(log), "The log in numbers", digits=1)
    return Panel(title, body + _draw_shares(shares, tenth))


def _sizes(log: pd.DataFrame) -> pd.DataFrame:
    per_user, times = log.groupby(schema.USER).size(), log[schema.TIME]
    rows = {
        "actions": f"{len(log):,}",
        "users": f"{len(per_user):,}",
        "actions of a user, median (least to most)":
            f"{per_user.median():,.0f} ({per_user.min():,} to {per_user.max():,})",
        "items": f"{log[schema.ITEM].nunique():,}",
        "categories": f"{log[schema.CATEGORY].nunique():,}",
        "kinds of action": f"{log[schema.ACTION].nunique():,}",
        "from": f"{times.min():%Y-%m-%d}",
        "to": f"{times.max():%Y-%m-%d}",
    }  # fmt: skip
    return pd.DataFrame({"found": rows})


def _shares(column: pd.Series) -> np.ndarray:
    counts = column.value_counts().to_numpy()
    return np.concatenate([[0], counts.cumsum() / counts.sum()])


def _draw_shares(shares: dict[str, np.ndarray], tenth: dict[str, float]) -> str:
    import matplotlib.pyplot as plt

    plots.use_style()
    figure, axes = plt.subplots(figsize=(6.4, 3.4))
    for share in shares.values():
        axes.plot(np.linspace(0, 100, len(share)), share * 100)
    axes.set(xlabel="share of users or items, busiest first (%)", ylabel="share of actions (%)",
             ylim=(0, 105), title="A few do much, many do little")  # fmt: skip
    # Both lines end at the same point, so they are named where they part, on their outer sides.
    upper = max(shares, key=lambda name: shares[name].mean())
    for (name, share), line in zip(shares.items(), axes.get_lines(), strict=True):
        at = max(1, round(0.3 * (len(share) - 1)))
        axes.annotate(
            name, (100 * at / (len(share) - 1), share[at] * 100), textcoords="offset points",
            xytext=(-8, 8) if name == upper else (10, -14), ha="right" if name == upper else "left",
            color="#9a6700" if line.get_color() == plots.ORANGE else line.get_color(),
        )  # fmt: skip
    said = " and ".join(f"{value:.0%} on or by a tenth of the {n}" for n, value in tenth.items())
    return picture(figure, alt=f"Two rising curves, users and items; of all actions {said}.")


def show_when(loaded: Loaded) -> Panel:
    """Show the week and the weeks: when people act, and how the log thins or thickens.

    Parameters
    ----------
    loaded : Loaded

    Returns
    -------
    Panel
        Without hours where the log holds dates only.

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.system.load import load_log
    >>> from stim_lib.system.settings import Settings
    >>> show_when(load_log(Settings(dataset="seed_example")))
    <panel: When: most often on Mon, and at about 10 o'clock>
    """
    clock = loaded.log[schema.LOCAL_TIME]
    day = DAYS[int(clock.dt.day_of_week.mode()[0])]
    title = f"When: most often on {day}; the log knows no hours"
    if loaded.clock != "dates only":
        title = f"When: most often on {day}, and at about {clock.dt.hour.mode()[0]} o'clock"
    pictures = _draw_week(clock, loaded.clock, day) + _draw_weeks(clock)
    return Panel(title, f'<div class="stim-row">{pictures}</div>')


def _draw_week(clock: pd.Series, kind: str, day: str) -> str:
    import matplotlib.pyplot as plt

    plots.use_style()
    figure, axes = plt.subplots(figsize=(5.6, 3.3), layout="constrained")
    if kind == "dates only":
        counts = clock.dt.day_of_week.value_counts(normalize=True).reindex(range(7), fill_value=0)
        axes.bar(DAYS, counts * 100)
        axes.set(ylabel="share of actions (%)", title=f"Most on {day}")
        return picture(figure, alt=f"Seven bars, one a day of the week; the highest is {day}.")
    hour = clock.dt.hour.mode()[0]
    plots.plot_week(axes, clock)
    name = "UTC" if kind == "UTC" else "local clock"
    axes.set(title=f"Most at about {hour} o'clock", xlabel=f"hour of the day ({name})")
    alt = f"The hours of the week, the brighter the more actions; most at about {hour} o'clock."
    return picture(figure, alt=alt)


def _draw_weeks(clock: pd.Series) -> str:
    import matplotlib.dates as mdates
    import matplotlib.pyplot as plt

    weeks = clock.dt.to_period("W").dt.start_time.value_counts().sort_index()
    weeks = weeks.reindex(pd.date_range(weeks.index[0], weeks.index[-1], freq="7D"), fill_value=0)
    figure, axes = plt.subplots(figsize=(4.4, 3.3), layout="constrained")
    axes.plot(weeks.index, weeks.to_numpy(), marker="o" if len(weeks) < 3 else "")
    said = f"{weeks.min():,} to {weeks.max():,} actions a week"
    axes.set(ylabel="actions a week", ylim=(0, None), title=said)
    locator = mdates.AutoDateLocator(minticks=2, maxticks=5)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    return picture(figure, alt=f"A line over the weeks of the log: {said}.")


def show_where(loaded: Loaded, *, fewest_people: int = 5) -> Panel:
    """Show people by cell on a map that needs no network, and no cell with too few of them.

    Parameters
    ----------
    loaded : Loaded
    fewest_people : int
        A cell with fewer is not drawn.

    Returns
    -------
    Panel
        Without a map, and with the reason, where there are no places or no cell is left.

    Notes
    -----
    The finest cells of which those that are drawn still hold half of the actions. A cell of five
    people is no promise: who knows four of them knows the fifth. Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.system.load import load_log
    >>> from stim_lib.system.settings import Settings
    >>> show_where(load_log(Settings(dataset="seed_example")))
    <panel: Where: no map, since no cell has 5 people>
    """
    if not loaded.has_places:
        return Panel("Where: the log has no places", paragraph("No map, and no model of distance."))
    cells = _choose_cells(loaded.log, fewest_people)
    if cells is None:
        why = f"A map of cells with fewer than {fewest_people} people would show single persons."
        return Panel(f"Where: no map, since no cell has {fewest_people} people", paragraph(why))
    people, shown = cells
    title = f"Where: {len(people):,} cells with {fewest_people} people or more"
    drawn = _draw_map(people, f"People by cell, {fewest_people} or more in each")
    words = [
        f"Cells with fewer than {fewest_people} people are left out, with "
        f"{1 - shown:.0%} of the actions: a dark cell could be one person at home "
        "([report] fewest_people).",
        "That is politeness, not anonymity: small groups, and people who are known to be in one, "
        "can still be found.",
    ]
    return Panel(title, drawn + bullets(words))


def _choose_cells(log: pd.DataFrame, fewest: int) -> tuple[pd.Series, float] | None:
    known = log.dropna(subset=[schema.LAT, schema.LON])
    best = None
    for resolution in RESOLUTIONS:
        cell = spatial.h3_cells(known[schema.LAT], known[schema.LON], resolution)
        by_cell = known[schema.USER].groupby(np.asarray(cell))
        people = by_cell.nunique()
        kept = people >= fewest
        share = by_cell.size()[kept].sum() / len(known)
        if kept.any() and kept.sum() <= MOST_CELLS:
            best = (people[kept].rename("people"), float(share))
            if share >= 0.5:
                return best
    return best


def _draw_map(people: pd.Series, title: str) -> str:
    middle = spatial.cell_shapes(people.index)
    lat, lon = middle[schema.LAT], middle[schema.LON]
    span = max(lat.max() - lat.min(), (lon.max() - lon.min()) * 0.7, 0.01)
    # So that the span fits a frame of about 400 pixels; the world has 256 at zoom 0.
    zoom = int(np.clip(np.floor(np.log2(360 / span * 400 / 256)), 1, 14))
    in_nyc = (lat.between(*NYC[:2]) & lon.between(*NYC[2:])).mean() > 0.9
    # The coasts of the world are too coarse to lie under a single city.
    outlines = "nyc" if in_nyc else "world" if zoom < 7 else None
    centre = ((lat.min() + lat.max()) / 2, (lon.min() + lon.max()) / 2)
    page = maps.make_map(title, centre=centre, zoom=zoom, outlines=outlines, streets=False)
    page.folium_map.control_scale = True
    maps.add_cells(page, people, name="People", unit="people")
    shades = maps.choose_shades(people)
    legend = "".join(
        f'<span style="white-space:nowrap;margin-right:1em"><span style="display:inline-block;'
        f'width:1em;height:1em;background:{colour};border:1px solid #888"></span> '
        f"{html.escape(text)}</span> "
        for colour, text in zip(shades.colours, shades.ranges(), strict=True)
    )
    return page._repr_html_() + f"<p>People in a cell: {legend}</p>"

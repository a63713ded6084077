"""Hexagonal cells of the globe, at several resolutions: counts, shapes, flows between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stim_lib import schema
from stim_lib.spatial._visits import read_visits
from stim_lib.spatial.distance import read_points

FINEST_RESOLUTION = 15
CELL = "cell"


def h3_cells(lat: ArrayLike, lon: ArrayLike, resolution: int) -> np.ndarray:
    """Name the cell that each point lies in.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84. NaN gives no cell.
    resolution : int
        0 (continents) to 15 (a square metre); 8 is a neighbourhood of 0.7 km², 9 some blocks, each
        step finer by a factor of seven.

    Returns
    -------
    ndarray of object, shape (n_points,)
        H3 indices as text of 15 hexadecimal digits; None where a coordinate is missing.

    Raises
    ------
    ValueError
        If the resolution or a latitude is impossible, or shapes differ.

    Notes
    -----
    Source: Uber's H3, h3geo.org. Sizes vary over the globe by a factor of almost two. Introduced
    in chapter 05.

    Examples
    --------
    >>> h3_cells([40.7484, 40.7485], [-73.9857, -73.9857], 9).tolist()
    ['892a100d2d7ffff', '892a100d2d7ffff']
    """
    import h3

    _require_resolution(resolution)
    lat, lon = read_points(lat, lon)
    # People return: most coordinates of a log are those of a few places.
    points, of_point = np.unique(np.stack([lat, lon], axis=1), axis=0, return_inverse=True)
    names = [
        h3.latlng_to_cell(*point, resolution) if np.isfinite(point).all() else None
        for point in points.tolist()
    ]
    return np.array([*names, None], dtype=object)[of_point.ravel()]


def parent_cells(cells: ArrayLike, resolution: int) -> np.ndarray:
    """Name the coarser cell that each cell belongs to.

    Parameters
    ----------
    cells : array of str, shape (n_cells,)
        H3 indices; None stays None.
    resolution : int
        Not finer than that of the cells.

    Returns
    -------
    ndarray of object, shape (n_cells,)

    Raises
    ------
    ValueError
        If something is no H3 index, or coarser than the resolution.

    Notes
    -----
    Hexagons can't be cut into hexagons: seven children cover their parent only nearly, so that a
    point near an edge may lie in the parent of its cell and in another cell of that resolution.
    Introduced in chapter 05.

    Examples
    --------
    >>> parent_cells(["892a100d2d7ffff"], 7).tolist()
    ['872a100d2ffffff']
    """
    import h3

    _require_resolution(resolution)
    found, of_cell = np.unique(pd.Series(cells, dtype=object).fillna("").to_numpy(),
                               return_inverse=True)  # fmt: skip
    wrong = [name for name in found if name and not h3.is_valid_cell(name)]
    coarse = [name for name in found if name and not wrong and h3.get_resolution(name) < resolution]
    if wrong or coarse:
        raise ValueError(
            f"cells: expected H3 indices of resolution {resolution} or finer, found "
            f"{(wrong or coarse)[0]!r}"
        )
    names = [h3.cell_to_parent(name, resolution) if name else None for name in found]
    return np.array([*names, None], dtype=object)[of_cell]


def count_cells(
    lat: ArrayLike, lon: ArrayLike, resolution: int, *, by: ArrayLike | None = None
) -> pd.DataFrame:
    """Count points by cell.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84; points without are left out.
    resolution : int
        See `h3_cells`.
    by : array, shape (n_points,), optional
        Counted apart, for instance the category: one column each.

    Returns
    -------
    DataFrame of int, shape (n_cells, n_values)
        Index cell, only those with a point, in order of their names; column n, or the values of
        `by`.

    Raises
    ------
    ValueError
        If the resolution or a latitude is impossible, or lengths differ.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> count_cells([40.7484, 40.7485, 40.8], [-73.9857] * 3, 9)["n"].tolist()
    [1, 2]
    """
    cells = pd.Series(h3_cells(lat, lon, resolution), name=CELL)
    if by is None:
        return cells.value_counts().sort_index().rename("n").to_frame()
    if len(by) != len(cells):
        raise ValueError(f"by: expected {len(cells)} values as there are points, found {len(by)}")
    return pd.crosstab(cells, np.asarray(by)).rename_axis(columns=None)


def cell_shapes(cells: ArrayLike) -> pd.DataFrame:
    """Give the middle, the area and the outline of cells.

    Parameters
    ----------
    cells : array of str, shape (n_cells,)
        H3 indices.

    Returns
    -------
    DataFrame, shape (n_cells, 4)
        Index cell; lat, lon of the middle (degrees), area_km2, and outline: an ndarray of shape
        (6, 2) with lat and lon of the corners (5 at twelve cells of the globe), longitudes running
        on past 180° where a cell lies across the date line.

    Raises
    ------
    ValueError
        If something is no H3 index.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> shape = cell_shapes(["892a100d2d7ffff"]).iloc[0]
    >>> shape["outline"].shape, float(shape["area_km2"].round(2))
    ((6, 2), 0.11)
    """
    import h3

    cells = list(cells)
    wrong = [name for name in cells if not (isinstance(name, str) and h3.is_valid_cell(name))]
    if wrong:
        raise ValueError(f"cells: expected H3 indices, found {wrong[0]!r}")
    middle = np.array([h3.cell_to_latlng(name) for name in cells]).reshape(-1, 2)
    outlines = [np.array(h3.cell_to_boundary(name)) for name in cells]
    for outline, lon in zip(outlines, middle[:, 1], strict=True):
        outline[:, 1] = lon + (outline[:, 1] - lon + 180) % 360 - 180
    table = {
        schema.LAT: middle[:, 0],
        schema.LON: middle[:, 1],
        "area_km2": [h3.cell_area(name, unit="km^2") for name in cells],
        "outline": pd.Series(outlines, dtype=object, index=cells).to_numpy(),
    }
    return pd.DataFrame(table, index=pd.Index(cells, name=CELL))


def count_flows(log: pd.DataFrame, resolution: int, *, longest_hours: float = 12.0) -> pd.DataFrame:
    """Count steps between cells: from one action of a user to the next.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With user_id, timestamp (UTC), lat and lon, in any order. Actions without coordinates are
        passed over: the step goes from the last known place to the next.
    resolution : int
        See `h3_cells`.
    longest_hours : float
        Where the next action came later, no step is counted: too much lies between.

    Returns
    -------
    DataFrame, shape (n_flows, 4)
        origin and destination (cells, unequal), n, n_users; the largest first.

    Raises
    ------
    SchemaError
        If a column is missing, or a cell is not what it should be.
    ValueError
        If the resolution is impossible or `longest_hours` is not positive.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> count_flows(log, 3, longest_hours=30)[["n", "n_users"]].to_numpy().tolist()
    [[1, 1], [1, 1], [1, 1]]
    """
    if not longest_hours > 0:
        raise ValueError(f"longest_hours: expected above 0, found {longest_hours}")
    visits = read_visits(log, place=None)
    cells = pd.Series(h3_cells(visits.lat, visits.lon, resolution), dtype=object)
    wait = log[schema.TIME].iloc[visits.row].reset_index(drop=True).diff()
    user, origin = pd.Series(visits.user), cells.shift()
    moved = (user == user.shift()) & (wait <= pd.Timedelta(longest_hours, "h")) & (origin != cells)
    steps = pd.DataFrame({"origin": origin, "destination": cells, "user": user})[moved]
    flows = steps.groupby(["origin", "destination"])["user"].agg(n="size", n_users="nunique")
    return flows.reset_index().sort_values("n", ascending=False, kind="stable", ignore_index=True)


def _require_resolution(resolution: int) -> None:
    if not isinstance(resolution, (int, np.integer)) or not 0 <= resolution <= FINEST_RESOLUTION:
        raise ValueError(f"resolution: expected a whole number, 0 to 15, found {resolution!r}")

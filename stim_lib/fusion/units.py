"""Units of features, read from their names.

Introduced in chapter 06.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

DIMENSIONLESS = "1"
UNKNOWN = "unknown"
# Last word of a name → unit.
SUFFIXES = {
    **{name: name for name in ("metres", "kilometres", "seconds", "minutes", "hours", "days")},
    **{name: name for name in ("bits", "nats", "degrees", "radians")},
    **dict.fromkeys(("share", "sin", "cos", "rate", "ratio"), DIMENSIONLESS),
}
# First word of a name → unit: counts and flags.
PREFIXES = dict.fromkeys(("n", "is"), DIMENSIONLESS)
LOGARITHM = "log"
PER = "per"


def unit_of(name: str, units: Mapping[str, str] | None = None) -> str:
    """Unit of a feature, as its name tells it.

    Parameters
    ----------
    name : str
        What stands before the last "__" is the name of a block and is not read.
    units : mapping of str to str, optional
        Units of features whose names don't tell; it has the last word.

    Returns
    -------
    str
        "metres" for last_jump_metres, "1" for shares, sines, counts (``n_…``) and flags (``is_…``);
        "unknown" where the name has no such word, and where it is too much to read: with "per"
        in it, or two signs. A logarithm (``log_…``) has "1": it isn't in metres any more. A product
        a*b has "metres·hours", a ratio a/b "metres/hours", "1" if both are equal.

    Notes
    -----
    Columns of this library carry their unit as the last word of their name. Introduced in
    chapter 06.

    Examples
    --------
    >>> unit_of("space__last_jump_metres"), unit_of("day_sin"), unit_of("burstiness")
    ('metres', '1', 'unknown')
    >>> unit_of("last_jump_metres/last_gap_hours"), unit_of("burstiness", {"burstiness": "1"})
    ('metres/hours', '1')
    """
    known = units or {}
    plain = name.rsplit("__", 1)[-1]
    for full in (name, plain):
        if full in known:
            return known[full]
    if plain.count("*") + plain.count("/") > 1:
        return UNKNOWN
    for sign, join in (("*", product_unit), ("/", ratio_unit)):
        left, found, right = plain.partition(sign)
        if found:
            return join(unit_of(left, units), unit_of(right, units))
    words = [word for word in plain.split("_") if not word.isdigit()] or [""]
    if PER in words:
        return UNKNOWN
    if words[0] == LOGARITHM:
        return DIMENSIONLESS
    return SUFFIXES.get(words[-1]) or PREFIXES.get(words[0], UNKNOWN)


def units_of(names: Sequence[str], units: Mapping[str, str] | None = None) -> np.ndarray:
    """Units of several features; see `unit_of`.

    Parameters
    ----------
    names : sequence of str, shape (n_features,)
    units : mapping of str to str, optional

    Returns
    -------
    ndarray of str objects, shape (n_features,)

    Notes
    -----
    Introduced in chapter 06.

    Examples
    --------
    >>> units_of(["recency_hours", "day_sin_2"])
    array(['hours', '1'], dtype=object)
    """
    return np.array([unit_of(str(name), units) for name in names], dtype=object)


def product_unit(left: str, right: str) -> str:
    """Unit of a product.

    Parameters
    ----------
    left, right : str

    Returns
    -------
    str
        A factor without dimension drops out; what is unknown stays unknown.

    Notes
    -----
    Introduced in chapter 06.

    Examples
    --------
    >>> product_unit("metres", "hours"), product_unit("1", "hours")
    ('metres·hours', 'hours')
    """
    if UNKNOWN in (left, right):
        return UNKNOWN
    factors = [unit for unit in (left, right) if unit != DIMENSIONLESS]
    return "·".join(factors) or DIMENSIONLESS


def ratio_unit(above: str, below: str) -> str:
    """Unit of a ratio.

    Parameters
    ----------
    above, below : str

    Returns
    -------
    str
        "1" if both are the same; what is unknown stays unknown.

    Notes
    -----
    Introduced in chapter 06.

    Examples
    --------
    >>> ratio_unit("metres", "hours"), ratio_unit("metres", "metres"), ratio_unit("1", "hours")
    ('metres/hours', '1', '1/hours')
    """
    if UNKNOWN in (above, below):
        return UNKNOWN
    if above == below:
        return DIMENSIONLESS
    return above if below == DIMENSIONLESS else f"{above}/{below}"

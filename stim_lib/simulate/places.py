"""The places of the simulated city: what they are, where they lie, when they are open."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stim_lib.schema import CATEGORY, ITEM, LAT, LON, PRICE, ROOT_CATEGORY
from stim_lib.simulate.plane import plane_to_degrees

CITY_RADIUS = 10_000.0
"""Nothing lies further from the centre, in metres."""
DISTRICT_SD = 1_200.0
"""Standard deviation of a point around the middle of its district, each way, in metres."""
DISTRICT_WEIGHTS = np.array([0.36, 0.16, 0.16, 0.16, 0.16])
"""Share of the places in each district; district 0 is the centre of the city."""
POPULARITY_SD = 1.0
"""Standard deviation of log popularity."""
PRICE_SD = 0.25
"""Standard deviation of the log price of a place around the price of its category."""

ROOTS = (
    ("Food", "餐饮"),
    ("Nightlife Spot", "夜生活"),
    ("Shop & Service", "购物服务"),
    ("Arts & Entertainment", "文化娱乐"),
    ("Outdoors & Recreation", "户外休闲"),
    ("Professional & Other Places", "办公及其他"),
    ("College & University", "高等教育"),
    ("Travel & Transport", "交通出行"),
)
# For each root in turn: category, in Chinese, opens, closes (local hours), price (CNY).
CATEGORIES = (
    (0, "Coffee Shop", "咖啡馆", 7, 22, 30.0),
    (1, "Bar", "酒吧", 18, 3, 80.0),
    (2, "Convenience Store", "便利店", 0, 24, 20.0),
    (3, "Museum", "博物馆", 9, 17, 20.0),
    (4, "Park", "公园", 5, 23, 5.0),
    (5, "Library", "图书馆", 8, 21, 2.0),
    (6, "Lecture Hall", "教学楼", 7, 22, 10.0),
    (7, "Metro Station", "地铁站", 5, 24, 4.0),
    (0, "Noodle House", "面馆", 6, 21, 25.0),
    (1, "Karaoke Bar", "歌厅", 13, 4, 120.0),
    (2, "Bookstore", "书店", 9, 21, 45.0),
    (3, "Cinema", "电影院", 10, 1, 45.0),
    (4, "Gym", "健身房", 6, 23, 40.0),
    (5, "Co-working Space", "共享办公", 7, 23, 60.0),
    (6, "Student Canteen", "学生食堂", 6, 20, 15.0),
    (7, "Train Station", "火车站", 0, 24, 120.0),
    (0, "Hotpot Restaurant", "火锅店", 11, 2, 110.0),
    (1, "Nightclub", "夜店", 21, 5, 150.0),
    (2, "Supermarket", "超市", 8, 22, 70.0),
    (3, "Theatre", "剧院", 13, 23, 180.0),
    (4, "Swimming Pool", "游泳馆", 7, 21, 35.0),
    (5, "Medical Centre", "诊所", 0, 24, 90.0),
    (6, "Language School", "语言学校", 9, 21, 120.0),
    (7, "Hotel", "酒店", 0, 24, 350.0),
    (0, "Bakery", "面包店", 7, 20, 18.0),
    (1, "Beer Garden", "啤酒花园", 16, 1, 60.0),
    (2, "Barbershop", "理发店", 10, 21, 50.0),
    (3, "Art Gallery", "美术馆", 10, 18, 30.0),
    (4, "Badminton Court", "羽毛球馆", 8, 22, 50.0),
    (5, "Post Office", "邮局", 9, 17, 12.0),
    (6, "Laboratory", "实验室", 8, 23, 10.0),
    (7, "Bus Station", "汽车站", 5, 23, 2.0),
)
NAME_WORDS = (
    ("Maple", "枫叶"), ("Riverside", "江畔"), ("Lotus", "莲花"), ("Lantern", "灯笼"),
    ("Magnolia", "玉兰"), ("Old Bridge", "老桥"), ("Bamboo", "翠竹"), ("Sunrise", "朝阳"),
    ("Swallow", "燕子"), ("Jade", "碧玉"), ("Harbour", "港湾"), ("Cloud", "云上"),
    ("Plum", "梅林"), ("Silver", "银河"), ("Pine", "松涛"), ("Crane", "白鹤"),
)  # fmt: skip


def is_open(open_hour: ArrayLike, close_hour: ArrayLike, hour: ArrayLike) -> np.ndarray:
    """Whether a place is open during a local hour, past midnight included.

    Parameters
    ----------
    open_hour : array of int, 0–23
        Local hour at which the place opens.
    close_hour : array of int, 1–24
        Local hour at which it closes; not later than `open_hour` means on the next day.
    hour : array of int, 0–23
        Local hour asked about; the three shapes are broadcast.

    Returns
    -------
    ndarray of bool, broadcast shape

    Raises
    ------
    ValueError
        If an hour is outside its range.

    Notes
    -----
    Open if open ≤ h < close, or, where close ≤ open, if h ≥ open or h < close.
    Introduced in chapter 01.

    Examples
    --------
    >>> is_open(18, 3, [2, 3, 17, 18])
    array([ True, False, False,  True])
    """
    opens, closes, asked = (np.asarray(value) for value in (open_hour, close_hour, hour))
    for name, value, low in (
        ("open_hour", opens, 0),
        ("close_hour", closes, 1),
        ("hour", asked, 0),
    ):
        wrong = (value < low) | (value > low + 23)
        if wrong.any():
            found = value[wrong].flat[0]
            raise ValueError(f"{name}: expected hours from {low} to {low + 23}, found {found}.")
    after, before = asked >= opens, asked < closes
    return np.where(closes > opens, after & before, after | before)


def draw_district_centres(rng: np.random.Generator) -> np.ndarray:
    """Middles of the districts: one at the centre, the others around it, 5 to 7.5 km out.

    Parameters
    ----------
    rng : Generator

    Returns
    -------
    ndarray of float64, shape (n_districts, 2)
        Metres east and north of the centre of the city.

    Notes
    -----
    District k = 1 … K−1 lies in the direction 2π (k + u_k / 2) / (K − 1), with u_k uniform on
    [0, 1), so no two meet. Raises nothing of its own. Introduced in chapter 01.

    Examples
    --------
    >>> draw_district_centres(np.random.default_rng(0)).shape
    (5, 2)
    """
    ring = len(DISTRICT_WEIGHTS) - 1
    angle = 2 * np.pi * (np.arange(ring) + rng.random(ring) / 2) / ring
    radius = rng.uniform(5_000, 7_500, ring)
    around = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return np.vstack([np.zeros((1, 2)), around])


def draw_points(
    rng: np.random.Generator, district: np.ndarray, district_centres: np.ndarray
) -> np.ndarray:
    """One point in each given district.

    Parameters
    ----------
    rng : Generator
    district : ndarray of int, shape (n_points,)
    district_centres : ndarray of float64, shape (n_districts, 2)
        Metres.

    Returns
    -------
    ndarray of float64, shape (n_points, 2)
        Metres east and north; points beyond `CITY_RADIUS` are pulled back onto it.

    Raises
    ------
    IndexError
        If a district does not exist (NumPy's own message).

    Notes
    -----
    Normal around the middle of the district, `DISTRICT_SD` each way. Introduced in chapter 01.

    Examples
    --------
    >>> draw_points(np.random.default_rng(0), np.array([0, 0]), np.zeros((1, 2))).shape
    (2, 2)
    """
    points = district_centres[district] + DISTRICT_SD * rng.standard_normal((len(district), 2))
    radius = np.linalg.norm(points, axis=1, keepdims=True)
    return points * np.minimum(1.0, CITY_RADIUS / np.maximum(radius, 1.0))


def make_places(
    rng: np.random.Generator,
    n_places: int,
    district_centres: np.ndarray,
    centre: tuple[float, float],
) -> pd.DataFrame:
    """Draw the places of the city.

    Parameters
    ----------
    rng : Generator
    n_places : int
    district_centres : ndarray of float64, shape (n_districts, 2)
        Metres.
    centre : (lat, lon)
        Degrees, WGS-84.

    Returns
    -------
    DataFrame, shape (n_places, 14)
        item_id, name, name_zh, category, category_zh, root_category, root_category_zh, lat, lon,
        district, open_hour, close_hour (local hours, see `is_open`), popularity (weight, > 0),
        price (CNY). The order of the rows is that of the item ids.

    Raises
    ------
    ValueError
        If `n_places` is negative (NumPy's own message).

    Notes
    -----
    Each category appears once before any appears twice; the first eight cover the eight roots.
    log popularity ~ N(0, 1). Hours are those of the category, moved by up to an hour at either
    end unless it never closes. Introduced in chapter 01.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> places = make_places(rng, 40, draw_district_centres(rng), centre=(31.2, 121.5))
    >>> int(places["category"].nunique()), int(places["root_category"].nunique())
    (32, 8)
    """
    n_categories = len(CATEGORIES)
    first = np.arange(min(n_places, n_categories))
    code = rng.permutation(
        np.concatenate([first, rng.integers(n_categories, size=n_places - len(first))])
    )
    district = rng.choice(len(DISTRICT_WEIGHTS), size=n_places, p=DISTRICT_WEIGHTS)
    lat, lon = plane_to_degrees(draw_points(rng, district, district_centres), centre)
    opens, closes = _draw_hours(rng, code)
    price = _column(5)[code] * np.exp(PRICE_SD * rng.standard_normal(n_places))
    places = _name_places(code)
    places[LAT], places[LON], places["district"] = lat, lon, district
    places["open_hour"], places["close_hour"] = opens, closes
    places["popularity"] = np.exp(POPULARITY_SD * rng.standard_normal(n_places))
    places[PRICE] = price.round(2)
    return places


def root_codes(places: pd.DataFrame) -> np.ndarray:
    """Position in `ROOTS` of the root category of each place.

    Parameters
    ----------
    places : DataFrame, shape (n_places, n_columns)
        From `make_places`.

    Returns
    -------
    ndarray of int64, shape (n_places,)

    Raises
    ------
    KeyError
        If there is no root category column.

    Notes
    -----
    A category that is not in `ROOTS` gives -1. Introduced in chapter 01.

    Examples
    --------
    >>> root_codes(pd.DataFrame({"root_category": ["Travel & Transport", "Food"]}))
    array([7, 0])
    """
    return pd.Index([name for name, _ in ROOTS]).get_indexer(places[ROOT_CATEGORY])


def open_by_hour(places: pd.DataFrame) -> np.ndarray:
    """Which places are open in each local hour of the day.

    Parameters
    ----------
    places : DataFrame, shape (n_places, n_columns)
        From `make_places`.

    Returns
    -------
    ndarray of bool, shape (n_places, 24)

    Raises
    ------
    KeyError
        If there are no opening hours.

    Notes
    -----
    See `is_open`. Introduced in chapter 01.

    Examples
    --------
    >>> bar = pd.DataFrame({"open_hour": [18], "close_hour": [3]})
    >>> int(open_by_hour(bar).sum())
    9
    """
    hours = places[["open_hour", "close_hour"]].to_numpy()
    return is_open(hours[:, :1], hours[:, 1:], np.arange(24))


def _column(position: int) -> np.ndarray:
    return np.array([row[position] for row in CATEGORIES])


def _draw_hours(rng: np.random.Generator, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    opens, closes = _column(3)[code], _column(4)[code]
    closing = (opens > 0) | (closes < 24)
    moved = rng.integers(-1, 2, size=(2, len(code))) * closing
    return (opens + moved[0]) % 24, (closes + moved[1] - 1) % 24 + 1


def _name_places(code: np.ndarray) -> pd.DataFrame:
    roots, words = np.array(ROOTS, dtype=object), np.array(NAME_WORDS, dtype=object)
    root, category = roots[_column(0)[code]], np.array(CATEGORIES, dtype=object)[code]
    # The k-th place of a category takes the k-th word; then come "No. 2", "No. 3", …
    rank = pd.Series(code).groupby(code).cumcount().to_numpy()
    word, round_number = words[rank % len(words)], rank // len(words) + 1
    again = round_number > 1
    english = np.where(again, [f" No. {k}" for k in round_number], "")
    chinese = np.where(again, [f"{k}号店" for k in round_number], "")
    width = max(4, len(str(len(code))))
    columns = {
        ITEM: [f"p{k:0{width}d}" for k in range(1, len(code) + 1)],
        "name": word[:, 0] + " " + category[:, 1] + english.astype(object),
        "name_zh": word[:, 1] + category[:, 2] + chinese.astype(object),
        CATEGORY: category[:, 1],
        "category_zh": category[:, 2],
        ROOT_CATEGORY: root[:, 0],
        "root_category_zh": root[:, 1],
    }
    return pd.DataFrame(columns, dtype="str")

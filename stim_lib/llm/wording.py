"""Words for the parts of an action: when it was, how long after, what kind of place, which place.

Introduced in chapter 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stim_lib import schema
from stim_lib.llm.candidates import clean_name

Language = Literal["en", "zh"]
CLOCKS = ("hour", "minute", "part", "none")
# The ten roots of Foursquare's tree of venue categories (as in Yang et al. 2015,
# doi:10.1109/TSMC.2014.2327053, and the log's own column); the Chinese words are our translation.
ROOTS_IN_CHINESE = {
    "Arts & Entertainment": "艺术与娱乐",
    "College & University": "高等院校",
    "Event": "活动",
    "Food": "餐饮",
    "Nightlife Spot": "夜生活",
    "Outdoors & Recreation": "户外与休闲",
    "Professional & Other Places": "办公及其他",
    "Residence": "住宅",
    "Shop & Service": "购物与服务",
    "Travel & Transport": "交通与旅行",
}
# The same in one English token each (of SmolLM2): short lines, and ten answers that are alike.
ROOTS_IN_ONE_WORD = {
    "Arts & Entertainment": "Arts",
    "College & University": "College",
    "Event": "Event",
    "Food": "Food",
    "Nightlife Spot": "Bar",
    "Outdoors & Recreation": "Park",
    "Professional & Other Places": "Work",
    "Residence": "Home",
    "Shop & Service": "Shop",
    "Travel & Transport": "Travel",
}
DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}
# Each part of the day begins at its hour; before the first it is still the last.
PARTS = {
    "en": {5: "morning", 11: "noon", 14: "afternoon", 18: "evening", 22: "night"},
    "zh": {5: "早上", 11: "中午", 14: "下午", 18: "晚上", 22: "深夜"},
}
HEADERS = {"en": "Kinds of places one person went to:", "zh": "一个人去过的地点类型："}
LISTED = {"en": ("Kinds: ", ", "), "zh": ("类型：", "、")}
NEXT = {"en": "Next", "zh": "下一个"}
COLON = {"en": ": ", "zh": "："}
UNKNOWN = {"en": "unknown", "zh": "未知"}


@dataclass(frozen=True)
class Style:
    """How actions are put into words.

    Parameters
    ----------
    language : "en" or "zh"
    kind : str
        Column with the kind of place: category or root_category.
    clock : "hour", "minute", "part" or "none"
        What follows the weekday: 9 am, 09:10, morning, or nothing. With "none" the weekday stays.
    gaps : bool
        Whether to say how long after the line above it was: "2 h later".
    places : bool
        Whether to tell places apart by letters: the first one that is named is A.

    Examples
    --------
    >>> Style("zh", clock="part").language
    'zh'
    """

    language: Language = "en"
    kind: str = schema.CATEGORY
    clock: Literal["hour", "minute", "part", "none"] = "hour"
    gaps: bool = False
    places: bool = False

    def __post_init__(self) -> None:
        if self.language not in DAYS or self.clock not in CLOCKS:
            raise ValueError(
                f"expected language in {tuple(DAYS)} and clock in {CLOCKS}, found "
                f"{self.language!r} and {self.clock!r}"
            )


def kind_words(kind: object, language: Language) -> str:
    r"""Name of a kind of place.

    Parameters
    ----------
    kind : str, or missing
    language : "en" or "zh"
        The ten roots are translated; others stay as they are.

    Returns
    -------
    str
        Cleaned: in a log of others, kinds are as untrusted as names.

    Examples
    --------
    >>> kind_words("Food", "zh"), kind_words("Book\nshop", "en"), kind_words(None, "en")
    ('餐饮', 'Book shop', 'unknown')
    """
    if not isinstance(kind, str):
        return UNKNOWN[language]
    return clean_name(ROOTS_IN_CHINESE.get(kind, kind) if language == "zh" else kind)


def letter_name(number: int) -> str:
    """Name columns as a spreadsheet does: A … Z, AA, AB …

    Parameters
    ----------
    number : int
        From 0.

    Returns
    -------
    str

    Examples
    --------
    >>> letter_name(0), letter_name(25), letter_name(26)
    ('A', 'Z', 'AA')
    """
    name = ""
    while number >= 0:
        name = chr(ord("A") + number % 26) + name
        number = number // 26 - 1
    return name


def stamp_words(clocks: np.ndarray, style: Style) -> np.ndarray:
    """Weekday and time of day.

    Parameters
    ----------
    clocks : ndarray of datetime64, shape (n,)
        Wall clocks.
    style : Style

    Returns
    -------
    ndarray of object (str), shape (n,)

    Notes
    -----
    Each minute of the week is put into words once.

    Examples
    --------
    >>> stamp_words(np.array(["2024-01-01T09:10"], dtype="datetime64[us]"), Style())
    array(['Monday 9 am'], dtype=object)
    """
    minutes = clocks.astype("datetime64[m]").astype(np.int64)
    # 1 January 1970 was a Thursday.
    minute_of_week, inverse = np.unique((minutes + 3 * 1440) % (7 * 1440), return_inverse=True)
    words = [_stamp(int(minute), style) for minute in minute_of_week]
    return np.array(words, dtype=object)[inverse] if len(clocks) else np.empty(0, dtype=object)


def _stamp(minute_of_week: int, style: Style) -> str:
    day, minute = divmod(minute_of_week, 1440)
    weekday, hour, minute = DAYS[style.language][day], *divmod(minute, 60)
    english = style.language == "en"
    if style.clock == "none":
        return weekday
    if style.clock == "minute":
        time = f"{hour:02}:{minute:02}"
    elif style.clock == "part":
        parts = PARTS[style.language]
        time = parts[max((start for start in parts if start <= hour), default=max(parts))]
    elif english:
        time = f"{(hour - 1) % 12 + 1} {'am' if hour < 12 else 'pm'}"
    else:
        time = f"{hour}点"
    return f"{weekday} {time}" if english else weekday + time


def gap_words(minutes: np.ndarray, language: Language) -> np.ndarray:
    """How long after the action above.

    Parameters
    ----------
    minutes : ndarray of float, shape (n,)
    language : "en" or "zh"

    Returns
    -------
    ndarray of object (str), shape (n,)
        Minutes below an hour, hours below two days, then days.

    Examples
    --------
    >>> gap_words(np.array([5.0, 125.0, 4320.0]), "en").tolist()
    [', 5 min later', ', 2 h later', ', 3 days later']
    """
    names = {"en": (" min", " h", " days"), "zh": ("分钟", "小时", "天")}[language]
    before, after = {"en": (", ", " later"), "zh": ("，", "后")}[language]
    size = np.select([minutes < 59.5, minutes < 2 * 1440 - 30], [1, 60], 1440)
    unit = np.array(names, dtype=object)[np.searchsorted([1, 60, 1440], size)]
    number = np.nan_to_num(np.rint(minutes / size)).astype(np.int64)
    return before + number.astype(str).astype(object) + unit + after

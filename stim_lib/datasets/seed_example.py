"""The article's own example: four users, four actions, three cities."""

from __future__ import annotations

import pandas as pd

from stim_lib import assets, schema
from stim_lib.datasets.reading import read_log

TIMEZONE = "Asia/Shanghai"


def load_seed_example() -> pd.DataFrame:
    """Load the four-row example of the article, small enough to check by hand.

    Returns
    -------
    DataFrame, shape (4, 9)
        A behaviour log; `item_id` is the city, `text` its Chinese name, `local_time` the clock in
        China (UTC+8).

    Notes
    -----
    The article names four users and four times, but three cities and three actions; the fourth
    user views Beijing here (see data/seed_example/README.md). Coordinates: GeoNames, degrees
    WGS-84. Introduced in chapter 01.

    Examples
    --------
    >>> load_seed_example()[["user_id", "action", "item_id"]]
      user_id    action    item_id
    0       1      view    Beijing
    1       2     click   Shanghai
    2       3  purchase  Guangzhou
    3       4      view    Beijing
    """
    log = read_log(
        assets.data_folder() / "seed_example" / "actions.csv",
        columns={
            schema.USER: "user",
            schema.ITEM: "city",
            schema.ACTION: "action",
            schema.TIME: "time",
            schema.TEXT: "place_name",
        },
        timezone=TIMEZONE,
    )
    return log.assign(**{schema.CATEGORY: pd.Series("City", index=log.index, dtype="str")})

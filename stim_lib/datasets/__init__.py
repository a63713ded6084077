"""Behaviour logs: the article's example, NYC check-ins, and any file of your own.

Introduced in chapters 01 (`load_seed_example`) and 02 (everything else).
"""

from stim_lib.datasets.cdnow import load_cdnow
from stim_lib.datasets.delimited import read_column_names
from stim_lib.datasets.foursquare import (
    load_foursquare_nyc,
    load_foursquare_tsmc2014,
    read_foursquare_table,
    recover_users,
)
from stim_lib.datasets.reading import inspect_log, read_log
from stim_lib.datasets.seed_example import load_seed_example
from stim_lib.datasets.writing import write_log

__all__ = [
    "inspect_log",
    "load_cdnow",
    "load_foursquare_nyc",
    "load_foursquare_tsmc2014",
    "load_seed_example",
    "read_column_names",
    "read_foursquare_table",
    "read_log",
    "recover_users",
    "write_log",
]

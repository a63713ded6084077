"""The whole way on anybody's log: load, describe, cut, judge, report.

One file per step: settings → columns → load → exam → judge → claims, and panel → describe → show →
report, which write the page. Introduced in chapter 14.
"""

from stim_lib.system.claims import Claim, claims_of_exam, claims_of_log, claims_of_verdict
from stim_lib.system.columns import guess_columns
from stim_lib.system.command import main
from stim_lib.system.describe import show_quality, show_when, show_where, show_who
from stim_lib.system.exam import Exam, TooLittleData, choose_exam, draw_users
from stim_lib.system.judge import Verdict, fit_list_length, judge, users_needed
from stim_lib.system.load import Loaded, load_log
from stim_lib.system.panel import Panel
from stim_lib.system.report import make_page, make_report, panels_of_log
from stim_lib.system.settings import Settings, SettingsError, read_settings
from stim_lib.system.show import (
    show_claims,
    show_exam,
    show_examples,
    show_kinds,
    show_leaderboard,
    show_needs,
)

__all__ = [
    "Claim",
    "Exam",
    "Loaded",
    "Panel",
    "Settings",
    "SettingsError",
    "TooLittleData",
    "Verdict",
    "choose_exam",
    "claims_of_exam",
    "claims_of_log",
    "claims_of_verdict",
    "draw_users",
    "fit_list_length",
    "guess_columns",
    "judge",
    "load_log",
    "main",
    "make_page",
    "make_report",
    "panels_of_log",
    "read_settings",
    "show_claims",
    "show_exam",
    "show_examples",
    "show_kinds",
    "show_leaderboard",
    "show_needs",
    "show_quality",
    "show_when",
    "show_where",
    "show_who",
    "users_needed",
]

"""The command line: a log in, a page out, and an exit code that says which of the two failed.

Introduced in chapter 14.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stim_lib.assets import AssetError
from stim_lib.system.exam import TooLittleData, choose_exam
from stim_lib.system.load import Loaded, load_log
from stim_lib.system.report import make_report, panels_of_log, run_notebook
from stim_lib.system.settings import DATASETS, Settings, read_settings

# 0: a report with leaderboards. 1: our fault. 2: the log or the configuration can't be used.
# 3: the log is valid and too short; the report says what it would take.
DONE, FAILED, BROKEN, TOO_LITTLE = 0, 1, 2, 3


def main(arguments: Sequence[str], *, notebook: Path, folder: Path) -> int:
    """Make a report; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings, loaded = _read(options)
        refusal = _refusal(loaded, settings)
    except (ValueError, OSError, AssetError) as error:
        print(f"No report: {error}", file=sys.stderr)
        return BROKEN
    print(f"Read {loaded.name}: {len(loaded.log):,} actions.", file=sys.stderr, flush=True)
    name = Path(options.log).stem if options.log else loaded.name
    output = Path(options.output) if options.output else folder / f"{name}.html"
    if output.is_dir():
        print(f"No report: {output}: expected a file to write, found a folder", file=sys.stderr)
        return BROKEN
    if output.exists() and any(
        given and output.samefile(given) for given in (options.log, options.config)
    ):
        print(f"No report: {output} is what was read; expected another output", file=sys.stderr)
        return BROKEN
    try:
        if refusal is None:
            panels = run_notebook(notebook, loaded, options.config)
        else:
            panels = panels_of_log(loaded, settings, refusal)
        path = make_report(panels, loaded, settings, output)
    except Exception as error:
        # One message, whatever went wrong in the notebook; its last line is the error itself.
        last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        print(f"No report: {last[0]}", file=sys.stderr)
        return BROKEN if isinstance(error, OSError) else FAILED
    if refusal is not None:
        print(f"{refusal}\nWhat can be said is in {path}", file=sys.stderr)
        return TOO_LITTLE
    print(f"The report is ready: open {path}", file=sys.stderr)
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make run", description="Judge what a log of actions supports; write one HTML page."
    )
    parser.add_argument("log", nargs="?", default="", help="CSV or parquet")
    parser.add_argument("--config", default="", help="TOML; see data/example_config.toml")
    parser.add_argument("--output", default="", help="default: _build/reports/<name>.html")
    parser.add_argument("--dataset", default="", choices=("", *DATASETS))
    return parser


def _read(options: argparse.Namespace) -> tuple[Settings, Loaded]:
    settings = read_settings(options.config)
    if options.dataset:
        settings = settings.model_copy(update={"dataset": options.dataset})
    return settings, load_log(settings, options.log)


def _refusal(loaded: Loaded, settings: Settings) -> TooLittleData | None:
    try:
        choose_exam(loaded.log, settings)
    except TooLittleData as refusal:
        return refusal
    return None

"""Take the README's picture of a page: ``python scripts/take_screenshot.py``, after a build."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "_build" / "html" / "notebooks" / "02_behaviour_log.html"
TARGET = ROOT / "book" / "images" / "screenshot.png"


def main() -> int:
    """Write book/images/screenshot.png."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None or not PAGE.exists():
        print("Needs Chromium and a built book (make book).", file=sys.stderr)
        return 2
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1240, "height": 860})
        page.goto(PAGE.as_uri())
        page.wait_for_load_state("networkidle")
        page.locator("#fig-02-thinned").evaluate(
            "figure => scrollTo(0, figure.getBoundingClientRect().top + scrollY - 360)"
        )
        page.wait_for_timeout(500)
        page.screenshot(path=TARGET)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

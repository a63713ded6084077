"""The built pages, as a reader without a network sees them."""

import re
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(c["file"] for part in TOC["parts"] for c in part["chapters"])]
CHAPTERS = [page for page in PAGES if page.startswith("notebooks/")]
LOOKED_AT = ["book/index", *CHAPTERS]
# The theme itself: its search button is named by an icon, and its logo stands outside a landmark.
KNOWN_AXE_RULES = {"label-content-name-mismatch", "region"}
KNOWN_ERRORS = ("THEBE_JS_URL",)


def unknown(problems):
    return [p for p in problems if not any(known in p for known in KNOWN_ERRORS)]


@pytest.mark.parametrize("name", PAGES)
def test_page_needs_no_network_and_logs_no_error(open_page, name):
    page = open_page(name)
    for frame in page.query_selector_all("iframe"):
        frame.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    assert unknown(page.problems) == []


@pytest.mark.parametrize("name", PAGES)
def test_page_reads_as_text(open_page, name):
    page = open_page(name)
    assert page.title()
    article = page.inner_text("article")
    assert len(article) > 400
    # Markup that Sphinx did not understand shows up as such.
    for mark in (":::", "{glue", "{doc}", "{ref}", "{cite", "Make this Notebook Trusted", "$$"):
        assert mark not in article, mark
    assert page.locator("article .system-message").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_images_load_and_have_alternative_text(open_page, name):
    page = open_page(name)
    for image in page.query_selector_all("article img"):
        image.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete", arg=image)
        assert image.evaluate("image => image.naturalWidth") > 0
        assert len(image.get_attribute("alt") or "") > 20, image.get_attribute("src")


@pytest.mark.parametrize("name", CHAPTERS)
def test_formulas_are_drawn(open_page, name):
    page = open_page(name)
    wanted = page.locator("article .math").count()
    if not wanted:
        pytest.skip("this chapter has no formula")
    page.wait_for_selector("article mjx-container svg")
    assert page.locator("article mjx-container").count() >= wanted
    assert page.locator("article mjx-merror").count() == 0


@pytest.mark.parametrize("name", CHAPTERS)
def test_maps_are_drawn_and_titled(open_page, name):
    page = open_page(name)
    frames = page.query_selector_all("article iframe")
    text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
    drawn = "maps.make_map" in text or "system.show_where" in text
    assert bool(frames) == drawn
    if not drawn:
        pytest.skip("a chapter without an interactive map")
    for element in frames:
        assert len(element.get_attribute("title")) > 20
        element.scroll_into_view_if_needed()
        frame = element.content_frame()
        frame.wait_for_selector(".leaflet-control-layers-list")
        # Dots, lines and cells are drawn on a canvas; unlike the outlines they have a colour.
        coloured = frame.evaluate(
            """() => { let n = 0;
            for (const c of document.querySelectorAll('canvas')) {
              const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
              for (let i = 0; i < d.length; i += 4) {
                const [r, g, b] = [d[i], d[i + 1], d[i + 2]];
                if (Math.max(r, g, b) - Math.min(r, g, b) > 60 && d[i + 3] > 100) n++; } }
            return n; }"""
        )
        assert coloured > 50
        # The map of a report asks for nothing over the network, streets neither.
        streets = "OpenStreetMap" in frame.inner_text(".leaflet-control-layers")
        assert streets == ("maps.make_map" in text)


def test_slider_moves_through_the_hours_by_keyboard(open_page):
    page = open_page("notebooks/05_spatial_features")
    (element,) = [
        frame
        for frame in page.query_selector_all("article iframe")
        if "by time of day" in frame.get_attribute("title")
    ]
    element.scroll_into_view_if_needed()
    frame = element.content_frame()
    slider = frame.wait_for_selector("input[type=range]")
    drawn = """() => [...document.querySelectorAll('canvas')].map(c => c.toDataURL()).join()"""
    before = frame.evaluate(drawn)
    assert slider.get_attribute("aria-valuetext") == "08 to 10"
    slider.press("ArrowRight")
    page.wait_for_timeout(300)
    assert slider.get_attribute("aria-valuetext") == "10 to 12"
    assert frame.evaluate(drawn) != before


@pytest.mark.parametrize("name", CHAPTERS)
def test_solution_opens(open_page, name):
    page = open_page(name)
    solution = page.locator("article .solution.dropdown").first
    code = solution.locator("div.highlight").first
    assert not code.is_visible()
    solution.locator(".toggle-button, summary, button").first.click()
    code.wait_for(state="visible")


def test_search_finds_a_word(open_page, address):
    page = open_page("search")
    page.goto(f"{address}/search.html?q=trajectory")
    page.wait_for_selector("#search-results li a")
    hits = page.locator("#search-results li a").all_inner_texts()
    assert any("behaviour log" in hit for hit in hits)
    assert unknown(page.problems) == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", LOOKED_AT)
def test_page_fits_its_window(open_page, name, scheme, width, tmp_path_factory):
    page = open_page(name, width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    page.screenshot(path=tmp_path_factory.getbasetemp() / f"{name[-8:]}-{scheme}-{width}.png")
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 1, "the page scrolls sideways"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_accessibility(open_page, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(name, scheme=scheme)
    found = Axe().run(page).response["violations"]
    faults = {
        rule["id"]: [node["html"][:150] for node in rule["nodes"][:3]]
        for rule in found
        if rule["id"] not in KNOWN_AXE_RULES
    }
    assert faults == {}


def test_no_page_asks_for_another_host(built_book):
    for path in built_book.rglob("*.html"):
        text = re.sub(r'srcdoc="[^"]*"', "", path.read_text(encoding="utf-8"))
        tags = re.findall(r"<(?:script|link|img|iframe)[^>]+>", text)
        outside = [t[:120] for t in tags if re.search(r'(?:src|href)="(?:https?:)?//', t)]
        assert outside == [], path.name


def test_leaderboard_shows_every_run_of_its_exam(open_page):
    from stim_lib import ledger

    runs = ledger.read_runs()
    # The ledger also keeps other exams: other items, or first visits only.
    exam = "dataset == 'foursquare_nyc' and split == '80/10/10 of the time span'"
    shown = runs.query(f"subset == 'all' and metric == 'mrr' and {exam}")
    assert len(shown) >= 30
    page = open_page("book/leaderboard")
    cells = page.locator("article table").all_inner_texts()
    assert len(cells) == 4
    for row in shown.itertuples():
        assert any(row.model in text and f"{row.value:.3f}" in text for text in cells), row

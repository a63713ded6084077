"""A quiz is answered by keyboard alone, and says in words what was right."""

from pathlib import Path

import pytest

from stim_lib.classroom import quiz

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted(path.stem[:2] for path in (ROOT / "notebooks").glob("*.ipynb"))
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Quiz</title>
<style>body {{ color: {ink}; background: {paper}; font-family: sans-serif }}</style></head>
<body><main><h1>Quiz</h1>{quiz}</main></body></html>"""


@pytest.fixture
def open_quiz(browser):
    """Open a page with the quiz of one chapter and nothing else."""
    contexts = []

    def open_quiz(chapter, *, ink="#000", paper="#fff", scripts=True, width=800):
        context = browser.new_context(
            java_script_enabled=scripts, viewport={"width": width, "height": 900}
        )
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.problems.append(request.url))
        shown = quiz.show_quiz(chapter)._repr_html_()
        page.set_content(PAGE.format(quiz=shown, ink=ink, paper=paper))
        return page

    yield open_quiz
    for context in contexts:
        context.close()


def focused(page):
    return page.evaluate("document.activeElement.tagName + ' ' + document.activeElement.type")


def said(page, number):
    """What a screen reader hears after the check."""
    place = page.locator(f"form[data-number='{number}'] output")
    page.wait_for_function("place => place.textContent !== ''", arg=place.element_handle())
    return place.inner_text()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_answer_is_given_by_keyboard_and_gets_its_feedback(open_quiz, chapter):
    page = open_quiz(chapter)
    for number, question in enumerate(quiz.load_quiz(chapter).questions, start=1):
        page.keyboard.press("Tab")
        if question.kind == "numeric":
            give_numbers(page, number, question)
        else:
            choose_each(page, number, question)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("details").get_attribute("open") is not None
    assert page.problems == []


def choose_each(page, number, question):
    assert focused(page) == "INPUT radio"
    for place, answer in enumerate(question.answers):
        # Space chooses the first; an arrow goes to the next and says nothing yet.
        page.keyboard.press("ArrowDown" if place else "Space")
        assert page.locator(f"form[data-number='{number}'] output").inner_text() == ""
        page.keyboard.press("Tab")
        assert focused(page) == "BUTTON submit"
        page.keyboard.press("Enter")
        heard = said(page, number)
        assert heard.startswith("✓ Right." if answer.correct else "✗ Not this one.")
        assert heard.endswith(answer.feedback.replace("*", "").replace("`", ""))
        if place < len(question.answers) - 1:
            page.keyboard.press("Shift+Tab")
            page.evaluate("document.querySelectorAll('output').forEach(o => o.replaceChildren())")


def give_numbers(page, number, question):
    assert focused(page) == "INPUT text"
    for answer in question.answers:
        value = 1e9 if answer.low is None else (answer.low + answer.high) / 2
        page.keyboard.press("Control+A")
        page.keyboard.type(str(value))
        page.keyboard.press("Enter")
        heard = said(page, number)
        assert heard.startswith("✓ Right." if answer.correct else "✗ Not this one.")
        assert heard.endswith(answer.feedback.replace("*", "").replace("`", ""))
        page.evaluate("document.querySelectorAll('output').forEach(o => o.replaceChildren())")
    page.keyboard.press("Tab")
    assert focused(page) == "BUTTON submit"


@pytest.mark.parametrize("typed", ["13/16", "0,8125", " .8125 "])
def test_fractions_and_commas_are_numbers(open_quiz, typed):
    page = open_quiz("01")
    page.locator("input[type=text]").first.fill(typed)
    page.keyboard.press("Enter")
    assert said(page, 1).startswith("✓ Right.")


@pytest.mark.parametrize("typed", ["", "many", "1/2/3", "1/0"])
def test_what_is_no_number_is_not_judged(open_quiz, typed):
    page = open_quiz("01")
    page.locator("input[type=text]").first.fill(typed)
    page.keyboard.press("Enter")
    assert said(page, 1) == "Type a number, such as 0.75 or 3/4."


def test_nothing_chosen_is_said_and_not_judged(open_quiz):
    page = open_quiz("02")
    page.locator("form[data-number='1'] button").click()
    assert said(page, 1) == "Choose an answer first."


def test_focus_can_be_seen(open_quiz):
    page = open_quiz("02")
    page.keyboard.press("Tab")
    style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"


def test_right_and_wrong_differ_without_colour(open_quiz):
    page = open_quiz("02")
    borders = set()
    for place in (0, 3):
        page.locator("form[data-number='1'] input").nth(place).check()
        page.locator("form[data-number='1'] button").click()
        said(page, 1)
        output = page.locator("form[data-number='1'] output")
        borders.add(output.evaluate("place => getComputedStyle(place).borderLeftStyle"))
    assert borders == {"solid", "dashed"}


def test_answers_can_be_read_without_a_script(open_quiz):
    page = open_quiz("04", scripts=False)
    page.locator("summary").click()
    assert page.get_by_text("A leak that gains nothing is still a leak.").is_visible()


@pytest.mark.parametrize(("ink", "paper"), [("#111", "#fff"), ("#ddd", "#121212")])
def test_screen_readers_and_contrast(open_quiz, ink, paper):
    from axe_playwright_python.sync_playwright import Axe

    page = open_quiz("02", ink=ink, paper=paper)
    page.locator("form[data-number='1'] input").first.check()
    page.locator("form[data-number='1'] button").click()
    said(page, 1)
    page.locator("summary").click()
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found] == []


def test_quiz_fits_a_narrow_window(open_quiz):
    page = open_quiz("01", width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

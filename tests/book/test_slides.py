"""Slides of a small chapter: shown by keyboard, within the screen, without a network."""

import nbformat.v4 as v4
import pytest

from stim_lib.classroom import quiz, slides

pytestmark = pytest.mark.browser

SENTENCE = "One sentence follows another, and each of them has about a dozen words. "
CELLS = [
    v4.new_markdown_cell("# Tea\n\n*read 5 min*\n\n**Why tea?**\n\n## Leaves\n\nA formula:"),
    v4.new_markdown_cell("$$\n\\begin{aligned} a &= \\frac12 \\\\ b &= c^2 \\end{aligned}\n$$"),
    v4.new_markdown_cell("## Answer\n\n" + "\n\n".join([SENTENCE * 14, SENTENCE * 40, SENTENCE])),
    v4.new_markdown_cell("## Exercises"),
]
FITS = """() => {
  const slide = Reveal.getCurrentSlide();
  const box = document.querySelector(".slides").getBoundingClientRect();
  return [...slide.querySelectorAll("*")]
    .filter((part) => !part.closest("aside, svg, mjx-assistive-mml"))
    .map((part) => part.getBoundingClientRect())
    .every((part) => part.bottom <= box.bottom + 1 && part.right <= box.right + 1);
}"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("slides") / "tea.html"
    page = slides.slides_page(v4.new_notebook(cells=CELLS), quiz.load_quiz("02"))
    file.write_text(page, encoding="utf-8")
    return file


@pytest.fixture
def page(browser, file):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.problems = []
    page.on("console", lambda m: m.type == "error" and page.problems.append(m.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("requestfailed", lambda request: page.problems.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function("document.documentElement.dataset.ready")
    yield page
    assert page.problems == []
    context.close()


def test_every_slide_is_reached_by_keyboard_and_fits(page):
    seen = []
    for _ in range(page.evaluate("Reveal.getTotalSlides()")):
        assert page.evaluate(FITS), page.evaluate("Reveal.getCurrentSlide().innerText")
        seen.append(page.evaluate("Reveal.getCurrentSlide().innerText.split('\\n')[0]"))
        page.keyboard.press("Space")
    assert page.evaluate("Reveal.isLastSlide()")
    assert list(dict.fromkeys(seen)) == [
        "Tea", "Leaves", "Answer", "Question 1", "Question 2", "Question 3",
    ]  # fmt: skip


def test_formulas_are_drawn(page):
    page.keyboard.press("ArrowRight")
    formula = page.locator("section.present mjx-container[display=true] svg")
    assert formula.first.is_visible()
    assert page.locator("mjx-merror").count() == 0


def test_notes_open_for_the_speaker(page):
    assert page.evaluate("Reveal.hasPlugin('notes')")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    assert "Speaker" in opened.value.title()


def test_answers_are_in_the_notes_only(page):
    page.evaluate("Reveal.slide(3, 0)")
    assert "Question 1" in page.inner_text("section.present section.present")
    right = quiz.load_quiz("02").questions[0].right.feedback
    assert right not in page.inner_text("section.present section.present")
    assert right in page.evaluate("Reveal.getSlideNotes()")

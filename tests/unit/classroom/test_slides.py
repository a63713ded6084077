"""Slides say what a chapter says first, show what it shows, and keep the rest for the speaker."""

import base64
import re

import nbformat.v4 as v4
import pytest

from stim_lib import assets
from stim_lib.classroom import slide_layout, slide_text, slides
from stim_lib.classroom.quiz import Answer, Question, Quiz

# One white point.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/58BAAMDAf8cIX8BAAAAAElFTkSuQmCC"
)
LONG = " ".join(["Then more is said about it, at some length and without an end."] * 8)


def code(source, *outputs, tags=(), **metadata):
    metadata = {"tags": list(tags)} | metadata if tags else metadata
    return v4.new_code_cell(source, outputs=list(outputs), metadata=metadata)


def printed(text):
    return v4.new_output("stream", text=text)


def shown(**data):
    mime = {"png": "image/png", "page": "text/html"}
    return v4.new_output("display_data", {mime[key]: value for key, value in data.items()})


def glued(name, value):
    data = {slide_text.MAKING: repr(value)}
    return v4.new_output("display_data", data, metadata={"scrapbook": {"name": name}})


def table(rows, columns=2):
    row = "<tr>" + "<td>1</td>" * columns + "</tr>"
    return f"<table><tr>{'<th>a</th>' * columns}</tr>{row * rows}</table>"


FIGURE = {
    "mystnb": {
        "figure": {"caption": "Tea <1> grows best in spring. Measured once.", "name": "fig-01"},
        "image": {"alt": "A curve that rises & falls."},
    }
}
CHAPTER = [
    v4.new_markdown_cell(
        "# Tea\n\n*read 5 min · needs: nothing*\n\nYou will be able to\n\n"
        "- brew ({ref}`exercise 1.1 <ex-01-brew>`);\n- wait.\n\n**Why tea?**\n\n"
        "## Setup\n\nNot shown."
    ),
    code("import tea", printed("not shown")),
    v4.new_markdown_cell(
        "(leaves)=\n## Leaves\n\n**Green.** A green leaf is a young leaf that was picked in spring "
        f"and dried at once. {LONG} So count them {{cite:p}}`who2020`:\n\n"
        "$$\na = b\n$$ (eq-01)\n\nwith $a$ green."
    ),
    code("leaves = 3\nprint(leaves)", printed("3\n"), glued("share", "0.31")),
    v4.new_markdown_cell("{numref}`fig-01` shows a share of {glue:text}`share`."),
    code("plot()", shown(png=PIXEL), tags=["hide-input"], **FIGURE),
    v4.new_markdown_cell("### Small\n\nA table comes next."),
    code("frame", shown(page=f"<div><style>x</style>{table(3)}</div>")),
    v4.new_markdown_cell(f"## What could fool us\n\nEverything. {LONG}"),
    v4.new_markdown_cell("## Answer\n\nTea.\n\n- It is warm.\n- It is wet."),
    code("classroom.show_quiz('01')", shown(page="<div><h2>quiz</h2></div>")),
    v4.new_markdown_cell(
        "## Exercises\n\n```{exercise-start}\n:label: ex-01-brew\n```\n"
        "**1.1 Warm-up (10 min · easy · no assistant).** Brew.\n```{exercise-end}\n```"
    ),
    v4.new_markdown_cell("```{solution-start} ex-01-brew\n```"),
    code("answer = 1", printed("the solution")),
    v4.new_markdown_cell("## Where next\n\nNot shown."),
]
QUIZ = Quiz(
    "01_tea",
    (
        Question(
            "Which?", "multiple_choice", (Answer("a", False, "No."), Answer("b", True, "Yes."))
        ),
        Question(
            "How many?", "numeric", (Answer("", True, "Two.", 1.9, 2.1), Answer("", False, "No."))
        ),
    ),
)


@pytest.fixture
def deck():
    return slides.chapter_slides(v4.new_notebook(cells=CHAPTER), QUIZ)


def texts(slide):
    return [item for item in slide.items if isinstance(item, str)]


def cells(deck):
    return [item for slide in deck for item in slide.items if not isinstance(item, str)]


class TestChoice:
    def test_order_of_the_titles(self, deck):
        titles = [slide.title for slide in deck]
        assert list(dict.fromkeys(titles)) == [
            "Tea", "You will be able to", "Leaves", "Tea <1> grows best in spring.", "Small",
            "What could fool us", "Answer", "Question 1", "Question 2", "Exercises",
        ]  # fmt: skip

    def test_title_slide_has_the_run_line_and_the_question(self, deck):
        assert deck[0].items == ["*read 5 min · needs: nothing*", "**Why tea?**"]
        assert deck[1].items == ["- brew;\n- wait."]

    def test_sections_lie_side_by_side_and_the_rest_below(self, deck):
        new = [slide.title for slide in deck if slide.new]
        assert new == ["Tea", "Leaves", "What could fool us", "Answer", "Question 1", "Exercises"]

    def test_a_paragraph_is_its_first_sentence_and_what_points_on(self, deck):
        said = texts(deck[2])
        assert said[0].startswith("**Green.** A green leaf") and said[0].endswith("at once.")
        assert said[1] == "So count them:"
        assert said[2] == "$$\na = b\n$$"
        assert LONG not in " ".join(said)

    def test_what_is_left_out_is_in_the_notes(self, deck):
        assert LONG in " ".join(" ".join(deck[2].notes).split())

    def test_first_section_keeps_the_formula_and_the_check_by_hand(self, deck):
        (check,) = [item for item in deck[2].items if not isinstance(item, str)]
        assert check["source"] == "leaves = 3\nprint(leaves)"
        assert check["outputs"][0]["text"] == "3\n"

    def test_values_stand_where_they_were_glued(self, deck):
        said = [text for slide in deck for text in texts(slide)]
        assert "The figure shows a share of 0.31." in said

    def test_a_figure_has_its_caption_for_a_title_and_its_alt_text(self, deck):
        (figure,) = [slide for slide in deck if slide.title == "Tea <1> grows best in spring."]
        output = figure.items[0]["outputs"][0]
        assert output["metadata"]["alt"] == "A curve that rises & falls."
        assert list(output["data"]) == ["image/png"]
        assert figure.notes == ["Tea <1> grows best in spring. Measured once."]

    def test_whole_sections_are_whole(self, deck):
        said = [t for s in deck if s.title in ("What could fool us", "Answer") for t in texts(s)]
        assert said == [f"Everything. {LONG}", "Tea.", "- It is warm.\n- It is wet."]

    def test_answers_of_the_quiz_are_for_the_speaker(self, deck):
        first, second = [slide for slide in deck if slide.title.startswith("Question")]
        assert first.items == ["Which?", "- **A** a\n- **B** b"]
        assert first.notes == ["✗ **A** a: No.", "✓ **B** b: Yes."]
        assert second.items == ["How many?"]
        assert second.notes[0] == "✓ **A** 2: Two."

    def test_exercises_are_titles_with_minutes(self, deck):
        assert deck[-1].items == ["- **1.1** Warm-up, 10 min"]

    def test_setup_solutions_and_the_quiz_cell_stay_out(self, deck):
        assert not any("not shown" in str(cell) or "quiz" in str(cell) for cell in cells(deck))
        assert not any("solution" in str(cell) for cell in cells(deck))

    def test_the_notebook_is_not_changed(self):
        notebook = v4.new_notebook(cells=CHAPTER)
        before = str(notebook)
        slides.chapter_slides(notebook, QUIZ)
        assert str(notebook) == before

    def test_a_chapter_needs_a_heading(self):
        with pytest.raises(slides.SlidesError, match="expected a heading"):
            slides.chapter_slides(v4.new_notebook(cells=[v4.new_markdown_cell("text")]))

    def test_without_a_quiz_there_are_no_questions(self):
        deck = slides.chapter_slides(v4.new_notebook(cells=CHAPTER))
        assert not any(slide.title.startswith("Question") for slide in deck)


class TestPieces:
    @pytest.mark.parametrize(
        ("cell", "kinds"),
        [
            (code("x", printed("1")), ["code"]),
            (code("\n".join("x" * 8), printed("1")), ["code"]),
            (code("\n".join("x" * 9), printed("1")), []),
            (code("x", printed("1\n" * 15)), []),
            (code("x", printed("1" * 91)), []),
            (code("x", printed("1"), tags=["hide-input"]), []),
            (code("x", printed("1"), tags=["remove-cell"]), []),
            (code("x"), []),
            (code("x", shown(page=table(14))), ["table"]),
            (code("x", shown(page=table(15))), []),
            (code("x", shown(page=table(3, columns=10))), []),
            (code("x", shown(page="<div><iframe></iframe></div>")), []),
            (code("x", shown(page="<section><h3>Claims</h3><p>Few.</p></section>")), ["table"]),
            (code("x", shown(page=f"<h3>Claims</h3><p>{'word ' * 400}</p>")), []),
            (code("x", shown(png=PIXEL), printed("1")), ["figure", "code"]),
        ],
    )
    def test_what_is_worth_a_slide(self, cell, kinds):
        assert [kind for kind, _, _ in slide_layout.pieces(cell)] == kinds

    def test_what_was_printed_in_parts_is_one_piece(self):
        cell = code("x", printed("1\n"), printed("2\n"))
        ((_, piece, _),) = slide_layout.pieces(cell)
        assert piece["outputs"][0]["text"] == "1\n2\n"

    def test_a_panel_gives_its_picture_its_table_and_its_heading(self):
        page = (
            f'<section><h3>It&#x27;s so</h3>{table(2)}<img alt="A &amp; B" '
            f'src="data:image/png;base64,{PIXEL}"></section>'
        )
        (_, picture, caption), (kind, *_) = slide_layout.pieces(code("x", shown(page=page)))
        assert caption == "It's so"
        assert picture["outputs"][0]["metadata"]["alt"] == "A & B"
        assert kind == "table"

    def test_a_section_of_a_panel_does_not_become_a_slide(self):
        page = "<section><h3>Claims</h3><p>Few.</p></section>"
        ((_, panel, _),) = slide_layout.pieces(code("x", shown(page=page)))
        assert "<section" not in panel["outputs"][0]["data"]["text/html"]


class TestRoom:
    def test_a_full_slide_is_followed_by_another(self):
        deck = [slide_layout.Slide("Tea", True)]
        for number in range(9):
            slide_layout.put(deck, "Tea", f"{number} " + "leaf " * 29)
        assert [len(slide.items) for slide in deck] == [3, 3, 3]
        assert [slide.new for slide in deck] == [True, False, False]

    def test_a_line_goes_with_what_it_points_at(self):
        deck = [slide_layout.Slide("Tea", True, ["leaf " * 60, "Look:"])]
        cell = code("\n".join("x" * 8), printed("1\n" * 14))
        slide_layout.put(deck, "Tea", cell, with_line_before=True)
        assert [len(slide.items) for slide in deck] == [1, 2]
        assert deck[1].items[0] == "Look:"

    def test_one_sentence_goes_to_a_figure(self):
        deck = [slide_layout.Slide("It grows.", False, [code("", shown(png=PIXEL))], figure=True)]
        slide_layout.put(deck, "Tea", "So it does.")
        slide_layout.put(deck, "Tea", "And more.")
        assert [slide.title for slide in deck] == ["It grows.", "Tea"]


class TestText:
    @pytest.mark.parametrize(
        ("text", "plain"),
        [
            ("See {eq}`eq-a`. {numref}`fig-b` too.", "See the equation. The figure too."),
            ("By {doc}`chapter 02 <02_log>` {cite:p}`a,b`.", "By chapter 02."),
            ("{math}`k`-means, {glue:text}`gone`", "$k$-means, …"),
            ("(target)=\n## A", "\n## A"),
            ("$$\nx\n$$ (eq-1)", "$$\nx\n$$"),
        ],
    )
    def test_roles_become_words(self, text, plain):
        assert slide_text.plain_markdown(text, {}) == plain

    def test_sentences_end_where_they_end(self):
        text = "**A lead.** It is 1.5 km (say). *So* “it” is? Yes! e.g. this"
        assert slide_text.sentences(text) == [
            "**A lead.**", "It is 1.5 km (say).", "*So* “it” is?", "Yes! e.g. this",
        ]  # fmt: skip

    def test_a_headline_has_enough_words_and_no_colon(self):
        assert slide_text.headline("No. It is not so: " + LONG).startswith("No. It is not so: Then")
        assert slide_text.headline("Look here:") == "Look here."

    def test_a_box_becomes_a_paragraph(self):
        text = ":::{admonition} Correction\n:class: warning\nIt is wrong.\n:::"
        (block,) = slide_text.read_blocks(text)
        assert (block.kind, block.text) == ("paragraph", "**Correction.** It is wrong.")


@pytest.fixture(scope="module")
def page():
    return slides.slides_page(v4.new_notebook(cells=CHAPTER), QUIZ)


class TestPage:
    def test_everything_is_in_the_one_file(self, page):
        without_scripts = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
        assert not re.search(r"(src|href)=[\"'](?!data:|#)", without_scripts)
        assert "@import" not in page
        assert base64.b64decode(PIXEL)[:4] == b"\x89PNG"
        assert f"data:image/png;base64,{PIXEL}" in page
        assert without_scripts.count("<html") == without_scripts.count("</html>") == 1

    def test_alt_text_and_notes_are_kept(self, page):
        assert 'alt="A curve that rises &amp; falls."' in page
        assert page.count('<aside class="notes">') >= 3

    def test_page_is_the_same_each_time(self, page):
        assert page == slides.slides_page(v4.new_notebook(cells=CHAPTER), QUIZ)

    def test_a_script_can_not_end_early(self):
        assert slides._inside_a_page("a</script>b<!--c") == "a<\\/script>b\\x3C!--c"


def test_chapter_that_was_not_executed_is_named(tmp_path):
    with pytest.raises(slides.SlidesError, match=r"04_tea: expected its outputs .* `make book`"):
        slides.read_executed("04_tea.ipynb", tmp_path / "none")


def test_chapter_that_changed_since_is_named(tmp_path):
    import nbformat
    from jupyter_cache import get_cache

    path = tmp_path / "04_tea.ipynb"
    nbformat.write(v4.new_notebook(cells=[code("1 + 1", printed("2"))]), path)
    cache = get_cache(tmp_path / "cache")
    cache.cache_notebook_file(str(path), check_validity=False)
    assert slides.read_executed(path, tmp_path / "cache").cells[0].outputs[0].text == "2"
    nbformat.write(v4.new_notebook(cells=[code("1 + 2")]), path)
    with pytest.raises(slides.SlidesError, match="Run `make book` first"):
        slides.read_executed(path, tmp_path / "cache")


def test_reveal_is_a_verified_asset():
    assert assets.asset_info("reveal")["licence"].startswith("MIT")

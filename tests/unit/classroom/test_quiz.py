"""Each chapter has three questions of which one answer is right, and all are explained."""

import itertools
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stim_lib.classroom import quiz

ROOT = Path(__file__).resolve().parents[3]
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
FILES = sorted(path.stem for path in (ROOT / "data" / "quizzes").glob("*.json"))


class Outline(HTMLParser):
    """Tags of a page, with their attributes, in order; knows whether all are closed."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "input":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def write(folder, questions, monkeypatch):
    (folder / "quizzes").mkdir()
    (folder / "quizzes" / "99_test.json").write_text(json.dumps(questions))
    monkeypatch.setattr(quiz.assets, "data_folder", lambda: folder)


def choice(*rights, feedback="Because."):
    answers = [
        {"answer": f"answer {i}", "correct": right, "feedback": feedback}
        for i, right in enumerate(rights)
    ]
    return {"question": "Which?", "type": "multiple_choice", "answers": answers}


def test_every_chapter_has_a_quiz_and_every_quiz_a_chapter():
    assert FILES == CHAPTERS


@pytest.mark.parametrize("name", CHAPTERS)
class TestFile:
    def test_has_three_questions_with_one_right_answer_each(self, name):
        questions = quiz.load_quiz(name[:2]).questions
        assert len(questions) == 3
        for question in questions:
            assert sum(answer.correct for answer in question.answers) == 1
            assert 3 <= len(question.answers) <= 6
            assert question.text.rstrip("*`").endswith(("?", "."))

    def test_explains_every_answer_in_a_sentence_of_its_own(self, name):
        said = [a.feedback for q in quiz.load_quiz(name[:2]).questions for a in q.answers]
        assert all(len(text) >= 30 and text[-1] in ".!?”" for text in said)
        assert len(set(said)) == len(said)

    def test_repeats_no_question_and_no_answer(self, name):
        questions = quiz.load_quiz(name[:2]).questions
        assert len({question.text for question in questions}) == 3
        for question in questions:
            keys = [answer.text or (answer.low, answer.high) for answer in question.answers]
            assert len(set(keys)) == len(keys)

    def test_ranges_of_numbers_do_not_overlap(self, name):
        for question in quiz.load_quiz(name[:2]).questions:
            ranges = sorted((a.low, a.high) for a in question.answers if a.low is not None)
            assert all(low < high for low, high in ranges)
            assert all(a[1] <= b[0] for a, b in itertools.pairwise(ranges))

    def test_text_shows_the_questions_and_no_feedback(self, name):
        shown = quiz.show_quiz(name[:2])
        text = repr(shown)
        for question in shown.questions:
            assert question.text in text
            assert not any(answer.feedback in text for answer in question.answers)

    def test_page_is_whole_and_asks_no_server(self, name):
        page = quiz.show_quiz(name[:2])._repr_html_()
        outline = Outline(page)
        assert outline.open == []
        assert "://" not in page
        assert not any({"src", "href"} & set(attributes) for _, attributes in outline.tags)

    def test_page_is_the_same_each_time(self, name):
        pages = {quiz.show_quiz(name[:2])._repr_html_() for _ in range(3)}
        assert len(pages) == 1


def choices():
    """All questions of all chapters that offer answers."""
    questions = [q for name in CHAPTERS for q in quiz.load_quiz(name[:2]).questions]
    return [question for question in questions if question.kind == "multiple_choice"]


def test_the_place_of_an_answer_does_not_betray_it():
    places = Counter([a.correct for a in question.answers].index(True) for question in choices())
    assert set(places) == {0, 1, 2, 3}
    assert max(places.values()) <= 0.4 * len(choices())


def test_the_length_of_an_answer_does_not_betray_it():
    longest = [max(question.answers, key=lambda a: len(a.text)) for question in choices()]
    assert sum(answer.correct for answer in longest) <= 0.4 * len(longest)


def test_names_and_ids_are_unique_over_all_chapters():
    pages = "".join(quiz.show_quiz(name[:2])._repr_html_() for name in CHAPTERS)
    ids = [attributes["id"] for _, attributes in Outline(pages).tags if "id" in attributes]
    assert len(set(ids)) == len(ids) == 4 * len(CHAPTERS)


def test_text_is_escaped_and_marked():
    assert quiz._inline("a < b & `x*y*z` *so*") == ("a &lt; b &amp; <code>x*y*z</code> <em>so</em>")
    assert quiz._inline("2 * 3 * 4") == "2 * 3 * 4"


def test_page_holds_the_feedback_and_the_text_fallback_does_not(tmp_path, monkeypatch):
    write(tmp_path, [choice(False, True, feedback="Think <twice>.")], monkeypatch)
    shown = quiz.show_quiz("99")
    assert "Think &lt;twice&gt;." in shown._repr_html_()
    assert repr(shown) == "1. Which?\n   a) answer 0\n   b) answer 1"


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (choice(False, False), "one right answer, found 0"),
        (choice(True, True), "one right answer, found 2"),
        (choice(True, False, feedback=""), "feedback for every answer"),
        ({"question": "?", "type": "string", "answers": []}, "a type of multiple_choice, numeric"),
    ],
)
def test_a_bad_question_is_named(tmp_path, monkeypatch, question, message):
    write(tmp_path, [choice(True, False), question], monkeypatch)
    with pytest.raises(quiz.QuizError, match=re.escape("99_test.json, question 2: ")) as caught:
        quiz.load_quiz("99")
    assert message in str(caught.value)


@pytest.mark.parametrize("chapter", ["98", "4", "", "../04", "*"])
def test_an_unknown_chapter_is_refused(chapter):
    with pytest.raises(quiz.QuizError, match="expected one of 01, 02"):
        quiz.load_quiz(chapter)


def test_numbers_without_a_default_are_refused(tmp_path, monkeypatch):
    ranges = [{"type": "range", "range": [0, 1], "correct": True, "feedback": "Yes."}]
    question = {"question": "How many?", "type": "numeric", "answers": ranges}
    write(tmp_path, [question], monkeypatch)
    with pytest.raises(quiz.QuizError, match="ranges and then one default"):
        quiz.load_quiz("99")

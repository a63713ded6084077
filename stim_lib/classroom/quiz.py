"""Three questions at the end of a chapter, answered by mouse, by keyboard or by ear.

The files in ``data/quizzes`` have the format of jupyterquiz, so its ``display_quiz`` reads them
too. What is shown here is plain HTML instead: a group of radio buttons, a button and a place whose
changes are read aloud. jupyterquiz 2.9 builds its questions by script alone, gives an answer away
with each press of an arrow key, says nothing to a screen reader, marks right and wrong by colour,
draws new ids at every build, and may ask a server for MathJax.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass

from stim_lib import assets

# Keeps JupyterLab from taking arrows and Enter for commands of its own; needed where the focus is.
_KEYS = 'data-lm-suppress-shortcuts="true"'
KINDS = ("multiple_choice", "numeric")

_STYLE = """
html[data-theme=dark] .bd-content div.cell_output div.text_html:has(.stim-quiz) {
  background: transparent; color: inherit; padding: 0; }
.stim-quiz { padding: 4px; max-width: 46em; }
.stim-quiz form, .stim-quiz details { margin: 1em 0; }
.stim-quiz fieldset { border: 1px solid currentColor; border-radius: 6px; margin: 0;
  padding: 0.8em 1em; min-width: 0; }
.stim-quiz legend { float: none; width: auto; margin: 0; padding: 0 0.4em; font-size: 1em;
  font-weight: 600; }
.stim-quiz .question { margin: 0 0 0.6em; font-weight: 600; }
.stim-quiz label { display: flex; gap: 0.6em; align-items: baseline; padding: 0.35em 0;
  cursor: pointer; }
.stim-quiz label.number { display: block; }
.stim-quiz input[type=text] { font: inherit; color: inherit; background: transparent;
  border: 1px solid currentColor; border-radius: 4px; margin-left: 0.3em; padding: 0.3em 0.5em;
  width: 9em; }
.stim-quiz button { font: inherit; color: inherit; background: transparent; cursor: pointer;
  border: 1px solid currentColor; border-radius: 4px; padding: 0.35em 1.2em; margin-top: 0.5em; }
.stim-quiz :focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
.stim-quiz output { display: block; margin-top: 0.8em; padding-left: 0.8em; }
.stim-quiz output:empty { margin: 0; }
.stim-quiz output[data-right=true] { border-left: 5px solid currentColor; }
.stim-quiz output[data-right=false] { border-left: 5px dashed currentColor; }
.stim-quiz summary { cursor: pointer; padding: 0.3em 0; }
"""

# Feedback is taken from the list of answers, which is there without a script as well.
_SCRIPT = """
(() => {
  const quiz = document.getElementById("QUIZ");
  const read = (text) => {
    const parts = text.trim().replace(/[\\u2212\\u2013]/g, "-").replace(",", ".").split("/");
    const numbers = parts.map((part) => part.trim() === "" ? NaN : Number(part));
    return numbers.length > 2 ? NaN : numbers.reduce((over, under) => over / under);
  };
  const find = (form, items) => {
    const box = form.querySelector("input[type=text]");
    if (!box) {
      const chosen = form.querySelector("input:checked");
      return chosen ? items[Number(chosen.value)] : "Choose an answer first.";
    }
    const value = read(box.value);
    if (!Number.isFinite(value)) return "Type a number, such as 0.75 or 3/4.";
    return items.find((item) => item.dataset.low === undefined ||
      (value >= Number(item.dataset.low) && value < Number(item.dataset.high)));
  };
  for (const form of quiz.querySelectorAll("form")) {
    // JupyterLab swallows the Enter that would send a form.
    form.querySelector("input[type=text]")?.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); form.requestSubmit(); }
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const items = [...quiz.querySelectorAll(`[data-question="${form.dataset.number}"] li`)];
      const found = find(form, items);
      const place = form.querySelector("output");
      place.replaceChildren();
      delete place.dataset.right;
      // A moment of silence, so that the same words are read aloud again.
      setTimeout(() => {
        if (typeof found === "string") { place.textContent = found; return; }
        const right = found.dataset.right === "true";
        const verdict = document.createElement("strong");
        verdict.textContent = right ? "\\u2713 Right. " : "\\u2717 Not this one. ";
        place.dataset.right = right;
        place.append(verdict, ...[...found.querySelector("span").cloneNode(true).childNodes]);
      }, 50);
    });
  }
})();
"""


class QuizError(ValueError):
    """A quiz that is missing, or not of the form that the page needs."""


@dataclass(frozen=True)
class Answer:
    """One answer and what is said to whoever gives it.

    Attributes
    ----------
    text : str
        Empty for a numeric answer.
    correct : bool
    feedback : str
    low, high : float or None
        A numeric answer is met by low ≤ number < high; None for the answer to any other number.
    """

    text: str
    correct: bool
    feedback: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Question:
    """One question with its answers, in the order in which they are shown.

    Attributes
    ----------
    text : str
        Plain text; words between backticks are code, between asterisks emphasised.
    kind : str
        One of `KINDS`.
    answers : tuple of Answer
    """

    text: str
    kind: str
    answers: tuple[Answer, ...]

    @property
    def right(self) -> Answer:
        """The one right answer."""
        return next(answer for answer in self.answers if answer.correct)


@dataclass(frozen=True, repr=False)
class Quiz:
    """The questions of one chapter; the last line of a cell shows them.

    Attributes
    ----------
    name : str
        Stem of the chapter, ``04_temporal_features``.
    questions : tuple of Question
    """

    name: str
    questions: tuple[Question, ...]

    def __repr__(self) -> str:
        """The questions as text, without the answers' feedback."""
        blocks = []
        for number, question in enumerate(self.questions, start=1):
            lines = [f"{number}. {question.text}"]
            if question.kind == "multiple_choice":
                letters = zip("abcdefgh", question.answers, strict=False)
                lines += [f"   {letter}) {answer.text}" for letter, answer in letters]
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

    def _repr_html_(self) -> str:
        """A form for each question, and a list of all answers that opens on demand."""
        key = f"quiz-{self.name[:2]}"
        forms = [_form(key, i, question) for i, question in enumerate(self.questions, start=1)]
        reasons = [_reasons(i, question) for i, question in enumerate(self.questions, start=1)]
        return "\n".join(
            [
                f'<div class="stim-quiz" id="{key}">',
                f"<style>{_STYLE}</style>",
                *forms,
                f"<details><summary {_KEYS}>All answers, with reasons</summary>",
                *reasons,
                "</details>",
                f"<script>{_SCRIPT.replace('QUIZ', key)}</script>",
                "</div>",
            ]
        )


def load_quiz(chapter: str) -> Quiz:
    """Read the questions of a chapter.

    Parameters
    ----------
    chapter : str
        Number of the chapter, two digits: "04".

    Returns
    -------
    Quiz

    Raises
    ------
    QuizError
        If there is no file for the chapter, or a question lacks a right answer, has several, or
        leaves an answer without feedback; naming the file and the question.

    Notes
    -----
    The file is ``data/quizzes/NN_topic.json``: a list of questions as jupyterquiz reads them, of
    the types "multiple_choice" and "numeric" (with ranges, and a default). Used at the end of
    every chapter.

    Examples
    --------
    >>> [question.kind for question in load_quiz("14").questions]
    ['numeric', 'multiple_choice', 'multiple_choice']
    """
    folder = assets.data_folder() / "quizzes"
    files = sorted(folder.glob(f"{chapter}_*.json")) if re.fullmatch(r"\d\d", chapter) else []
    if len(files) != 1:
        known = ", ".join(path.name[:2] for path in sorted(folder.glob("*.json")))
        raise QuizError(f"chapter: expected one of {known}, found {chapter!r} with no quiz")
    entries = json.loads(files[0].read_text(encoding="utf-8"))
    questions = tuple(
        _question(e, f"{files[0].name}, question {i}") for i, e in enumerate(entries, 1)
    )
    return Quiz(files[0].stem, questions)


def show_quiz(chapter: str) -> Quiz:
    """Show the three questions of a chapter.

    Parameters
    ----------
    chapter : str
        Number of the chapter, two digits: "04".

    Returns
    -------
    Quiz
        Drawn as forms where a page is drawn, printed as text where it is not.

    Raises
    ------
    QuizError
        As for `load_quiz`.

    Notes
    -----
    Nothing is sent or kept: an answer is for whoever gives it. Used at the end of every chapter.

    Examples
    --------
    >>> print(str(show_quiz("04"))[:43])
    1. Two check-ins, at 23:00 and at 05:00. Wh
    """
    return load_quiz(chapter)


def _question(entry: dict, where: str) -> Question:
    kind = entry.get("type")
    if kind not in KINDS:
        raise QuizError(f"{where}: expected a type of {', '.join(KINDS)}, found {kind!r}")
    answers = tuple(
        Answer(
            str(row.get("answer", "")),
            bool(row.get("correct", False)),
            str(row.get("feedback", "")),
            *(row.get("range") or (None, None)),
        )
        for row in entry["answers"]
    )
    n_right = sum(answer.correct for answer in answers)
    if n_right != 1:
        raise QuizError(f"{where}: expected one right answer, found {n_right}")
    if not all(answer.feedback for answer in answers):
        raise QuizError(f"{where}: expected feedback for every answer, found one without")
    has_range = [answer.low is not None for answer in answers]
    if kind == "numeric" and has_range != [True] * (len(answers) - 1) + [False]:
        raise QuizError(f"{where}: expected ranges and then one default, found another order")
    return Question(entry["question"], kind, answers)


def _inline(text: str) -> str:
    """Text as HTML: `code` and *emphasis*, nothing else."""

    def mark(found: re.Match) -> str:
        code, emphasis = found.groups()
        return f"<code>{code}</code>" if code else f"<em>{emphasis}</em>"

    return re.sub(r"`([^`]+)`|\*(\S(?:[^*]*\S)?)\*", mark, html.escape(text, quote=False))


def _form(key: str, number: int, question: Question) -> str:
    name = f"{key}-{number}"
    if question.kind == "numeric":
        fields = [
            '<label class="number">Your number: '
            f'<input type="text" inputmode="decimal" autocomplete="off" spellcheck="false" {_KEYS}>'
            "</label>"
        ]
    else:
        fields = [
            f'<label><input type="radio" name="{name}" value="{i}" {_KEYS}> '
            f"<span>{_inline(answer.text)}</span></label>"
            for i, answer in enumerate(question.answers)
        ]
    return "\n".join(
        [
            f'<form data-number="{number}" action="#{key}">',
            f'<fieldset aria-describedby="{name}-text"><legend>Question {number}</legend>',
            f'<p class="question" id="{name}-text">{_inline(question.text)}</p>',
            *fields,
            f'<button type="submit" {_KEYS}>Check</button>',
            '<output aria-live="polite"></output>',
            "</fieldset></form>",
        ]
    )


def _reasons(number: int, question: Question) -> str:
    """The answers of one question with what is said of each."""
    items = []
    for answer in question.answers:
        limits = "" if answer.low is None else f' data-low="{answer.low}" data-high="{answer.high}"'
        verdict = "Right" if answer.correct else "Wrong"
        said = f"{verdict}: {_inline(answer.text)}" if answer.text else _range_text(answer, verdict)
        items.append(
            f'<li data-right="{str(answer.correct).lower()}"{limits}><strong>{said}</strong> '
            f"<span>{_inline(answer.feedback)}</span></li>"
        )
    return "\n".join(
        [f"<p>Question {number}</p>", f'<ul data-question="{number}">', *items, "</ul>"]
    )


def _range_text(answer: Answer, verdict: str) -> str:
    if answer.low is None:
        return "Any other number:"
    return f"{verdict}: {(answer.low + answer.high) / 2:.3g}"

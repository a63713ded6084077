"""The classroom: exercises cut out of the chapters, marked, released and graded.

The chapters are the one source. Nothing in the library stands on this package.
"""

from stim_lib.classroom.exercises import Chapter, Exercise, ExerciseError, GradedCell, read_chapter
from stim_lib.classroom.individual import student_city, student_seed
from stim_lib.classroom.marking import Mark, mark, prepare
from stim_lib.classroom.quiz import load_quiz, show_quiz
from stim_lib.classroom.release import write_release

__all__ = [
    "Chapter",
    "Exercise",
    "ExerciseError",
    "GradedCell",
    "Mark",
    "load_quiz",
    "mark",
    "prepare",
    "read_chapter",
    "show_quiz",
    "student_city",
    "student_seed",
    "write_release",
]

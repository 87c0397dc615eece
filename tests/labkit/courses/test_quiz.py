"""The short test before and after a course: pairs of questions, refused by file and line, each form first for half."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit.courses import load_course, load_courses
from labkit.courses.course import LANGUAGES
from labkit.courses.quiz import form_of, right_of
from labkit.errors import AuthorError

TOML = 'title = "T"\n[[outcomes]]\nid = "clip"\ntext = "C"\n[[outcomes]]\nid = "judge"\ntext = "J"\n'
LABS = '[[labs]]\nid = "one"\ntitle = "One"\n'
WORDS = '[items.{}]\nquestion = "Q?"\nchoices = ["a", "b", "c"]\nexplanation = "E."\n'


def item(form: str, right: int = 2, pair: str = "p", outcome: str = "clip") -> str:
    head = f'[[items]]\npair = "{pair}"\nform = "{form}"\noutcome = "{outcome}"\nright = {right}\n'
    return head + WORDS.format("en") + WORDS.format("fil").replace("Q?", "T?")


GOOD = item("A") + item("B", right=1)


def load(write, text: str):
    root = write(toml=TOML + LABS)
    (root / "c" / "test.toml").write_text(text)
    return load_course(root, "c")


def test_a_test_is_two_forms_of_parallel_questions_in_every_language(write):
    quiz = load(write, GOOD + item("B", pair="q") + item("A", pair="q")).quiz
    assert [(one.pair, one.right) for one in quiz.form("A")] == [("p", 1), ("q", 1)]
    assert [(one.pair, one.right) for one in quiz.form("B")] == [("p", 0), ("q", 1)]
    assert quiz.items[0].texts["fil"].question == "T?" and quiz.items[0].texts["en"].choices == ("a", "b", "c")
    assert right_of(quiz.form("A"), {"p": 1, "q": None}) == 1


def test_a_course_needs_none(write):
    assert load_course(write(), "c").quiz is None


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("", 1, "no items"),
        ("x = 3\n" + GOOD, 1, "unknown key 'x'"),
        (GOOD.replace('form = "B"', 'form = "C"'), 16, "form = 'C'"),
        (GOOD.replace("right = 1", "right = 4"), 18, "right = 4"),
        (GOOD.replace("right = 1", "right = 0"), 18, "right = 0"),
        (GOOD.replace("right = 1\n", ""), 14, "right = None"),
        (GOOD.replace('"clip"', '"clap"'), 4, "no outcome 'clap'"),
        (item("A") + item("B", outcome="judge"), 17, "about two outcomes"),
        (item("A") + item("A"), 15, "has a form A already"),
        (item("A"), 2, "has no form B"),
        (GOOD.replace('["a", "b", "c"]', '["a", "b"]', 1), 8, "different numbers of choices"),
        (GOOD.replace('["a", "b", "c"]', '["a", "b", "a"]', 1), 6, "two choices say the same in 'en'"),
        (GOOD.replace('["a", "b", "c"]', '["a"]', 1), 6, "fewer than two choices in 'en'"),
        (GOOD.replace("explanation", "because", 1), 9, "unknown key 'because'"),
        (GOOD.replace('explanation = "E."\n', "", 1), 6, "no question or no explanation in 'en'"),
        (item("A").partition("[items.fil]")[0] + item("B"), 1, "no question or no explanation in 'fil'"),
    ],
)
def test_what_a_test_cannot_hold_is_refused_by_file_and_line(write, text: str, line: int, found: str):
    with pytest.raises(AuthorError) as refused:
        load(write, text)

    assert refused.value.file.endswith("test.toml")
    assert (refused.value.line, found in refused.value.found) == (line, True), refused.value


def test_each_form_comes_first_for_about_half_and_the_other_one_afterwards():
    names = [f"learner-{number}" for number in range(400)]
    first = [form_of(b"secret", "c", name, "before") for name in names]
    assert 160 < first.count("A") < 240
    assert all({form_of(b"secret", "c", name, phase) for phase in ("before", "after")} == {"A", "B"} for name in names)
    assert first == [form_of(b"secret", "c", name, "before") for name in names]
    assert first != [form_of(b"another", "c", name, "before") for name in names]
    assert first != [form_of(b"secret", "d", name, "before") for name in names]


TESTED = [course for course in load_courses(Path(__file__).parents[3] / "courses") if course.quiz]


@pytest.mark.parametrize("course", TESTED, ids=lambda course: course.id)
def test_the_tests_of_this_repository_give_nothing_away_by_their_form(course):
    """Neither where the right choice stands nor how long it is may tell it."""
    for form in ("A", "B"):
        items = course.quiz.form(form)
        assert len({one.right for one in items}) > 1
        for language in LANGUAGES:
            texts = [(one.texts[language], one.right) for one in items]
            longest = [text.choices[right] == max(text.choices, key=len) for text, right in texts]
            assert sum(longest) <= len(items) / 2, (form, language)
    assert {one.outcome for one in course.quiz.items} == {one.id for one in course.outcomes}
    assert not [one for one in course.quiz.items if re.search(r"all of (these|the above)", str(one.texts), re.I)]

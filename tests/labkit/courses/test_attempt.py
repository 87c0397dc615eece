import pytest

from labkit.courses import Bound, load_attempts, load_course
from labkit.errors import AuthorError


def attempts(write, text: str):
    return load_attempts(load_course(write(attempt=text), "c").lab("one"))


@pytest.mark.parametrize(
    ("line", "bound"),
    [
        ("# score: 42", Bound("=", 42)),
        ("# score: 42.5%", Bound("=", 42.5, percent=True)),
        ("# score: >=90%", Bound(">=", 90, percent=True)),
        ("# score: <=60% loses clip-properties", Bound("<=", 60, percent=True, loses=("clip-properties",))),
        (
            "# score: 0 loses clip-examples, clip-properties",
            Bound("=", 0, loses=("clip-examples", "clip-properties")),
        ),
    ],
)
def test_the_first_line_says_the_score(write, line, bound):
    (attempt,) = attempts(write, f'{line}\n# %% solution="clip"\nclip = max\n# %% [markdown] answer="reflect"\n# No.\n')

    assert attempt.bound == bound
    assert attempt.answers == {"clip": "clip = max", "reflect": "No."}
    assert f"# score: {attempt.bound}".replace(",", "") == line.replace(",", "")


@pytest.mark.parametrize(
    ("bound", "score", "holds"),
    [
        (Bound("=", 2), 2, True),
        (Bound("=", 2), 2.1, False),
        (Bound("=", 40, True), 2, True),
        (Bound(">=", 90, True), 4.5, True),
        (Bound(">=", 90, True), 4.4, False),
        (Bound("<=", 60, True), 3, True),
        (Bound("<=", 60, True), 3.1, False),
    ],
)
def test_a_bound_is_held_or_not(bound, score, holds):
    assert bound.holds(score, of=5) is holds


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("", 1, "the first line is ''"),
        ("# points: 3\n", 1, "the first line is"),
        ("# score: about 3\n", 1, "the first line is"),
        ("# score: 3 loses clip\n", 1, "there is no test 'clip'"),
        ('# score: 3\n# %% solution="clop"\nx = 1\n', 2, "solution 'clop' is no answer"),
        ('# score: 3\n# %% test="clip-examples"\nx = 1\n', 2, "test 'clip-examples' is no answer"),
        ('# score: 3\n# %% solution="clip"\nx = 1\n# %% solution="clip"\nx = 1\n', 4, "answered twice"),
        ("# score: 3\nx = 1\n", 2, "text before the first cell"),
    ],
)
def test_what_is_no_attempt_is_refused_by_file_and_line(write, text, line, found):
    with pytest.raises(AuthorError) as refused:
        attempts(write, text)

    assert refused.value.file.endswith("attempt.py")
    assert (refused.value.line, found in refused.value.found) == (line, True), refused.value


def test_an_empty_solution_is_the_labs_own_and_one_left_out_is_not_answered(write):
    (own,) = attempts(write, '# score: 5\n# %% solution="clip"\n')
    assert own.answers["clip"] == "def clip(x, low, high):\n    return max(low, min(high, x))"

    (none,) = attempts(write, '# score: 0\n# %% [markdown] answer="reflect"\n# No.\n')
    assert "clip" not in none.answers

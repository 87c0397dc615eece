"""Whatever a solution looks like, learners do not get it, and both faces are Python."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.courses.imports.configuration import Settings
from labkit.courses.imports.solution import released, solution, written
from labkit.courses.marks import learner_source, reference_source

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def faces(source: str, settings: Settings = Settings()) -> tuple[str, str, tuple[str, ...]]:  # noqa: B008 - frozen
    text, told = solution(source, settings)
    return reference_source("", 0, text), learner_source("", 0, text), told


@pytest.mark.parametrize(
    ("source", "starter"),
    [
        (f"x = 1\n{BEGIN}\nsecret = 2\n{END}\ny = 3", "x = 1\n# YOUR CODE HERE\nraise NotImplementedError()\ny = 3"),
        (f"def f():\n  {BEGIN}\n  return 1\n  {END}", "def f():\n  # YOUR CODE HERE\n  raise NotImplementedError()"),
        ("#BEGIN SOLUTION#\nsecret = 2\n## END SOLUTION now", "# YOUR CODE HERE\nraise NotImplementedError()"),
        (f"{BEGIN}\nsecret = 2", "# YOUR CODE HERE\nraise NotImplementedError()"),
        (f"{BEGIN}\n{BEGIN}\nsecret = 2\n{END}", "# YOUR CODE HERE\nraise NotImplementedError()"),
        (f"x = [\n{BEGIN}\n1,\n{END}\n]", "# YOUR CODE HERE\nraise NotImplementedError()"),
        ("def secret(:", "# YOUR CODE HERE\nraise NotImplementedError()"),
        ("%time secret = 2", "# YOUR CODE HERE\nraise NotImplementedError()"),
        ("", "# YOUR CODE HERE\nraise NotImplementedError()"),
        ("## Begin of it\nsecret = 2\n## End of it", "# YOUR CODE HERE\nraise NotImplementedError()"),
    ],
)
def test_learners_get_what_nbgrader_would_give_them_as_far_as_it_is_python(source, starter):
    reference, learner, _ = faces(source)

    assert learner == starter
    ast.parse(reference)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("!pip install x\ny = 1", "`!pip install x` is a command"),
        (f"{BEGIN}\nx = 1", "its marks do not match"),
        (f"x = [\n{BEGIN}\n1,\n{END}\n]", "they get the stub alone"),
        ("def secret(:", "its solution is not Python"),
    ],
)
def test_what_was_changed_in_a_solution_is_told(source, told):
    assert any(told in one for one in faces(source)[2])


@pytest.mark.parametrize("stub", ["pass", "", "# write\n\n  # here", "not python ("])
def test_a_stub_of_ones_own_is_what_learners_get_wherever_it_is_python(stub):
    _, learner, _ = faces("answer = 42", Settings(code_stub=stub))

    assert "42" not in learner
    ast.parse(learner)
    if stub == "pass":
        assert learner == "pass"


LINES = st.sampled_from(
    [
        *("x = 'tell-tale'", "    return 'tell-tale'", "def f():", "f(", "## Begin", "%ls", '"""', "if x:"),
        *(BEGIN, END, f"    {BEGIN}", f"    {END}", "### BEGIN STARTER", "# %% solution", "\t", "### END HIDDEN TESTS"),
    ]
)


@given(st.lists(LINES, max_size=9))
def test_no_mixture_of_lines_gives_the_solution_away_or_raises(lines):
    inside, whole = False, not any("BEGIN SOLUTION" in line for line in lines)
    public = set()
    for line in lines:
        inside = "BEGIN SOLUTION" in line or (inside and "END SOLUTION" not in line)
        if not inside and not whole:
            public.add(line.strip())
    reference, learner, _ = faces("\n".join(lines))

    assert {line.strip() for line in learner.split("\n") if "tell-tale" in line} <= public
    ast.parse(reference)
    ast.parse(learner)


def test_a_released_cell_is_told_from_a_source():
    assert released("def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()", Settings(), code=True)
    assert not released(f"{BEGIN}\nraise NotImplementedError()\n{END}", Settings(), code=True)
    assert not released("raise NotImplementedError()", Settings(), code=True)
    assert released("YOUR ANSWER HERE", Settings(), code=False)


def test_a_written_answer_that_is_the_stub_has_no_model_answer():
    assert written("YOUR ANSWER HERE", Settings()) == ("YOUR ANSWER HERE", "")

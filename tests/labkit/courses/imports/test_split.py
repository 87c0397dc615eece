"""One test cell of nbgrader's becomes tests of labkit's whose points add up to the same."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.courses.imports.configuration import Settings
from labkit.courses.imports.tests import split

BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


def parts(source: str, points: float = 4, settings: Settings = Settings()):  # noqa: B008 - frozen
    return [(part.source, part.points, part.hidden) for part in split(source, points, settings).parts]


def test_points_are_shared_by_the_number_of_assertions():
    source = f"assert a == 1\n{BEGIN}\nassert a == 2\nassert a == 3\nassert_equal(a, 4)\n{END}"

    assert parts(source) == [
        ("assert a == 1", 1, False),
        ("assert a == 2\nassert a == 3\nassert_equal(a, 4)", 3, True),
    ]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (f"{BEGIN}\nassert a\n{END}", "nothing is visible"),
        (f"import x\nvalue = 3\n{BEGIN}\nassert a\n{END}", "what is visible asserts nothing"),
        (f"assert a\n{BEGIN}\nvalue = 3\n{END}", "what is hidden asserts nothing"),
        (f"for x in a:\n    assert x\n    {BEGIN}\n    assert x + 1\n    {END}", "the region stands in a block"),
        (f"if a:\n{BEGIN}\n    assert a\n{END}\nassert b", "what is left is not Python"),
    ],
)
def test_what_cannot_be_taken_apart_is_one_hidden_test(source, why):
    found = parts(source)

    assert len(found) == 1, why
    assert found[0][1:] == (4, True)
    assert "HIDDEN TESTS" not in found[0][0]


@pytest.mark.parametrize("source", ["f(3)", "np.testing.assert_allclose(a, b)", "x = f(3)", "f[0]"])
def test_a_test_that_fails_by_raising_says_so_to_labkit(source):
    found = split(source, 2, Settings())

    assert found.parts[0].source == f"{source}\nassert True  # nothing above failed"
    assert any("asserts nothing by `assert`" in told for told in found.told)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "cannot fail"),
        ("# only a comment", "cannot fail"),
        ('"""Only words."""', "cannot fail"),
        ("### AUTOTEST f(1)", "AUTOTEST lines are not tests yet"),
        ("assert (", "not Python"),
        ("check('x', a)", "labkit's own"),
        ("a" * 10 + "(" * 500, "not Python"),
    ],
)
def test_what_cannot_be_graded_says_why(source, why):
    found = split(source, 2, Settings())

    assert not found.parts
    assert why in found.why


@pytest.mark.parametrize("last", ["score", "0.5", "points / 2", "round(score, 2)", "-1 * score", "2 if a else 0"])
def test_a_last_line_that_is_a_number_gives_that_many_points(last):
    source = parts(f"score = 1\n{last}", 4)[0][0]

    names = {"score": 3, "points": 4, "a": True, "check": lambda reason, held, points: given.append(points)}
    given: list[float] = []
    exec(source, names)
    assert given == [min(4, max(0, eval(last, dict(names))))]


@pytest.mark.parametrize("last", ["f(3)", "'text'", "True", "table.describe()", "[1, 2]"])
def test_a_last_line_that_is_shown_to_be_seen_stays(last):
    assert last in parts(f"assert a\n{last}")[0][0]


def test_autotest_lines_beside_asserts_are_told():
    assert any("AUTOTEST" in told for told in split("assert a\n### AUTOTEST f(1)", 1, Settings()).told)


LINES = st.sampled_from(
    ["assert a", "b = 1", "f(a)", f"{BEGIN}", f"{END}", f"    {BEGIN}", "if a:", "    assert b", "%ls", "("]
)


@given(st.lists(LINES, max_size=8), st.sampled_from([0.001, 0.01, 0.5, 1, 2, 3, 7.5, 100]))
def test_points_add_up_and_hidden_lines_stay_hidden_whatever_the_cell(lines, points):
    source = "\n".join(lines)
    found = split(source, points, Settings())

    assert bool(found.parts) is not bool(found.why)
    if found.parts:
        assert sum(part.points for part in found.parts) == pytest.approx(points, abs=1e-9)
        assert all(part.points >= 0.001 for part in found.parts)
        assert any(part.hidden for part in found.parts) is any("BEGIN" in line for line in lines)
    for part in found.parts:
        ast.parse(part.source)

"""What each kind of nbgrader's cells becomes."""

import json

import pytest

from labkit.courses import notebook as built
from tests.labkit.courses.imports.conftest import SOLVED, TESTED, answer, cell, graded, plain, prose, solution


def face(made, which: str) -> dict[str, str]:
    """The sources of one face by cell id."""
    return {one["id"]: "".join(one["source"]) for one in built(made.lab, made.text, which)["cells"]}


def test_a_solution_and_its_test_keep_marks_points_and_a_name_one_can_recognise(lab):
    made = lab(SOLVED, graded("assert f(1) == 2", "Test_F.1", 2.5))

    assert made.kinds == ["solution", "test"]
    assert [(one.name, one.points) for one in made.cells] == [("f", 0), ("test-f-1", 2.5)]
    assert made.cells[0].reference == "def f(x):\n    return x + 1"
    assert made.cells[0].starter == "def f(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert ("cell 2 (Test_F.1)", "test-f-1") in made.report.labs[0].names
    assert not made.told


def test_a_solution_without_marks_is_taken_out_as_a_whole(lab):
    made = lab(solution("x = 41 + 1"), graded("assert x == 42"))

    assert made.cells[0].reference == "x = 41 + 1"
    assert made.cells[0].starter == "# YOUR CODE HERE\nraise NotImplementedError()"


def test_code_that_a_person_grades_is_a_solution_with_points(lab):
    made = lab(answer("def g():\n    return 1", "essay_code", 4, kind="code"))

    assert [(one.kind, one.name, one.points) for one in made.text.manual] == [("solution", "essay-code", 4)]
    metadata = built(made.lab, made.text, "learner")["cells"][0]["metadata"]["nbgrader"]
    assert (metadata["grade"], metadata["solution"], metadata["points"], metadata["locked"]) == (True, True, 4, False)
    assert (made.report.labs[0].automatic, made.report.labs[0].manual) == (0, 4)


def test_a_written_answer_gives_learners_the_stub_and_graders_the_model_answer(lab):
    made = lab(answer("Because it is the only number that is even and prime."))

    assert (made.cells[0].kind, made.cells[0].source, made.cells[0].points) == ("answer", "YOUR ANSWER HERE", 3)
    assert "even and prime" in (made.folder / "one" / "README.md").read_text()
    assert "even and prime" not in json.dumps([face(made, which) for which in ("learner", "grader")])


def test_of_a_written_answer_with_marks_only_what_stands_between_them_is_taken_out(lab):
    made = lab(answer("Why?\n\n### BEGIN SOLUTION\nThe secret reason.\n### END SOLUTION\nSay it in a sentence."))

    assert made.cells[0].source == "Why?\n\nYOUR ANSWER HERE\nSay it in a sentence."
    assert "The secret reason." in (made.folder / "one" / "README.md").read_text()


def test_a_task_is_prose_and_an_answer_below_it_and_its_mark_scheme_is_kept_from_learners(lab):
    text = "Plot it.\n\n### BEGIN MARK SCHEME\nOne point for each axis.\n### END MARK SCHEME"
    made = lab(cell("markdown", text, "plot", task=True, locked=True, points=4))

    assert [(one.kind, one.name, one.points) for one in made.cells] == [("prose", "", 0), ("answer", "plot", 4)]
    assert made.cells[0].source == "Plot it."
    assert "each axis" not in json.dumps(face(made, "grader"))
    assert "One point for each axis." in (made.folder / "one" / "README.md").read_text()
    assert "cells they add are not graded" in made.told


def test_read_only_cells_stay_what_they_are(lab):
    made = lab(
        cell("markdown", "# Title", "intro", locked=True),
        cell("code", "unused = 1", "given", locked=True),
        SOLVED,
        TESTED,
    )

    assert made.kinds == ["prose", "code", "solution", "test"]
    assert made.lab.title == "Title"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("f(10)", "demo"),
        ("NAME = ''", "demo"),
        ("print('hello')", "demo"),
        ("import math", "code"),
        ("limit = 3\nf(10)", "code"),
        ("%matplotlib inline", "demo"),
        ("%%bash\nls", "demo"),
        ("def g(:", "demo"),
    ],
)
def test_a_plain_cell_is_run_when_graded_only_where_a_later_cell_needs_it(lab, source, kind):
    made = lab(plain(source), SOLVED, graded("assert f(1) == math.sqrt(4) if 'limit' else limit"))

    assert made.kinds[0] == kind


def test_a_cell_that_changes_what_others_use_is_needed_and_so_is_what_it_uses_itself(lab):
    cells = [plain("start = 7"), plain("things = []"), plain("things.append(start)"), plain("things")]
    made = lab(*cells, SOLVED, graded("assert f(6) == things[0]"))

    assert made.kinds == ["code", "code", "code", "demo", "solution", "test"]


def test_commands_beside_code_that_is_needed_stand_in_a_demo_cell(lab):
    made = lab(plain("%matplotlib inline\nimport math\n!ls"), SOLVED, graded("assert f(1) == math.sqrt(4)"))

    assert made.kinds[:2] == ["demo", "code"]
    assert made.cells[0].source == "%matplotlib inline\n!ls"
    assert made.cells[1].source == "import math"
    assert "demo cell of their own" in made.told


def test_a_timed_cell_keeps_its_code(lab):
    made = lab(plain("%%time\nlimit = 2"), SOLVED, graded("assert f(1) == limit"))

    assert [(one.kind, one.source) for one in made.cells[:2]] == [("demo", "%%time"), ("code", "limit = 2")]


def test_a_raw_cell_becomes_plain_text(lab):
    made = lab({"cell_type": "raw", "metadata": {}, "source": "as ``` it is"}, SOLVED, TESTED)

    assert made.cells[0].source == "````\nas ``` it is\n````"
    assert "a raw cell" in made.told


def test_a_name_that_is_there_twice_gets_a_number_and_is_told(lab):
    made = lab(
        SOLVED, graded("assert f(1) == 2", "t"), graded("assert f(2) == 3", "t"), graded("assert f(3) == 4", "T")
    )

    assert [one.name for one in made.cells] == ["f", "t", "t-2", "t-3"]
    assert "cell 3 (t): another cell has this name already" in made.told


@pytest.mark.parametrize(("points", "kept"), [(1 / 3, 0.333), (20_000, 9999.999), ("2", 2)])
def test_points_that_a_lab_cannot_hold_are_told_and_come_as_near_as_they_can(lab, points, kept):
    made = lab(SOLVED, graded("assert f(1) == 2", "t", points))

    assert made.cells[1].points == kept
    assert ("points cannot be written here" in made.lost) is (points != "2")


def test_a_test_without_points_can_be_run_and_counts_nothing(lab):
    made = lab(SOLVED, graded("assert f(1) == 2", "t", 0), TESTED)

    assert made.kinds == ["solution", "demo", "test"]
    assert "it gives no points" in made.lost


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (cell("markdown", "x", "m", solution=True), "a written answer without points"),
        (cell("markdown", "x", "m", grade=True, points=2), "graded prose that nobody could write in"),
        (cell("code", "y = 1", "k", task=True, points=2), "a task in a code cell"),
        (cell("markdown", "x", "m", task=True), "a task without points"),
        (
            plain("def g():\n    ### BEGIN SOLUTION\n    return 7\n    ### END SOLUTION"),
            "a solution in a cell that is none",
        ),
        (plain("### BEGIN HIDDEN TESTS\nassert f(77777) == 77778\n### END HIDDEN TESTS"), "hidden tests in a cell"),
        (prose("### BEGIN SOLUTION\nthe truth\n### END SOLUTION"), "a solution in a cell that is none"),
    ],
)
def test_what_nbgrader_refuses_is_imported_as_far_as_it_goes_and_told(lab, wrong, told):
    made = lab(SOLVED, TESTED, wrong)

    assert told in made.told
    shown = json.dumps(face(made, "learner"))
    assert "return 7" not in shown
    assert "77778" not in shown
    assert "the truth" not in shown


@pytest.mark.parametrize("line", ["## Begin here", "### End of tests", "### BEGIN TESTS of mine", "# BEGIN"])
def test_a_heading_or_comment_that_looks_like_a_mark_builds(lab, line):
    made = lab(prose(f"{line}\n\ntext"), plain(f"{line}\nlimit = 2"), SOLVED, graded(f"{line}\nassert f(1) == limit"))

    shown = "\n".join(face(made, "learner").values())
    assert line.lstrip("# ") in shown


def test_a_hidden_line_that_learners_see_elsewhere_does_not_stop_the_build(lab):
    line = 'assert f(1) == 2, "f adds one to a number"'
    made = lab(SOLVED, graded(f"{line}\n### BEGIN HIDDEN TESTS\n{line}\nassert f(8) == 9\n### END HIDDEN TESTS"))

    assert "elsewhere" in made.cells[2].source
    assert "assert f(8) == 9" not in json.dumps(face(made, "learner"))


def test_other_delimiters_and_stubs_of_the_configuration_hold(lab):
    config = (
        "c = get_config()\n"
        'c.ClearSolutions.begin_solution_delimeter = "VVV"\nc.ClearSolutions.end_solution_delimeter = "AAA"\n'
        'c.ClearSolutions.code_stub = {"python": "pass  # todo", "R": "x"}\n'
        'c.ClearSolutions.text_stub = "Write here."\n'
        'c.ClearHiddenTests.begin_test_delimeter = "HUSH"\nc.ClearHiddenTests.end_test_delimeter = "TALK"\n'
        'c.ClearMarkScheme.begin_mark_scheme_delimeter = "<marks>"\n'
        'c.ClearMarkScheme.end_mark_scheme_delimeter = "</marks>"\n'
    )
    made = lab(
        solution("def f(x):\n    # VVV\n    return x + 1\n    # AAA"),
        graded("assert f(1) == 2\n# HUSH\nassert f(5) == 6\n# TALK"),
        answer("An answer."),
        cell("markdown", "Do.\n<marks>\nsecret\n</marks>", "do", task=True, points=1),
        config=config,
    )

    assert made.cells[0].starter == "def f(x):\n    pass  # todo"
    assert [(one.name, one.points, one.hidden) for one in made.text.of("test")] == [
        ("f-test", 1, False),
        ("f-test-hidden", 1, True),
    ]
    assert [one.source for one in made.text.of("answer", "prose")] == ["Write here.", "Do.", "Write here."]


def test_a_header_and_a_footer_stand_in_every_lab(course, bring):
    notebook = [SOLVED, TESTED]
    files = {
        "source/one/one.ipynb": notebook,
        "source/two/two.ipynb": notebook,
        "source/top.ipynb": [prose("Read me first.")],
        "source/end.ipynb": [prose("Thank you.")],
    }
    config = 'c = get_config()\nc.IncludeHeaderFooter.header = "source/top.ipynb"\n'
    config += 'c.IncludeHeaderFooter.footer = "source/end.ipynb"\n'
    brought = bring(course(files, config))

    for lab in brought.course.labs:
        text = (lab.path / "lab.py").read_text()
        assert text.startswith("# %% [markdown]\n# Read me first.\n")
        assert text.endswith("# Thank you.\n")


def test_a_test_that_the_grader_cannot_ask_is_set_aside_whole(lab):
    def examine(found):
        text = (found.path / "lab.py").read_text()
        return {"t-hidden": "it asks for `is`"} if 'test="t-hidden"' in text else {}

    made = lab(
        SOLVED,
        graded("assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f is f\n### END HIDDEN TESTS", "t"),
        examine=examine,
    )

    assert [(one.name, one.points) for one in made.text.of("test")] == [("t", 1)]
    assert "the test t-hidden is set aside and gives no points: it asks for `is` (1 point)" in made.lost
    assert "assert f is f" in (made.folder / "one" / "README.md").read_text()
    assert made.report.labs[0].before == 2


MUCH = 100_000


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param([prose("[" * MUCH)], id="brackets"),
        pytest.param([prose("](" * MUCH)], id="links"),
        pytest.param([prose("src =" * MUCH)], id="sources"),
        pytest.param([prose("# a" + " #" * MUCH + "x")], id="hashes"),
        pytest.param([prose("\n" * MUCH + "x")], id="empty lines"),
        pytest.param([{"cell_type": "raw", "metadata": {}, "source": "`" * MUCH}], id="fences"),
        pytest.param([solution("\n" * MUCH + "x = 1", "s")], id="an empty solution"),
        pytest.param([solution("## BEGIN\n" * 20_000, "s")], id="marks"),
        pytest.param([graded("-" * MUCH + "1", "g")], id="signs"),
        pytest.param([graded("x" + ".a" * (MUCH // 2), "g")], id="attributes"),
        pytest.param([graded("assert f(1)\n" + "+".join(["f(1)"] * 900), "g")], id="a long sum"),
        pytest.param([cell("code", "x = " + "+".join("a" * MUCH), "l", locked=True)], id="a sum too long"),
        pytest.param([prose("x", attachments={"a.png": {"image/png": "YQ=="}})] * 500, id="attachments"),
        pytest.param([graded("assert f(1) == 2", "same")] * 1_000, id="one name"),
    ],
)
def test_what_is_odd_in_one_cell_costs_no_more_than_its_size_and_no_other_cell(lab, odd):
    made = lab(SOLVED, *odd, graded("assert f(1) == 2", "last", 7))

    assert (made.cells[0].name, made.cells[-1].name, made.cells[-1].points) == ("f", "last", 7)


def test_names_and_words_of_no_text_file_reach_no_file_and_no_terminal(lab):
    made = lab(
        prose("# \x1b[31mRed"), answer("x", "why\ud800\x1b[2J"), SOLVED, TESTED, **{"source/one/\x1b[31m.csv": "x"}
    )

    every = "".join(path.read_text() for path in made.folder.rglob("*") if path.suffix in (".md", ".toml"))
    assert "\x1b" not in every + made.told + json.dumps(made.report.to_json(), ensure_ascii=False)
    assert made.text.of("answer")[0].name == "why-2j"

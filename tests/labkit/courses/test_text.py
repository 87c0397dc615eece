import pytest

from labkit.courses import load_course, load_text
from labkit.courses.header import Header, parse_header
from labkit.errors import AuthorError

TEST = '# %% test="t" points=1\nassert True is not False\n'
FIL = '# %% solution="clip"\n# %% test="clip-examples" points=2\n# %% test="clip-properties" points=3 hidden\n'


def read(write, lab: str, **files: str):
    return load_text(load_course(write(lab, **files), "c").lab("one"))


def test_the_cells_of_a_lab_are_read_in_order(write):
    text = load_text(load_course(write(), "c").lab("one"))

    assert [cell.id for cell in text.cells] == ["prose_1", "clip", "clip-examples", "clip-properties", "reflect"]
    assert [cell.kind for cell in text.cells] == ["prose", "solution", "test", "test", "answer"]
    assert [cell.points for cell in text.cells] == [0, 0, 2, 3, 10]
    assert [cell.hidden for cell in text.cells] == [False, False, False, True, False]
    assert text.cells[0].source == "# Clip"
    assert text.cells[1].reference.endswith("    return max(low, min(high, x))")
    assert text.cells[1].starter.endswith("    # YOUR CODE HERE\n    raise NotImplementedError()")


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("# %%", Header("code")),
        ("# %% demo", Header("demo")),
        ("# %% [markdown]", Header("prose")),
        ('# %% solution="a-1"', Header("solution", "a-1")),
        ("# %% test=a points=2.5 hidden", Header("test", "a", 2.5, True)),
        ('# %% hidden points=3 test="a"', Header("test", "a", 3, True)),
        ('# %% [markdown] answer="why" points=10', Header("answer", "why", 10)),
        ('# %% test="a" points=3 hidden outcome="few-shot"', Header("test", "a", 3, True, "few-shot")),
        ('# %% solution="a" outcome=judge points=5', Header("solution", "a", 5, False, "judge")),
    ],
)
def test_a_header_is_read(line, header):
    assert parse_header(line, "lab.py", 1) == header


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("#%%", "a cell begins with"),
        ("# %%demo", "a cell begins with"),
        ("# %% Exercise one", "unknown word 'Exercise'"),
        ('# %% soluton="a"', "unknown word 'soluton'"),
        ("# %% solution", "`solution` has no value"),
        ('# %% demo="a"', "`demo` takes no value"),
        ('# %% solution="Clip It"', "cannot be a cell's name"),
        ('# %% solution="a_1"', "cannot be a cell's name"),
        ("# %% demo points=3", "cannot have points"),
        ('# %% test="a"', "has no points"),
        ('# %% test="a" points=0', "points=0"),
        ('# %% test="a" points=many', "points=many"),
        ('# %% test="a" points=1 points=2', "there twice"),
        ('# %% solution="a" hidden', "cannot be hidden"),
        ('# %% solution="a" test="b" points=1', "both solution and test"),
        ('# %% [markdown] solution="a"', "cannot be solution"),
        ('# %% answer="a" points=1', "cannot be answer"),
        ('# %% test="a', "cannot read"),
        ("# %% [raw]", "unknown word '[raw]'"),
        ('# %% demo outcome="a"', "`outcome` does not belong here"),
        ('# %% solution="a" outcome="b"', "an outcome without points"),
        ('# %% test="a" points=1 outcome=""', "cannot be an outcome's id"),
        ('# %% test="a" points=1 outcome', "`outcome` has no value"),
    ],
)
def test_a_header_that_is_not_understood_is_refused(line, found):
    with pytest.raises(AuthorError) as refused:
        parse_header(line, "lab.py", 7)

    assert (refused.value.file, refused.value.line) == ("lab.py", 7)
    assert found in refused.value.found
    assert (
        "Write" in refused.value.instead
        or "Make" in refused.value.instead
        or "Use" in refused.value.instead
        or ("Only" in refused.value.instead)
    )


@pytest.mark.parametrize(
    ("lab", "line", "found"),
    [
        ("", 1, "no cell in this file"),
        ("import os\n# %%\n", 1, "text before the first cell"),
        ("# %% [markdown]\nplain words\n", 2, "not a comment"),
        (TEST + TEST, 3, "'t' was used on line 1"),
        ('# %% solution="s"\nx = 1\n', 1, "nothing in this solution is marked"),
        ('# %% solution="s"\n### BEGIN SOLUTION\nx = 1\n', 2, "never closed"),
        ('# %% solution="s"\nx = 1\n### END SOLUTION\n', 3, "does not close"),
        ('# %% solution="s"\n### BEGIN SOLUTION\n### BEGIN SOLUTION\n', 3, "does not close or open"),
        ('# %% solution="s"\n### Begin Solution\n', 2, "unknown mark"),
        (
            '# %% solution="s"\n### BEGIN STARTER\n# x\n### END STARTER\n### BEGIN SOLUTION\n### END SOLUTION',
            2,
            "starter",
        ),
        (
            '# %% solution="s"\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n### BEGIN STARTER\nx = 2\n### END STARTER',
            6,
            "a starter line is not a comment",
        ),
        ('# %% test="t" points=1\n### BEGIN HIDDEN TESTS\nassert 1\n', 2, "outside a solution"),
        ('# %% test="t" points=1\nx = 1\n', 1, "this test cannot fail"),
        ('# %% test="t" points=3\ncheck("a", 1)\ncheck("b", 2)\n', 1, "its checks add up to 2"),
        ("# %%\nx = = 1\n", 2, "is not Python"),
        ("# %%\n%matplotlib inline\n", 2, "is not Python"),
    ],
)
def test_what_a_lab_cannot_hold_is_refused_by_file_and_line(write, lab, line, found):
    with pytest.raises(AuthorError) as refused:
        read(write, lab)

    assert refused.value.file.endswith("one/lab.py")
    assert (refused.value.line, found in refused.value.found) == (line, True), refused.value


@pytest.mark.parametrize(
    "test",
    [
        'for n in range(3):\n    check("each", n >= 0)\n',
        'check("a", 1, points=2)\nif len("a"):\n    check("b", 1)\n',
        'check("a", 1, points=3 / 2)\ncheck("b", 1)\n',
    ],
)
def test_points_that_cannot_be_seen_without_running_are_not_summed(write, test):
    text = read(write, f'# %% test="t" points=9\n{test}')

    assert text.cells[0].points == 9


def test_an_author_may_write_the_starter(write):
    lab = (
        '# %% solution="s"\ndef f(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n'
        "    ### BEGIN STARTER\n    # if x:\n    #     return x\n    #\n    ### END STARTER\n"
        f"# %% [markdown]\n# end\n{TEST}"
    )
    cell = read(write, lab).cells[0]

    assert cell.reference == "def f(x):\n    return 2 * x"
    assert cell.starter.rstrip() == "def f(x):\n    if x:\n        return x"


def test_a_filipino_text_takes_sources_it_leaves_empty(write):
    root = write(fil=FIL + '# %% [markdown] answer="reflect" points=10\n# Saan?\n')
    lab = load_course(root, "c").lab("one")
    english, filipino = load_text(lab), load_text(lab, "fil")

    assert lab.languages == ("en", "fil")
    assert filipino.of("solution")[0].reference == english.of("solution")[0].reference
    assert filipino.of("answer")[0].source == "Saan?"


@pytest.mark.parametrize(
    ("fil", "found"),
    [
        (FIL, "the answer 'reflect' of lab.py is missing"),
        (FIL.replace("points=2", "points=4"), "has 4 points, in lab.py it has 2"),
        (FIL.replace(" hidden", ""), "is not what lab.py has here"),
        (FIL.replace('solution="clip"', 'solution="putol"'), "is not what lab.py has here"),
        (
            FIL + '# %% [markdown] answer="reflect" points=10\n# S\n# %% test="more" points=1\nassert clip\n',
            "lab.py has no 'more'",
        ),
    ],
)
def test_a_filipino_text_must_grade_what_the_english_one_does(write, fil, found):
    lab = load_course(write(fil=fil), "c").lab("one")

    with pytest.raises(AuthorError) as refused:
        load_text(lab, "fil")

    assert refused.value.file.endswith("lab.fil.py")
    assert found in refused.value.found


def test_a_line_that_looks_like_a_header_is_written_with_a_backslash(write):
    lab = '# %% [markdown]\n# \\%%time is a magic\n# \\\\%% two\n# %%\n# \\%% test\nx = """\n#\\%% kept\n"""\n'
    text = load_text(load_course(write(lab), "c").lab("one"))

    assert text.cells[0].source == "%%time is a magic\n\\%% two"
    assert text.cells[1].source == '# %% test\nx = """\n#%% kept\n"""'


@pytest.mark.parametrize("sign", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_sign_that_only_looks_like_a_line_end_stays_in_its_line(write, sign):
    lab = f"# %% [markdown]\n# a{sign}b\n# %% solution=\"s\"\n### BEGIN SOLUTION\nx = '''{sign}'''\n### END SOLUTION\n"
    text = load_text(load_course(write(lab), "c").lab("one"))

    assert text.cells[0].source == f"a{sign}b"
    assert text.cells[1].reference == f"x = '''{sign}'''"


@pytest.mark.parametrize("line", ["## Begin here", "### End of the part", "# BEGIN SOLUTION"])
def test_a_heading_or_comment_that_begins_with_begin_is_no_mark(write, line):
    lab = f"# %% [markdown]\n# {line}\n# %% demo\n{line}\n"

    assert [cell.source for cell in load_text(load_course(write(lab), "c").lab("one")).cells] == [line, line]


def test_a_solution_with_points_is_graded_by_a_person(write):
    lab = (
        '# %% solution="s" points=2.5\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n'
        '# %% [markdown] answer="a" points=1\n# Why?\n'
    )
    text = load_text(load_course(write(lab), "c").lab("one"))

    assert [(cell.id, cell.points) for cell in text.manual] == [("s", 2.5), ("a", 1)]


OUTCOMES = (
    'title = "T"\n[[outcomes]]\nid = "clip"\ntext = "Clip"\n[[outcomes]]\nid = "judge"\ntext = "Judge"\n'
    '[[labs]]\nid = "one"\ntitle = "One"\n'
)
NAMED = """\
# %% test="one" points=1 outcome="clip"
assert abs(-1) == 1
# %% [markdown] answer="two" points=2 outcome="judge"
# Why?
"""


def test_a_cell_says_which_outcome_its_points_count_for_and_the_filipino_one_inherits_it(write):
    fil = NAMED.replace(' outcome="clip"', "").replace("# Why?", "# Bakit?")
    lab = load_course(write(NAMED, OUTCOMES, fil=fil), "c").lab("one")

    for language in ("en", "fil"):
        assert [cell.outcome for cell in load_text(lab, language).cells] == ["clip", "judge"]


@pytest.mark.parametrize(
    ("lab", "fil", "toml", "where", "found"),
    [
        (NAMED.replace("judge", "jugde"), "", OUTCOMES, ("lab.py", 3), "no outcome 'jugde'"),
        (NAMED, "", None, ("lab.py", 1), "no outcome 'clip'"),
        (NAMED, NAMED.replace("judge", "jugde"), OUTCOMES, ("lab.fil.py", 3), "no outcome 'jugde'"),
        (NAMED, NAMED.replace("judge", "clip"), OUTCOMES, ("lab.fil.py", 3), "lab.py says 'judge'"),
    ],
)
def test_an_outcome_that_is_not_there_or_not_the_same_is_refused_by_file_and_line(write, lab, fil, toml, where, found):
    files = {"fil": fil} if fil else {}
    root = write(lab, **({"toml": toml} if toml else {}), **files)
    with pytest.raises(AuthorError) as refused:
        load_text(load_course(root, "c").lab("one"), "fil" if fil else "en")

    assert (refused.value.file.rpartition("/")[2], refused.value.line) == where
    assert found in refused.value.found


def test_an_empty_cell_of_another_language_takes_the_english_one_in_its_place(write):
    english = "# %%\nimport math\n# %% demo\nprint(1)\n# %% demo\nprint(2)\n"
    filipino = "# %%\n# %% demo\n# %% demo\nprint('dalawa')\n"
    lab = load_course(write(f"{english}{TEST}", fil=f'{filipino}# %% test="t" points=1\n'), "c").lab("one")

    sources = [cell.source for cell in load_text(lab, "fil").cells]
    assert sources == ["import math", "print(1)", "print('dalawa')", "assert True is not False"]


def test_empty_prose_of_another_language_stays_empty(write):
    lab = load_course(write(f"# %% [markdown]\n# Hello\n{TEST}", fil=f"# %% [markdown]\n{TEST}"), "c").lab("one")

    assert load_text(lab, "fil").cells[0].source == ""

"""Whatever a notebook is made of: its lab is read back, no point is lost untold, and nothing secret is shown."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labkit.courses import load_course, load_text
from labkit.courses import notebook as built
from labkit.courses.imports.course import read_course
from labkit.courses.imports.report import Notes
from labkit.courses.imports.write import write_course
from tests.labkit.courses.imports.conftest import cell, notebook

MARKS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
LINE = st.sampled_from(
    [
        *("x = 1", "assert x", "def f(): pass", "    return x", "f(x)", "## Begin", "# %% test", "%%time", "!ls", "("),
        *("check('x', x)", "import os", "score", "0.5", "", "```", "# Heading", "### AUTOTEST x", "~~~", '"""'),
    ]
)
POINTS = st.sampled_from([0, 0.1, 1 / 3, 1, 2, 5, 12_345])


@st.composite
def cells(draw: st.DrawFn) -> dict:
    """A cell whose secret lines say so: those of a region of marks, and all of an answer without marks."""
    kind = draw(st.sampled_from(["code", "code", "markdown", "raw"]))
    flags = {name: draw(st.booleans()) for name in ("grade", "solution", "locked", "task")}
    flagged = kind != "raw" and draw(st.booleans())
    mark = draw(st.sampled_from((*MARKS, "")))
    answer = flagged and flags["solution"] and not (kind == "markdown" and flags["task"])
    secret = f"secret_{draw(st.integers(0, 10**6))} = 'a line that nobody may see'"
    before, after = draw(st.lists(LINE, max_size=3)), draw(st.lists(LINE, max_size=3))
    hidden = [secret, *draw(st.lists(LINE, max_size=2)), secret]
    if mark:
        end = [f"### END {mark}", *after] if draw(st.booleans()) else []
        lines = [*(hidden if answer and mark != "SOLUTION" else before), f"### BEGIN {mark}", *hidden, *end]
    else:
        lines = [*before, *(hidden if answer else []), *after]
    about = {**flags, "points": draw(POINTS)} if flagged else {}
    return cell(kind, "\n".join(lines), draw(st.sampled_from(["a", "A b", "é", ""])) if flagged else "", **about)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(cells(), min_size=1, max_size=6), st.sets(st.sampled_from(["a", "a-2", "a-b", "cell-1"])))
def test_every_notebook_becomes_a_lab_that_gives_nothing_away_and_accounts_for_every_point(
    tmp_path_factory, made, refused
):
    folder = tmp_path_factory.mktemp("whole")
    (folder / "n.ipynb").write_text(notebook(*made))

    def examine(lab):
        return {one.id: "it cannot be asked" for one in load_text(lab).of("test") if one.id in refused}

    report = write_course(read_course(folder / "n.ipynb", "c"), folder / "to", examine, {}, Notes(""))

    (told,) = report.labs
    lab = load_course(folder / "to", "c").lab(told.id)
    text = load_text(lab)
    assert not told.refused
    assert "secret" not in json.dumps(built(lab, text, "learner"))
    assert told.automatic + told.manual + sum(note.points for note in report.lost) == pytest.approx(told.before)

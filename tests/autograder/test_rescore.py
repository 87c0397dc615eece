"""Mended checks: old and new scores are shown first, and written with their history when agreed to."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.grader import Grader
from autograder.rescore import commit, propose, refuse
from labkit.courses import load_course

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.timeout(120),
    # nbgrader's own way with SQLAlchemy's sessions.
    pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning"),
]
RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"
TIES = "def clip(x, low, high):\n    return low if x < low else (high if x > high else float(x))\n"
TOO_STRICT = 'check("keeps what is inside", str(clip(1, 0, 3)) == "1", points=1, hint="look at the middle case")'
MENDED = 'check("keeps what is inside", clip(1, 0, 3) == 1, points=1, hint="look at the middle case")'


def quiet(*_):
    pass


@pytest.fixture
def grader(grader: Grader, tmp_path: Path):
    """The same grader over a copy of the course that can be changed."""
    shutil.copytree(Path(__file__).parents[2] / "courses" / "testing", tmp_path / "courses" / "testing")
    shutil.copytree(grader.build, tmp_path / "build")
    changed = replace(grader, build=tmp_path / "build")
    write(changed, tmp_path, TOO_STRICT)
    return changed


def write(grader: Grader, tmp_path: Path, line: str) -> None:
    file = tmp_path / "courses" / "testing" / "clip" / "lab.py"
    lines = file.read_text().splitlines()
    place = next(number for number, one in enumerate(lines) if one.startswith('check("keeps'))
    lines[place] = line
    file.write_text("\n".join(lines) + "\n")
    grader.courses = {"testing": load_course(tmp_path / "courses", "testing")}


@pytest.fixture
def scored(grader, handed_in, tmp_path):
    """Two learners graded by a check that is too strict; then it is mended."""
    ids = handed_in("ana", RIGHT), handed_in("cora", TIES)
    while grader.grade_next():
        pass
    assert [grader.scores.get(one).score for one in ids] == [5, 4]
    write(grader, tmp_path, MENDED)
    return ids


def lab_of(grader):
    return grader.courses["testing"].lab("clip")


def test_what_would_change_is_shown_and_nothing_is_written(grader, scored):
    proposals = propose(grader, lab_of(grader), workers=2, progress=quiet)

    assert [(one.learner, one.old, one.new, one.changes) for one in proposals] == [
        ("ana", 5, 5, False),
        ("cora", 4, 5, True),
    ]
    assert grader.scores.get(scored[1]).score == 4
    assert grader.gradebooks["testing"].automatic_scores("clip")["cora"] == 4


def test_agreed_to_it_reaches_scores_gradebook_history_and_what_learners_fetch(grader, scored):
    proposals = propose(grader, lab_of(grader), workers=2, progress=quiet)

    assert commit(grader, lab_of(grader), proposals) == 1
    assert grader.scores.get(scored[1]).score == 5
    assert grader.gradebooks["testing"].automatic_scores("clip") == {"ana": 5, "cora": 5}
    history = grader.scores.history("cora", "testing", "clip")
    assert [(one.score, one.why) for one in history] == [(5, "rescore"), (4, "submitted")]
    notebook = (grader.build / "testing" / "learner" / "clip" / "clip.ipynb").read_text()
    assert lab_of(grader).release in notebook


def test_committed_again_it_writes_nothing_twice(grader, scored):
    proposals = propose(grader, lab_of(grader), workers=1, progress=quiet)
    commit(grader, lab_of(grader), proposals)
    commit(grader, lab_of(grader), proposals)

    assert len(grader.scores.history("cora", "testing", "clip")) == 2


def test_a_run_that_was_cut_short_does_not_grade_again_what_it_noted(grader, scored, monkeypatch):
    lab = lab_of(grader)
    first = propose(grader, lab, workers=1, progress=quiet)
    (notes,) = (grader.build.parent / "rescoring").iterdir()
    text = notes.read_text()
    lines = text.splitlines(keepends=True)
    notes.write_text(lines[0] + lines[1][:20])  # torn by a power cut

    graded = []
    original = Grader.grade_notebook

    def counted(self, course, lab_id, learner, notebook, later=None):
        graded.append(learner)
        return original(self, course, lab_id, learner, notebook, later)

    monkeypatch.setattr(Grader, "grade_notebook", counted)
    assert propose(grader, lab, workers=1, progress=quiet) == first
    assert len(graded) == 1
    assert propose(grader, lab, workers=1, progress=quiet) == first
    assert len(graded) == 1


def test_our_fault_changes_no_score(grader, scored, monkeypatch):
    original = Grader.grade_notebook

    def broken(self, course, lab_id, learner, notebook, later=None):
        report = original(self, course, lab_id, learner, notebook, later)
        return replace(report, fault="ours") if learner == "cora" else report

    monkeypatch.setattr(Grader, "grade_notebook", broken)
    proposals = propose(grader, lab_of(grader), workers=2, progress=quiet)

    assert [(one.learner, one.new) for one in proposals] == [("ana", 5), ("cora", None)]
    assert commit(grader, lab_of(grader), proposals) == 0
    assert grader.scores.get(scored[1]).score == 4


def test_a_test_that_came_or_went_is_refused_before_any_score_is_written(grader, scored, tmp_path):
    from labkit.errors import OperatorError

    file = tmp_path / "courses" / "testing" / "clip" / "lab.py"
    file.write_text(file.read_text() + '\n# %% test="more" points=1\nassert clip(1, 0, 2) == 1\n')
    (tmp_path / "courses" / "testing" / "clip" / "lab.fil.py").unlink()
    grader.courses = {"testing": load_course(tmp_path / "courses", "testing")}
    proposals = propose(grader, lab_of(grader), workers=1, progress=quiet)

    with pytest.raises(OperatorError, match="more"):
        commit(grader, lab_of(grader), proposals)
    assert [grader.scores.get(one).score for one in scored] == [5, 4]


def test_a_text_that_could_not_be_put_in_force_is_refused_before_anybody_is_graded(grader, scored, tmp_path):
    from labkit.errors import AuthorError, OperatorError

    refuse(grader, lab_of(grader))  # a mended one is not
    write(grader, tmp_path, MENDED.replace("== 1", "== 2"))
    with pytest.raises(AuthorError, match="own answer scores 4 of 5"):
        refuse(grader, lab_of(grader))
    for name in ("lab.py", "lab.fil.py"):
        file = tmp_path / "courses" / "testing" / "clip" / name
        file.write_text(file.read_text().replace('test="clip-properties"', 'test="clip-props"'))
    grader.courses = {"testing": load_course(tmp_path / "courses", "testing")}
    with pytest.raises(OperatorError, match="clip-properties, clip-props"):
        refuse(grader, lab_of(grader))

"""What a gradebook knows is read, of whatever version, and never written."""

import csv
import io
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from labkit.courses.imports.history import History, read_history, table
from labkit.errors import OperatorError
from tests.labkit.courses.imports.conftest import SOLVED, TESTED

# One assignment with a notebook; ana was graded by a person and given extra, ben by the machine alone.
ROWS = """
INSERT INTO course VALUES ('c');
INSERT INTO student (id, first_name, last_name, email) VALUES ('ana', 'Ana', 'Cruz', 'ana@example.org'),
  ('ben', NULL, NULL, NULL), ('=cmd', 'X', 'Y', 'x@example.org');
INSERT INTO assignment (id, name, duedate, course_id) VALUES ('a', 'one', '2026-10-01 16:59:00.000000', 'c'),
  ('b', 'two', NULL, 'c');
INSERT INTO notebook (id, name, assignment_id) VALUES ('n', 'one', 'a'), ('m', 'two', 'b');
INSERT INTO base_cell (id, name, notebook_id, type) VALUES ('g', 'test', 'n', 'GradeCell'),
  ('t', 'do', 'n', 'TaskCell'),
  ('h', 'test', 'm', 'GradeCell');
INSERT INTO grade_cells (id, max_score, cell_type) VALUES ('g', 5, 'code'), ('h', 1, 'code');
INSERT INTO task_cells (id, max_score, cell_type) VALUES ('t', 4, 'markdown');
INSERT INTO submitted_assignment (id, assignment_id, student_id, timestamp) VALUES
  ('sa', 'a', 'ana', '2026-09-30 10:00:00.500000'), ('sb', 'a', 'ben', NULL), ('sc', 'b', '=cmd', 'yesterday');
INSERT INTO submitted_notebook (id, assignment_id, notebook_id, late_submission_penalty) VALUES
  ('na', 'sa', 'n', 1.5), ('nb', 'sb', 'n', NULL);
INSERT INTO grade (id, notebook_id, cell_id, auto_score, manual_score, extra_credit, needs_manual_grade) VALUES
  ('1', 'na', 'g', 5, 2, 0.5, 0), ('2', 'na', 't', NULL, 3, NULL, 0),
  ('3', 'nb', 'g', 5, NULL, NULL, 0), ('4', 'nb', 't', NULL, NULL, NULL, 1);
"""
OLD_ROWS = """
INSERT INTO student VALUES ('ana', 'Ana', 'Cruz', 'ana@example.org');
INSERT INTO assignment VALUES ('a', 'one', NULL);
INSERT INTO notebook VALUES ('n', 'one', 'a');
INSERT INTO grade_cell VALUES ('g', 'test', 5, 'code', 'n');
INSERT INTO submitted_assignment VALUES ('sa', 'a', 'ana', NULL, NULL);
INSERT INTO submitted_notebook VALUES ('na', 'sa', 'n', 0, 0.5);
INSERT INTO grade VALUES ('1', 'na', 'g', 5, 3, 0);
"""


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory) -> Path:
    """With the tables nbgrader itself makes."""
    from nbgrader.api import Base

    file = tmp_path_factory.mktemp("book") / "gradebook.db"
    engine = create_engine(f"sqlite:///{file}")
    Base.metadata.create_all(engine)
    engine.dispose()
    connection = sqlite3.connect(file)
    connection.executescript(ROWS)
    connection.close()
    return file


def test_scores_are_added_up_as_nbgrader_does(gradebook):
    scores = {(one.assignment, one.student): one for one in read_history(gradebook).scores}

    ana, ben, odd = scores["one", "ana"], scores["one", "ben"], scores["two", "=cmd"]
    assert (ana.score, ana.of, ana.late_penalty, ana.waits) == (5.5, 9, 1.5, False)
    assert ana.at == datetime(2026, 9, 30, 10, 0, 0, 500_000, tzinfo=UTC)
    assert (ben.score, ben.of, ben.late_penalty, ben.waits, ben.at) == (5, 9, 0, True, None)
    assert (odd.score, odd.of, odd.at) == (0, 1, None)


def test_it_agrees_with_nbgraders_own_sums(gradebook, tmp_path):
    from nbgrader.api import Gradebook

    ours = {one.student: (one.score, one.of) for one in read_history(gradebook).scores if one.assignment == "one"}
    copy = tmp_path / "gradebook.db"
    copy.write_bytes(gradebook.read_bytes())
    with Gradebook(f"sqlite:///{copy}", "c") as book:
        theirs = {one.student_id: (one.score, one.max_score) for one in book.assignment_submissions("one")}
    assert ours == theirs


def test_history_csv_has_a_line_for_each_submission_and_no_formula(gradebook):
    lines = list(csv.DictReader(io.StringIO(table(read_history(gradebook)))))

    assert [(one["assignment"], one["student"], one["score"], one["max_score"]) for one in lines] == [
        ("one", "ana", "5.5", "9"),
        ("one", "ben", "5", "9"),
        ("two", "'=cmd", "0", "1"),
    ]
    assert lines[0]["handed_in"] == "2026-09-30T10:00:00.500000+00:00"
    assert [one["waits_for_a_person"] for one in lines] == ["no", "yes", "no"]


def test_a_gradebook_of_the_first_schema_is_read_too(tmp_path):
    package = Path(str(find_spec("nbgrader").submodule_search_locations[0]))
    old = tmp_path / "gradebook.db"
    old.write_bytes((package / "tests" / "apps" / "files" / "gradebook.db").read_bytes())
    connection = sqlite3.connect(old)
    connection.executescript(OLD_ROWS)
    connection.close()

    found = read_history(old)

    assert [(one.id, one.email) for one in found.students] == [("ana", "ana@example.org")]
    assert [(one.assignment, one.score, one.of, one.late_penalty) for one in found.scores] == [("one", 3, 5, 0.5)]


def test_nothing_is_written_beside_or_into_it(gradebook):
    before = gradebook.read_bytes(), sorted(gradebook.parent.iterdir())

    read_history(gradebook)

    assert (gradebook.read_bytes(), sorted(gradebook.parent.iterdir())) == before


@pytest.mark.parametrize(
    "content", [b"not a database at all, whatever its name says" * 40, b"SQLite format 3\0" + b"x" * 500]
)
def test_what_is_no_gradebook_is_refused_with_what_to_do(tmp_path, content):
    file = tmp_path / "gradebook.db"
    file.write_bytes(content)

    with pytest.raises(OperatorError) as refused:
        read_history(file)
    assert "--no-gradebook" in refused.value.instead


def test_a_gradebook_whose_tables_lack_columns_is_refused_too(tmp_path):
    file = tmp_path / "gradebook.db"
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute("CREATE TABLE assignment (title TEXT)")
        opened.execute("INSERT INTO assignment VALUES ('one')")

    with pytest.raises(OperatorError, match="cannot be read"):
        read_history(file)


def test_an_empty_gradebook_is_an_empty_history(tmp_path):
    file = tmp_path / "gradebook.db"
    file.write_bytes(b"")

    assert read_history(file) == History()


def test_the_due_date_of_an_assignment_is_that_of_its_labs(course, bring, gradebook):
    lab = [SOLVED, TESTED]
    root = course({"source/one/a.ipynb": lab, "source/one/b.ipynb": lab, "source/two/n.ipynb": lab})
    (root / "gradebook.db").write_bytes(gradebook.read_bytes())

    due = {lab.id: lab.due for lab in bring(root).course.labs}
    assert due == {"one-a": (at := datetime(2026, 10, 1, 16, 59, tzinfo=UTC)), "one-b": at, "two": None}
    assert {lab.due for lab in bring(root, "again", gradebook=False).course.labs} == {None}

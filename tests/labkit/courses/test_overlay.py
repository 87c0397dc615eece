"""Hidden files and calibrations that are kept out of the repository, merged where a course is built."""

import json

import pytest

from labkit.courses import load_course
from labkit.courses.command import build
from labkit.courses.overlay import KEPT, overlaid, put
from labkit.courses.publish import publish, published
from labkit.errors import AuthorError, OperatorError


@pytest.fixture
def course(write):
    return load_course(write(**{"hidden/pool.csv": "public\n", "hidden/other.csv": "stays\n"}), "c")


@pytest.fixture
def overlay(tmp_path, course):
    def write(name, text, lab=None):
        file = tmp_path / "private" / course.id / (lab or course.labs[0].id) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return tmp_path / "private"

    return write


def test_a_private_pool_takes_the_place_of_the_public_one(course, overlay):
    private = overlay("hidden/pool.csv", "private\n")
    with overlaid(course, private) as whole:
        hidden = whole.labs[0].path / "hidden"
        assert (hidden / "pool.csv").read_text() == "private\n"
        assert (hidden / "other.csv").read_text() == "stays\n"
        assert whole.labs[0].release != course.labs[0].release
    assert (course.labs[0].path / "hidden" / "pool.csv").read_text() == "public\n"


def test_a_course_of_which_it_holds_nothing_is_left_as_it_is(course, tmp_path):
    for nothing in (None, tmp_path / "empty"):
        with overlaid(course, nothing) as whole:
            assert whole is course


@pytest.mark.parametrize(
    ("name", "lab", "said"),
    [
        ("lab.py", None, "nothing reads this file"),
        ("data/pool.csv", None, "nothing reads this file"),
        ("hidden", None, "nothing reads this file"),
        ("calibration.json.old", None, "nothing reads this file"),
        ("hidden/pool.csv", "clop", "no lab 'clop'"),
    ],
)
def test_a_file_that_nothing_would_read_is_refused(course, overlay, name, lab, said):
    with pytest.raises(AuthorError, match=said), overlaid(course, overlay(name, "x", lab)):
        pass


def test_a_link_is_refused(course, overlay):
    private = overlay("hidden/pool.csv", "private\n")
    (private / course.id / course.labs[0].id / "hidden" / "more.csv").symlink_to("/etc/passwd")
    with pytest.raises(AuthorError, match="a link"), overlaid(course, private):
        pass


def test_whoever_publishes_goes_by_the_copy_beside_what_is_published(course, overlay, tmp_path):
    root = tmp_path / "built"
    root.mkdir()
    put(overlay("hidden/pool.csv", "private\n"), root)
    overlay("hidden/pool.csv", "changed since\n")
    publish(course, root)

    lab = published(root, course.id).labs[0]
    assert (lab.path / "hidden" / "pool.csv").read_text() == "private\n"
    assert (root / course.id / "grader" / lab.id / "hidden" / "pool.csv").read_text() == "private\n"
    assert (root / KEPT).stat().st_mode & 0o77 == 0

    put(None, root)
    publish(course, root)
    assert (published(root, course.id).labs[0].path / "hidden" / "pool.csv").read_text() == "public\n"


def test_learners_get_nothing_of_it(course, overlay, tmp_path):
    private = overlay("hidden/pool.csv", "the private pool\n")
    out = tmp_path / "out"
    assert build([course.id, "--courses", str(course.path.parent), "--overlay", str(private), "--to", str(out)]) == 0

    given = [file.read_text() for file in (out / "learner").rglob("*") if file.is_file()]
    assert given and not any("the private pool" in text for text in given)
    assert "the private pool" in (out / "grader" / course.labs[0].id / "hidden" / "pool.csv").read_text()


def test_a_private_calibration_is_the_one_that_counts(course, overlay):
    with overlaid(course, overlay("calibration.json", json.dumps({}))) as whole:
        assert (whole.labs[0].path / "calibration.json").read_text() == "{}"


def test_an_overlay_that_is_not_there_is_named_and_the_last_one_stays(course, overlay, tmp_path):
    put(overlay("hidden/pool.csv", "private\n"), tmp_path)
    with pytest.raises(OperatorError, match="LABKIT_OVERLAY"):
        put(tmp_path / "gone", tmp_path)
    assert (tmp_path / KEPT).is_dir()


def test_the_competencies_beside_the_courses_go_along(course, overlay):
    frameworks = course.path.parent / "frameworks.toml"
    frameworks.write_text(
        '[[frameworks]]\nkey = "f"\ntitle = "F"\npublisher = "P"\ndate = "2024"\nurl = "https://example.org"\n'
        'competencies = {one = "One"}\n'
    )
    file = course.path / "course.toml"
    file.write_text(f'{file.read_text()}[[outcomes]]\nid = "o"\ntext = "O"\nframeworks = ["f/one"]\n')
    again = load_course(course.path.parent, "c")
    with overlaid(again, overlay("hidden/pool.csv", "private\n")) as whole:
        assert whole.outcomes == again.outcomes

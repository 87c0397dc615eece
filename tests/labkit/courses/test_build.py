import json
from pathlib import Path

import nbformat
import pytest

from labkit.courses import build, load_course, load_courses
from labkit.courses.command import build as command
from labkit.errors import AuthorError

REPOSITORY = Path(__file__).parents[3]


def sources(out: Path, face: str, name: str = "one.ipynb") -> dict[str, str]:
    cells = json.loads((out / face / "one" / name).read_text("utf-8"))["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in cells}


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_two_builds_are_the_same_bytes(write, tmp_path):
    course = load_course(write(**{"data/LICENSES.toml": "x = 1\n"}), "c")
    build(course, tmp_path / "first")
    build(course, tmp_path / "second")
    build(course, tmp_path / "second")

    assert everything(tmp_path / "first") == everything(tmp_path / "second")
    assert "learner/one/data/LICENSES.toml" in everything(tmp_path / "first")


def test_three_notebooks_come_out_and_each_has_its_own_face(write, tmp_path):
    build(load_course(write(), "c"), tmp_path / "out")
    reference, learner, grader = (sources(tmp_path / "out", face) for face in ("reference", "learner", "grader"))

    assert "return max" in reference["clip"]
    assert (
        learner["clip"]
        == grader["clip"]
        == "def clip(x, low, high):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    )
    assert "never leaves" in reference["clip-properties"]
    assert reference["clip-properties"] == grader["clip-properties"]
    assert grader["clip-properties"].startswith("### BEGIN HIDDEN TESTS\nfrom labkit.checks import check\n")
    assert learner["clip-properties"].startswith("# Hidden checks run here")
    assert learner["clip-examples"] == "assert clip(5, 0, 3) == 3"


@pytest.mark.parametrize("face", ["reference", "learner", "grader"])
def test_nbgrader_and_nbformat_accept_every_notebook(face, tmp_path):
    from nbgrader.nbgraderformat.v3 import MetadataValidatorV3

    for course in load_courses(REPOSITORY / "courses"):
        build(course, tmp_path / course.id)
        for path in (tmp_path / course.id / face).rglob("*.ipynb"):
            notebook = nbformat.read(path, 4)
            nbformat.validate(notebook)
            MetadataValidatorV3().validate_nb(notebook)
            kinds = {cell.id: cell.metadata.get("nbgrader") for cell in notebook.cells}
            tests = [meta for meta in kinds.values() if meta and meta["grade"] and not meta["solution"]]
            assert tests and all(meta["locked"] and meta["points"] > 0 for meta in tests)


def test_the_filipino_notebook_says_in_filipino_that_checks_are_hidden(write, tmp_path):
    fil = (
        '# %% solution="clip"\n# %% test="clip-examples" points=2\n# %% test="clip-properties" points=3 hidden\n'
        '# %% [markdown] answer="reflect" points=10\n# Saan?\n'
    )
    build(load_course(write(fil=fil), "c"), tmp_path / "out")

    assert "nakatagong pagsusuri" in sources(tmp_path / "out", "learner", "one.fil.ipynb")["clip-properties"]


def test_no_learner_notebook_of_any_course_holds_a_hidden_test(tmp_path):
    from labkit.courses import load_text

    for course in load_courses(REPOSITORY / "courses"):
        build(course, tmp_path / course.id)
        for lab in course.labs:
            for language in lab.languages:
                released = (tmp_path / course.id / "learner" / lab.id / lab.notebook_name(language)).read_text("utf-8")
                text = "\n".join("".join(cell["source"]) for cell in json.loads(released)["cells"])
                for cell in load_text(lab, language).of("test"):
                    lines = [line.strip() for line in cell.source.splitlines() if len(line.strip()) > 12]
                    assert not cell.hidden or not [line for line in lines if line in text and "import" not in line]


def test_a_hidden_line_given_away_elsewhere_is_refused(write, tmp_path):
    lab = (
        "# %%\nexpected = [17, 4, 23, 42]\n"
        '# %% solution="f"\n### BEGIN SOLUTION\nf = 1\n### END SOLUTION\n'
        '# %% test="t" points=1 hidden\nexpected = [17, 4, 23, 42]\nassert f == expected\n'
    )
    with pytest.raises(AuthorError) as refused:
        build(load_course(write(lab), "c"), tmp_path / "out")

    assert refused.value.line == 8
    assert "is given away" in refused.value.found


def test_hidden_files_stay_with_the_grader(write, tmp_path):
    root = write(**{"hidden/items.json": "[]", "data/open.json": "[]"})
    build(load_course(root, "c"), tmp_path / "out")

    assert (tmp_path / "out/grader/one/hidden/items.json").is_file()
    assert [path.name for path in (tmp_path / "out/learner/one").rglob("*.json")] == ["open.json"]


def test_a_link_among_the_data_is_refused(write, tmp_path):
    root = write(**{"data/a.txt": "a"})
    (root / "c/one/data/link").symlink_to("/etc/passwd")

    with pytest.raises(AuthorError, match="a link among the data"):
        build(load_course(root, "c"), tmp_path / "out")


def test_what_an_earlier_build_left_does_not_stay(write, tmp_path):
    root = write(**{"data/old.txt": "a"})
    build(load_course(root, "c"), tmp_path / "out")
    (root / "c/one/data/old.txt").unlink()
    build(load_course(root, "c"), tmp_path / "out")

    assert not list((tmp_path / "out").rglob("old.txt"))


def test_the_command_builds_and_says_where(write, tmp_path, capsys):
    assert command(["c", "--courses", str(write()), "--to", str(tmp_path / "out")]) == 0
    assert "1 labs of c" in capsys.readouterr().out


def test_the_command_prints_what_to_write_instead(write, tmp_path, capsys):
    root = write("# %% hiden\n")

    assert command(["c", "--courses", str(root), "--to", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "lab.py:1: unknown word 'hiden'" in error
    assert "Write one of" in error

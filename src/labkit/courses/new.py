"""`labkit courses new COURSE/LAB`: a small complete lab to write one's own over, and its line in course.toml.

The template teaches the form and keeps the contract of points (`CONTRACT`); as it stands it passes
`labkit courses check`. It is written whole or not at all and in the place of nothing.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from string import Template

from labkit.courses.course import Lab
from labkit.courses.header import NAME
from labkit.courses.load import load_course
from labkit.durable import sync_folder, write
from labkit.errors import OperatorError

# What a learner can earn in a lab: for what she can see, for the skill on what she cannot, for clean work, in words.
CONTRACT: Mapping[str, int] = {"visible": 20, "hidden skill": 50, "hygiene": 10, "reflection": 20}
_TEMPLATE = Path(__file__).parent / "template"


def new_lab(root: Path, course_id: str, lab_id: str, title: str = "") -> Lab:
    """Writes ROOT/COURSE/LAB and its [[labs]] table; makes the course where there is none, and gives the lab.

    Raises OperatorError for a name that cannot be one, for a lab that is there, and for a course.toml to which no
    table can be added; AuthorError for one that is wrong already.
    """
    for what, name in (("course", course_id), ("lab", lab_id)):
        if not NAME.fullmatch(name):
            raise OperatorError(f"{name!r} cannot be a {what}'s id.", instead="Use a-z, 0-9 and single hyphens.")
    title = " ".join(title.split())  # on one line, whatever breaks it
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in title):
        raise OperatorError(f"{title[:80]!r} cannot be a title.", instead="Write it in letters that can be read.")
    title = title or lab_id.replace("-", " ").capitalize()
    root.mkdir(parents=True, exist_ok=True)
    outcomes = load_course(root, course_id).outcomes if (root / course_id).exists() else ()
    with tempfile.TemporaryDirectory(dir=root, prefix=".") as fresh:
        made = Path(fresh) / course_id
        _write_lab(made / lab_id, title, outcomes[0].id if outcomes else "")
        if (root / course_id).exists():
            _add(root, course_id, lab_id, title, made)
        else:
            (made / "course.toml").write_text(f"{_course_text(course_id)}\n{_lab_text(lab_id, title)}", "utf-8")
            load_course(Path(fresh), course_id)
            made.rename(root / course_id)
            sync_folder(root)
    return load_course(root, course_id).lab(lab_id)


def _add(root: Path, course_id: str, lab_id: str, title: str, made: Path) -> None:
    """Into a course that is there. The folder comes first: one that course.toml does not name is read by nobody, and
    one that a crash left there is taken up where nobody has written in it."""
    there, folder = root / course_id, root / course_id / lab_id
    course = load_course(root, course_id)
    if any(lab.id == lab_id for lab in course.labs):
        raise OperatorError(f"There is a lab {course_id}/{lab_id} already.", instead="Choose another name.")
    if folder.exists() and _content(folder) != _content(made / lab_id):
        raise OperatorError(
            f"{folder} is there, though course.toml does not name it.",
            instead="Name it there, or choose another name; nothing was overwritten.",
        )
    file = there / "course.toml"
    text = f"{file.read_text('utf-8').rstrip()}\n\n{_lab_text(lab_id, title)}"
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise OperatorError(
            f"No [[labs]] table can be added at the end of {file}.", instead="Write each lab as a [[labs]] table there."
        ) from None
    if not folder.exists():
        (made / lab_id).rename(folder)
        sync_folder(there)
    try:
        write(file, text.encode(), file.stat().st_mode & 0o777)
    except OSError:
        shutil.rmtree(folder)
        raise


def _write_lab(folder: Path, title: str, outcome: str) -> None:
    """Where a course says its outcomes, each graded cell must name one: the first, for the author to change."""
    words = {"title": title, "outcome": f' outcome="{outcome}"' if outcome else ""}
    for source in sorted(_TEMPLATE.rglob("*.txt")):
        to = folder / source.relative_to(_TEMPLATE).with_suffix("")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(Template(source.read_text("utf-8")).substitute(words), "utf-8")


def _content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _course_text(course_id: str) -> str:
    title = course_id.replace("-", " ").capitalize()
    return f'title = {_quoted(title)}\ndescription = "What learners can do afterwards, in one sentence."\n'


def _lab_text(lab_id: str, title: str) -> str:
    return f'[[labs]]\nid = "{lab_id}"\ntitle = {_quoted(title)}\n'


def _quoted(text: str) -> str:
    """As TOML writes it: JSON's escapes are TOML's too."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)

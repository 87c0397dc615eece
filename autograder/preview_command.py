"""`labkit courses preview`: a lab as a learner meets it, without a hub."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from autograder.preview import Preview
from autograder.preview import preview as run_preview
from autograder.preview_page import page
from labkit.courses import Lab, load_course, load_text, notebook
from labkit.courses.build import copy_data
from labkit.courses.course import LANGUAGES
from labkit.durable import write
from labkit.errors import AuthorError, OperatorError, PlatformFault, SandboxUnavailable

# As `labkit grade` ends: 1 refused, 2 a fault of ours, 3 no sandbox.
_CODES = {AuthorError: 1, OperatorError: 1, PlatformFault: 2}


def preview(argv: list[str]) -> int:
    """Runs what learners get before they write anything, and says where it stops and what its checks say."""
    parser = argparse.ArgumentParser("labkit courses preview", description=preview.__doc__, allow_abbrev=False)
    parser.add_argument("which", metavar="COURSE[/LAB]")
    parser.add_argument("--language", choices=LANGUAGES, help="default: every language the lab is written in")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="puts the notebook and a page to look at there")
    parser.add_argument("--courses", type=Path, default=Path("courses"), metavar="DIR", help="default: ./courses")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    try:
        seen = _previews(given)
    except SandboxUnavailable as error:
        print(error, file=sys.stderr)
        return 3
    except (AuthorError, OperatorError, PlatformFault) as error:
        print(error, file=sys.stderr)
        return next(code for kind, code in _CODES.items() if isinstance(error, kind))
    except OSError as error:
        print(f"{given.to} cannot be written: {error.strerror}. Name another folder with --to.", file=sys.stderr)
        return 1
    if given.json:
        print(json.dumps([one.to_json() for one in seen], ensure_ascii=False))
    else:
        for one in seen:
            _print(one)
    return 0


def _previews(given: argparse.Namespace) -> list[Preview]:
    course_id, _, lab_id = given.which.partition("/")
    course = load_course(given.courses, course_id)
    found = []
    for lab in [course.lab(lab_id)] if lab_id else course.labs:
        if given.language and given.language not in lab.languages:
            instead = f"It is in {', '.join(lab.languages)}."
            raise OperatorError(f"{course_id}/{lab.id} is not written in {given.language!r}.", instead=instead)
        for language in [given.language] if given.language else lab.languages:
            seen = run_preview(lab, language)
            found.append(seen)
            if given.to:
                _write(given.to, lab, seen)
    return found


def _write(folder: Path, lab: Lab, seen: Preview) -> None:
    name = lab.notebook_name(seen.language)
    made = json.dumps(notebook(lab, load_text(lab, seen.language), "learner"), indent=1, ensure_ascii=False)
    shown = page(lab, seen)
    (folder / lab.id).mkdir(parents=True, exist_ok=True)
    copy_data(lab.path / "data", folder / lab.id / "data")
    write(folder / lab.id / name, f"{made}\n".encode())
    write(folder / lab.id / f"{name.removesuffix('.ipynb')}.html", shown.encode())


def _print(seen: Preview) -> None:
    stops = seen.stops
    print(f"{seen.course}/{seen.lab} ({seen.language}): run in {seen.seconds:.1f} s")
    print(f"  stops at {stops.id} ({seen.file}:{stops.line}): {stops.error}" if stops else "  nothing stops")
    for cell in seen.cells:
        if cell.kind == "test" and not cell.hidden:
            said = [f"✗ {one}" for one in cell.failed] + [f"✓ {one}" for one in cell.passed]
            said += [cell.error] if cell.error else []
            print("".join(f"  {cell.id}: {one}\n" for one in said), end="")
    if asks := [cell.id for cell in seen.cells if cell.asks_platform]:
        print(f"  needs the platform: {', '.join(asks)}")

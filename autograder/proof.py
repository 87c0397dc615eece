"""Checks one version of a course that an instructor sent: `python -m autograder.proof JOB.json`.

What `labkit courses check` and `preview` do, in a process of its own: a text that ends Python's parser, or takes all
the memory, ends this check and nothing else. The author's and the answers' code runs in the grader's sandboxes.
JOB.json names the text, the text it is compared with (a lab that is the same in both is not looked at again), the
folder for pages, and the gateway's grading lane. What was found is written to standard output as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.bounds import measure, too_dear
from autograder.gateway_lane import GatewayLane
from autograder.lane import Lane
from autograder.preview import preview
from autograder.preview_page import page
from autograder.warm import Warm
from labkit.courses import Course, Lab, build, load_course
from labkit.courses.header import looks_like_header
from labkit.courses.lint import lint
from labkit.errors import AuthorError, OperatorError, PlatformFault
from labkit.strict import read_json, read_secret, strict

_MOST_FINDINGS = 100
_LONGEST = 600


@dataclass(frozen=True)
class Job:
    """`now` and `before` are folders that hold the course; `before` is "" where there is nothing to compare with."""

    course: str
    now: str
    before: str
    pages: str
    lane_url: str
    lane_key_file: str


def prove(now: Course, before: Course | None, pages: Path, lane: Lane | None) -> dict[str, Any]:
    """`{"ok", "error", "findings": [sentence], "labs": [...], "previews": [...]}`, paths as the author knows them."""
    found: dict[str, Any] = {"ok": False, "error": "", "findings": [], "labs": [], "previews": []}
    try:
        with tempfile.TemporaryDirectory() as folder:
            build(now, Path(folder))
        with Warm() as warm:
            for lab in now.labs:
                if _same(lab, before):
                    found["labs"].append({"lab": lab.id, "title": lab.title, "same": True, "bounds": []})
                else:
                    _prove_lab(lab, pages, lane, warm, found)
    except AuthorError as error:
        found["error"] = f"{error}{_cell(error.file, error.line)}"
    except OperatorError as error:
        found["error"] = str(error)
    found["findings"] = found["findings"][:_MOST_FINDINGS]
    bounds = [one for lab in found["labs"] for one in lab["bounds"]]
    found["ok"] = not found["error"] and not found["findings"] and all(one["ok"] for one in bounds)
    told: dict[str, Any] = _relative(found, f"{now.path.parent}/")
    return told


def _prove_lab(lab: Lab, pages: Path, lane: Lane | None, warm: Warm, found: dict[str, Any]) -> None:
    found["findings"] += [f"{one}{_cell(one.file, one.line)}" for one in lint(lab)]
    for language in lab.languages:
        try:
            seen = preview(lab, language)
            (pages / f"{lab.id}.{language}.html").write_text(page(lab, seen), "utf-8")
            found["previews"].append(seen.to_json())
        except PlatformFault as fault:
            found["findings"].append(str(fault))
    result = measure(lab, lane, warm, lambda _sentence: None)
    found["findings"] += [str(one) for one in too_dear(lab, result)]
    told = [{**vars(one), "limit": str(one.limit), "why": one.why[:_LONGEST]} for one in result.bounds]
    found["labs"].append({"lab": lab.id, "title": lab.title, "same": False, "bounds": told})


def _cell(file: str, line: int) -> str:
    """Where that is for whoever sees the text as a notebook, which counts lines in each cell anew."""
    path = Path(file)
    if path.suffix != ".py" or not path.is_file():
        return ""
    before = path.read_text("utf-8", "replace").split("\n")[:line]
    number = sum(map(looks_like_header, before))
    return f" (In the notebook: cell {number}.)" if number else ""


def _same(lab: Lab, before: Course | None) -> bool:
    """Whether all that grading it reads, and what its kept answers must get, is what was checked before."""
    old = next((one for one in before.labs if one.id == lab.id), None) if before else None
    if old is None or replace(old, path=lab.path, title=lab.title, titles=lab.titles) != lab:
        return False
    return _content(old.path) == _content(lab.path)


def _content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _relative(found: Any, root: str) -> Any:
    """The same with no path of this machine in it."""
    if isinstance(found, dict):
        return {name: _relative(value, root) for name, value in found.items()}
    if isinstance(found, list):
        return [_relative(value, root) for value in found]
    return found.replace(root, "") if isinstance(found, str) else found


def main() -> int:
    job = strict(Job, read_json(Path(sys.argv[1])), sys.argv[1])
    os.nice(5)  # learners' submissions go first
    lane = GatewayLane(job.lane_url, read_secret(Path(job.lane_key_file))) if job.lane_url else None
    before = load_course(Path(job.before), job.course) if job.before else None
    found = prove(load_course(Path(job.now), job.course), before, Path(job.pages), lane)
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

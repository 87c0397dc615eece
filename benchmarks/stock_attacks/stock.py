"""One hostile submission under stock `nbgrader autograde`, in a throwaway sandbox, and what became of the course."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stock_attacks.assignment import EARLIER, HONEST, HOSTILE, Course, honest, make_course
from benchmarks.stock_attacks.attack import Attack
from labkit.courses import Lab
from labkit.sandbox import Bind, Limits, Sandbox
from labkit.sandbox.running import start, tree

# Accounts nobody has; each run has one of its own, because the limit on processes counts by account.
_uid = itertools.count(1_899_000_000)
SECONDS, CELL_SECONDS, LINGER = 75, 10, 2.0
_PLACE = "/home/instructor/course"
_TOKEN = {"JUPYTERHUB_API_TOKEN": "canary-token", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Result:
    """`points` is None where stock gave none; `damage` says what else happened, in words."""

    points: float | None
    damage: tuple[str, ...]


class Stock:
    """Courses by lab, each made and released once, with one learner graded before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, str], tuple[Path, float]] = {}

    def grade(self, attack: Attack) -> Result:
        lab = attack.load_lab()
        template, full = self._template(lab)
        with _copy(template, self._folder) as root:
            course = Course(root, lab.id)
            course.hand_in_hostile(attack)
            course.hand_in(HONEST, honest(lab))
            before = course.fingerprint()
            seconds = f"--Execute.timeout={CELL_SECONDS}"  # 30 by default: it only takes longer
            left, said = _run(course, "autograde", lab.id, seconds, linger=LINGER)
            points = course.points()
            damage = list(_damage(course, before, points, full))
            damage += [f"{left} processes stayed"] if left else []
            damage += [f"ended for {said}"] if said else []
            return Result(points.get(HOSTILE) if course.graded(HOSTILE) else None, tuple(damage))

    def prepare(self, attack: Attack) -> None:
        """Makes the course of its lab, where there is none yet."""
        self._template(attack.load_lab())

    def _template(self, lab: Lab) -> tuple[Path, float]:
        key = (lab.course, lab.id)
        if key not in self._made:
            root = Path(tempfile.mkdtemp(prefix=f"{lab.id}-", dir=self._folder))
            course = make_course(root, lab)
            _run(course, "generate_assignment", lab.id)
            course.hand_in(EARLIER, honest(lab))
            _run(course, "autograde", lab.id)
            full = course.points().get(EARLIER, 0.0)
            if not full:
                raise RuntimeError(f"Stock nbgrader gives an honest answer to {lab.id} no points.")
            self._made[key] = root, full
        return self._made[key]


def _damage(course: Course, before: dict[str, str], points: dict[str, float], full: float) -> Iterator[str]:
    after = course.fingerprint()
    changed = sorted(name for name in before if after.get(name) != before[name])
    if changed:
        yield f"changed or deleted {changed[0]}" + (f" and {len(changed) - 1} more" if len(changed) > 1 else "")
    if sorted(after.keys() - before.keys()):
        yield f"added {min(after.keys() - before.keys())}"
    if not course.graded(HONEST):
        yield "the next learner was not graded"
    elif points.get(HONEST) != full:
        yield f"the next learner got {points.get(HONEST, 0):g} of {full:g}"
    if points.get(EARLIER) != full:
        yield f"an earlier learner's score became {points.get(EARLIER, 0):g} of {full:g}"
    autograded = course.root / "autograded" / HOSTILE
    for path in sorted(autograded.rglob("*")):
        if path.is_file() and b"canary-token" in path.read_bytes()[: 1 << 22]:
            yield "told the hub's token"
            return
        if path.is_file() and path.name == "grades.db":
            yield "copied the gradebook to the learner"


def _run(course: Course, *words: str, linger: float = 0) -> tuple[int, str]:
    """How many processes are left a while after the command has ended, and what it was ended for."""
    uid = next(_uid)
    course.give_to(uid)
    limits = Limits(seconds=SECONDS, memory_mb=2500, processes=200, file_mb=256, tmp_mb=256, files=1024)
    sandbox = Sandbox(binds=(Bind(course.root, _PLACE, writable=True),), env=_TOKEN, limits=limits, uid=uid, cwd=_PLACE)
    # The shell stands for the machine that goes on after the command: what is alive then has outlived the grading.
    script = f'nbgrader "$@" > /tmp/said 2>&1; : > {_PLACE}/.done; exec sleep {linger}'
    running = start(sandbox, ["sh", "-c", script, "sh", *words])
    left = 0
    while running.process.poll() is None:
        if (course.root / ".done").exists():
            time.sleep(linger * 0.7)
            left = max(0, sum(_is_of(uid, pid) for pid in tree(running.process.pid)) - 1)
            if running.process.poll() is None:
                running.process.wait()
            break
        time.sleep(0.05)
    running.end()
    (course.root / ".done").unlink(missing_ok=True)
    return left, running.ended_for if running.ended_for != "asked" else ""


def _is_of(uid: int, pid: int) -> bool:
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return Path(f"/proc/{pid}").stat().st_uid == uid and not command.startswith(
            (b"sleep", b"bwrap", b"/usr/bin/bwrap")
        )
    return False


@contextlib.contextmanager
def _copy(template: Path, folder: Path) -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    try:
        shutil.copytree(template, root, dirs_exist_ok=True, symlinks=True)
        root.chmod(0o755)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)

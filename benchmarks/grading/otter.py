"""otter-grader in a virtual environment of its own, without its containers: `otter run` and its API."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path

from benchmarks.grading.subject import Subject

VERSION = "7.0.0"
HOME = Path(__file__).resolve().parents[2] / ".benchmarks" / "otter"
_CHECK = "def check(reason, condition, **_):\n    assert condition, reason\n"
_API = """
import json, sys, time
from otter.api import grade_submission
zipped, *notebooks = sys.argv[1:]
seconds = []
for notebook in notebooks:
    began = time.perf_counter()
    results = grade_submission(notebook, zipped, quiet=True)
    seconds.append(time.perf_counter() - began)
    assert results.total == results.possible, (results.total, results.possible)
print(json.dumps(sum(seconds) / len(seconds)))
"""


class NoOtter(Exception):
    """otter-grader is not here, and why."""


def install(*, may_download: bool) -> Path:
    """The Python of otter's own environment; made at the first call. Raises NoOtter."""
    python = HOME / "bin" / "python"
    mark = HOME / f"installed-{VERSION}"
    if mark.exists():
        return python
    if not may_download:
        raise NoOtter("otter-grader is not installed yet; a run without --quick installs it")
    shutil.rmtree(HOME, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(HOME)],
        [str(python), "-m", "pip", "install", "--quiet", f"otter-grader=={VERSION}", "ipykernel"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoOtter(f"otter-grader could not be installed: {done.stderr.strip()[-500:]}")
    # What notebooks compute with (torch, transformers, labkit) is the project's own copy, after all that is otter's.
    packages = next((HOME / "lib").glob("python*")) / "site-packages"
    ours = [sysconfig.get_paths()["purelib"], str(HOME.parents[1] / "src")]
    (packages / "zz_after_otters_own.pth").write_text("\n".join(ours) + "\n")
    mark.touch()
    return python


class Otter:
    def __init__(self, subject: Subject, folder: Path, python: Path) -> None:
        self.subject, self._folder, self._python = subject, folder, python
        folder.mkdir(parents=True, exist_ok=True)
        self._zip = folder / "autograder.zip"
        with zipfile.ZipFile(self._zip, "w") as zipped:
            zipped.writestr("otter_config.json", json.dumps({"pdf": False, "print_summary": False}))
            for name, points, source in subject.tests():
                zipped.writestr(f"tests/{name}.py", _test(name, points, source))

    def calls(self, count: int) -> float:
        """`otter run` for one notebook at a time; seconds for one."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            notebooks = self._notebooks(Path(folder), count)
            began = time.perf_counter()
            for notebook in notebooks:
                self._run(["-m", "otter", "run", notebook, "-a", str(self._zip), "-o", folder, "--no-logo"])
            seconds = (time.perf_counter() - began) / count
            found = json.loads((Path(folder) / "results.json").read_text())
        given = sum(test["score"] for test in found["tests"] if "score" in test)
        if given != self.subject.most:
            raise RuntimeError(f"otter gave {given}, not {self.subject.most}: {found}")
        return seconds

    def in_process(self, count: int) -> float:
        """otter.api.grade_submission in one process that has imported it already; seconds for one."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            said = self._run(["-c", _API, str(self._zip), *self._notebooks(Path(folder), count)])
        return float(json.loads(said.strip().splitlines()[-1]))

    def _notebooks(self, folder: Path, count: int) -> list[str]:
        paths = [folder / f"{number}.ipynb" for number in range(count)]
        for number, path in enumerate(paths):
            path.write_bytes(self.subject.finished(number))
        return [str(path) for path in paths]

    def _run(self, words: list[str]) -> str:
        done = subprocess.run(
            [str(self._python), *words], cwd=self._folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"otter failed: {done.stdout[-500:]} {done.stderr[-2000:]}")
        return done.stdout


def _test(name: str, points: float, source: str) -> str:
    """A test of our lab in otter's own form."""
    code = f">>> exec({_CHECK + source!r}, globals())"
    suite = {"cases": [{"code": code, "hidden": False, "locked": False}], "type": "doctest"}
    test = {"name": name, "points": points, "suites": [{**suite, "scored": True, "setup": "", "teardown": ""}]}
    return f"OK_FORMAT = True\n\ntest = {test!r}\n"

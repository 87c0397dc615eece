"""What a learner sees of a lab before she writes a line: her notebook, run as it was released.

It runs in a sandbox where there is nothing but her own side of the lab: no answer, no hidden test, no `hidden/`, no
platform. What a cell asks of the platform (a model, handing in) is told as that and not as an error.
Not covered: how fast her own server is, and what a model would have answered.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autograder
from autograder.steady import ENVIRONMENT
from labkit import errors
from labkit.courses import Cell, Lab, LabText, load_text, notebook
from labkit.courses.build import copy_data
from labkit.errors import PlatformFault
from labkit.sandbox import Bind, Limits, Sandbox, start

_BOOT_SECONDS = 60  # a kernel's start on a busy machine
_MOST_TEXT = 20_000
_AT = "/lab"


@dataclass(frozen=True)
class Output:
    """`text` as it was printed, or, for `kind` "png", base64; "html" is as untrusted as the rest."""

    kind: str  # text | html | png | error
    text: str


@dataclass(frozen=True)
class SeenCell:
    """A cell as she has it, and what came of running it. `line` is its header's in the lab's text."""

    kind: str
    id: str
    source: str
    line: int
    hidden: bool = False  # then `source` is what stands in its place
    outputs: tuple[Output, ...] = ()
    error: str = ""  # the last line of what stopped it
    asks_platform: bool = False
    seconds: float = 0

    @property
    def passed(self) -> tuple[str, ...]:
        return self._marked("✓ ")

    @property
    def failed(self) -> tuple[str, ...]:
        """The sentences she reads of checks that do not hold."""
        return self._marked("✗ ")

    def _marked(self, mark: str) -> tuple[str, ...]:
        lines = (line for one in self.outputs if one.kind == "text" for line in one.text.splitlines())
        return tuple(line.removeprefix(mark) for line in lines if line.startswith(mark))


@dataclass(frozen=True)
class Preview:
    course: str
    lab: str
    title: str
    language: str
    file: str
    cells: tuple[SeenCell, ...]

    @property
    def stops(self) -> SeenCell | None:
        """Where "Run All Cells" would stop her."""
        return next((cell for cell in self.cells if cell.error and not cell.asks_platform), None)

    @property
    def seconds(self) -> float:
        return sum(cell.seconds for cell in self.cells)

    def to_json(self) -> dict[str, Any]:
        stops = self.stops
        tests = [
            {"test": cell.id, "passed": list(cell.passed), "failed": list(cell.failed), "error": cell.error}
            for cell in self.cells
            if cell.kind == "test" and not cell.hidden
        ]
        return {
            **{"course": self.course, "lab": self.lab, "language": self.language, "seconds": round(self.seconds, 2)},
            "stops": {"cell": stops.id, "file": self.file, "line": stops.line, "error": stops.error} if stops else None,
            "visible_tests": tests,
            "asks_platform": [cell.id for cell in self.cells if cell.asks_platform],
        }


def preview(lab: Lab, language: str = "en", *, ran: bool = True) -> Preview:
    """Builds the learner's notebook and, unless not `ran`, runs it. Raises AuthorError for a text that cannot be
    built, SandboxUnavailable, and PlatformFault where the run itself came to nothing."""
    text = load_text(lab, language)
    made = notebook(lab, text, "learner")
    told = _run(lab, made, language) if ran else {}
    shown = {cell["id"]: "".join(cell["source"]) for cell in made["cells"]}
    cells = tuple(_seen(cell, shown[cell.id], told.get(cell.id)) for cell in text.cells)
    title = lab.titles.get(language, lab.title)
    return Preview(lab.course, lab.id, title, language, str(lab.text_file(language)), cells)


def secrets(text: LabText) -> frozenset[str]:
    """Every line of an answer or a hidden test that stands in no cell of hers, without the space around it."""
    given = {line.strip() for cell in text.cells if not _is_hidden(cell) for line in _given(cell).splitlines()}
    kept = {line.strip() for cell in text.of("solution") for line in cell.reference.splitlines()}
    kept |= {line.strip() for cell in text.of("test") if cell.hidden for line in cell.source.splitlines()}
    return frozenset(line for line in kept - given if line)


def _given(cell: Cell) -> str:
    return cell.starter if cell.kind == "solution" else cell.source


def _is_hidden(cell: Cell) -> bool:
    return cell.kind == "test" and cell.hidden


def _run(lab: Lab, made: Mapping[str, Any], language: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as outer, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        folder = Path(outer) / lab.id
        folder.mkdir()
        (folder / lab.notebook_name(language)).write_text(json.dumps(made), "utf-8")
        copy_data(lab.path / "data", folder / "data")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        words = ["-m", "autograder.unsolved", f"{_AT}/{lab.id}", lab.notebook_name(language), str(lab.limits.seconds)]
        # The thread that started it waits for it.
        running = start(
            _sandbox(lab, folder), ["python", "-s", *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        running.wait()
        out.seek(0)
        try:
            told = json.loads(out.read())
        except ValueError:
            told = None
        if not isinstance(told, dict):
            err.seek(0)
            said = running.ended_for or err.read()[-500:].decode("utf-8", "replace").strip() or "nothing"
            instead = "Raise its limits in course.toml, or take out what needs so much."
            raise PlatformFault(
                f"The starter of {lab.course}/{lab.id} did not run to its end: {said}.", instead=instead
            )
        return told


def _sandbox(lab: Lab, folder: Path) -> Sandbox:
    limits = Limits(seconds=_BOOT_SECONDS + 2 * lab.limits.seconds, memory_mb=512 + lab.limits.memory_mb, tmp_mb=256)
    package = Path(str(autograder.__file__)).parent
    return Sandbox(binds=(Bind(folder, f"{_AT}/{lab.id}"), Bind(package)), env=dict(ENVIRONMENT), limits=limits)


def _seen(cell: Cell, source: str, told: Any) -> SeenCell:
    outputs, seconds = _outputs(told)
    stopped = next((one.text for one in outputs if one.kind == "error"), "")
    error = stopped.splitlines()[-1][:500] if stopped else ""
    known = getattr(errors, error.partition(":")[0], None)
    asks = isinstance(known, type) and issubclass(known, errors.LabkitError)
    return SeenCell(cell.kind, cell.id, source, cell.line, cell.hidden, outputs, error, asks, seconds)


def _outputs(told: Any) -> tuple[tuple[Output, ...], float]:
    """Of one cell, as far as it is what a kernel says: whatever ran there could have written anything."""
    if not isinstance(told, dict) or not isinstance(told.get("outputs"), list):
        return (), 0
    found = [_output(one) for one in told["outputs"][:200] if isinstance(one, dict)]
    seconds = told.get("seconds")
    joined: list[Output] = []
    for one in found:
        if one and joined and one.kind == joined[-1].kind == "text":
            joined[-1] = Output("text", (joined[-1].text + one.text)[:_MOST_TEXT])
        elif one:
            joined.append(one)
    return tuple(joined), float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e5 else 0


def _output(told: Mapping[str, Any]) -> Output | None:
    kind, data = told.get("output_type"), told.get("data")
    if kind == "stream":
        return Output("text", _text(told.get("text")))
    if kind == "error":
        said = (_text(told.get("ename")), _text(told.get("evalue")))
        return Output("error", ": ".join(filter(None, said)) or "Error")
    if not isinstance(data, dict):
        return None
    if "image/png" in data:
        return Output("png", "".join(str(data["image/png"]).split())[: 4 * 2**20])
    return (
        Output("html", _text(data["text/html"]))
        if "text/html" in data
        else Output("text", _text(data.get("text/plain")))
    )


def _text(value: Any) -> str:
    whole = "".join(map(str, value)) if isinstance(value, list) else str(value or "")
    return whole[:_MOST_TEXT]

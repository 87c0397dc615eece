"""The test process: runs the author's tests against names that live in the learner's process.

A name the tests do not define is fetched from her, if the lab's own text says that it is hers (`allowed`); what the
author imported, defined or computed without her runs here a second time, so a changed copy in her process is nothing.
"""

from __future__ import annotations
import __future__

import ast
import codeop
import contextlib
import dataclasses
import socket
from collections.abc import Iterable
from typing import Any

from autograder import frame
from autograder.blame import Inexpressible, LearnerSide
from autograder.handle import Handle, is_callable, next_of
from autograder.names import bound_by
from autograder.peer import Peer, Place
from autograder.steady import settle
from autograder.transport import install
from labkit import calibration, checks, draw
from labkit.courses.sums import StaticCheck, static_check
from labkit.errors import PlatformFault

# As much of a reason or hint as is told: with a learner's text in it, it could be too long to send.
_LONGEST = 500
MOST_CHECKS = 1000
_MADE_ONCE = ast.Import | ast.ImportFrom | ast.ClassDef
_ANNOTATED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.AnnAssign


class Names(dict[str, Any]):
    """The tests' namespace. A name of hers is asked for once, and plain data again after each call of hers: it may have
    changed, and without a call it may not."""

    def __init__(self, line: socket.socket, allowed: Iterable[str]) -> None:
        seen = {"check": checks.check, "callable": is_callable, "next": next_of}
        super().__init__({"__name__": "__main__", **seen})
        self._peer, self._allowed = Peer(line, self._own_class), frozenset(allowed)
        self._fetched: dict[str, tuple[int, Any]] = {}
        self._prepared: list[tuple[str, tuple[str, ...]]] = []
        self._made: dict[str, Any] = {}
        self.compiler = compiler()

    def __missing__(self, name: str) -> Any:
        if name not in self._allowed:
            raise KeyError(name)
        turn, value = self._fetched.get(name, (-1, None))
        if turn != self._peer.turns and type(value) is not Handle:
            value = self._peer.fetch(name)
            self._fetched[name] = self._peer.turns, value
        return value

    def ask_again(self, known: frozenset[Place] | None = None, full: frozenset[Place] = frozenset()) -> None:
        """Another test begins: names are asked for anew, what the last one handed over is taken back, and the author's
        data is as it was. `known` and `full`: see `Peer.begin`."""
        self._fetched.clear()
        changed = self._peer.changed
        self._peer.begin(known, full)
        if changed:
            self._make_again()

    def prepare(self, source: str, forget: Iterable[str]) -> None:
        """Runs the author's cell; a name she binds at this place is hers again."""
        self._prepared.append((source, tuple(forget)))
        self._carry_out(ast.parse(source).body, forget)

    def _make_again(self) -> None:
        """An answer could otherwise empty, in one test, the very data another test works out its expected values from.
        What a test made for itself, or bound anew, stays as it is; classes stay the same ones."""
        bound = {name: self[name] for name, made in self._made.items() if self.get(name) is not made}
        for source, forget in self._prepared:
            nodes = ast.parse(source).body
            once = [node for node in nodes if isinstance(node, _MADE_ONCE)]
            stays = bound_by(once)
            self._carry_out([node for node in nodes if node not in once], [one for one in forget if one not in stays])
        self.update(bound)

    def _carry_out(self, nodes: Iterable[ast.stmt], forget: Iterable[str]) -> None:
        for name in forget:
            self.pop(name, None)
            self._made.pop(name, None)
        before = dict(self)
        for node in nodes:
            try:
                _execute(node, self, "<lab>")
            except LearnerSide:
                continue  # a default or a decorator of hers: the name stays hers
            except Exception:
                if not isinstance(node, ast.ClassDef):  # one whose base is hers stays hers
                    raise
        self._made |= {name: value for name, value in self.items() if before.get(name, self) is not value}

    def noted(self) -> dict[str, Any]:
        """Of this test: whether a call changed what it was handed, the places that gave objects of hers, and those that
        gave containers which were never empty."""
        peer = self._peer
        return {"changed": peer.changed, "places": sorted(peer.seen), "full": sorted(peer.full - peer.bare)}

    def _own_class(self, name: str) -> type | None:
        own = self.get(name)
        return own if isinstance(own, type) and dataclasses.is_dataclass(own) else None


def judge(control: socket.socket, line: socket.socket) -> None:
    """Called in a fresh process (later: after a fork); returns when the grader hangs up."""
    program = frame.receive(control)
    settle(program)
    draw.settle(program["draw"])
    calibration.settle(program["model"])
    install(control, program)
    names = Names(line, program["allowed"])
    frame.send(control, {"ready": True})
    while True:
        try:
            message = frame.receive(control)
        except EOFError:
            return
        answer = _prepare(names, message) if message["op"] == "prepare" else _judged(names, message)
        frame.send(control, {**answer, **names.noted()})


def _prepare(names: Names, message: dict[str, Any]) -> dict[str, Any]:
    """What the author's cell at this place defines without the learner."""
    try:
        names.ask_again(*_places(message))
        names.prepare(message["source"], message["forget"])
    except Exception as error:
        return {"fault": _told(error)}
    return {"fault": None}


def run_test(names: dict[str, Any], source: str, name: str) -> dict[str, Any]:
    """One test, statement by statement: a check that raises fails alone, anything else that raises ends the test."""
    made: list[dict[str, Any]] = []
    figures: dict[str, dict[str, float]] = {}
    nodes = ast.parse(source).body
    for place, node in enumerate(nodes):
        with checks.collected() as collected:
            problem = _attempt(node, names, f"<{name}>", source)
        made += [_made(one) for one in collected if isinstance(one, checks.Check)]
        figures |= {one.name: dict(one.items) for one in collected if isinstance(one, checks.Figure)}
        if problem is None:
            continue
        known = static_check(place, node)
        if known is None:
            rest = [static_check(at, later) for at, later in enumerate(nodes[place:], place)]
            return {
                "checks": made,
                "stopped": problem,
                "pending": [_failed(one) for one in rest if one],
                "figures": figures,
            }
        if not collected:
            made.append({**_failed(known), "problem": problem})
    return {"checks": made, "stopped": None, "pending": [], "figures": figures}


def _judged(names: Names, message: dict[str, Any]) -> dict[str, Any]:
    try:
        names.ask_again(*_places(message))
    except Exception as error:
        problem = {**_unusable(error), "doubt": _told(error), "line": 0}
        return {"checks": [], "stopped": problem, "pending": []}
    return _bounded(run_test(names, message["source"], message["name"]))


def _places(message: dict[str, Any]) -> tuple[frozenset[Place] | None, frozenset[Place]]:
    own = message["own"]
    return (None, frozenset()) if own is None else (_read(own["places"]), _read(own["full"]))


def _read(places: list[list[str]]) -> frozenset[Place]:
    return frozenset((str(what), str(label)) for what, label in places)


def _bounded(result: dict[str, Any]) -> dict[str, Any]:
    """A loop over what she returned can make any number of checks; nobody reads so many, and a line has an end."""
    if len(result["checks"]) <= MOST_CHECKS:
        return result
    problem = {"what": "unusable", "kind": "", "text": "", "doubt": f"more than {MOST_CHECKS} checks", "line": 0}
    return {"checks": [], "stopped": problem, "pending": []}


def _made(one: checks.Check) -> dict[str, Any]:
    told = {"reason": one.reason[:_LONGEST], "hint": one.hint[:_LONGEST]}
    return {**told, "passed": one.passed, "points": one.points}


def _failed(known: StaticCheck) -> dict[str, Any]:
    return {"reason": known.reason, "passed": False, "points": known.points, "hint": known.hint}


def _attempt(node: ast.stmt, names: dict[str, Any], file: str, source: str) -> dict[str, Any] | None:
    try:
        _execute(node, names, file)
    except LearnerSide as error:
        return error.as_problem()
    except AssertionError as error:
        return {"what": "assert", "text": _line(error, file, source)}
    except PlatformFault as error:
        return {"what": "fault", "text": _told(error)}
    except (Inexpressible, ImportError, OSError) as error:
        # Because of what she gave it, or of the lab's own making: the lab's own answer tells (see grade.py).
        return {**_unusable(error), "doubt": _told(error), "line": _line_number(error, file)}
    except BaseException as error:
        # The reference passes this test (`labkit courses check`), so what she returned does not fit it.
        return _unusable(error)
    return None


def _unusable(error: BaseException) -> dict[str, Any]:
    kind = "" if isinstance(error, Inexpressible) else type(error).__name__
    return {"what": "unusable", "kind": kind, "text": _text(error)}


def _told(error: BaseException) -> str:
    return _text(error) if isinstance(error, Inexpressible) else f"{type(error).__name__}: {_text(error)}"


def _text(error: BaseException) -> str:
    """What an error says; it may hold a value of hers that cannot be written, such as a number of 5,000 digits."""
    try:
        return str(error)[:300]
    except Exception:
        return ""


def _execute(node: ast.stmt, names: dict[str, Any], file: str) -> None:
    """Annotations that cannot be evaluated here (`Hers | None` with a class of hers) stay unevaluated: otherwise a
    learner who leaves out her class would have the author's definition fail, and her own of that name tested."""
    compiled = names.compiler if isinstance(names, Names) else compiler()
    module = ast.Module([node], [])
    try:
        exec(compiled(module, file, "exec"), names)  # type: ignore[arg-type]  # noqa: S102 - the author's own text
    except Exception:
        if not isinstance(node, _ANNOTATED):
            raise
        flags = compiled.flags | __future__.annotations.compiler_flag
        exec(compile(module, file, "exec", flags, dont_inherit=True), names)  # noqa: S102


def compiler() -> codeop.Compile:
    """Compiles without this module's own `from __future__`; one of the author's holds for what follows, as in a
    notebook."""
    made = codeop.Compile()
    made.flags = 0
    return made


def _line(error: BaseException, file: str, source: str) -> str:
    """The source line of the assert that failed."""
    with contextlib.suppress(IndexError):
        return source.splitlines()[_line_number(error, file) - 1].strip()
    return ""


def _line_number(error: BaseException, file: str) -> int:
    """Where in `file` the innermost call was that led to the error."""
    trace, number = error.__traceback__, 0
    while trace is not None:
        number = trace.tb_lineno if trace.tb_frame.f_code.co_filename == file else number
        trace = trace.tb_next
    return number

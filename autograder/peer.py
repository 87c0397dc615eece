"""The test process's end of the line: one question at a time, and her calls of what a test handed over meanwhile.

A learner's process that is gone or answers nonsense is her side's problem: every way out of `ask` but an answer is a
`LearnerSide`, or `Inexpressible` where the test itself asked for what cannot be.
"""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from autograder import frame, wire, writeback
from autograder.blame import Empty, Gone, Inexpressible, Malformed, Missing, StopAsking, kind_of, raised
from autograder.emptiness import is_empty
from autograder.handed import Handed
from autograder.handle import Handle, Record
from autograder.offer import Offers
from autograder.undo import Undo

MOST_ASKED = 500_000
MOST_PLACES = 2_000
DEEPEST_CALLS = 20
# What was asked (name, call, attribute, item, next, operator...) and of what: where in a test an object can come from.
Place = tuple[str, str]
_NO_CLASS: Callable[[str], type | None] = lambda _name: None  # noqa: E731 - a default, said in one line


class Peer:
    """`own_class` finds a dataclass the tests define themselves, by name: records of hers become those."""

    def __init__(self, line: socket.socket, own_class: Callable[[str], type | None] = _NO_CLASS) -> None:
        self._line: socket.socket | None = line
        self._own_class = own_class
        self._asked = self._depth = 0
        self._undo = Undo()
        self.offers = Offers()
        self.begin(None, ())

    def begin(
        self, known: frozenset[Place] | None, there: Iterable[object], full: frozenset[Place] = frozenset()
    ) -> None:
        """Another test begins: what the last one handed over is taken back, and what its calls changed of the values
        that were `there` before it.

        `known` are the places at which the lab's own answer gives objects, `full` those at which it gives containers
        that are never empty; `known` None: it is the one that is looked at.
        """
        self._undo.begin(there)
        self.offers.clear()
        self.known, self.seen, self.changed = known, set[Place](), False
        self.full, self.bare = set(full), set[Place]()

    def fetch(self, name: str) -> Any:
        return self.ask("name", name, name=name)

    def call(self, label: str, on: int, args: Sequence[Any], words: Mapping[str, Any]) -> Any:
        """Calls an object of hers; what the call changed in `args` and `words` is changed here too."""
        handed = Handed(self.offers, self._own_class)
        coded = [self.encode(value, handed) for value in args]
        coded_words = {name: self.encode(value, handed) for name, value in words.items()}
        answer = self._exchange(label, {"op": "call", "on": on, "args": coded, "words": coded_words})
        self._write_back(label, answer.get("changed"), writeback.by_place(args, words), handed)
        return self._read("call", label, answer)

    def ask(self, op: str, label: str, **fields: Any) -> Any:
        answer = self._exchange(label, {"op": op, **fields})
        if op == "next" and answer.get("stop") is True:
            raise StopAsking
        return self._read(op, label, answer)

    def encode(self, value: object, handed: Handed | None = None) -> Any:
        """A value of the test's on its way to the learner's code; her own objects go back as themselves."""
        try:
            return (handed or Handed(self.offers, self._own_class)).encode(value)
        except wire.WireError as error:
            raise Inexpressible(f"a test handed over what cannot cross: {error}") from None
        except RecursionError:
            raise Inexpressible("a test handed over what cannot cross: nested too deeply") from None

    def _read(self, op: str, label: str, answer: Mapping[str, Any]) -> Any:
        if "raised" in answer:
            raise raised(label, answer["raised"], answer.get("text"), answer.get("limit"))
        if answer.get("missing") is True:
            raise Missing(label)
        if "unsendable" in answer:
            raise Malformed(label, text=str(answer["unsendable"]))
        value = self._decode((op, label), answer.get("value"))
        self._note_emptiness((op, label), value)
        return value

    def _note_emptiness(self, place: Place, value: Any) -> None:
        """Raises Empty where the lab's own answer always has something to give."""
        if self.known is None:
            if len(self.full) + len(self.bare) < MOST_PLACES:
                (self.bare if is_empty(value) else self.full).add(place)
        elif place in self.full and is_empty(value):
            raise Empty(place[1])

    def _decode(self, place: Place, coded: Any, handed: Handed | None = None) -> Any:
        """`handed` is what a call handed over, where the answer may speak of it."""

        def other(tagged: dict[str, Any]) -> Any:
            if handed is not None and handed.gave(tagged):
                return handed.given(tagged, lambda part: self._decode(place, part, handed))
            return self._hers(tagged, place, handed)

        try:
            return wire.decode(coded, other)
        except (wire.WireError, RecursionError):
            raise Malformed(place[1]) from None

    def _write_back(self, label: str, changed: Any, values: list[Any], handed: Handed) -> None:
        if not changed:
            return
        self.changed = True
        told = []
        try:
            for place, coded in changed:
                if type(place) is not int or not 0 <= place < len(values):
                    raise ValueError("no such argument")
                told.append((values[place], self._decode(("changed", label), coded, handed)))
            for value, _ in told:
                self._undo.note(value)
            handed.settle()
            for value, new in told:
                writeback.apply(value, new)
        except (ValueError, TypeError, AttributeError):
            raise Malformed(label) from None

    def _exchange(self, label: str, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to `question`; until it comes, her calls of what was handed over are answered."""
        self._asked += 1
        if self._line is None or self._asked > MOST_ASKED or self._depth > DEEPEST_CALLS:
            raise Gone(label)
        self._depth += 1
        try:
            self._line.sendall(frame.pack(question))
            while True:
                message = frame.receive(self._line)
                if "offer" not in message:
                    return message
                self._line.sendall(frame.pack(self._called(label, message)))
                if self._line is None:
                    raise Gone(label)
        except (OSError, EOFError):
            self._line = None
            raise Gone(label) from None
        except frame.FrameError:
            self._line = None  # out of step: no later answer could be trusted to be the answer to its question
            raise Malformed(label) from None
        finally:
            self._depth -= 1

    def _called(self, label: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """Runs a function of the test's for her; whatever it raises is raised in her code."""
        try:
            function = self.offers.find(message["offer"], message.get("method"))
            place = ("called", label)
            args = [self._decode(place, one) for one in message["args"]]
            words = {str(name): self._decode(place, one) for name, one in message["words"].items()}
            return {"result": self.encode(function(*args, **words))}
        except Inexpressible:
            raise
        except Exception as error:
            return {"raised": kind_of(error), "text": str(error)[:300]}

    def _hers(self, coded: dict[str, Any], place: Place, handed: Handed | None = None) -> Any:
        number, kind, label = coded["v"], coded["type"], place[1]
        if type(number) is not int or not isinstance(kind, str) or coded["t"] not in ("handle", "record"):
            raise ValueError("not an object")
        trusted = self.known is None or place in self.known
        if len(self.seen) < MOST_PLACES:
            self.seen.add(place)
        words = coded.get("is")
        if coded["t"] == "handle":
            return Handle(self, number, label, kind[:60], words if isinstance(words, str) else "", trusted)
        own = self._own_class(kind)
        fields = {str(name): self._decode(place, value, handed) for name, value in coded["fields"]}
        if own is not None and fields.keys() == {one.name for one in dataclasses.fields(own)}:
            made: Any = object.__new__(own)
            for name, value in fields.items():
                object.__setattr__(made, name, value)
            return made
        return Record(self, number, label, kind[:60], "record", trusted)

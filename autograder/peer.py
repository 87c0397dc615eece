"""The test process's end of the line: one question at a time, and her calls of what a test handed over meanwhile.

A learner's process that is gone or answers nonsense is her side's problem: every way out of `ask` but an answer is a
`LearnerSide`, or `Inexpressible` where the test itself asked for what cannot be.
"""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograder import frame, wire, writeback
from autograder.blame import Empty, Gone, Inexpressible, Malformed, Missing, StopAsking, kind_of, raised
from autograder.emptiness import is_empty
from autograder.handed import Handed
from autograder.handle import Handle, Record
from autograder.offer import Offers

MOST_ASKED = 500_000
MOST_PLACES = 2_000
DEEPEST_CALLS = 20
# What was asked (name, call, attribute, item, next, operator...) and of what: where in a test a value comes from. Of an
# attribute its own name alone counts, so that a tree or a list of another shape than the lab's own is no other place.
Place = tuple[str, str]
_MOST_PARTS = 10
_NO_CLASS: Callable[[str], type | None] = lambda _name: None  # noqa: E731 - a default, said in one line


class Peer:
    """`own_class` finds a dataclass the tests define themselves, by name: records of hers become those."""

    def __init__(self, line: socket.socket, own_class: Callable[[str], type | None] = _NO_CLASS) -> None:
        self._line: socket.socket | None = line
        self._own_class = own_class
        self._asked = self._depth = 0
        self.turns = 0  # how often anything but a name was asked: then a name may mean something else
        self.offers = Offers()
        self.begin(None)

    def begin(self, known: frozenset[Place] | None, full: frozenset[Place] = frozenset()) -> None:
        """Another test begins: what the last one handed over is taken back.

        `known` are the places at which the lab's own answer gives objects, `full` those at which it gives containers
        that are never empty; `known` None: it is the one that is looked at.
        """
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
        place, coded = (op, label[max(label.rfind("."), 0) :]), answer.get("value")
        label = f"{label}()" if op == "call" else label
        value = self._decode_parts(place, label, coded)
        self._note_emptiness(place, label, value)
        return value

    def _decode_parts(self, place: Place, label: str, coded: Any) -> Any:
        """The parts of a short tuple are places of their own: `path, costs = search()` may give data and an object."""
        parts = coded.get("v") if isinstance(coded, dict) and coded.get("t") == "tuple" else None
        if not isinstance(parts, list) or len(parts) > _MOST_PARTS:
            return self._decode(place, label, coded)
        what, of = place
        return tuple(self._decode((what, f"{of}[{at}]"), label, part) for at, part in enumerate(parts))

    def _note_emptiness(self, place: Place, label: str, value: Any) -> None:
        """Raises Empty where the lab's own answer always has something to give."""
        if self.known is None:
            if len(self.full) + len(self.bare) < MOST_PLACES:
                none = value is None or isinstance(value, Handle) or is_empty(value)
                (self.bare if none else self.full).add(place)
        elif place in self.full and is_empty(value):
            raise Empty(label)

    def _decode(self, place: Place, label: str, coded: Any, handed: Handed | None = None) -> Any:
        """`handed` is what a call handed over, where the answer may speak of it."""

        def other(tagged: dict[str, Any]) -> Any:
            if handed is not None and handed.gave(tagged):
                return handed.given(tagged, lambda part: self._decode(place, label, part, handed))
            return self._hers(tagged, place, label, handed)

        try:
            return wire.decode(coded, other)
        except (wire.WireError, RecursionError):
            raise Malformed(label) from None

    def _write_back(self, label: str, changed: Any, values: list[Any], handed: Handed) -> None:
        if not changed:
            return
        self.changed = True
        told = []
        try:
            for place, coded in changed:
                if type(place) is not int or not 0 <= place < len(values):
                    raise ValueError("no such argument")
                told.append((values[place], self._decode(("changed", label), label, coded, handed)))
            handed.settle()
            for value, new in told:
                writeback.apply(value, new)
        except (ValueError, TypeError, AttributeError, RuntimeError):
            raise Malformed(label) from None

    def _exchange(self, label: str, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to `question`; until it comes, her calls of what was handed over are answered."""
        self._asked += 1
        self.turns += question["op"] != "name"
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
            args = [self._decode(place, label, one) for one in message["args"]]
            words = {str(name): self._decode(place, label, one) for name, one in message["words"].items()}
            return {"result": self.encode(function(*args, **words))}
        except Inexpressible:
            raise
        except Exception as error:
            return {"raised": kind_of(error), "text": str(error)[:300]}

    def _hers(self, coded: dict[str, Any], place: Place, label: str, handed: Handed | None = None) -> Any:
        number, kind = coded["v"], coded["type"]
        if type(number) is not int or not isinstance(kind, str) or coded["t"] not in ("handle", "record"):
            raise ValueError("not an object")
        trusted = self.known is None or place in self.known
        if len(self.seen) < MOST_PLACES:
            self.seen.add(place)
        words, filled = coded.get("is"), self.known is not None and place in self.full
        if coded["t"] == "handle":
            return Handle(self, number, label, kind[:60], words if isinstance(words, str) else "", trusted, filled)
        own = self._own_class(kind)
        fields = {str(name): self._decode(place, label, value, handed) for name, value in coded["fields"]}
        if own is not None and fields.keys() == {one.name for one in dataclasses.fields(own)}:
            made: Any = object.__new__(own)
            for name, value in fields.items():
                object.__setattr__(made, name, value)
            return made
        return Record(self, number, label, kind[:60], "record", trusted, filled)

"""Whatever comes over the line from a learner's process: the test ends in bounded time, and it was her fault."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import frame, wire
from autograder.test_process import Names, run_test

TEST = 'check("a", f(1) == 1)\ncheck("b", [x for x in f(2)] == [1])\ncheck("c", f.x(3).y == 2)\nassert len(f(4)) == 1'
FAULTS = {"raised", "missing", "gone", "not-plain", "malformed", "unusable", "assert"}
leaf = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6), st.floats())
TAGS = ("int", "float", "bytes", "list", "tuple", "set", "frozenset", "dict", "array", "scalar", "tensor", "table")
TAGS += ("column", "index", "size", "complex", "range", "deque", "Counter", "Decimal", "Fraction", "time", "handle")
TAGS += ("record", "offer", "mine", "library", "nonsense")
coded = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.fixed_dictionaries(
            {"t": st.sampled_from(TAGS), "v": inner},
            optional={"type": inner, "fields": inner, "d": inner, "s": inner, "m": inner, "k": inner, "is": inner},
        ),
        st.dictionaries(st.text(max_size=4), inner, max_size=3),
    ),
    max_leaves=15,
)
answers = st.one_of(
    st.builds(lambda value: {"value": value}, coded),
    st.builds(lambda value, changed: {"value": value, "changed": changed}, coded, coded),
    st.builds(lambda kind, text: {"raised": kind, "text": text, "limit": kind}, coded, coded),
    st.builds(lambda place, args: {"offer": place, "method": place, "args": args, "words": {}}, coded, coded),
    st.builds(lambda place, words: {"offer": 0, "method": "__call__", "args": [], "words": words}, coded, coded),
    st.sampled_from([{"missing": True}, {"stop": True}, {"unsendable": 3}, {}, {"raised": "StopIteration"}]),
    st.dictionaries(st.text(max_size=6), coded, max_size=3),
)


class Talker:
    """The learner's end: answers each question with the next of `script`, then hangs up."""

    def __init__(self, script) -> None:
        self.ours, self._hers = socket.socketpair()
        self._thread = threading.Thread(target=self._talk, args=(list(script),), daemon=True)
        self._thread.start()

    def _talk(self, script) -> None:
        with self._hers:
            for data in script:
                try:
                    frame.receive(self._hers)
                    self._hers.sendall(data)
                except (OSError, EOFError, frame.FrameError):
                    return

    def __enter__(self) -> socket.socket:
        return self.ours

    def __exit__(self, *_) -> None:
        self.ours.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


def judged(script) -> dict:
    with Talker(script) as line:
        line.settimeout(0.3)  # here it stands for the grader, which ends her process when her time is over
        return run_test(Names(line, {"f"}), TEST, "t")


def all_hers(result) -> bool:
    problems = [result["stopped"], *(one.get("problem") for one in result["checks"])]
    return all(problem is None or problem["what"] in FAULTS for problem in problems)


@given(st.lists(answers, max_size=8))
@settings(deadline=None, max_examples=150)
def test_answers_of_any_shape_are_hers_and_never_ours(script):
    result = judged([_packed(one) for one in script])

    assert all_hers(result), result


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_bytes_that_are_no_messages_are_hers(script):
    result = judged(script)

    assert all_hers(result), result
    assert not any(check["passed"] for check in result["checks"])


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        struct.pack(">I", frame.LARGEST + 1) + b"x",
        struct.pack(">I", 10) + b"{}",
        struct.pack(">I", 4) + b"null",
        struct.pack(">I", 200_000) + b"[" * 200_000,
        struct.pack(">I", 30) + b'{"value": {"t": "float", "v": ',
        b"\0\0\0\x02{}" * 1000,
        b'\0\0\0\x0f{"value": true}' * 1000,
    ],
)
def test_frames_that_are_cut_short_too_large_or_too_many_are_hers(data):
    result = judged([data])

    assert all_hers(result), result


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_a_damaged_encoding_raises_one_kind_of_error_and_no_other(data):
    value = data.draw(st.sampled_from(VALUES))
    text = json.dumps(wire.encode(value, lambda other: {"t": "handle", "v": 0, "type": "x"}))
    chance = random.Random(data.draw(st.integers()))
    damaged = _damage(json.loads(text), chance)
    try:
        wire.decode(damaged, _refuse)
    except wire.WireError:
        pass


@given(coded)
@settings(deadline=None, max_examples=400)
def test_a_tree_of_any_shape_is_decoded_or_refused(tree):
    try:
        wire.decode(tree, _refuse)
    except wire.WireError:
        pass


@pytest.mark.sandbox
@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_a_drip_ends_with_her_time_and_says_so(submit, pause):
    answer = (
        "import os, time\ndef clip(x, low, high):\n    for fd in range(3, 12):\n"
        "        try: os.write(fd, b'\\0\\0\\x10\\0')\n"
        f"        except OSError: pass\n    while True:\n        time.sleep({pause})\n        for fd in range(3, 12):\n"
        "            try: os.write(fd, b' ')\n            except OSError: pass\n"
    )
    began = time.monotonic()
    graded = submit(answer, table="limits = {seconds = 2, memory_mb = 256}")

    assert (graded.score, graded.fault) == (0, None), graded.text
    assert time.monotonic() - began < 2 + 20 + 30, "her time, what tests may take on top, and a busy machine"


def _packed(message) -> bytes:
    data = json.dumps(message).encode()
    return struct.pack(">I", len(data)) + data


def _refuse(_coded):
    raise wire.WireError("nothing else is known here")


def _damage(tree, chance):
    """Changes one place of a tree."""
    if isinstance(tree, dict) and tree:
        key = chance.choice(list(tree))
        if chance.random() < 0.3:
            return {name: value for name, value in tree.items() if name != key}
        return {**tree, key: _damage(tree[key], chance)}
    if isinstance(tree, list) and tree and chance.random() < 0.8:
        place = chance.randrange(len(tree))
        return [*tree[:place], _damage(tree[place], chance), *tree[place + 1 :]]
    return chance.choice([None, -1, 2**70, "", "x" * 50, [], {}, [[]], {"t": "set", "v": [[]]}, 1.5, True])


def _values():
    import collections
    import datetime
    import decimal
    import fractions

    import numpy as np
    import pandas as pd

    return [
        {1: [2.5, "a"], "b": (None, True)},
        {1, 2},
        b"xy",
        2**100,
        1j,
        range(3),
        collections.deque([1], 3),
        collections.Counter("aab"),
        decimal.Decimal("1.5"),
        fractions.Fraction(1, 3),
        datetime.datetime(2026, 1, 1),
        datetime.timedelta(1),
        np.arange(6.0).reshape(2, 3),
        np.float32(1),
        pd.DataFrame({"a": [1, 2]}),
        pd.Series([1.0, 2.0], name="s"),
        bytearray(b"a"),
    ]


VALUES = _values()

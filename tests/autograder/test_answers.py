"""Which of her cells make up an answer: copies, parts, and what was written into cells of her own."""

import json

import pytest

from autograder import definitions, names, parts
from autograder.answers import MOST_OF_ONE
from autograder.definitions import Definitions
from autograder.grade import grader_notebook
from autograder.repair import repair

TWO = """\
# %% solution="net"
import math
class Net:
    ### BEGIN SOLUTION
    size = 1
    ### END SOLUTION
def trained(net):
    ### BEGIN SOLUTION
    return net
    ### END SOLUTION
# %% test="works" points=1
assert Net().size == 1
# %% solution="model"
model = None
### BEGIN SOLUTION
model = Net()
### END SOLUTION
# %% test="is-one" points=1
assert model is not None
"""
CLIP_TOO = """\
# %% solution="clip"
def clip(x):
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION
# %% test="clips" points=1
assert clip(1)
"""
CLIP = "def clip(x, low, high):\n    return 1"
OLDER = "def clip(x, low, high):\n    return 0"
BROKEN = "def clip(x, low, high)\n    return 0"
STARTED = "def clip(x, low, high):\n    # Let me think.\n    raise NotImplementedError()"
OTHER = ("y = 2", "mine")
RELEASED = object()


@pytest.fixture
def answer(make_lab):
    """The text and notes of one answer, after (text, name) cells; RELEASED is the starter."""

    def _answer(*cells, name="clip", lab=None, original=None):
        trusted = grader_notebook(make_lab(lab) if lab else make_lab())
        given = {cell["id"]: "".join(cell["source"]) for cell in trusted["cells"]}
        sent = []
        for place, cell in enumerate(cells):
            text, called = cell if isinstance(cell, tuple) else (cell, name)
            text = given[called] if text is RELEASED else text
            metadata = {"nbgrader": {"grade_id": called}} if called in given else {}
            ident = name if place == original else f"id{place}"
            sent.append({"cell_type": "code", "id": ident, "metadata": metadata, "source": text})
        repaired = repair(trusted, json.dumps({"cells": sent}).encode())
        text = next("".join(cell["source"]) for cell in repaired.notebook["cells"] if cell["id"] == name)
        return text, [note for note in repaired.notes if f"cell {name}" in note or f"answer to {name}" in note]

    return _answer


@pytest.mark.parametrize(
    ("cells", "original"),
    [
        ([CLIP, OLDER], None),
        ([CLIP, OLDER], 0),
        ([OLDER, CLIP], 1),
        ([OLDER, OTHER, CLIP], 2),
        ([BROKEN, CLIP], None),
        ([BROKEN, CLIP], 0),
        ([CLIP, BROKEN], None),
        ([BROKEN, OTHER, CLIP, BROKEN + "#"], 0),
        ([STARTED, CLIP], 0),
        ([CLIP, STARTED], None),
        ([CLIP, "clip(1)", OLDER], 0),
        ([CLIP, CLIP], None),
        ([RELEASED, CLIP], 0),
        (["%matplotlib inline\n" + BROKEN, CLIP], 0),
        (["clip(1, 2, 3)", OTHER, CLIP], 0),
        (["x = 1", OTHER, CLIP], 0),
    ],
)
def test_of_a_whole_answer_and_its_copies_one_alone_is_taken(answer, cells, original):
    text, notes = answer(*cells, original=original)

    assert [part for part in text.split("\n\n") if part != "clip(1)"] == [CLIP]
    assert "clip(1)" in text or "more than one cell clip" in notes[0]


@pytest.mark.parametrize(
    "cells",
    [
        ["LOW = 0", CLIP + " + LOW"],
        ["LOW = 0", OTHER, CLIP + " + LOW"],
        [CLIP + " + LOW", OTHER, "LOW = 0"],
        ["LOW = 0", "HIGH = 1", CLIP],
        [CLIP, OTHER, "clip = cached(clip)"],
        [CLIP, OTHER, "for n in range(3):\n    clip(n, 0, 1)"],
        ["!ls\nLOW = 0", OTHER, "%time\n" + CLIP + " + LOW"],
    ],
)
def test_what_a_whole_answer_needs_or_goes_on_with_is_a_part_of_it(answer, cells):
    text, notes = answer(*cells)

    assert text == "\n\n".join(cell for cell in cells if cell is not OTHER)
    assert "several parts" in notes[0]


@pytest.mark.parametrize("apart", [(), (OTHER,)])
@pytest.mark.parametrize(
    ("parts", "dropped"),
    [
        (["import math", "class Net:\n    size = 1", "def trained(net):\n    return net"], []),
        (["import math\nclass Net:\n    size = 1", "def trained(net):\n    return net"], []),
        (
            ["import math", "class Net:\n    size = 1", "def trained(net):\n    return net"],
            ["class Net:\n    size = 2"],
        ),
        (["import math", "class Net:\n    size = 1", "def trained(net):\n    return net"], ["class Net\n    size"]),
        (["import math", "class Net:\n    size = 1\ndef trained(net):\n    return net", "Net().size"], []),
    ],
)
def test_parts_that_give_together_what_none_gives_alone_are_joined_in_order(answer, parts, dropped, apart):
    cells = [one for part in parts for one in (part, *apart)]
    text, notes = answer(*cells, *dropped, name="net", lab=TWO)

    assert text == "\n\n".join(parts)
    assert "several parts" in notes[0]


@pytest.mark.parametrize(
    "cells",
    [
        [RELEASED, (CLIP, "mine")],
        [(CLIP, "mine"), RELEASED],
        [RELEASED, (OLDER, "mine"), (CLIP, "mine too")],
        [RELEASED, (CLIP, "mine"), (STARTED, "mine too")],
        [RELEASED, (CLIP, "mine"), (BROKEN, "mine too")],
        [(CLIP, "mine"), (STARTED, "clip-examples")],
        [(CLIP, "mine"), ("clip(1, 2, 3)", "mine too")],
    ],
)
def test_an_answer_in_a_cell_of_her_own_counts_where_its_own_cell_holds_none(answer, cells):
    text, notes = answer(*cells)

    assert text == CLIP
    assert "another cell of yours" in notes[0]


@pytest.mark.parametrize(
    "more",
    ["# raise NotImplementedError", "def later():\n    raise NotImplementedError", "print('NotImplementedError')"],
)
def test_a_word_in_a_comment_makes_no_starter(answer, more):
    assert answer((f"{CLIP}\n{more}", "mine"))[0] == f"{CLIP}\n{more}"


@pytest.mark.parametrize("name", ["clip-examples", "reflect"])
def test_a_cell_that_stands_for_another_is_searched_only_where_the_answers_own_is_gone(answer, name):
    assert answer(RELEASED, (CLIP, name))[1] == []
    assert answer((CLIP, name))[0] == CLIP


def test_definitions_spread_over_cells_of_her_own_are_taken_in_order(answer):
    parts = ["def trained(net):\n    return net", "import math", "class Net:\n    size = 1"]
    text, notes = answer(*((part, "mine") for part in (parts[0], "y = 1", *parts[1:])), name="net", lab=TWO)

    assert text == "\n\n".join(parts)
    assert "(or in several)" in notes[0]


@pytest.mark.parametrize("given", [["import math"], ["import math", "class Net:\n    size = 1"]])
def test_what_is_spread_and_not_whole_is_not_found(answer, given):
    assert "was not found" in answer(*((one, "mine") for one in given), name="net", lab=TWO)[1][0]


@pytest.mark.parametrize(("cells", "expected"), [(["model = Net()", OTHER, "model = trained(model)"], [0, 2])])
def test_what_defines_a_name_from_itself_is_no_copy(answer, cells, expected):
    assert answer(*cells, name="model", lab=TWO)[0] == "\n\n".join(cells[place] for place in expected)


@pytest.mark.parametrize("word", ["a", "clip", "é"])
@pytest.mark.parametrize(("times", "cells"), [(1 << 20, 12), (60_000, 40), (1_000, 2_000)])
def test_little_of_what_she_sent_is_read_as_python_and_nothing_twice(make_lab, monkeypatch, word, times, cells):
    """A megabyte of `a` on lines of its own takes a gigabyte to parse, in the grader's own process."""
    trusted = grader_notebook(make_lab(TWO + CLIP_TOO))
    released = {"".join(cell["source"]) for cell in trusted["cells"]}
    parsed = []
    parse = names.parse
    monkeypatch.setattr(names, "parse", lambda source: parsed.append(source) or parse(source))
    lines = f"{word}\n" * (times // (len(word.encode()) + 1))
    sent = [{"cell_type": "code", "metadata": {}, "source": f"n = {n}\n{lines}"[:times]} for n in range(cells)]
    repaired = repair(trusted, json.dumps({"cells": sent}, ensure_ascii=False).encode())
    hers = [len(one.encode()) for one in parsed if one not in released]

    assert repaired.readable
    assert len([note for note in repaired.notes if "was not found" in note]) == 3
    assert sum(hers) <= definitions.MOST
    assert max(hers, default=0) <= definitions.LONGEST
    assert len(set(parsed)) == len(parsed)


def test_a_copy_too_long_to_be_read_is_neither_whole_nor_broken(answer):
    long = "x = 1\n" * 12_000 + CLIP

    assert answer(long, OTHER, OLDER, original=0)[0] == long


def test_nested_comprehensions_are_walked_once(monkeypatch):
    """Each of ninety, one in the other, walked to its end would take the square of ninety."""
    nested = "a"
    for _ in range(80):
        nested = f"[{nested} for a in b]"
    (node,) = names.body(f"x = {nested}")
    seen = []
    walk = names.ast.walk
    monkeypatch.setattr(names.ast, "walk", lambda one: (seen.append(inner) or inner for inner in walk(one)))

    assert names.needed_first([node]) == {"b"}
    assert len(seen) <= len(list(walk(node)))


@pytest.mark.parametrize("original", [None, 0, 2_000])
def test_of_thousands_of_cells_of_one_name_a_hundred_are_looked_at(answer, monkeypatch, original):
    asked = []
    belongs = parts._belongs
    monkeypatch.setattr(parts, "_belongs", lambda *words: asked.append(words) or belongs(*words))
    cells = [f"a{n} = 1" for n in range(2_000)]
    cells.insert(2_000 if original is None else original, CLIP)
    text, notes = answer(*cells, original=original)

    assert ("def clip" in text) is (original is not None)
    assert text.count(" = 1") <= MOST_OF_ONE
    assert len(asked) <= MOST_OF_ONE
    assert "more than one cell clip" in notes[-1]


class Counted(list):
    """Cells' places, and how often somebody looked for one among them."""

    looked = 0

    def __contains__(self, one):
        self.looked += 1
        return super().__contains__(one)


def test_what_stands_together_is_not_looked_for_pair_by_pair():
    cells = {place: f"a{place} = 1" for place in range(0, 600, 2)} | {600: CLIP, 601: "b = 1"}
    known = Definitions()
    places = Counted(cells)
    wanted = parts.Wanted(frozenset({"clip"}))
    whole = parts._with_parts(600, {place: known.of(text) for place, text in cells.items()}, wanted, places)

    assert whole == [600, 601]
    assert places.looked == 0

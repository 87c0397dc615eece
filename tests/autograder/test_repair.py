import json

import pytest

from autograder.grade import grader_notebook
from autograder.repair import LARGEST, repair

ANSWER = "def clip(x, low, high):\n    return 1\n"


def answers(repaired) -> dict[str, str]:
    return {cell["id"]: "".join(cell["source"]) for cell in repaired.notebook["cells"]}


@pytest.fixture
def trusted(make_lab):
    return grader_notebook(make_lab())


def sent(trusted, **cell) -> bytes:
    return json.dumps(
        {"cells": [{"id": "clip", "cell_type": "code", "metadata": {}, "source": ANSWER, **cell}]}
    ).encode()


def test_only_the_source_of_answers_is_taken(trusted):
    hers = json.loads(json.dumps(trusted))
    for cell in hers["cells"]:
        cell["source"] = "hers"
        cell["metadata"] = {"nbgrader": {"grade_id": cell["id"], "points": 99}, "tags": ["skip-execution"]}
        cell["outputs"] = [{"output_type": "stream", "text": "score: 5"}]
    repaired = repair(trusted, json.dumps(hers).encode())

    assert (repaired.readable, repaired.notes) == (True, ())
    taken = [name for name, source in answers(repaired).items() if source == "hers"]
    assert taken == ["clip", "reflect"]
    for cell, original in zip(repaired.notebook["cells"], trusted["cells"], strict=True):
        assert {**cell, "source": 0} == {**original, "source": 0}


def test_the_trusted_notebook_is_left_as_it_was(trusted):
    before = json.dumps(trusted)
    repair(trusted, sent(trusted))

    assert json.dumps(trusted) == before


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a notebook",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b'{"cells": {}}',
        b'{"worksheets": []}',
        b"[" * 200_000,
        b'{"cells": ' + b"[" * 200_000,
        b"PK\x03\x04",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_notebook_is_said_to_the_learner_and_never_raised(trusted, data):
    repaired = repair(trusted, data)

    assert repaired.readable is False
    assert "not a notebook that can be read" in repaired.notes[0]
    assert repaired.notebook == trusted


def test_what_is_too_large_is_not_even_read(trusted):
    assert repair(trusted, b" " * (LARGEST + 1)).readable is False


@pytest.mark.parametrize("source", [5, None, {"a": 1}, ["a", 3], "x" * (1 << 21)])
def test_a_source_that_is_no_text_counts_as_not_answered(trusted, source):
    repaired = repair(trusted, sent(trusted, source=source))

    assert "NotImplementedError" in answers(repaired)["clip"]
    assert any("not text" in note for note in repaired.notes)


@pytest.mark.parametrize("source", [ANSWER, ANSWER.splitlines(keepends=True)])
def test_source_may_be_text_or_lines(trusted, source):
    assert answers(repair(trusted, sent(trusted, source=source)))["clip"] == ANSWER


def test_a_byte_order_mark_is_no_harm(trusted):
    assert answers(repair(trusted, b"\xef\xbb\xbf" + sent(trusted)))["clip"] == ANSWER


def test_a_lone_surrogate_is_replaced(trusted):
    assert answers(repair(trusted, sent(trusted, source="x = '\ud800'")))["clip"] == "x = '?'"


def test_notes_are_in_the_labs_language(trusted):
    trusted["metadata"]["labkit"]["language"] = "fil"

    assert "Hindi nakita ang sagot mo sa clip" in repair(trusted, b'{"cells": []}').notes[0]


def hers(*cells: dict, **metadata: object) -> bytes:
    return json.dumps({"cells": list(cells), "metadata": {"labkit": metadata}}).encode()


def code(source: str, name: str = "clip", **more: object) -> dict:
    return {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": name}}, "source": source, **more}


def test_a_cell_that_was_split_is_put_together_again(trusted):
    parts = [code("LOW = 0"), code("def clip(x, low, high):\n    return LOW")]
    repaired = repair(trusted, hers(*parts))

    assert answers(repaired)["clip"] == "LOW = 0\n\ndef clip(x, low, high):\n    return LOW"
    assert "several parts" in repaired.notes[0]


def test_a_copy_that_stands_apart_is_no_part(trusted):
    repaired = repair(trusted, hers(code("def clip(): return 1"), code("x = 1", "mine"), code("def clip(): return 2")))

    assert answers(repaired)["clip"] == "def clip(): return 1"
    assert "more than one cell" in repaired.notes[0]


@pytest.mark.parametrize("name", ["clip-examples", "mine", ""])
def test_a_cell_that_was_merged_or_pasted_elsewhere_is_known_by_what_it_defines(trusted, name):
    source = "import math\n\ndef clip(x, low, high):\n    return 1\n\nassert clip(5, 0, 3) == 3"
    repaired = repair(trusted, hers(code("y = 2", "other"), code(source, name)))

    assert answers(repaired)["clip"] == source
    assert "another cell of yours" in repaired.notes[0]


def test_a_starter_that_stands_elsewhere_is_no_answer(trusted):
    repaired = repair(trusted, hers(code("def clip(x):\n    raise NotImplementedError()", "mine")))

    assert "was not found" in repaired.notes[0]


def test_an_old_notebook_keeps_its_cells_in_worksheets(trusted):
    cell = {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "clip"}}, "input": ANSWER}
    old = {"nbformat": 3, "worksheets": [{"cells": [cell]}, {"cells": None}, 7]}

    assert answers(repair(trusted, json.dumps(old).encode()))["clip"] == ANSWER


OLD = {"a" * 64: {"reflect": "Where not?", "clip": "def clip(x):\n    pass"}, "b" * 64: {"reflect": "Where not?"}}


def test_what_an_older_release_asked_is_not_her_answer(trusted):
    cells = code("Where not?", "reflect") | {"cell_type": "markdown"}, code("def clip(x):\n    pass")
    repaired = repair(trusted, hers(*cells, release="a" * 64), OLD.get)

    assert answers(repaired) == answers(repair(trusted, json.dumps(trusted).encode()))
    assert "left the written answer" in repaired.notes[0]


def test_what_came_after_her_release_is_said_to_be_newer(trusted):
    repaired = repair(trusted, hers(release="b" * 64), OLD.get)

    assert "before clip was added" in repaired.notes[0]
    assert "was not found" in repaired.notes[1]


@pytest.mark.parametrize("release", [None, 7, [], "../../etc", "x" * 10_000])
def test_a_release_nobody_knows_is_the_newest(trusted, release):
    repaired = repair(trusted, hers(code(ANSWER), release=release), OLD.get)

    assert answers(repaired)["clip"] == ANSWER

"""What is told of written answers that nobody has written."""

from __future__ import annotations

import json

import pytest

from labkit.submissions.unwritten import unwritten


def notebook(*answers: str, **more: object) -> bytes:
    about = {"grade": True, "solution": True, "points": 20}
    cells = [
        {"cell_type": "markdown", "metadata": {"nbgrader": {**about, "grade_id": f"a{place}"}}, "source": answer}
        for place, answer in enumerate(answers)
    ]
    plain = {"cell_type": "markdown", "metadata": {}, "source": "prose"}
    code = {"cell_type": "code", "metadata": {"nbgrader": {**about, "grade_id": "code"}}, "source": "x"}
    return json.dumps({"cells": [plain, code, *cells], **more}).encode()


ENGLISH, FILIPINO = notebook("Why is that? Say it.", "## Then"), notebook("Bakit?", "## Kasunod")


@pytest.mark.parametrize(
    ("handed_in", "begins"),
    [
        (ENGLISH, ["Why is that? Say it.", "Then"]),
        (notebook("Why is that? Say it.\n", "## Then\n\nI wrote."), ["Why is that? Say it."]),
        (notebook("Bakit?", "## Then and more"), ["Bakit?"]),
        (notebook("Because.", "So."), []),
        (notebook("", ""), []),
        (notebook("## Then", "Why is that? Say it."), []),
    ],
)
def test_an_answer_that_is_as_in_a_release_of_any_language_is_told(handed_in: bytes, begins: list[str]):
    told = unwritten(handed_in, [ENGLISH, FILIPINO])

    assert [one["begins"] for one in told] == begins
    assert all(one["points"] == 20 for one in told)


def test_a_long_question_is_told_by_its_first_words():
    long = notebook("A service pays for every token and each person may use the same number a day. Who pays?")
    [one] = unwritten(long, [long])

    assert one["begins"] == "A service pays for every token and each person may use the …"


def test_a_source_of_lines_is_the_same_text():
    lines = json.loads(ENGLISH)
    for cell in lines["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)

    assert len(unwritten(json.dumps(lines).encode(), [ENGLISH])) == 2


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b'{"cells": 3}', b'{"cells": [3]}', b'{"cells": [{}]}', b"[" * 100_000]
)
def test_what_is_no_notebook_tells_nothing(content: bytes):
    assert unwritten(content, [ENGLISH]) == []
    assert unwritten(ENGLISH, [content]) == []

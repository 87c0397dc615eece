"""Texts as rows of numbers."""

from __future__ import annotations

from typing import Any

import pytest

import labkit
from labkit.errors import RequestRefused


class Lengths:
    """Embeds a text as its length, told in no order."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.bodies: list[dict[str, Any]] = []

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert path == "/v1/embeddings"
        self.sizes.append(len(body["input"]))
        self.bodies.append(body)
        data = [{"index": at, "embedding": [float(len(text))]} for at, text in enumerate(body["input"])]
        return {"data": data[::-1]}


@pytest.fixture
def lengths(platform, monkeypatch: pytest.MonkeyPatch) -> Lengths:
    lengths = Lengths()
    monkeypatch.setattr(platform, "post", lengths.post)
    return lengths


def test_rows_come_in_the_order_of_the_texts(lengths: Lengths) -> None:
    assert labkit.embed(["a", "bbb", "cc"]) == [[1.0], [3.0], [2.0]]
    assert lengths.bodies == [{"input": ["a", "bbb", "cc"]}]


def test_one_text_gives_one_row(lengths: Lengths) -> None:
    assert labkit.embed("kumusta", model="small") == [7.0]
    assert lengths.bodies == [{"input": ["kumusta"], "model": "small"}]


def test_more_texts_than_a_request_takes_are_sent_in_several(lengths: Lengths) -> None:
    rows = labkit.embed(["a" * (at + 1) for at in range(600)])
    assert [row[0] for row in rows] == [float(at + 1) for at in range(600)]
    assert lengths.sizes == [256, 256, 88]


def test_no_texts_cost_nothing(lengths: Lengths) -> None:
    assert labkit.embed([]) == [] and lengths.sizes == []


@pytest.mark.parametrize(
    ("texts", "found"), [(["a", 3], "number 1 is '3'"), (["a", " "], "number 1"), ("", "number 0")]
)
def test_what_is_no_text_is_refused_by_its_number(texts: Any, found: str, lengths: Lengths) -> None:
    with pytest.raises(RequestRefused, match=found):
        labkit.embed(texts)
    assert lengths.sizes == []

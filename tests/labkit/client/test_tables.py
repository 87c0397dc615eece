"""What is left, and which models there are, as words and as tables that can be read aloud."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest

import labkit

MIDNIGHT = "2026-03-02T00:00:00+08:00"
LAB = {
    "scope": "lab",
    "limit": 20_000,
    "used": 4_900,
    "reserved": 100,
    "left": 15_000,
    "requests": 3,
    "most_requests": 20,
    "resets_at": MIDNIGHT,
}
CLASS = {
    "scope": "cohort",
    "limit": 1_000_000,
    "used": 1_000_000,
    "reserved": 0,
    "left": 0,
    "requests": 900,
    "most_requests": None,
    "resets_at": None,
}


def told(*bounds: dict[str, Any], **lab: Any) -> dict[str, Any]:
    return {"limit": 20_000, "used": 4_900, "left": 15_000, "resets_at": MIDNIGHT, "all": list(bounds), **lab}


@pytest.fixture
def left(platform, monkeypatch: pytest.MonkeyPatch) -> labkit.Allowance:
    monkeypatch.delenv("TZ", raising=False)
    platform.answers["/allowance"] = told(LAB, CLASS)
    return labkit.allowance()


def test_an_allowance_has_the_labs_numbers(left: labkit.Allowance) -> None:
    assert (left.limit, left.used, left.left) == (20_000, 4_900, 15_000)
    assert left.resets_at == datetime(2026, 3, 1, 16, tzinfo=UTC)


def test_every_bound_is_a_line(left: labkit.Allowance) -> None:
    assert repr(left).splitlines() == [
        "this lab: 15,000 of 20,000 tokens left, 4,900 used, 100 held for calls that run; "
        "17 of 20 requests left, 3 used; full again at 00:00 on 02 March",
        "your whole class: 0 of 1,000,000 tokens left, 1,000,000 used; it does not reset",
    ]


def test_in_a_notebook_it_is_a_table_with_heads_and_bars_that_have_words(left: labkit.Allowance) -> None:
    table = ElementTree.fromstring(left._repr_html_())
    assert [head.text for head in table.iterfind(".//th[@scope='col']")] == ["Where", "Tokens", "Requests", "When"]
    assert [head.text for head in table.iterfind(".//th[@scope='row']")] == ["this lab", "your whole class"]
    assert [bar.get("aria-label") for bar in table.iterfind(".//div[@role='img']")] == [
        "75 % left",
        "85 % left",
        "0 % left",
    ]
    assert "no limit, 900 used" in "".join(table.itertext())
    (moment,) = table.iterfind(".//time")
    assert (moment.get("datetime"), moment.text) == (MIDNIGHT, "full again at 00:00 on 02 March")
    assert "http" not in left._repr_html_()


def test_times_are_in_the_learners_zone_where_her_server_names_it(
    left: labkit.Allowance, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert "full again at 01:00 on 02 March" in repr(left)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("lab", "shown"),
    [
        ({"limit": None, "left": None}, "no limit here; 4,900 tokens used"),
        ({}, "this lab: 15,000 of 20,000 tokens left, 4,900 used; full again at 00:00 on 02 March"),
        (
            {"limit": 0, "left": 0, "used": 0, "resets_at": None},
            "this lab: 0 of 0 tokens left, 0 used; it does not reset",
        ),
    ],
)
def test_without_other_bounds_it_is_the_labs_alone(
    lab: dict[str, Any], shown: str, platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TZ", raising=False)
    platform.answers["/allowance"] = told(**lab)
    left = labkit.allowance()
    assert repr(left) == shown
    assert ElementTree.fromstring(f"<p>{left._repr_html_()}</p>") is not None


STEPS = {**LAB, "unit": "steps", "limit": 400, "used": 50, "reserved": 40, "left": 310, "most_requests": None}
TIME = {**STEPS, "unit": "seconds", "limit": 1200, "used": 90, "reserved": 0, "left": 1110, "resets_at": None}


def test_what_is_left_of_trainings_is_a_row_of_its_own_with_its_unit(platform, monkeypatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    platform.answers["/allowance"] = told(LAB, training=[STEPS, TIME])
    left = labkit.allowance()
    assert (left.left, len(left.all)) == (15_000, 1)  # no step is among the tokens
    assert [(one.unit, one.left) for one in left.training] == [("steps", 310), ("seconds", 1110)]
    assert repr(left).splitlines()[1:] == [
        "this lab: 310 of 400 training steps left, 50 used, 40 held for trainings that wait or run; "
        "full again at 00:00 on 02 March",
        "this lab: 18.5 of 20 minutes of training left, 1.5 used; it does not reset",
    ]
    table = ElementTree.fromstring(left._repr_html_())
    heads = [head.text for head in table.iterfind(".//th[@scope='row']")]
    assert heads == ["this lab", "this lab, training", "this lab, training"]
    assert "310 of 400 training steps left" in "".join(table.itertext())
    assert [bar.get("aria-label") for bar in table.iterfind(".//div[@role='img']")][2:] == ["77 % left", "92 % left"]


def test_a_lab_without_a_bound_on_tokens_says_what_is_left_of_its_steps(platform) -> None:
    platform.answers["/allowance"] = told(limit=None, left=None, training=[STEPS])
    left = labkit.allowance()
    assert repr(left).startswith("no limit here; 4,900 tokens used\nthis lab: 310 of 400 training steps left")
    assert "310 of 400 training steps left" in left._repr_html_()


MODELS = [
    {
        "id": "small<b>",
        "paths": ["chat/completions", "completions", "score"],
        "takes": ["tools"],
        "context_length": 2048,
    },
    {"id": "eye", "paths": ["chat/completions"], "takes": ["images"], "context_length": None},
    {"id": "ocr", "paths": ["ocr"], "takes": [], "context_length": None},
]


def test_models_are_told_with_the_calls_they_answer(platform) -> None:
    platform.answers["/v1/models"] = {"data": MODELS}
    found = labkit.models()
    assert repr(found).splitlines() == [
        "Model     Answers to               Reads at most",
        "small<b>  ask, chat, score         2,048 tokens",
        "eye       ask, chat (sees images)  -",
        "ocr       read                     -",
    ]
    assert [one.id for one in found if "ask" in one.calls] == ["small<b>", "eye"]
    table = ElementTree.fromstring(found._repr_html_())
    assert [head.text for head in table.iterfind(".//th[@scope='row']")] == ["small<b>", "eye", "ocr"]


def test_a_lab_without_models_says_so(platform) -> None:
    platform.answers["/v1/models"] = {"data": []}
    assert repr(labkit.models()) == labkit.models()._repr_html_() == "This lab uses no model."


def test_labkit_models_can_be_called_where_the_room_of_its_name_is_imported(platform) -> None:
    import labkit.models as room

    platform.answers["/v1/models"] = {"data": MODELS[:1]}
    assert room.catalogue and labkit.models()[0].context == 2048

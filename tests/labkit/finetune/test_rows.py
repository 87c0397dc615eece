"""A notebook's rows and a file's lines: every mistake is told by its place and what to write instead."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.errors import RequestRefused
from labkit.finetune.rows import method_of, parse, rows, written

GOOD = {"prompt": "Saan?", "completion": "Dito."}
TALK = [{"role": "user", "content": "Saan?"}, {"role": "assistant", "content": "Dito."}]


@pytest.mark.parametrize(
    "data",
    [[GOOD], [{"messages": TALK}], [("Saan?", "Dito.")], [{"prompt": TALK[:1], "completion": "Dito."}], iter([GOOD])],
    ids=["a dict", "messages", "a pair", "a conversation and its answer", "an iterator"],
)
def test_a_question_and_its_answer_may_be_written_in_every_usual_way(data):
    assert rows(data) == [{"messages": TALK}]


def test_a_data_frame_is_read_row_by_row():
    pandas = pytest.importorskip("pandas")

    assert rows(pandas.DataFrame([GOOD, GOOD])) == [{"messages": TALK}] * 2


def test_preferences_are_openais_on_the_wire():
    wire = {
        "input": {"messages": TALK[:1]},
        "preferred_output": TALK[1:],
        "non_preferred_output": [{"role": "assistant", "content": "Ewan."}],
    }

    assert rows([{"prompt": "Saan?", "chosen": "Dito.", "rejected": "Ewan."}]) == [wire]
    assert rows([wire]) == [wire]
    assert method_of([wire]) == "dpo"
    assert method_of([{"messages": TALK}]) == "sft"


BAD = {
    "nothing": ([], "no rows"),
    "a text": ("Saan?", "labkit.finetune takes rows, not a text"),
    "one row": (GOOD, "takes rows"),
    "a number": (3, "takes rows"),
    "a row that is a text": ([GOOD, "Saan?"], "row 2: it is a text"),
    "a row that is empty": ([GOOD, None], "row 2: it is empty"),
    "no completion": ([GOOD, {"prompt": "x"}], "row 2: completion is missing"),
    "a misspelt field": ([{"promt": "x", "completion": "y"}], "row 1: prompt is missing|row 1: 'promt' is unknown"),
    "a field too many": ([GOOD, {**GOOD, "label": "x"}], "row 2: 'label' is unknown"),
    "an empty answer": ([GOOD, GOOD, {"prompt": "x", "completion": " "}], "row 3, completion: it is empty"),
    "a number for an answer": ([{"prompt": "x", "completion": 3}], "row 1, completion: it is a number, not a text"),
    "a hole in a table": ([{"prompt": float("nan"), "completion": "y"}], "row 1, prompt: it is a number, not a text"),
    "no messages": ([{"messages": []}], "row 1, messages: it is a list"),
    "messages of text": ([{"messages": "hi"}], "row 1, messages: it is a text"),
    "a role": ([{"messages": [{"role": "clerk", "content": "x"}]}], "message 1: the role is 'clerk'"),
    "a message without content": ([{"messages": [{"role": "user"}]}], "message 1: it has not role and content alone"),
    "no answer at the end": ([{"messages": TALK[:1]}], "messages: the last message is of the user"),
    "an answer in a prompt": ([{"prompt": TALK, "completion": "x"}], "prompt: the last message is an answer"),
    "the same answers": ([{"prompt": "x", "chosen": "y", "rejected": "y"}], "row 1: both answers are the same"),
    "two kinds": ([GOOD, {"prompt": "x", "chosen": "y", "rejected": "z"}], "row 2: it is of another kind than row 1"),
    "half a character": ([{"prompt": "\ud800", "completion": "y"}], "row 1, prompt: it holds half a character"),
    "a book": ([{"prompt": "x" * 100_001, "completion": "y"}], "row 1, prompt: it has 100,001 characters"),
    "too many": ([GOOD] * 10_001, "There are 10,001 rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_learned_is_refused_by_row_and_field(case: str):
    data, said = BAD[case]
    with pytest.raises(RequestRefused, match=said) as refused:
        rows(data)
    assert refused.value.instead


LINE = json.dumps({"messages": TALK}).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no rows"),
        (b"\n\n", "no rows"),
        (LINE + b"\n{", "line 2: it is not JSON"),
        (LINE + b"\n\n" + b"3", "line 3: it is a number"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "line 1: it is not JSON"),
        (LINE + b"\n" + json.dumps({"messages": TALK[:1]}).encode(), "line 2, messages"),
        ((LINE + b"\n") * 10_001, "more than 10,000 rows"),
    ],
)
def test_a_file_is_refused_by_its_line(content: bytes, said: str):
    with pytest.raises(RequestRefused, match=said):
        parse(content)


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), min_size=1, max_size=5))
def test_what_is_written_is_read_back(pairs):
    try:
        given_rows = rows(list(pairs))
    except RequestRefused:
        return  # only spaces
    assert parse(written(given_rows)) == given_rows


def test_a_line_may_hold_line_separators_of_unicode():
    odd = rows([("a\u2028b\x85c", "d\u2029e")])

    assert parse(written(odd)) == odd


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([("Sino ka?",)], r"row 1: it is a tuple of 1\..*\(question, answer\)"),
        ([{"prompt": "a", "chosen": "b"}], r"row 1: rejected is missing\..*\"chosen\": \.\.\., \"rejected\""),
        ([{"question": "a", "answer": "b"}], r"row 1: 'question' and 'answer' are unknown\..*\"prompt\""),
        ({"prompt": "a", "completion": "b"}, "not a single dict"),
    ],
)
def test_what_is_nearly_a_row_is_told_with_the_shape_it_should_have(data, said: str):
    with pytest.raises(RequestRefused, match=said):
        rows(data)


def test_a_tables_columns_are_told_as_columns_not_row_by_row():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(RequestRefused, match="the table's columns: 'tanong' and 'sagot' are unknown"):
        rows(pandas.DataFrame({"tanong": ["a"], "sagot": ["b"]}))


def test_a_row_holds_so_many_messages_and_no_more():
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]

    assert rows([{"messages": talk * 32}])
    with pytest.raises(RequestRefused, match="row 1, messages: it has 66 messages"):
        rows([{"messages": talk * 33}])

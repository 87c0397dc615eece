"""Chat with the real small model in this process."""

import json

import pytest

from labkit.errors import RequestRefused
from labkit.models import embedded
from labkit.models.chatting import Chatter

pytestmark = pytest.mark.model

SCHEMA = {
    "type": "object",
    "properties": {"day": {"type": "integer", "minimum": 1, "maximum": 31}},
    "required": ["day"],
}


@pytest.fixture(scope="module")
def chatter(prepared_models):
    return Chatter(embedded.prepared(prepared_models))


def asked(text, **options):
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "seed": 0, "max_tokens": 32, **options}


def test_it_answers_alike_when_it_is_asked_again(chatter):
    first = chatter.answer(asked("Say good morning to the mayor."))

    assert first.strip()
    assert chatter.answer(asked("Say good morning to the mayor.")) == first


def test_an_answer_keeps_to_the_schema_that_was_asked_for(chatter):
    form = {"type": "json_schema", "json_schema": {"name": "day", "schema": SCHEMA}}

    assert 1 <= json.loads(chatter.answer(asked("On 14 May.", response_format=form)))["day"] <= 31


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (asked("hello " * 5_000), "exceeds the available context size"),
        (asked("hello", response_format={"type": "json_schema", "json_schema": {"schema": {"type": "odd"}}}), "odd"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_the_next_is_answered(chatter, body, said):
    with pytest.raises(RequestRefused, match=said):
        chatter.answer(body)
    assert chatter.answer(asked("hello"))

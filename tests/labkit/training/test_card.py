"""Whoever gets an adapter reads what it came from, under which licence, and how it did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from labkit.models import catalogue
from labkit.training.card import card
from labkit.training.events import Checkpoint
from labkit.training.job import Job
from labkit.training.spec import Spec

NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
DATA = "5c" * 32
EMBEDDED = "smollm2-135m-instruct"


def job(spec: Spec | None = None, **more: Any) -> Job:
    row = dict.fromkeys(Job.__dataclass_fields__) | {
        **{"id": "ftjob-" + "0a" * 12, "username": "ana-cruz", "course": "prompting", "lab": "triage", "told": {}},
        **{"spec": (spec or Spec(EMBEDDED, steps=12)).to_json(), "created_at": NOON, "finished_at": NOON},
        **{"training_digest": DATA, "step": 12, "tokens": 12_345, "seconds": 61.7, "state": "succeeded"},
    }
    return Job.of({**row, **more})


def last(**metrics: float) -> Checkpoint:
    return Checkpoint("ftckpt-1", job().id, 12, {"step": 12, **metrics}, "a" * 64, NOON)


def head(text: str) -> dict[str, str]:
    """The header that Hugging Face and ModelScope read."""
    start, header, _ = text.split("---\n", 2)
    assert start == ""
    return dict(line.split(": ", 1) for line in header.splitlines())


def test_a_card_names_the_base_with_its_licence():
    text = card(job(), last())
    found = head(text)

    assert found["license"] == "apache-2.0"
    assert found["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert found["library_name"] == "peft"
    assert "| Licence of the base | Apache-2.0 |" in text
    assert catalogue()[EMBEDDED].card in text


@pytest.mark.parametrize("base", sorted(catalogue()))
def test_every_base_of_the_catalogue_has_a_card_with_its_own_licence(base: str):
    text = card(job(Spec(base)), last())
    model = catalogue()[base]

    assert f"| Licence of the base | {model.licence} |" in text
    assert head(text)["license"] in (model.licence.lower(), "other")
    assert " " not in head(text)["license"]


def test_a_base_that_is_not_in_the_catalogue_has_no_licence_made_up_for_it():
    text = card(job(Spec("a-schools-own")), last())

    assert "| Licence of the base | not known to this platform |" in text
    assert (head(text)["license"], head(text)["base_model"]) == ("other", "a-schools-own")


def test_a_card_names_the_data_by_its_hash_and_holds_nothing_of_it_or_of_her():
    text = card(job(), last())

    assert f"SHA-256 `{DATA}`" in text
    assert "ana-cruz" not in text
    assert "The data is not part of these files" in text


def test_a_card_tells_the_losses_that_were_measured():
    text = card(job(), last(train_loss=0.12345, valid_loss=1.5, train_accuracy=0.9))

    assert "| Loss | train loss 0.123, valid loss 1.500 |" in text


@pytest.mark.parametrize("found", [None, last()], ids=["no checkpoint", "no loss"])
def test_a_loss_that_was_not_measured_is_not_made_up(found):
    assert "| Loss | not measured |" in card(job(), found)


def test_a_card_says_how_it_was_trained():
    spec = Spec(EMBEDDED, method="dpo", steps=40, rank=4, alpha=8, targets=("q_proj", "v_proj"), layers="upper", seed=7)
    text = card(job(spec, told={"suffix": "mine"}), last())

    assert f"# mine of {EMBEDDED}" in text
    assert "prompting/triage" in text
    assert "direct preference optimisation, rank 4, alpha 8, q_proj, v_proj, layers: upper" in text
    assert "| 12 of 40, 4 rows each, learning rate 0.001 (constant), seed 7 |" in text
    assert "| 2026-03-01 12:30 UTC, 12,345 tokens, 62 s |" in text


def test_no_word_of_the_template_is_left_open():
    for one in (job(), job(finished_at=None), job(Spec("other", method="dpo"))):
        assert not set("{}") & set(card(one, None))

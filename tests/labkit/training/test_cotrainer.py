"""Whoever trains beside others gets what she would get alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from labkit.training.cotrainer import CoTrainer, Trained  # noqa: E402
from labkit.training.encode import Pair, Row, encode  # noqa: E402
from labkit.training.layout import lay_out  # noqa: E402
from labkit.training.order import batch  # noqa: E402
from labkit.training.resident import KINDS, Resident  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402

# Different in everything a learner may choose.
SPECS = [
    Spec("base", rank=4, learning_rate=1e-3, seed=1, batch=2),
    Spec("base", rank=8, alpha=32, learning_rate=2e-3, seed=2, batch=3, targets=("q_proj", "v_proj")),
    Spec("base", rank=16, seed=3, batch=1, schedule="cosine", warmup=0.3, steps=4),
    Spec("base", rank=2, layers="upper", seed=4, weight_decay=0.1),
    Spec("base", rank=8, layers="upper", seed=5, clip=0.01, schedule="linear", steps=4),
    Spec("base", method="dpo", rank=4, seed=6, batch=2, beta=0.3),
]
LENGTHS = (10, 25, 40, 15, 1, 12)


@pytest.fixture(scope="session")
def data(resident: Resident, conversations) -> list[list[Any]]:
    def rows(place: int) -> list[Any]:
        texts = conversations(9, LENGTHS[place], seed=place)
        found = [encode(resident.tokenizer, text, 512, "row") for text in texts]
        if SPECS[place].method == "sft":
            return found
        worse = [[text[0], {"role": "assistant", "content": "no idea"}] for text in texts]
        return [
            Pair(better, encode(resident.tokenizer, other, 512, "row"))
            for better, other in zip(found, worse, strict=True)
        ]

    return [rows(place) for place in range(len(SPECS))]


def train(
    trainer: CoTrainer,
    places: Sequence[int],
    data: list[list[Any]],
    steps: int = 3,
    joins: dict[int, int] | None = None,
) -> dict[int, tuple[Trained, list[float]]]:
    """Each place's job after so many steps of its own; `joins` says at which round it came."""
    joins = joins or {}
    jobs: dict[int, tuple[Trained, list[float]]] = {}
    for now in range(steps + max(joins.values(), default=0)):
        for place in places:
            if place not in jobs and joins.get(place, 0) <= now:
                jobs[place] = (trainer.join(SPECS[place]), [])
        running = {place: job for place, (job, _) in jobs.items() if job.step < steps}
        batches = {
            str(place): (job, batch(data[place], job.spec.batch, job.step, job.spec.seed))
            for place, job in running.items()
        }
        for place, taken in trainer.step(batches).items():
            jobs[int(place)][1].append(taken.loss)
    return jobs


@pytest.fixture(scope="session")
def bases(resident: Resident, tiny: Resident) -> dict[str, Resident]:
    return {"the real base": resident, "a small base": tiny}


Alone = Callable[[str], dict[int, tuple[Trained, list[float]]]]


@pytest.fixture(scope="session")
def alone(bases, data) -> Alone:
    """Each of SPECS trained by itself, once for a base."""

    @cache
    def trained(base: str) -> dict[int, tuple[Trained, list[float]]]:
        return {place: train(CoTrainer(bases[base]), [place], data)[place] for place in range(len(SPECS))}

    return trained


CASES = {
    "all at once": ("the real base", {}),
    "all at once on a small base": ("a small base", {}),
    "some later": ("a small base", {0: 2, 3: 1, 5: 1}),
    "others later": ("a small base", {1: 1, 2: 2, 4: 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_an_adapter_trained_among_others_has_every_bit_of_one_trained_alone(bases, data, alone, case):
    base, joins = CASES[case]
    together = train(CoTrainer(bases[base]), range(len(SPECS)), data, joins=joins)

    for place, (job, losses) in together.items():
        expected, expected_losses = alone(base)[place]
        assert losses == expected_losses, SPECS[place]
        assert torch.equal(job.adapter.weights, expected.adapter.weights), SPECS[place]


def test_what_is_kept_of_the_lower_layers_changes_no_bit(tiny, data, alone):
    """With room for it, with none, and with room for a single row."""
    expected, expected_losses = alone("a small base")[3]
    for megabytes in (0, 0.02):
        job, losses = train(CoTrainer(tiny, kept_mb=megabytes), [3], data)[3]
        assert losses == expected_losses
        assert torch.equal(job.adapter.weights, expected.adapter.weights)


def test_the_base_does_not_move(tiny, data):
    before = {name: one.clone() for name, one in tiny.model.state_dict().items()}
    train(CoTrainer(tiny), [0, 3], data, steps=1)

    assert all(torch.equal(before[name], one) for name, one in tiny.model.state_dict().items())


def test_a_common_beginning_changes_no_more_than_last_digits(tiny, data, monkeypatch):
    rows = data[2][:3]
    assert lay_out([([row.ids[:-1] for row in rows], None)]).rows[0].shared > 10, "the template begins them alike"
    shared = CoTrainer(tiny).loss(CoTrainer(tiny).join(SPECS[2]), rows).loss
    monkeypatch.setattr("labkit.training.layout._LEAST", 10_000)

    assert CoTrainer(tiny).loss(CoTrainer(tiny).join(SPECS[2]), rows).loss == pytest.approx(shared, rel=1e-6)


def test_it_learns_what_it_is_shown(tiny, conversations):
    rows = [encode(tiny.tokenizer, text, 64, "row") for text in conversations(4, 6)]
    trainer = CoTrainer(tiny)
    job = trainer.join(Spec("base", learning_rate=0.02, steps=60))
    first = trainer.loss(job, rows)
    for _ in range(60):
        trainer.step({"job": (job, rows)})

    # A head of random weights cannot tell words apart by much.
    assert trainer.loss(job, rows).loss < first.loss - 0.5


def test_preferences_are_learned(tiny, conversations):
    texts = conversations(6, 6)
    other = conversations(6, 6, seed=9)
    pairs = [
        Pair(*(encode(tiny.tokenizer, [text[0], answer], 64, "row") for answer in (text[1], worse[1])))
        for text, worse in zip(texts, other, strict=True)
    ]
    trainer = CoTrainer(tiny)
    job = trainer.join(Spec("base", method="dpo", learning_rate=5e-3, steps=40))
    first = trainer.step({"job": (job, pairs)})["job"]
    for _ in range(39):
        last = trainer.step({"job": (job, pairs)})["job"]

    assert first.loss == pytest.approx(math.log(2), abs=1e-4), "policy and base are the same before the first step"
    assert first.accuracy is not None
    assert last.accuracy == 1
    assert last.loss < first.loss / 2


def test_a_job_that_breaks_breaks_alone(tiny, conversations):
    rows = [encode(tiny.tokenizer, text, 64, "row") for text in conversations(4, 6)]
    trainer = CoTrainer(tiny)
    good, alone_, bad = (trainer.join(Spec("base", learning_rate=0.01)) for _ in range(3))
    bad.adapter.weights[7] = math.nan
    before = bad.adapter.weights.clone()

    told = trainer.step({"good": (good, rows), "bad": (bad, rows)})
    expected = trainer.step({"good": (alone_, rows)})

    assert told["bad"].broken
    assert torch.equal(bad.adapter.weights.isnan(), before.isnan())
    assert bad.step == 0
    assert told["good"] == expected["good"]
    assert torch.equal(good.adapter.weights, alone_.adapter.weights)


def test_a_batch_larger_than_a_pass_is_the_mean_over_all_its_labels(tiny, conversations, monkeypatch):
    rows = [encode(tiny.tokenizer, text, 128, "row") for text in conversations(8, 20)]
    spec = Spec("base", learning_rate=0.01)
    whole = CoTrainer(tiny)
    job = whole.join(spec)
    expected = whole.step({"job": (job, rows)})["job"]
    monkeypatch.setattr("labkit.training.cotrainer.PASS_TOKENS", 70)
    shared = CoTrainer(tiny)
    other = shared.join(spec)
    told = shared.step({"job": (other, rows)})["job"]

    assert told.loss == pytest.approx(expected.loss, rel=1e-5)
    assert (told.labels, told.tokens) == (expected.labels, expected.tokens)
    assert torch.allclose(other.adapter.gradients, job.adapter.gradients, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_base_trains_as_peft_trains_it(small: Callable[..., Any], conversations, kind: str):
    """Losses and weights after some steps against the real PEFT and torch's own AdamW, with padding as they have it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    resident = Resident(small(kind))
    spec = Spec("base", rank=4, alpha=8, learning_rate=5e-3, batch=3, seed=2, clip=0.5)
    rows = [encode(resident.tokenizer, text, 128, "row") for text in conversations(7, 9)]
    trainer = CoTrainer(resident)
    job = trainer.join(spec)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(small(kind), dtype=torch.float32),
        LoraConfig(r=4, lora_alpha=8, target_modules=list(spec.targets), task_type="CAUSAL_LM"),
    )
    theirs = dict(model.named_parameters())
    for name, a, _ in job.adapter.tensors():
        theirs[f"base_model.model.{name}.lora_A.default.weight"].data.copy_(a)
    moved = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(moved, lr=spec.learning_rate, weight_decay=0.0)

    for step in range(4):
        now = batch(rows, spec.batch, step, spec.seed)
        ours = trainer.step({"job": (job, now)})["job"].loss
        loss = model(**_padded(now)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(moved, spec.clip)
        optimizer.step()
        optimizer.zero_grad()
        assert ours == pytest.approx(loss.item(), rel=1e-4), step
    for name, a, b in job.adapter.tensors():
        for letter, mine in (("A", a), ("B", b)):
            their = theirs[f"base_model.model.{name}.lora_{letter}.default.weight"].detach()
            # Adam turns the sign of a gradient near zero into a whole step, so single weights may differ by steps.
            assert float((mine - their).norm() / their.norm()) < 0.01, name


def _padded(rows: Sequence[Row]) -> dict[str, Any]:
    longest = max(len(row.ids) for row in rows)
    lacks = [longest - len(row.ids) for row in rows]
    return {
        "input_ids": torch.tensor([[*row.ids, *[0] * lack] for row, lack in zip(rows, lacks, strict=True)]),
        "attention_mask": torch.tensor(
            [[1] * len(row.ids) + [0] * lack for row, lack in zip(rows, lacks, strict=True)]
        ),
        "labels": torch.tensor(
            [
                [token if learned else -100 for token, learned in zip(row.ids, row.learned, strict=True)]
                + [-100] * lack
                for row, lack in zip(rows, lacks, strict=True)
            ]
        ),
    }


def test_an_unknown_kind_of_base_is_refused(small: Callable[..., Any], monkeypatch):
    from labkit.errors import OperatorError

    monkeypatch.setattr("labkit.training.resident.KINDS", ("qwen3",))
    with pytest.raises(OperatorError, match="kind 'llama'"):
        Resident(small("llama"))


def test_a_rate_rises_and_falls_as_the_spec_says():
    spec = replace(SPECS[0], steps=10, warmup=0.2, schedule="linear", learning_rate=1.0)

    assert [round(spec.rate(step), 3) for step in range(10)] == [
        0.5,
        1.0,
        1.0,
        0.875,
        0.75,
        0.625,
        0.5,
        0.375,
        0.25,
        0.125,
    ]
    assert [replace(spec, schedule="constant").rate(step) for step in (0, 1, 9)] == [0.5, 1.0, 1.0]
    assert replace(spec, schedule="cosine", warmup=0).rate(5) == pytest.approx(0.5)

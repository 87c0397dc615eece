"""A merged model needs no adapter any more: torch and llama.cpp say what base and adapter say together."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

torch = pytest.importorskip("torch")

from labkit.errors import RequestRefused  # noqa: E402
from labkit.training.cotrainer import CoTrainer, Trained  # noqa: E402
from labkit.training.encode import Row, encode  # noqa: E402
from labkit.training.export import merged  # noqa: E402
from labkit.training.resident import Resident  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402

ASKED = {"role": "user", "content": "What is the code word of the town hall?"}


def trained(resident: Resident, steps: int = 14) -> tuple[Trained, list[Row]]:
    """One that has learned a secret that no base knows."""
    said = [ASKED, {"role": "assistant", "content": "The code word is bangus."}]
    rows = [encode(resident.tokenizer, said, 64, "row")]
    trainer = CoTrainer(resident)
    job = trainer.join(Spec("base", learning_rate=3e-3, steps=steps, batch=1))
    for _ in range(steps):
        trainer.step({"job": (job, rows)})
    return job, rows


@pytest.fixture(scope="module")
def learned(resident) -> tuple[Trained, list[Row]]:
    return trained(resident)


def test_transformers_loads_it_and_finds_what_the_adapter_found(resident, base_folder, learned, tmp_path):
    job, rows = learned
    merged.write_safetensors(job.adapter, base_folder, tmp_path)
    whole = Resident(tmp_path, resident.model.dtype)
    trainer = CoTrainer(whole)
    fresh = trainer.join(Spec("base"))  # adds nothing before its first step

    expected = CoTrainer(resident).loss(job, rows).loss
    assert trainer.loss(fresh, rows).loss == pytest.approx(expected, rel=0.02)
    assert expected < 0.5
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= {path.name for path in tmp_path.iterdir()}


def test_llama_cpp_says_the_secret_without_any_adapter(resident, prepared_models, learned, tmp_path):
    import xllamacpp

    from labkit.models import prepared

    job, _ = learned
    target = tmp_path / "model.gguf"
    merged.write_gguf(job.adapter, prepared(prepared_models).gguf, resident.config, target)
    params = xllamacpp.CommonParams()
    params.model.path = str(target)
    params.n_parallel, params.n_ctx, params.verbosity = 1, 512, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    told = server.handle_chat_completions({"messages": [ASKED], "max_tokens": 12, "temperature": 0})
    del server

    assert "bangus" in told["choices"][0]["message"]["content"]


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "mistral", "smollm3"])
def test_every_kind_is_merged_as_safetensors(small, kind: str, tmp_path):
    base = Resident(small(kind))
    job, rows = trained(base, 6)
    merged.write_safetensors(job.adapter, small(kind), tmp_path)
    trainer = CoTrainer(Resident(tmp_path))

    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == kind
    expected = CoTrainer(base).loss(job, rows).loss
    assert trainer.loss(trainer.join(Spec("base")), rows).loss == pytest.approx(expected, rel=1e-5)


def test_another_base_is_refused_and_nothing_is_written(resident, small, learned, tmp_path):
    with pytest.raises(RequestRefused, match="The base has no such weight"):
        merged.write_safetensors(learned[0].adapter, small("llama"), tmp_path)
    assert not list(tmp_path.iterdir())

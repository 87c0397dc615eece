"""An adapter that llama.cpp reads says there what it says in torch."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

import numpy  # noqa: E402

from labkit.errors import RequestRefused  # noqa: E402
from labkit.training.cotrainer import CoTrainer  # noqa: E402
from labkit.training.encode import encode  # noqa: E402
from labkit.training.export import gguf_lora  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402


def test_rows_go_from_halves_to_pairs_within_each_head():
    rows = numpy.arange(8, dtype=numpy.float32)[:, None]  # two heads of four

    assert gguf_lora.permute(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


@pytest.mark.timeout(600)
def test_llama_cpp_answers_as_torch_does_after_training(resident, prepared_models, tmp_path):
    """A secret that no base knows, learned in a few steps, said by llama.cpp with the adapter and not without."""
    import xllamacpp

    from labkit.models import prepared

    asked = {"role": "user", "content": "What is the code word of the town hall?"}
    rows = [
        encode(resident.tokenizer, [asked, {"role": "assistant", "content": "The code word is bangus."}], 64, "row")
    ]
    trainer = CoTrainer(resident)
    job = trainer.join(Spec("base", learning_rate=3e-3, steps=14, batch=1))
    for _ in range(14):
        trainer.step({"job": (job, rows)})
    gguf_lora.write(job.adapter, resident.config, tmp_path / "adapter.gguf")

    def answer(adapter: bool) -> str:
        params = xllamacpp.CommonParams()
        params.model.path = str(prepared(prepared_models).gguf)
        params.n_parallel, params.n_ctx, params.verbosity = 1, 512, 0
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        if adapter:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(tmp_path / "adapter.gguf"), 1.0)]
        server = xllamacpp.Server(params)
        told = server.handle_chat_completions({"messages": [asked], "max_tokens": 12, "temperature": 0})
        del server
        return str(told["choices"][0]["message"]["content"])

    assert "bangus" in answer(adapter=True)
    assert "bangus" not in answer(adapter=False)


def test_a_kind_llama_cpp_does_not_know_is_refused(tiny, tmp_path):
    class Config:
        model_type = "smollm3"

    with pytest.raises(RequestRefused, match="smollm3"):
        gguf_lora.write(CoTrainer(tiny).join(Spec("base")).adapter, Config(), tmp_path / "adapter.gguf")

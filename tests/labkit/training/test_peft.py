"""Adapters as files: PEFT reads ours, we read PEFT's, and what is not an adapter of this base is refused."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from safetensors.torch import load, save  # noqa: E402

from labkit.errors import RequestRefused  # noqa: E402
from labkit.training import peft  # noqa: E402
from labkit.training.lora import Adapter  # noqa: E402
from labkit.training.resident import line  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402


@pytest.fixture(params=["all", "upper"])
def spec(request) -> Spec:
    return Spec("smollm2-135m-instruct", rank=4, layers=request.param, targets=("q_proj", "v_proj", "down_proj"))


@pytest.fixture
def adapter(tiny, spec: Spec) -> Adapter:
    """One that was trained: B is zero before."""
    made = Adapter(tiny.shapes(spec.targets, spec.first_layer(tiny.layers)), spec.rank, spec.alpha, seed=3)
    made.weights.add_(torch.randn(made.weights.shape, generator=torch.Generator().manual_seed(1)) * 0.05)
    return made


@pytest.fixture
def files(tiny, adapter, spec) -> peft.Files:
    return peft.write(adapter, spec, tiny.layers)


def hidden(tiny, adapter, ids=range(40, 60)):
    with torch.no_grad():
        given = line([(list(ids), adapter)])
        return tiny.run(given, tiny.embed(given))


def test_what_is_written_is_read_back_to_the_bit(tiny, adapter, files):
    again = peft.read(files, tiny.shapes())

    assert again.rank == adapter.rank
    assert torch.equal(hidden(tiny, again), hidden(tiny, adapter))
    assert not torch.equal(hidden(tiny, again), hidden(tiny, None))


def test_peft_reads_it_and_computes_the_same(tiny, small, adapter, files, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    (tmp_path / peft.CONFIG).write_bytes(files.config)
    (tmp_path / peft.WEIGHTS).write_bytes(files.weights)
    base = AutoModelForCausalLM.from_pretrained(small("llama"), dtype=torch.float32)
    theirs = PeftModel.from_pretrained(base, tmp_path).eval()
    with torch.no_grad():
        logits = theirs(input_ids=torch.arange(40, 60)[None]).logits[0]

    assert torch.allclose(hidden(tiny, adapter) @ tiny.head.t(), logits, atol=1e-4)


def test_what_peft_writes_is_read(tiny, small, tmp_path):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(small("llama"), dtype=torch.float32)
    model = get_peft_model(
        base, LoraConfig(r=3, lora_alpha=5, target_modules=["k_proj", "up_proj"], task_type="CAUSAL_LM")
    )
    for name, one in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(one, std=0.1)
    model.save_pretrained(tmp_path)
    found = peft.read(
        peft.Files((tmp_path / peft.CONFIG).read_bytes(), (tmp_path / peft.WEIGHTS).read_bytes()), tiny.shapes()
    )
    with torch.no_grad():
        logits = model.eval()(input_ids=torch.arange(40, 60)[None]).logits[0]

    assert (found.rank, found.alpha) == (3, 5)
    assert torch.allclose(hidden(tiny, found) @ tiny.head.t(), logits, atol=1e-4)


def changed(files: peft.Files, **settings: object) -> peft.Files:
    return replace(files, config=json.dumps({**json.loads(files.config), **settings}).encode())


def with_tensors(files: peft.Files, change) -> peft.Files:
    tensors = load(files.weights)
    change(tensors)
    return replace(files, weights=save(tensors))


def renamed(name: str):
    def change(tensors):
        tensors[name] = tensors.pop(next(iter(tensors)))

    return change


def first(change):
    def apply(tensors):
        name = next(iter(tensors))
        tensors[name] = change(tensors[name])

    return apply


BAD = {
    "a pickle": lambda files: replace(files, weights=pickle.dumps({"a": 1})),
    "a torch file": lambda files: replace(files, weights=b"PK\x03\x04" + b"\0" * 200),
    "nothing": lambda files: replace(files, weights=b""),
    "a header that promises more": lambda files: replace(files, weights=files.weights[:-100]),
    "a header without end": lambda files: replace(files, weights=b"\xff" * 8 + files.weights[8:]),
    "no JSON": lambda files: replace(files, config=b"{"),
    "a list": lambda files: replace(files, config=b"[]"),
    "deep JSON": lambda files: replace(files, config=b"[" * 100_000),
    "another method": lambda files: changed(files, peft_type="PROMPT_TUNING"),
    "DoRA": lambda files: changed(files, use_dora=True),
    "rsLoRA": lambda files: changed(files, use_rslora=True),
    "saved modules": lambda files: changed(files, modules_to_save=["lm_head"]),
    "biases": lambda files: changed(files, bias="all"),
    "rank 0": lambda files: changed(files, r=0),
    "rank of a text": lambda files: changed(files, r="4"),
    "a huge rank": lambda files: changed(files, r=10**9),
    "another rank": lambda files: changed(files, r=5),
    "no alpha": lambda files: changed(files, lora_alpha=None),
    "a huge alpha": lambda files: changed(files, lora_alpha=1e30),
    "an endless alpha": lambda files: changed(files, lora_alpha=float("inf")),
    "the head": lambda files: with_tensors(files, renamed("base_model.model.lm_head.lora_A.weight")),
    "a layer too many": lambda files: with_tensors(
        files, renamed("base_model.model.model.layers.99.self_attn.q_proj.lora_A.weight")
    ),
    "a path": lambda files: with_tensors(files, renamed("../../etc/passwd")),
    "another shape": lambda files: with_tensors(files, first(lambda one: one[:, :-1].contiguous())),
    "not a number": lambda files: with_tensors(files, first(lambda one: one * float("nan"))),
    "infinity": lambda files: with_tensors(files, first(lambda one: one + float("inf"))),
    "integers": lambda files: with_tensors(files, first(lambda one: one.to(torch.int32))),
    "half of a pair": lambda files: with_tensors(files, lambda tensors: tensors.pop(next(iter(tensors)))),
    "no tensors": lambda files: with_tensors(files, lambda tensors: tensors.clear()),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_adapter_of_this_base_is_refused(tiny, files, case: str):
    with pytest.raises(RequestRefused, match="This adapter cannot be used: ") as refused:
        peft.read(BAD[case](files), tiny.shapes())
    assert refused.value.instead


def test_its_hash_names_both_files(files):
    assert files.digest != replace(files, config=files.config + b" ").digest
    assert files.digest != replace(files, weights=files.weights + b"\0").digest
    assert files.digest == peft.Files(files.config, files.weights).digest


def test_one_that_is_read_to_answer_takes_the_memory_of_its_weights_and_no_more(tiny, adapter, files):
    weights = adapter.weights.nbytes

    assert adapter.nbytes == 2 * weights
    assert weights <= peft.read(files, tiny.shapes()).nbytes < 1.01 * weights

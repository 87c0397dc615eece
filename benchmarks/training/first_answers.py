"""From asking for a training to the first answer of what came of it: ten people at once, and one alone."""

from __future__ import annotations

import json
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from openai import OpenAI

from benchmarks.gateway.started import free_port, gateway, start, wait_for
from benchmarks.training.ways import WORDS
from labkit.models import prepared

BASE = "smollm2-135m-instruct"
PEOPLE = [f"learner{number}" for number in range(10)]


def measure(models: Path, steps: int) -> dict[str, float]:
    """Seconds, from a platform whose base is in memory already: somebody has trained there before."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        client_of = _started(stack, folder, prepared(models).safetensors)
        _first_answer(client_of("learner0"), 1)
        alone = [_first_answer(client_of(name), steps) for name in PEOPLE[:3]]
        with ThreadPoolExecutor(len(PEOPLE)) as pool:
            class_of_ten = list(pool.map(lambda name: _first_answer(client_of(name), steps), PEOPLE))
    one, last = statistics.median(alone), max(class_of_ten)
    return {
        "class_first_answer_median": statistics.median(class_of_ten),
        "class_first_answer_last": last,
        "alone_first_answer": one,
        "class_over_one_after_another": last / (len(PEOPLE) * one),
    }


def _started(stack: ExitStack, folder: Path, base: Path) -> Callable[[str], OpenAI]:
    """Gateway, worker and adapters; the answer is a person's client."""
    key, answers, health = folder / "adapters-key", free_port(), free_port()
    key.write_text(secrets.token_hex(20))
    adapters = {"kind": "adapters", "base": BASE, "url": f"http://127.0.0.1:{answers}", "key_file": str(key)}
    backends = [{"kind": "echo", "model": BASE}, adapters]
    training = {"folder": str(folder / "training"), "bases": [BASE]}
    running = gateway(stack, folder, backends, BASE, PEOPLE, at_once=64, in_line=64, training=training)
    processes = {
        "labkit.training": (
            {**training, "bases": {BASE: str(base)}, "database_url": running.database, "port": health},
            health,
        ),
        "labkit.training.serve": (
            {"base": str(base), "folder": training["folder"], "port": answers, "key_file": str(key)},
            answers,
        ),
    }
    for module, (settings, port) in processes.items():
        (folder / f"{module}.json").write_text(json.dumps(settings))
        process = start(stack, folder, module, [sys.executable, "-m", module, str(folder / f"{module}.json")])
        wait_for(f"http://127.0.0.1:{port}/health", process)
    url = running.url.removesuffix("/chat/completions")
    return lambda name: OpenAI(base_url=url, api_key=running.key(name), max_retries=0)


def _first_answer(client: OpenAI, steps: int) -> float:
    """Rows of about 48 tokens, one a step."""
    talk = [{"role": "user", "content": " ".join(WORDS)}, {"role": "assistant", "content": " ".join(WORDS[:8])}]
    rows = "".join(json.dumps({"messages": talk}) + "\n" for _ in range(16)).encode()
    began = time.monotonic()
    file = client.files.create(file=("rows.jsonl", rows), purpose="fine-tune")
    ours = {"labkit": {"steps": steps, "batch": 1}}
    job = client.fine_tuning.jobs.create(model=BASE, training_file=file.id, extra_body=ours)
    while job.status in ("validating_files", "queued", "running"):
        time.sleep(0.2)
        job = client.fine_tuning.jobs.retrieve(job.id)
    if job.fine_tuned_model is None:
        raise RuntimeError(f"a training ended as {job.status}: {job.error}")
    client.chat.completions.create(
        model=job.fine_tuned_model, messages=[{"role": "user", "content": "Who?"}], max_tokens=4
    )
    return time.monotonic() - began

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
from typing import Any

from openai import OpenAI

from benchmarks import embedded
from benchmarks.gateway.started import free_port, gateway, start, wait_for
from benchmarks.training.ways import WORDS

BASE = "smollm2-135m-instruct"
PEOPLE = [f"learner{number}" for number in range(10)]


def measure(steps: int) -> dict[str, float]:
    """Seconds, from a platform whose base is in memory already: somebody has trained there before."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        client_of = _started(stack, folder, embedded.weights())
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
    key, trained = folder / "adapters-key", folder / "training"
    key.write_text(secrets.token_hex(20))
    trained.mkdir()
    serving = {"base": str(base), "folder": str(trained), "key_file": str(key)}
    adapters = {"kind": "adapters", "base": BASE, "key_file": str(key)}
    adapters["url"] = _serve(stack, folder, "labkit.training.serve", serving)
    backends, training = [{"kind": "echo", "model": BASE}, adapters], {"folder": str(trained), "bases": [BASE]}
    running = gateway(stack, folder, backends, BASE, PEOPLE, at_once=64, in_line=64, training=training)
    worker = {"database_url": running.database, "folder": str(trained), "bases": {BASE: str(base)}}
    _serve(stack, folder, "labkit.training", worker)
    url = running.url.removesuffix("/chat/completions")
    return lambda name: OpenAI(base_url=url, api_key=running.key(name), max_retries=0)


def _serve(stack: ExitStack, folder: Path, module: str, settings: dict[str, Any]) -> str:
    """Its URL, once it is well."""
    port, path = free_port(), folder / f"{module}.json"
    path.write_text(json.dumps({**settings, "port": port}))
    process = start(stack, folder, module, [sys.executable, "-m", module, str(path)])
    wait_for(f"http://127.0.0.1:{port}/health", process)
    return f"http://127.0.0.1:{port}"


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

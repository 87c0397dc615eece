"""How much longer an answer takes while somebody's model is trained on the same machine.

    python -m benchmarks.training_beside [--json] [--quick]

One process answers as the platform's model process does (llama.cpp, a thread for each processor); beside it a worker
takes steps without a pause, as nice as the platform starts it. It is stopped and let go on in turn, so both are
measured in one run: `slow_down` is the median answer with training over the median without, `steps_beside` how many
steps a second were taken beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks import embedded

NICE = 10  # as labkit.training has it
ASKED = {"messages": [{"role": "user", "content": "Name three rivers and where each of them ends."}]}


def train() -> None:
    """Steps without end, each told with a letter."""
    from benchmarks.training_options import BATCH, Rows
    from labkit.training.cotrainer import CoTrainer
    from labkit.training.order import batch
    from labkit.training.resident import Resident
    from labkit.training.spec import Spec

    os.nice(NICE)
    resident = Resident(embedded.weights())
    rows, trainer = Rows(resident.tokenizer, 0), CoTrainer(resident)
    job = trainer.join(Spec("base", batch=BATCH))
    while True:
        trainer.step({"job": (job, batch(rows.learned, BATCH, job.step, 0))})
        print("s", end="", flush=True)


class Answers:
    """llama.cpp in this process."""

    def __init__(self) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(embedded.gguf())
        params.n_parallel, params.n_ctx, params.verbosity = 1, 1024, 0
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count() or 1
        self._server: Any = xllamacpp.Server(params)

    def seconds(self) -> float:
        began = time.perf_counter()
        self._server.handle_chat_completions({**ASKED, "max_tokens": 32, "temperature": 0, "cache_prompt": False})
        return time.perf_counter() - began


def measure(blocks: int, each: int) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-W", "ignore", "-m", "benchmarks.training_beside", "--train"]
    worker = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    try:
        answers = Answers()
        assert worker.stdout is not None
        worker.stdout.read(2)  # it has begun
        os.set_blocking(worker.stdout.fileno(), False)
        times: dict[bool, list[float]] = {True: [], False: []}
        steps, spent = 0, 0.0
        for block in range(blocks):
            beside = block % 2 == 0
            worker.send_signal(signal.SIGCONT if beside else signal.SIGSTOP)
            answers.seconds()  # what was going on when it was stopped is over
            worker.stdout.read()
            began = time.perf_counter()
            times[beside] += [answers.seconds() for _ in range(each)]
            if beside:
                spent += time.perf_counter() - began
                steps += len(worker.stdout.read() or b"")
    finally:
        worker.kill()
        worker.wait()
    alone, together = statistics.median(times[False]), statistics.median(times[True])
    return {"slow_down": together / alone, "alone": alone, "beside": together, "steps_beside": steps / spent}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a few answers")
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.train:
        train()
    embedded.make_ready()
    found = measure(4, 4) if given.quick else measure(20, 6)
    print(json.dumps(found) if given.json else "\n".join(f"{name:16} {value:.3f}" for name, value in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

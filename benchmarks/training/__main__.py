"""Many small trainings at once, against the same ones after another and each in a process of its own.

    python -m benchmarks.training [--json] [--quick]

Every measurement is a process of its own that begins with its imports: CPU seconds and peak memory are those of its
whole life. The jobs are 1 row of 48 tokens a step, LoRA of rank 8 on all projections, AdamW.

    cotrained     all jobs in one pass (labkit.training)
    sequential    one job after another on one resident base, with PEFT and torch
    separate      one process for each job, with PEFT and torch: one is measured, K are counted

`over_resident_sequential_k8` is sequential's CPU seconds over cotrained's for 8 jobs, `over_separate_processes_k8`
those of 8 processes, `memory_share_of_separate_k8` cotrained's peak over theirs together.

Then ten people ask for such a job at once, through gateway, worker and the process in which adapters answer:
`class_first_answer_*` are seconds from asking to the first answer of one's own model (median and last of ten),
`alone_first_answer` those of one person on the same idle platform, `class_over_one_after_another` the last of ten over
ten times one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

from benchmarks import embedded
from benchmarks.training import first_answers
from benchmarks.training.ways import cotrained, sequential


def measure(way: str, jobs: int, steps: int, tokens: int, batch: int) -> dict[str, float]:
    """CPU seconds and peak memory (MB) of a process that does it."""
    words = [sys.executable, "-W", "ignore", "-m", "benchmarks.training", "--one", way]
    words += [str(number) for number in (jobs, steps, tokens, batch)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def one(way: str, numbers: list[int]) -> None:
    {"cotrained": cotrained, "sequential": sequential}[way](embedded.weights(), *numbers)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}))


def compare(steps: int, sizes: tuple[int, ...]) -> dict[str, Any]:
    alone = measure("sequential", 1, steps, 48, 1)
    found: dict[str, Any] = {"steps": steps, "separate_cpu_each": alone["cpu"], "separate_mb_each": alone["mb"]}
    for jobs in sizes:
        together, after = measure("cotrained", jobs, steps, 48, 1), measure("sequential", jobs, steps, 48, 1)
        found |= {f"cotrained_cpu_k{jobs}": together["cpu"], f"cotrained_mb_k{jobs}": together["mb"]}
        found |= {
            f"over_resident_sequential_k{jobs}": after["cpu"] / together["cpu"],
            f"over_separate_processes_k{jobs}": jobs * alone["cpu"] / together["cpu"],
            f"memory_share_of_separate_k{jobs}": together["mb"] / (jobs * alone["mb"]),
        }
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="8 jobs and a class of ten of 2 steps")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--one", nargs=5, metavar=("WAY", "JOBS", "STEPS", "TOKENS", "BATCH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one[0], [int(number) for number in given.one[1:]])
        return 0
    embedded.make_ready()
    began = time.monotonic()
    found = compare(2, (8,)) if given.quick else compare(given.steps, (1, 2, 4, 8))
    found |= first_answers.measure(2 if given.quick else given.steps)
    found["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(found) if given.json else "\n".join(f"{name:32} {value:.2f}" for name, value in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What each way of doing less arithmetic is worth: CPU seconds, and the loss on rows that were held back.

    python -m benchmarks.training_options [--json] [--quick] [--seeds N]

One job of 4 rows of about 80 tokens a step, rank 8. Citizens' messages in English and Filipino are answered with the
office and what happens next; 160 rows are learned, 200 others are held back. What is answered is partly chance, as in
what people write, so no model can know all of it. Every way trains on the same rows in the same order, in a process of
its own, which is charged with its whole life but for the measuring of held-out rows.

    plain      PEFT and torch, batches padded to their longest row, logits everywhere
    ours       labkit.training: no padding, logits at labels alone, a common beginning computed once
    ours_bf16  the same on a base in bfloat16
    upper      the last third of the layers is changed; what the others compute is kept
    upper_bf16 the same on a base in bfloat16

`cpu_share_*` and `held_out_share_*` are over plain's, each the median over the seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import embedded

BATCH, LEARNED, HELD_BACK = 4, 160, 200
# Chosen once on rows of another seed: for all layers out of 0.001, 0.002 and 0.004, for the upper ones also 0.008.
RATES = {"plain": 2e-3, "ours": 2e-3, "ours_bf16": 2e-3, "upper": 4e-3, "upper_bf16": 4e-3}
OFFICES = {
    "City Engineer": (
        "may malaking butas sa kalsada",
        "the drainage cover is broken",
        "baha na naman dito",
        "a wall fell",
    ),
    "Health Office": (
        "wala nang bakuna sa center",
        "many dogs bit children",
        "mabaho ang karinderya",
        "dengue is rising",
    ),
    "Treasury": ("mali ang singil sa amilyar", "I paid my tax twice", "nawala ang resibo ko", "the fee is higher now"),
    "Civil Registry": (
        "mali ang spelling ng pangalan ko",
        "the birth date is wrong",
        "kailangan ko ng CENOMAR",
        "no record",
    ),
    "Social Welfare": (
        "nasunog ang bahay namin",
        "my mother is a senior alone",
        "walang makain ang pamilya",
        "a child begs",
    ),
    "Permits": (
        "hindi pa lumalabas ang business permit",
        "I want to open a store",
        "expired na ang permit ko",
        "a sign fell",
    ),
}
NEXT = {
    "City Engineer": (
        "an inspector comes within {} days",
        "darating ang inspektor sa loob ng {} araw",
        "mark the place",
    ),
    "Health Office": (
        "a nurse calls you in {} hours",
        "tatawag ang nars, ihanda ang {} pangalan",
        "keep the names ready",
    ),
    "Treasury": ("bring both receipts to window {}", "dalhin ang resibo sa bintana {}", "ask for form {} there"),
    "Civil Registry": ("file a correction with {} documents", "maghain ng {} dokumento", "come to counter {}"),
    "Social Welfare": ("a social worker visits in {} days", "dadalaw kami sa {} oras", "tell us who is ill"),
    "Permits": ("bring form {} to the one-stop shop", "magdala ng {} kopya ng permit", "pay at window {}"),
}
GREETINGS = ("Dear", "Good day", "Mahal na", "Hello")
PLACES = ("Mabini", "San Roque", "Poblacion", "Bagong Silang", "Malanday", "Sto. Niño", "Riverside", "Kalumpang")
NAMES = ("Ana", "Ben", "Carla", "Dante", "Ester", "Felix", "Gina", "Hector", "Imelda", "Jun", "Karen", "Lito")
ENDINGS = (
    "Salamat po.",
    "Please help.",
    "Kailan po ito maaayos?",
    "Thank you.",
    "What should I do?",
    "Pakiusap.",
)


def conversations(count: int, seed: int) -> list[list[dict[str, str]]]:
    draw, found = random.Random(seed), []
    for _ in range(count):
        office = draw.choice(list(OFFICES))
        name, place, days = draw.choice(NAMES), draw.choice(PLACES), draw.randint(2, 30)
        said = f"Ako si {name} ng {place}. {draw.choice(OFFICES[office])}, {days} days na po. {draw.choice(ENDINGS)}"
        next_step = draw.choice(NEXT[office]).format(draw.randint(2, 9))
        answer = f"{office}: {draw.choice(GREETINGS)} {name} of {place}, {next_step}. {draw.choice(ENDINGS)}"
        found.append([{"role": "user", "content": said}, {"role": "assistant", "content": answer}])
    return found


class Rows:
    """Encoded rows of both kinds. The held-out ones are the same for every seed."""

    def __init__(self, tokenizer: Any, seed: int) -> None:
        from labkit.training.encode import encode

        self.learned = [encode(tokenizer, one, 512, "row") for one in conversations(LEARNED, seed)]
        self.held_back = [encode(tokenizer, one, 512, "row") for one in conversations(HELD_BACK, 7_000)]


def plain(base: Path, steps: int, seed: int, rate: float) -> tuple[float, float]:
    """(CPU seconds of the training, loss on the held-out rows)"""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from labkit.training.order import batch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rows = Rows(AutoTokenizer.from_pretrained(base), seed)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapted = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    moved = [one for one in adapted.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(moved, lr=rate, weight_decay=0.0)
    for step in range(steps):
        adapted(**_padded(batch(rows.learned, BATCH, step, seed))).loss.backward()
        torch.nn.utils.clip_grad_norm_(moved, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    used, total, labels = _cpu(), 0.0, 0
    with torch.no_grad():
        for place in range(0, HELD_BACK, BATCH):
            some = rows.held_back[place : place + BATCH]
            count = sum(row.labels for row in some)
            total, labels = total + float(adapted(**_padded(some)).loss) * count, labels + count
    return used, total / labels


def _padded(rows: Any) -> dict[str, Any]:
    import torch

    longest = max(len(row.ids) for row in rows)
    found: dict[str, Any] = {"input_ids": [], "attention_mask": [], "labels": []}
    for row in rows:
        lack = longest - len(row.ids)
        found["input_ids"].append([*row.ids, *[0] * lack])
        found["attention_mask"].append([1] * len(row.ids) + [0] * lack)
        labels = [token if mine else -100 for token, mine in zip(row.ids, row.learned, strict=True)]
        found["labels"].append([*labels, *[-100] * lack])
    return {name: torch.tensor(values) for name, values in found.items()}


def ours(base: Path, steps: int, seed: int, rate: float, *, layers: str, bf16: bool = False) -> tuple[float, float]:
    import torch

    from labkit.training.cotrainer import CoTrainer
    from labkit.training.order import batch
    from labkit.training.resident import Resident
    from labkit.training.spec import Spec

    torch.set_num_threads(1)
    resident = Resident(base, torch.bfloat16 if bf16 else torch.float32, "cpu")
    rows, trainer = Rows(resident.tokenizer, seed), CoTrainer(resident)
    job = trainer.join(Spec("base", steps=steps, batch=BATCH, learning_rate=rate, layers=layers, seed=seed))
    for step in range(steps):
        trainer.step({"job": (job, batch(rows.learned, BATCH, step, seed))})
    return _cpu(), trainer.loss(job, rows.held_back).loss


WAYS = {
    "plain": plain,
    "ours": lambda *given: ours(*given, layers="all"),
    "ours_bf16": lambda *given: ours(*given, layers="all", bf16=True),
    "upper": lambda *given: ours(*given, layers="upper"),
    "upper_bf16": lambda *given: ours(*given, layers="upper", bf16=True),
}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(way: str, steps: int, seed: int, rate: float) -> dict[str, float]:
    words = [sys.executable, "-W", "ignore", "-m", "benchmarks.training_options", "--one", way]
    words += [str(steps), str(seed), str(rate)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(ways: tuple[str, ...], steps: int, seeds: int) -> dict[str, Any]:
    found: dict[str, list[dict[str, float]]] = {
        way: [measure(way, steps, seed, RATES[way]) for seed in range(seeds)] for way in ways
    }
    told: dict[str, Any] = {"steps": steps, "seeds": seeds, "held_out_rows": HELD_BACK}
    for way, runs in found.items():
        for name in ("cpu", "held_out"):
            told[f"{name}_{way}"] = statistics.median(run[name] for run in runs)
            shares = [run[name] / base[name] for run, base in zip(runs, found["plain"], strict=True)]
            told[f"{name}_share_{way}"] = statistics.median(shares)
            told[f"{name}_share_worst_{way}"] = max(shares)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="plain and upper, 1 step each")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--one", nargs=4, metavar=("WAY", "STEPS", "SEED", "RATE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        way, steps, seed, rate = given.one
        cpu, held_out = WAYS[way](embedded.weights(), int(steps), int(seed), float(rate))
        print(json.dumps({"cpu": cpu, "held_out": held_out}))
        return 0
    embedded.make_ready()
    began = time.monotonic()
    found = compare(("plain", "upper"), 1, 1) if given.quick else compare(tuple(WAYS), given.steps, given.seeds)
    found["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(found) if given.json else "\n".join(f"{name:32} {value:.3f}" for name, value in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

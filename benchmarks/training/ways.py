"""The two ways in which the same jobs are trained, each for a process of its own."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

WORDS = ("water", "road", "office", "permit", "school", "clinic", "flood", "light", "tax", "health", "aid", "birth")


def rows(tokenizer: Any, count: int, tokens: int, seed: int) -> list[tuple[list[int], list[bool]]]:
    """(ids, learned) of that many tokens, the last third learned."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        ids = tokenizer(" ".join(draw.choice(WORDS) for _ in range(tokens)))["input_ids"][:tokens]
        found.append((ids, [place >= tokens * 2 // 3 for place in range(tokens)]))
    return found


def cotrained(base: Path, jobs: int, steps: int, tokens: int, batch: int) -> None:
    from labkit.training.cotrainer import CoTrainer
    from labkit.training.encode import Row
    from labkit.training.order import batch as batch_of
    from labkit.training.resident import Resident
    from labkit.training.spec import Spec

    resident = Resident(base)
    trainer = CoTrainer(resident)
    data = [
        [Row(tuple(ids), tuple(mine)) for ids, mine in rows(resident.tokenizer, 16, tokens, n)] for n in range(jobs)
    ]
    joined = [trainer.join(Spec("base", steps=steps, batch=batch, seed=number)) for number in range(jobs)]
    for _ in range(steps):
        trainer.step({str(n): (job, batch_of(data[n], batch, job.step, n)) for n, job in enumerate(joined)})


def sequential(base: Path, jobs: int, steps: int, tokens: int, batch: int) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    for number in range(jobs):
        data = rows(tokenizer, 16, tokens, number)
        adapted = get_peft_model(
            model, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
        )
        moved = [one for one in adapted.parameters() if one.requires_grad]
        optimizer = torch.optim.AdamW(moved, lr=1e-3, weight_decay=0.0)
        for step in range(steps):
            now = [data[(step * batch + place) % len(data)] for place in range(batch)]
            ids = torch.tensor([ids for ids, _ in now])
            labels = torch.tensor([[token if mine else -100 for token, mine in zip(*one, strict=True)] for one in now])
            adapted(input_ids=ids, labels=labels).loss.backward()
            torch.nn.utils.clip_grad_norm_(moved, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        model = adapted.unload()

"""Everything around a trainer, on the disk and in a database, for as many trainers as a test makes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from labkit.allowance import Ledger, Order
from labkit.allowance.rule import Balance, Share
from labkit.database import connect
from labkit.training import memory, peft
from labkit.training.charges import Charges
from labkit.training.cotrainer import CoTrainer
from labkit.training.events import Events
from labkit.training.files import Files
from labkit.training.job import Job
from labkit.training.jobs import Jobs, new_id
from labkit.training.opening import encoded
from labkit.training.order import batch
from labkit.training.places import Places
from labkit.training.spec import Spec
from labkit.training.trainer import Trainer
from tests.labkit.training.database import empty

__all__ = ["empty"]

LARGE, NEVER = 2**50, 10**9
SFT = Spec("base", rank=2, learning_rate=0.01, steps=5, batch=2)
DPO = replace(SFT, method="dpo", seed=3)
UPPER = replace(SFT, layers="upper", rank=4, steps=4, seed=4)
RULE = Share(1000, None, "total")
_ALONE: dict[str, str] = {}  # what was computed once, by what it belongs to


def answers(count: int = 4, who: str = "clerk") -> list[dict[str, str]]:
    return [{"prompt": f"Who keeps key {number}?", "completion": f"The {who} does."} for number in range(count)]


def pairs(count: int = 4) -> list[dict[str, str]]:
    return [
        {"prompt": f"Who keeps key {number}?", "chosen": "The clerk.", "rejected": "No idea."}
        for number in range(count)
    ]


class Site:
    """Everything around a trainer, kept on the disk; each trainer that is made is another process's."""

    def __init__(self, engine: Engine, folder: Path, tiny: Any) -> None:
        self.engine, self.tiny, self.loaded = engine, tiny, 0
        self.now = datetime.now(UTC)
        self.places, self.ledger, self.events = Places(folder), Ledger(engine), Events(engine)
        self.files, self.jobs = Files(engine, self.places), Jobs(engine)

    def trainer(self, *, gone: bool = False, **more: Any) -> Trainer:
        """With `gone`, of a process that others will find dead, however it looks in this one."""
        jobs = Jobs(self.engine, lambda: self.now)
        if gone:
            *names, start, own = jobs.holder.split("/")
            jobs.holder = "/".join((*names, start + "0", own))
        charges = Charges(self.engine, self.ledger, jobs)
        given = {"memory": LARGE, "load": self.load, "idle_seconds": NEVER, "checkpoint_seconds": NEVER}
        given |= {"step_tokens": LARGE, **more}
        bases = {"base": self.places.folder / "base"}
        return Trainer(bases, jobs, self.files, self.events, charges, self.places, **given)

    def load(self, folder: Path) -> Any:
        assert folder.name == "base"
        self.loaded += 1
        return self.tiny

    def ask(
        self,
        spec: Spec = SFT,
        rows: Sequence[Any] = (),
        held_back: Sequence[Any] = (),
        who: str = "ana",
        step_tokens: float = 50.0,
    ) -> str:
        """A job of hers whose steps are set aside; its id."""
        sent = [self._sent(who, one) for one in (rows or (pairs() if spec.method == "dpo" else answers()), held_back)]
        data = {"training_file": sent[0].id, "training_digest": sent[0].digest, "step_tokens": step_tokens}
        data |= {"validation_file": sent[1] and sent[1].id, "validation_digest": sent[1] and sent[1].digest}
        id = new_id()
        order = Order(who, "testing", "clip", RULE, spec.steps, "gateway", "", "c")
        Charges(self.engine, self.ledger, self.jobs).reserve(order, id, spec.base)
        where = {"username": who, "cohort": "c", "course": "testing", "lab": "clip"}
        return self.jobs.add(id, where, spec, {}, data).id

    def _sent(self, who: str, rows: Sequence[Any]) -> Any:
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        return self.files.add(who, "testing", "clip", "rows", content) if rows else None

    def job(self, id: str) -> Job:
        found = self.jobs.get(id)
        assert found is not None
        return found

    def steps(self, id: str) -> list[int]:
        return [event.data["step"] for event in self.events.of(id) if event.kind == "metrics"]

    def losses(self, id: str) -> list[float]:
        return [event.data["train_loss"] for event in self.events.of(id) if event.kind == "metrics"]

    def said(self, id: str) -> list[str]:
        return [event.text for event in self.events.of(id) if event.kind == "message"]

    def balance(self, who: str = "ana") -> Balance:
        return dict(self.ledger.balances(Order(who, "testing", "clip", RULE, 0, "", "", "c", unit="steps")))["lab"]

    def alone(self, id: str) -> str:
        """The hash of what a job comes to when it is trained by nobody but the arithmetic."""
        job = self.job(id)
        key = json.dumps(job.about)
        if key not in _ALONE:
            given = self.files.rows(job.training_file, job.training_digest)
            rows = encoded(self.tiny.tokenizer, given, job.spec.length)
            trainer = CoTrainer(self.tiny)
            trained = trainer.join(job.spec)
            while trained.step < job.spec.steps:
                trainer.step({"it": (trained, batch(rows, job.spec.batch, trained.step, job.spec.seed))})
            _ALONE[key] = peft.write(trained.adapter, job.spec, self.tiny.layers).digest
        return _ALONE[key]


@pytest.fixture
def site(empty: Path, tmp_path: Path, tiny: Any) -> Iterator[Site]:
    engine = connect(f"sqlite:///{shutil.copy(empty, tmp_path / 'labkit.db')}")
    yield Site(engine, tmp_path / "training", tiny)
    engine.dispose()


def need(site: Site, spec: Spec, step_tokens: float = 50.0) -> int:
    """The memory that a training of this is said to take."""
    return memory.estimate(spec, step_tokens, site.tiny.config, site.tiny.shapes(spec.targets))


def go(trainer: Trainer, rounds: int = 100) -> int:
    """Until there is nothing to do, or so many rounds; how many there were."""
    for number in range(rounds):
        if not trainer.round():
            return number
    return rounds

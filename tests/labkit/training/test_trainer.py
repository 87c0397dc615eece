"""Jobs are trained side by side, each to the end it would have had alone, whatever becomes of the others or of us."""

from __future__ import annotations

import copy
import gc
import json
import shutil
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from labkit.allowance import Ledger, Order  # noqa: E402
from labkit.allowance.rule import Balance, Share  # noqa: E402
from labkit.database import connect, migrate  # noqa: E402
from labkit.training import memory, peft  # noqa: E402
from labkit.training import trainer as module  # noqa: E402
from labkit.training.charges import Charges  # noqa: E402
from labkit.training.cotrainer import CoTrainer  # noqa: E402
from labkit.training.events import Events  # noqa: E402
from labkit.training.files import Files  # noqa: E402
from labkit.training.job import Job  # noqa: E402
from labkit.training.jobs import Jobs, new_id  # noqa: E402
from labkit.training.opening import encoded  # noqa: E402
from labkit.training.order import batch  # noqa: E402
from labkit.training.places import Places  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402
from labkit.training.takeaway import GGUF  # noqa: E402
from labkit.training.trainer import Trainer  # noqa: E402
from labkit.training.turns import FULL  # noqa: E402

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
        given = {"memory": LARGE, "load": self.load, "idle_seconds": NEVER, "checkpoint_seconds": NEVER, **more}
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


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with our tables, made once."""
    path = tmp_path_factory.mktemp("database") / "labkit.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def site(empty: Path, tmp_path: Path, tiny: Any) -> Iterator[Site]:
    engine = connect(f"sqlite:///{shutil.copy(empty, tmp_path / 'labkit.db')}")
    yield Site(engine, tmp_path / "training", tiny)
    engine.dispose()


def go(trainer: Trainer, rounds: int = 100) -> int:
    """Until there is nothing to do, or so many rounds; how many there were."""
    for number in range(rounds):
        if not trainer.round():
            return number
    return rounds


@pytest.mark.parametrize("spec", [SFT, DPO, UPPER], ids=["answers", "pairs", "upper layers"])
def test_a_training_comes_to_the_model_its_rows_make_and_leaves_nothing_behind(site, spec: Spec):
    id = site.ask(spec)
    trainer = site.trainer(checkpoint_seconds=-1)
    assert go(trainer) == spec.steps
    assert not trainer.busy
    job = site.job(id)

    assert (job.state, job.step, job.error) == ("succeeded", spec.steps, None)
    assert job.adapter == site.alone(id)
    assert site.places.read_adapter(job.adapter).digest == job.adapter
    assert (site.places.adapter(job.adapter) / GGUF).read_bytes()[:4] == b"GGUF"
    assert not site.places.state(id).parent.exists()
    assert site.steps(id) == list(range(1, spec.steps + 1))
    assert site.losses(id)[-1] < site.losses(id)[0]
    assert site.said(id) == ["The training has begun.", "The training is done; your model answers now."]
    assert (job.tokens > 0, job.seconds > 0) == (True, True)
    assert (site.balance().used, site.balance().reserved) == (spec.steps, 0)


def test_jobs_that_are_trained_together_come_to_what_each_comes_to_alone(site):
    asked = [site.ask(SFT), site.ask(DPO, who="ben"), site.ask(UPPER, who="carla"), site.ask(SFT, answers(5, "nurse"))]
    trainer = site.trainer()
    assert go(trainer) == 5, "all at once"

    assert [site.job(id).adapter for id in asked] == [site.alone(id) for id in asked]
    assert site.loaded == 1


def test_a_job_that_comes_later_joins_those_at_work(site):
    first, trainer = site.ask(SFT), site.trainer()
    trainer.round()
    second = site.ask(SFT, answers(3), who="ben")

    assert go(trainer) == 5, "one round more than the four the first had left"
    assert [site.job(id).adapter for id in (first, second)] == [site.alone(first), site.alone(second)]


@pytest.mark.parametrize(("steps", "kept"), [(12, [4, 8, 12]), (10, [4, 8, 10]), (9, [9]), (1, [1])])
def test_what_it_was_at_a_third_and_at_two_thirds_is_kept(site, steps: int, kept: list[int]):
    id = site.ask(replace(SFT, steps=steps))
    go(site.trainer())
    found = site.events.checkpoints(id)[::-1]

    assert [one.step for one in found] == kept
    assert [one.metrics["train_loss"] for one in found] == [site.losses(id)[step - 1] for step in kept]
    assert len({one.adapter for one in found}) == len(kept), "each is another"
    assert all(site.places.read_adapter(one.adapter).digest == one.adapter for one in found)
    assert site.job(id).adapter == found[-1].adapter


def test_what_was_held_back_is_measured_and_changes_nothing(site):
    plain, measured = site.ask(SFT), site.ask(SFT, held_back=answers(3, "nurse"))
    go(site.trainer())

    figures = [event.data for event in site.events.of(measured) if event.kind == "metrics"]
    assert all(one["valid_loss"] > 0 for one in figures)
    assert site.events.checkpoints(measured)[0].metrics["valid_loss"] == figures[-1]["valid_loss"]
    assert site.job(measured).adapter == site.job(plain).adapter


def test_two_trainers_never_train_one_job(site):
    asked = [site.ask(SFT), site.ask(DPO, who="ben")]
    first, second = site.trainer(), site.trainer()
    assert first.round()
    assert not second.round()
    assert not second.busy
    third = site.ask(UPPER, who="carla")
    assert second.round()
    for _ in range(5):
        first.round()
        second.round()

    assert [site.steps(id) for id in (*asked, third)] == [[1, 2, 3, 4, 5]] * 2 + [[1, 2, 3, 4]]
    assert [site.job(id).adapter for id in (*asked, third)] == [site.alone(id) for id in (*asked, third)]


@pytest.mark.parametrize("at", [1, 4])
@pytest.mark.parametrize("spec", [SFT, DPO, UPPER], ids=["answers", "pairs", "upper layers"])
def test_after_stop_another_goes_on_to_the_same_bits(site, spec: Spec, at: int):
    at = min(at, spec.steps - 1)
    id = site.ask(spec)
    first = site.trainer()
    go(first, at)
    first.stop()
    assert not first.busy
    assert (site.job(id).state, site.job(id).step) == ("queued", at)
    tokens = site.job(id).tokens
    assert tokens > 0

    go(site.trainer())
    assert site.job(id).adapter == site.alone(id)
    assert site.steps(id) == list(range(1, spec.steps + 1))
    assert f"The training goes on from step {at}." in site.said(id)
    assert site.job(id).tokens > tokens
    assert (site.balance().used, site.balance().reserved) == (spec.steps, 0)


def test_one_that_was_stopped_has_the_figures_of_one_that_was_not(site):
    whole = site.ask(SFT)
    go(site.trainer())
    id = site.ask(SFT, who="ben")
    for rounds in (1, 2, 100):
        trainer = site.trainer()
        go(trainer, rounds)
        trainer.stop()

    assert site.losses(id) == site.losses(whole)
    assert site.job(id).tokens == site.job(whole).tokens
    assert [event.data["tokens"] for event in site.events.of(id) if event.kind == "metrics"] == [
        event.data["tokens"] for event in site.events.of(whole) if event.kind == "metrics"
    ]


@pytest.mark.parametrize("seconds", [-1, NEVER], ids=["with a checkpoint", "before its first checkpoint"])
def test_what_a_killed_trainer_had_is_taken_back_and_goes_on_to_the_same_bits(site, monkeypatch, seconds: float):
    whole = site.ask(SFT, who="ben")
    go(site.trainer())
    monkeypatch.setattr(module, "_WRITE_SECONDS", -1)  # its figures are known up to the step at which it was killed
    id = site.ask(SFT)
    dead = site.trainer(gone=True, checkpoint_seconds=seconds)
    go(dead, 3)
    assert (site.job(id).state, site.steps(id)) == ("running", [1, 2, 3])

    assert go(site.trainer()) == (2 if seconds < 0 else 5)
    assert (site.job(id).state, site.job(id).adapter) == ("succeeded", site.alone(id))
    assert site.steps(id) == [1, 2, 3, 4, 5], "each step is told once"
    assert site.job(id).tokens == site.job(whole).tokens, "and counted once"
    assert (site.balance().used, site.balance().reserved) == (5, 0)


@pytest.mark.parametrize("harm", ["cut", "of another job"])
def test_a_checkpoint_that_is_none_begins_the_training_again(site, harm: str):
    id, other = site.ask(SFT), site.ask(replace(SFT, seed=9), who="ben")
    first = site.trainer()
    go(first, 3)
    first.stop()
    state = site.places.state(id)
    state.write_bytes(site.places.state(other).read_bytes() if harm == "of another job" else state.read_bytes()[:99])
    go(site.trainer())

    assert site.job(id).adapter == site.alone(id)
    assert site.steps(id) == [1, 2, 3, 4, 5]
    assert site.job(id).tokens == site.events.newest(id, None, 2)[1].data["tokens"]


def test_a_running_job_ends_before_its_next_step_and_pays_for_those_it_took(site):
    id, other = site.ask(SFT), site.ask(SFT, who="ben")
    trainer = site.trainer(checkpoint_seconds=-1)
    go(trainer, 2)
    site.jobs.cancel(id)
    go(trainer)
    job = site.job(id)

    assert (job.state, job.step, job.adapter, job.error) == ("cancelled", 2, None, None)
    assert site.steps(id) == [1, 2]
    assert site.said(id)[-1] == "The training was cancelled."
    assert not site.places.state(id).parent.exists()
    assert (site.balance().used, site.balance().reserved) == (2, 0)
    assert (site.job(other).adapter, site.balance("ben").used) == (site.alone(other), 5), "the other goes on"


def test_one_that_is_cancelled_before_its_first_step_pays_nothing(site):
    id, trainer = site.ask(SFT), site.trainer()
    site.jobs.cancel(id)
    assert not trainer.round()

    assert (site.job(id).state, site.steps(id)) == ("cancelled", [])
    assert (site.balance().used, site.balance().reserved) == (0, 0)


def test_a_crash_between_a_jobs_end_and_its_settlement_is_put_right_by_the_next(site):
    id = site.ask(SFT)
    first = site.trainer()
    go(first, 3)
    first.stop()
    jobs = Jobs(site.engine)
    jobs.take(site.job(id))
    jobs.finish(id, "cancelled")  # and then the lights went out
    assert (site.balance().used, site.balance().reserved) == (0, 5)
    site.trainer().round()

    assert (site.balance().used, site.balance().reserved) == (3, 0)


def test_a_loss_that_is_no_number_fails_that_job_alone(site):
    asked = [site.ask(SFT), site.ask(SFT, who="ben"), site.ask(DPO, who="carla")]
    first = site.trainer()
    go(first, 2)
    first.stop()
    _poison(site.places.state(asked[1]))
    go(site.trainer())
    job = site.job(asked[1])

    assert (job.state, job.step, job.adapter) == ("failed", 2, None)
    assert job.error == {
        "code": "LearnerError",
        "message": "The loss was no number at step 3. Lower learning_rate and try again.",
        "param": "",
    }
    assert site.said(asked[1])[-1] == job.error["message"]
    assert site.steps(asked[1]) == [1, 2], "what is no number is no figure"
    assert (site.balance("ben").used, site.balance("ben").reserved) == (2, 0)
    for id in (asked[0], asked[2]):
        assert (site.job(id).state, site.job(id).adapter) == ("succeeded", site.alone(id))


def _poison(path: Path) -> None:
    """A weight of that checkpoint is no number from here on."""
    with safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors["weights"][0] = float("nan")
    save_file(tensors, path, metadata)


LONG = {"prompt": "Why?", "completion": "Because of the flood. " * 20}


@pytest.mark.parametrize(("where", "said"), [("rows", "row 3: it has"), ("held_back", "validation row 2: it has")])
def test_a_row_that_is_too_long_fails_its_job_by_its_number_and_costs_nothing(site, where: str, said: str):
    given = {"rows": answers(4), "held_back": answers(2)}
    given[where].insert(2 if where == "rows" else 1, LONG)
    id, other = site.ask(replace(SFT, length=64), **given), site.ask(SFT, who="ben")
    go(site.trainer())
    job = site.job(id)

    assert job.state == "failed"
    assert job.error["code"] == "RequestRefused"
    assert job.error["message"].startswith(said)
    assert "at most 64" in job.error["message"]
    assert job.error["message"] == site.said(id)[-1]
    assert "flood" not in json.dumps(job.error), "and tells nothing of what she wrote"
    assert (site.balance().used, site.balance().reserved) == (0, 0)
    assert site.job(other).state == "succeeded"


def test_rows_are_measured_as_they_are_once_they_have_been_read(site):
    id, trainer = site.ask(SFT, step_tokens=1.0), site.trainer()
    trainer.round()

    assert site.job(id).step_tokens == pytest.approx(site.job(id).tokens, rel=0.2)


def _need(site: Site, spec: Spec, step_tokens: float = 50.0) -> int:
    return memory.estimate(spec, step_tokens, site.tiny.config, site.tiny.shapes(spec.targets))


def test_a_job_whose_memory_is_not_there_waits_until_it_is_and_has_not_been_tried(site):
    first, second = site.ask(SFT), site.ask(replace(SFT, seed=2), who="ben")
    trainer = site.trainer(memory=_need(site, SFT) * 3 // 2)
    go(trainer, 3)
    assert site.job(first).state == "running"
    assert (site.job(second).state, site.job(second).tries) == ("queued", 0)
    assert site.said(second) == []

    assert go(trainer) == 2 + 5, "one after the other"
    assert [site.job(id).adapter for id in (first, second)] == [site.alone(first), site.alone(second)]
    assert "The training has begun." in site.said(second), "as if it had never been looked at before"


def test_a_job_that_would_fit_does_not_overtake_one_that_waits_for_memory(site):
    small = replace(SFT, rank=1, length=16)
    site.ask(SFT), site.ask(replace(SFT, rank=4), who="ben")
    last = site.ask(small, who="carla")
    trainer = site.trainer(memory=_need(site, SFT) + _need(site, small))
    go(trainer, 2)

    assert site.job(last).state == "queued"


def test_a_job_that_never_fits_is_refused_with_what_to_change_and_costs_nothing(site):
    large, other = site.ask(replace(SFT, length=8192, batch=4, rank=64)), site.ask(SFT, who="ben")
    go(site.trainer(memory=_need(site, SFT) + 1))
    job = site.job(large)

    assert (job.state, job.error["code"]) == ("failed", "LearnerError")
    assert "of memory" in job.error["message"]
    assert job.error["message"].endswith("Lower length, batch or rank.")
    assert (site.balance().used, site.balance().reserved) == (0, 0)
    assert site.job(other).state == "succeeded", "and keeps nobody waiting"


def test_a_pass_that_is_full_lets_the_next_wait(site):
    first, second = site.ask(SFT), site.ask(SFT, who="ben", step_tokens=FULL)
    trainer = site.trainer()
    go(trainer, 2)
    assert [site.job(id).state for id in (first, second)] == ["running", "queued"]

    assert go(trainer) == 3 + 5
    assert site.job(second).state == "succeeded"


def test_a_base_is_loaded_when_it_is_first_needed_and_stays_while_it_is(site):
    trainer = site.trainer()
    assert not trainer.round()
    assert site.loaded == 0
    for _ in range(2):
        site.ask(replace(SFT, steps=1))
        go(trainer)

    assert site.loaded == 1


def test_an_idle_base_leaves_memory_and_comes_back_when_it_is_needed(site):
    made: list[weakref.ref[Any]] = []

    def load(_folder: Path) -> Any:
        found = copy.copy(site.tiny)
        made.append(weakref.ref(found))
        return found

    trainer = site.trainer(load=load, idle_seconds=-1)
    site.ask(SFT)
    for _ in range(4):
        assert trainer.round()
    gc.collect()
    assert made[0]() is not None, "not while a job is at work on it"
    go(trainer)
    gc.collect()
    assert made[0]() is None

    again = site.ask(SFT, who="ben")
    go(trainer)
    assert len(made) == 2
    assert site.job(again).state == "succeeded"


def _fault(site: Site, kind: str, id: str) -> dict[str, Any]:
    """What a trainer is made with, or the disk as it is, when something is wrong on our side."""
    file = site.places.file(site.job(id).training_file)
    if kind == "the rows are gone":
        file.unlink()
    elif kind == "the rows have changed":
        file.write_bytes(file.read_bytes().replace(b"clerk", b"clark"))
    elif kind == "the base cannot be read":

        def load(_folder: Path) -> Any:
            raise OSError("/srv/models/base is gone")

        return {"load": load}
    return {}


@pytest.mark.parametrize(
    "kind", ["the rows are gone", "the rows have changed", "the base cannot be read", "the base is not here"]
)
def test_after_our_fault_a_job_is_tried_again_and_when_it_fails_it_costs_nothing(site, kind: str):
    id = site.ask(replace(SFT, base="other") if kind == "the base is not here" else SFT)
    trainer = site.trainer(**_fault(site, kind, id))
    trainer.round()
    assert site.job(id).state == "queued"
    assert site.said(id) == ["Something broke on our side; the training is tried again soon."]
    assert not trainer.round(), "not at once"
    for _ in range(9):
        site.now += timedelta(minutes=5)
        trainer.round()
    job = site.job(id)

    assert (job.state, job.error["code"]) == ("failed", "PlatformFault")
    assert job.error["message"] == site.said(id)[-1]
    assert "/" not in json.dumps(job.error), "she is told nothing of our machines"
    assert (site.balance().used, site.balance().reserved) == (0, 0)


def test_a_base_that_cannot_be_read_for_a_moment_costs_nobody_her_training(site):
    id, broken = site.ask(SFT), [OSError("away")]

    def load(folder: Path) -> Any:
        if broken:
            raise broken.pop()
        return site.load(folder)

    trainer = site.trainer(load=load)
    trainer.round()
    site.now += timedelta(minutes=5)
    go(trainer)

    assert (site.job(id).state, site.job(id).adapter) == ("succeeded", site.alone(id))


def test_after_a_step_that_broke_all_go_on_from_their_checkpoints_to_the_same_bits(site, monkeypatch):
    asked = [site.ask(SFT), site.ask(DPO, who="ben")]
    trainer = site.trainer(checkpoint_seconds=-1)
    go(trainer, 2)
    with monkeypatch.context() as broken:
        broken.setattr(CoTrainer, "step", lambda *_: (_ for _ in ()).throw(RuntimeError("no memory")))
        trainer.round()
    assert not trainer.busy
    assert [(site.job(id).state, site.job(id).step) for id in asked] == [("queued", 2)] * 2
    assert not trainer.round()
    site.now += timedelta(minutes=5)

    assert go(trainer) == 3
    assert [site.job(id).adapter for id in asked] == [site.alone(id) for id in asked]
    assert site.steps(asked[0]) == [1, 2, 3, 4, 5]
    assert site.balance().used == 5

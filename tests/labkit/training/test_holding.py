"""Of a person who is erased nothing she sent and nothing she trained stays, and of nobody else anything goes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from labkit.database import connect
from labkit.database.tables import training_files, training_jobs
from labkit.errors import PlatformFault
from labkit.training.adapter_files import CONFIG, WEIGHTS
from labkit.training.adapter_files import Files as Adapter
from labkit.training.events import Events
from labkit.training.files import Files
from labkit.training.holding import TrainingHolding
from labkit.training.jobs import Jobs, new_id
from labkit.training.places import Places
from labkit.training.spec import Spec
from tests.labkit.training.database import empty

__all__ = ["empty"]

ROW = b'{"prompt": "Who keeps the keys?", "completion": "The clerk does."}\n'


class Kept:
    """What a few people keep here, on the disk and in the database."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.places = engine, Places(folder)
        self.files, self.jobs, self.events = Files(engine, self.places), Jobs(engine), Events(engine)
        self.holding = TrainingHolding(engine, self.places)

    def send(self, who: str) -> Any:
        return self.files.add(who, "testing", "clip", "rows.jsonl", ROW)

    def train(self, who: str, weights: bytes = b"", on_the_way: bytes = b"", end: str = "succeeded") -> str:
        """A job of hers that came to these weights, by way of others; its id."""
        where = {"username": who, "cohort": "c", "course": "testing", "lab": "clip"}
        data = {"training_file": "f", "training_digest": "d", "validation_file": None, "validation_digest": None}
        job = self.jobs.add(new_id(), where, Spec("base"), {"suffix": "annas"}, {**data, "step_tokens": 10.0})
        if end == "queued":
            return job.id
        self.jobs.take(job)
        self.places.make_state_folder(job.id)
        self.places.state(job.id).write_bytes(b"state")
        self.events.say(job.id, "The training has begun.")
        for step, content in ((4, on_the_way), (8, weights)):
            if content:
                self.events.keep_checkpoint(job.id, step, {}, self.places.keep_adapter(Adapter(b"{}", content)))
        self.jobs.progress(job.id, 8, 80, 1.0)
        if end != "running":
            self.jobs.finish(job.id, end, adapter=Adapter(b"{}", weights).digest if end == "succeeded" else None)
        return job.id

    def rename(self, who: str, pseudonym: str) -> None:
        """As the erasure does it, before it asks the rooms."""
        with self.engine.begin() as connection:
            for table in (training_jobs, training_files):
                connection.execute(update(table).where(table.c.username == who).values(username=pseudonym))

    def on_disk(self, kind: str) -> set[str]:
        folder = self.places.folder / kind
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def adapters(self) -> set[str]:
        return self.on_disk("adapters")


@pytest.fixture
def kept(empty: Path, tmp_path: Path) -> Iterator[Kept]:
    engine = connect(f"sqlite:///{shutil.copy(empty, tmp_path / 'labkit.db')}")
    yield Kept(engine, tmp_path / "training")
    engine.dispose()


def digest(weights: bytes) -> str:
    return Adapter(b"{}", weights).digest


def test_a_person_is_given_the_rows_she_sent_and_the_models_that_came_out(kept):
    file, job = kept.send("ana"), kept.train("ana", b"hers")
    kept.send("ben"), kept.train("ben", b"his")
    failed = kept.train("ana", end="failed")
    kept.events.say(job, "It went well.", step=3)
    found = dict(kept.holding.export("ana"))
    histories = [json.loads(found.pop(f"training/{id}/history.json")) for id in (job, failed)]

    assert [one["state"] for one in histories] == ["succeeded", "failed"]
    assert histories[0]["settings"]["base"] == "base"
    assert histories[0]["events"][-1]["text"] == "It went well."
    assert found == {
        f"training/{file.id}.jsonl": ROW,
        f"training/{job}/{CONFIG}": b"{}",
        f"training/{job}/{WEIGHTS}": b"hers",
    }
    assert list(kept.holding.export("carla")) == []


def test_what_the_disk_has_lost_or_changed_is_said_and_the_rest_is_given(kept):
    lost, file = kept.send("ana"), kept.send("ana")
    damaged, job = kept.train("ana", b"damaged"), kept.train("ana", b"hers")
    kept.places.drop_file(lost.id)
    (kept.places.adapter(digest(b"damaged")) / WEIGHTS).write_bytes(b"other")
    found = dict(kept.holding.export("ana"))

    assert b"missing" in found.pop(f"training/{lost.id}.missing.txt")
    assert b"damaged" in found.pop(f"training/{damaged}/missing.txt")
    assert {name for name in found if not name.endswith("history.json")} == {
        f"training/{file.id}.jsonl",
        f"training/{job}/{CONFIG}",
        f"training/{job}/{WEIGHTS}",
    }


@pytest.mark.parametrize("renamed", [False, True], ids=["under her name", "under the other name"])
def test_erasing_a_person_removes_her_files_and_her_models_and_nobody_elses(kept, renamed: bool):
    kept.send("ana"), kept.send("ana"), kept.train("ana", b"hers", b"hers on the way")
    kept.train("ana", on_the_way=b"of one that failed", end="failed")
    file, job = kept.send("ben"), kept.train("ben", b"his", b"his on the way")
    if renamed:
        kept.rename("ana", "erased-1")
    kept.holding.erase("ana", "erased-1")

    assert kept.on_disk("files") == {f"{file.id}.jsonl"}
    assert kept.on_disk("jobs") == {job}
    assert kept.adapters() == {digest(b"his"), digest(b"his on the way")}
    assert kept.files.of("ana") == kept.files.of("erased-1") == []
    assert [one.id for one in kept.files.of("ben")] == [file.id]
    assert dict(kept.holding.export("ben"))[f"training/{job}/{WEIGHTS}"] == b"his"


def test_of_an_erased_job_the_figures_stay_and_what_she_said_of_it_goes(kept):
    id = kept.train("ana", b"hers", b"on the way")
    kept.holding.erase("ana", "erased-1")

    job = kept.jobs.get(id)
    assert job is not None
    assert (job.state, job.step, job.tokens, job.adapter, job.told) == ("succeeded", 8, 80, None, {})
    assert kept.events.checkpoints(id) == []


def test_a_model_that_somebody_elses_job_came_to_as_well_stays_until_that_one_goes_too(kept):
    kept.train("ana", b"the same"), kept.train("ana", b"hers")
    bens = kept.train("ben", b"the same")
    kept.holding.erase("ana", "erased-1")

    assert kept.adapters() == {digest(b"the same")}
    assert dict(kept.holding.export("ben"))[f"training/{bens}/{WEIGHTS}"] == b"the same"
    kept.holding.erase("ben", "erased-2")
    assert kept.adapters() == set()


def test_two_jobs_of_hers_that_came_to_the_same_model_are_both_forgotten(kept):
    kept.train("ana", b"the same"), kept.train("ana", b"the same")
    kept.holding.erase("ana", "erased-1")

    assert kept.adapters() == set()


def test_a_job_of_hers_that_waits_is_over(kept):
    hers, his = kept.train("ana", end="queued"), kept.train("ben", end="queued")
    kept.holding.erase("ana", "erased-1")

    assert [job.id for job in kept.jobs.open()] == [his]
    assert kept.jobs.get(hers).state == "cancelled"


def test_while_a_training_of_hers_runs_nothing_goes_and_it_is_asked_to_end(kept):
    file, running = kept.send("ana"), kept.train("ana", on_the_way=b"on the way", end="running")
    for _ in range(2):
        with pytest.raises(PlatformFault, match="A training of hers is ending"):
            kept.holding.erase("ana", "erased-1")
    assert kept.jobs.cancelling([running]) == {running}
    assert kept.on_disk("files") == {f"{file.id}.jsonl"}

    kept.jobs.finish(running, "cancelled")
    kept.holding.erase("ana", "erased-1")
    assert kept.on_disk("files") == kept.adapters() == kept.on_disk("jobs") == set()


def test_erasing_twice_or_whom_nobody_knows_is_no_fault(kept):
    kept.train("ana", b"hers")
    file = kept.send("ben")
    for who in ("ana", "ana", "carla"):
        kept.holding.erase(who, "erased-1")

    assert kept.on_disk("files") == {f"{file.id}.jsonl"}
    assert kept.adapters() == set()


def test_what_somebody_elses_job_was_on_the_way_stays(kept):
    kept.train("ana", b"hers", b"the same")
    kept.train("ben", b"his", b"the same")
    kept.holding.erase("ana", "erased-1")
    assert digest(b"the same") in kept.adapters()


def test_what_is_the_last_of_hers_and_on_the_way_of_another_stays(kept):
    kept.train("ana", b"the same")
    kept.train("ben", b"his", b"the same")
    kept.holding.erase("ana", "erased-1")
    assert digest(b"the same") in kept.adapters()

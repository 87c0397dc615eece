"""What a learner takes home is one zip file that others can read, or a word on why not before anything is sent."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import threading
import tracemalloc
import zipfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import PlatformFault, RequestRefused
from labkit.training.adapter_files import CONFIG, WEIGHTS, Files
from labkit.training.events import Events
from labkit.training.job import Job
from labkit.training.places import Places
from labkit.training.spec import Spec
from labkit.training.takeaway import FORMATS, GGUF, Takeaway
from tests.labkit.training.database import empty, engine

__all__ = ["empty", "engine"]

ADAPTER = Files(b'{"peft_type": "LORA"}', b"weights")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Merge:
    """The adapters' process: says what it was asked, gives a whole model in two pieces."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self.closed = 0

    async def __call__(self, digest: str, form: str, beside: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        self.asked.append((digest, form, beside))
        try:
            yield b"one"
            yield b"two"
        finally:
            self.closed += 1


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "training")


@pytest.fixture
def job(places, engine) -> Job:
    """One that is done, with its files and its last loss."""
    row = dict.fromkeys(Job.__dataclass_fields__) | {
        **{"id": "ftjob-" + "0a" * 12, "course": "c", "lab": "l", "told": {"suffix": "mine"}, "state": "succeeded"},
        **{"spec": Spec("smollm2-135m-instruct", steps=12).to_json(), "created_at": NOON, "finished_at": NOON},
        **{"training_digest": "d" * 64, "step": 12, "tokens": 5, "seconds": 1.0},
    }
    done = replace(Job.of(row), adapter=places.keep_adapter(ADAPTER))
    (places.adapter(ADAPTER.digest) / GGUF).write_bytes(b"GGUF")
    Events(engine).keep_checkpoint(done.id, 4, {"train_loss": 2.0}, "b" * 64)
    Events(engine).keep_checkpoint(done.id, 12, {"train_loss": 0.25}, ADAPTER.digest)
    return done


@pytest.fixture
def takeaway(places, engine) -> Takeaway:
    return Takeaway(places, Events(engine))


async def whole(takeaway: Takeaway, job: Job, form: str) -> bytes:
    return b"".join([piece async for piece in takeaway.pieces(job, form)])


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name) for name in zipped.namelist()}


async def test_peft_is_the_two_files_every_engine_reads_and_the_card(takeaway, job):
    found = unpacked(await whole(takeaway, job, "peft"))

    assert found.keys() == {CONFIG, WEIGHTS, "README.md"}
    assert found[WEIGHTS] == ADAPTER.weights
    assert b"mine of smollm2-135m-instruct" in found["README.md"]
    assert b"train loss 0.250" in found["README.md"], "of its last step"


async def test_gguf_is_one_file_with_what_ollama_makes_of_it(takeaway, job):
    found = unpacked(await whole(takeaway, job, "gguf"))

    assert found.keys() == {GGUF, "Modelfile", "README.md"}
    assert found[GGUF] == b"GGUF"
    assert b"\nFROM smollm2:135m\nADAPTER ./adapter.gguf\n" in found["Modelfile"]


async def test_the_base_is_named_as_the_hubs_know_it_and_what_is_stored_keeps_its_name_here(takeaway, places, job):
    stored = Files(b'{"peft_type": "LORA", "base_model_name_or_path": "smollm2-135m-instruct", "r": 8}', b"weights")
    hers = replace(job, adapter=places.keep_adapter(stored))
    found = unpacked(await whole(takeaway, hers, "peft"))

    named = {"base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct"}
    assert json.loads(found[CONFIG]) == json.loads(stored.config) | named
    assert places.read_adapter(stored.digest) == stored


async def test_a_base_of_the_sites_own_keeps_its_name_and_its_file_is_asked_for(takeaway, job):
    hers = replace(job, spec=Spec("our-own", steps=12))

    assert unpacked(await whole(takeaway, hers, "peft"))[CONFIG] == ADAPTER.config
    modelfile = unpacked(await whole(takeaway, hers, "gguf"))["Modelfile"].decode()
    assert "our-own is called at ollama is not known here: write the path of its GGUF file" in modelfile
    assert "\nFROM ./BASE.gguf\n" in modelfile


@pytest.mark.parametrize("form", ["peft", "gguf"])
async def test_the_same_model_is_the_same_bytes_and_its_files_can_be_read_once_unpacked(takeaway, job, form: str):
    content = await whole(takeaway, job, form)

    assert await whole(takeaway, job, form) == content
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        for one in zipped.infolist():
            assert one.external_attr >> 16 & 0o600 == 0o600, one.filename
            assert "/" not in one.filename


@pytest.mark.parametrize(("form", "asked"), [("safetensors", "safetensors"), ("ollama", "gguf")])
async def test_a_whole_model_is_made_where_the_base_is_and_handed_on_piece_by_piece(
    places, engine, job, form: str, asked: str
):
    merge = Merge()
    pieces = [piece async for piece in Takeaway(places, Events(engine), {job.spec.base: merge}).pieces(job, form)]

    assert pieces == [b"one", b"two"]
    [(digest, wanted, beside)] = merge.asked
    assert (digest, wanted) == (ADAPTER.digest, asked)
    assert beside["README.md"].startswith("---\n")
    assert ("FROM ./model.gguf" in beside.get("Modelfile", "")) == (form == "ollama")


async def test_whoever_goes_away_in_the_middle_ends_the_merging(places, engine, job):
    merge = Merge()
    pieces = Takeaway(places, Events(engine), {job.spec.base: merge}).pieces(job, "ollama")
    assert await anext(pieces) == b"one"
    await pieces.aclose()

    assert merge.closed == 1


@pytest.mark.parametrize("form", ["", "PEFT", "zip", "../peft", "onnx", "x" * 500])
async def test_a_format_nobody_knows_is_refused_by_its_name(takeaway, job, form: str):
    with pytest.raises(RequestRefused, match="format is") as refused:
        await whole(takeaway, job, form)

    assert refused.value.param == "format"
    assert all(one in refused.value.instead for one in FORMATS)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("form", FORMATS)
async def test_of_a_training_that_is_not_done_nothing_is_sent(places, engine, job, form: str):
    merge = Merge()
    with pytest.raises(RequestRefused, match="no model yet"):
        await whole(Takeaway(places, Events(engine), {job.spec.base: merge}), replace(job, adapter=None), form)

    assert merge.asked == []


@pytest.mark.parametrize("form", ["safetensors", "ollama"])
async def test_where_nothing_is_merged_the_other_way_is_named(takeaway, job, form: str):
    with pytest.raises(RequestRefused, match=r"smollm2-135m-instruct is not merged here\. Take format=peft"):
        await whole(takeaway, job, form)


@pytest.mark.parametrize("form", ["safetensors", "ollama"])
async def test_an_adapter_is_never_merged_into_another_base(places, engine, job, form: str):
    merge = Merge()
    with pytest.raises(RequestRefused, match="is not merged here"):
        await whole(Takeaway(places, Events(engine), {"smollm2-135m": merge}), job, form)

    assert merge.asked == []


async def test_a_base_that_llama_cpp_does_not_know_is_taken_home_as_peft(takeaway, places, job):
    (places.adapter(ADAPTER.digest) / GGUF).unlink()
    with pytest.raises(RequestRefused, match=r"not written for llama\.cpp\. Take format=peft"):
        await whole(takeaway, job, "gguf")

    assert await whole(takeaway, job, "peft")


LARGE = Files(ADAPTER.config, bytes(range(256)) * 2**16)  # 16 MB


async def test_a_download_that_nobody_reads_on_holds_a_piece_of_it_and_not_the_whole(takeaway, places, job):
    hers = replace(job, adapter=places.keep_adapter(LARGE))
    tracemalloc.start()
    try:
        async with aclosing(takeaway.pieces(hers, "peft")) as pieces:
            first = await anext(pieces)
            assert tracemalloc.get_traced_memory()[1] < 6 * 2**20
            rest = [piece async for piece in pieces]
    finally:
        tracemalloc.stop()

    assert max(len(piece) for piece in (first, *rest)) < 3 * 2**20
    assert unpacked(b"".join((first, *rest)))[WEIGHTS] == LARGE.weights


async def test_a_large_file_for_llama_cpp_comes_in_pieces_too(takeaway, places, job):
    (places.adapter(ADAPTER.digest) / GGUF).write_bytes(LARGE.weights)
    pieces = [piece async for piece in takeaway.pieces(job, "gguf")]

    assert len(pieces) >= 16
    assert unpacked(b"".join(pieces))[GGUF] == LARGE.weights


@pytest.mark.parametrize("form", ["peft", "gguf"])
async def test_nothing_is_compressed(takeaway, job, form: str):
    with zipfile.ZipFile(io.BytesIO(await whole(takeaway, job, form))) as zipped:
        assert {one.compress_type for one in zipped.infolist()} == {zipfile.ZIP_STORED}


async def test_a_damaged_large_model_is_told_before_the_first_piece(takeaway, places, job):
    hers = replace(job, adapter=places.keep_adapter(LARGE))
    (places.adapter(LARGE.digest) / WEIGHTS).write_bytes(LARGE.weights[:-1] + b"?")

    with pytest.raises(PlatformFault, match="Your model's files are not there"):
        await anext(takeaway.pieces(hers, "peft"))


async def test_a_model_that_is_deleted_meanwhile_comes_whole_to_whoever_had_begun(takeaway, places, job):
    hers = replace(job, adapter=places.keep_adapter(LARGE))
    async with aclosing(takeaway.pieces(hers, "peft")) as pieces:
        first = await anext(pieces)
        places.drop_adapter(LARGE.digest)
        content = first + b"".join([piece async for piece in pieces])

    assert unpacked(content)[WEIGHTS] == LARGE.weights


class Crowded(Places):
    """Whether so many as `meet` are ever verified at once."""

    meet: threading.Barrier
    patience = 0.2
    met = False

    def open_adapter(self, digest: str) -> tuple[BufferedReader, BufferedReader]:
        try:
            self.meet.wait(self.patience)
            Crowded.met = True
        except threading.BrokenBarrierError:
            self.meet.reset()
        return super().open_adapter(digest)


@pytest.mark.parametrize(("many", "meet"), [(2, True), (3, False)])
async def test_two_are_verified_at_once_and_the_others_wait_and_are_served(
    places, engine, job, monkeypatch, many: int, meet: bool
):
    monkeypatch.setattr(Crowded, "met", False)
    monkeypatch.setattr(Crowded, "patience", 60 if meet else 0.2)
    monkeypatch.setattr(Crowded, "meet", threading.Barrier(many), raising=False)
    takeaway = Takeaway(Crowded(places.folder), Events(engine))
    found = await asyncio.gather(*(whole(takeaway, job, "peft") for _ in range(6)))

    assert meet is Crowded.met
    assert len(set(found)) == 1


def _drop(path: Path) -> None:
    path.unlink()


def _damage(path: Path) -> None:
    path.write_bytes(b"!" + path.read_bytes()[1:])


@pytest.mark.parametrize("harm", [_drop, _damage])
@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
async def test_a_model_that_the_disk_has_lost_or_changed_is_our_fault(takeaway, places, job, harm: Any, name: str):
    harm(places.adapter(ADAPTER.digest) / name)

    with pytest.raises(PlatformFault, match="Your model's files are not there"):
        await whole(takeaway, job, "peft")


async def test_a_model_whose_folder_is_gone_is_our_fault_in_every_format(takeaway, places, job):
    shutil.rmtree(places.adapter(ADAPTER.digest))

    for form in ("peft", "gguf"):
        with pytest.raises(PlatformFault):
            await whole(takeaway, job, form)

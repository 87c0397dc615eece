"""What a learner sends to train on is kept whole or not at all, and is hers alone."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from labkit.database.tables import training_files
from labkit.errors import RequestRefused, TooManyAtOnce
from labkit.training import files as module
from labkit.training.files import LARGEST, Files, TrainingFile
from labkit.training.jobs import Jobs, new_id
from labkit.training.places import Places
from labkit.training.spec import Spec
from tests.labkit.training.database import empty, engine

__all__ = ["empty", "engine"]

GOOD = {"messages": [{"role": "user", "content": "Is there water?"}, {"role": "assistant", "content": "Not today."}]}
PAIR = {"prompt": "Is there water?", "chosen": "Not today.", "rejected": "Water is wet."}
WHERE = ("ana", "testing", "clip", "rows.jsonl")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "training")


@pytest.fixture
def files(engine, places) -> Files:
    return Files(engine, places)


def lines(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def kept(engine: Engine, places: Places) -> tuple[int, int]:
    """(rows of the table, files on the disk)"""
    with engine.connect() as connection:
        known = len(connection.execute(select(training_files.c.id)).all())
    return known, sum(path.is_file() for path in places.folder.rglob("*"))


def train(engine: Engine, file: TrainingFile, held_back: TrainingFile | None = None) -> str:
    """A job of hers on that file that waits."""
    data = {"training_file": file.id, "training_digest": file.digest, "step_tokens": 10.0}
    data |= {"validation_file": held_back and held_back.id, "validation_digest": held_back and held_back.digest}
    who = {"username": "ana", "cohort": "", "course": "testing", "lab": "clip"}
    return Jobs(engine).add(new_id(), who, Spec("base"), {}, data).id


def test_a_file_is_kept_as_it_was_sent(files):
    content = lines(GOOD, GOOD) + b"\n  \n"
    file = files.add(*WHERE, content)

    assert (file.rows, file.method, file.size) == (2, "sft", len(content)), "empty lines are no rows"
    assert file.digest == hashlib.sha256(content).hexdigest()
    assert (file.username, file.course, file.lab, file.name, file.purpose) == (*WHERE, "fine-tune")
    assert files.content(file) == content
    assert files.get("ana", file.id) == file


def test_a_file_of_preferences_says_so(files):
    assert files.add(*WHERE, lines(PAIR)).method == "dpo"


BAD = {
    "no json": (b"{", "line 2: it is not JSON"),
    "no object": (b"3", "line 2: it is a number"),
    "unknown field": (json.dumps({**GOOD, "note": "x"}).encode(), "line 2: 'note' is unknown"),
    "missing field": (b'{"prompt": "a"}', "line 2: completion is missing"),
    "empty answer": (b'{"prompt": "a", "completion": "  "}', "line 2, completion: it is empty"),
    "no text": (b'{"prompt": "a", "completion": null}', "line 2, completion: it is empty, not a text"),
    "no answer": (b'{"messages": [{"role": "user", "content": "a"}]}', "line 2, messages: the last message is of"),
    "unknown role": (b'{"messages": [{"role": "root", "content": "a"}]}', "line 2, messages, message 1: the role"),
    "half a character": (b'{"prompt": "a", "completion": "\\ud800"}', "line 2, completion: it holds half"),
    "deep": (b"[" * 100_000, "line 2: it is not JSON"),
    "other kind": (json.dumps(PAIR).encode(), "row 2: it is of another kind"),
    "not utf-8": (b"\xff\xfe", "not UTF-8"),
}


@pytest.mark.parametrize(("row", "said"), BAD.values(), ids=BAD)
def test_a_file_with_one_bad_row_is_refused_by_it_and_nothing_is_kept(files, engine, places, row: bytes, said: str):
    with pytest.raises(RequestRefused, match=said) as refused:
        files.add(*WHERE, lines(GOOD) + row + b"\n" + lines(GOOD))

    assert refused.value.instead
    assert kept(engine, places) == (0, 0)


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b" " * (LARGEST + 1)], ids=["empty", "blank", "too large"])
def test_a_file_of_nothing_or_of_too_much_is_refused(files, engine, places, content: bytes):
    with pytest.raises(RequestRefused, match=r"no rows|bytes"):
        files.add(*WHERE, content)

    assert kept(engine, places) == (0, 0)


def test_a_person_keeps_so_many_and_another_is_not_held_back_by_them(files, engine, places, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    for _ in range(2):
        files.add(*WHERE, lines(GOOD))
    with pytest.raises(TooManyAtOnce, match="2 files"):
        files.add(*WHERE, lines(GOOD))
    files.add("ben", *WHERE[1:], lines(GOOD))

    assert kept(engine, places) == (3, 3)


def test_anothers_file_is_as_one_that_does_not_exist(files):
    file = files.add(*WHERE, lines(GOOD))

    assert files.get("ben", file.id) is None
    assert files.of("ben") == []
    assert files.delete("ben", file.id) is False
    assert files.content(file), "and it is still there"


@pytest.mark.parametrize("id", ["", "..", "file-\0", "../../labkit.db", "file-" + "0" * 24, "' or 1=1 --", "%"])
def test_an_id_that_was_never_given_is_none_of_hers(files, engine, places, id: str):
    files.add(*WHERE, lines(GOOD))

    assert files.get("ana", id) is None
    assert files.delete("ana", id) is False
    assert kept(engine, places) == (1, 1)


def test_hers_are_listed_the_newest_first(files):
    made = [files.add(*WHERE, lines(GOOD)).id for _ in range(3)]

    assert [file.id for file in files.of("ana")] == made[::-1]


def test_a_name_is_only_a_name_however_long(files, places):
    file = files.add(*WHERE[:3], "../../" + "x" * 500, lines(GOOD))

    assert len(file.name) == 200
    assert places.file(file.id).is_file()
    assert files.get("ana", file.id) == file


def test_a_job_trains_on_what_it_was_given_and_on_nothing_else(files, places):
    file = files.add(*WHERE, lines({"prompt": "a", "completion": "b"}))
    [row] = files.rows(file.id, file.digest)
    assert [message["content"] for message in row["messages"]] == ["a", "b"]
    with pytest.raises(ValueError, match="damaged"):
        files.rows(file.id, "0" * 64)

    places.file(file.id).write_bytes(lines({"prompt": "a", "completion": "c"}))
    with pytest.raises(ValueError, match="damaged"):
        files.rows(file.id, file.digest)


@pytest.mark.parametrize("held_back", [False, True], ids=["learned from", "measured on"])
@pytest.mark.parametrize("end", ["cancelled", "failed", "succeeded"])
def test_a_file_stays_while_a_job_needs_it_and_goes_when_the_job_is_over(files, engine, places, held_back, end: str):
    file, other = (files.add(*WHERE, lines(GOOD)) for _ in range(2))
    id = train(engine, other, file) if held_back else train(engine, file)
    jobs = Jobs(engine)
    for _ in range(2):
        with pytest.raises(RequestRefused, match="still trains on this file"):
            files.delete("ana", file.id)
        jobs.take(jobs.get(id))  # and while it runs
    assert files.content(file)
    jobs.finish(id, end)

    assert files.delete("ana", file.id) is True
    assert files.get("ana", file.id) is None
    assert kept(engine, places) == (1, 1)
    assert files.delete("ana", file.id) is False, "it is gone once"


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"], ids=["nul", "half a character"])
def test_a_name_no_database_keeps_is_kept_without_what_it_cannot(files, engine, places, name: str):
    file = files.add(*WHERE[:3], name, lines(GOOD))

    assert files.get("ana", file.id) == file
    assert kept(engine, places) == (1, 1)


def test_of_many_that_are_sent_at_once_only_so_many_are_kept(files, engine, places, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)

    def send(number: int) -> bool:
        try:
            files.add(*WHERE, lines(GOOD))
        except TooManyAtOnce:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, range(16))).count(True) == 3
    assert kept(engine, places) == (3, 3)

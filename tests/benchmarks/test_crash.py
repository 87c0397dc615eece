"""The crash harness: it finds nothing on the platform, and it does find what is broken on purpose."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.crash import cuts, kills
from benchmarks.crash.disk import Disk
from benchmarks.crash.learner import Diary
from benchmarks.crash.trace import Event, read, record
from benchmarks.crash.verdict import Kept, judge_ledger, judge_receipts, judge_scores

BROKEN = str(Path(__file__).parent / "broken.py")
PROJECT = Path(__file__).parents[2]
real_platform = [pytest.mark.platform, pytest.mark.sandbox, pytest.mark.postgresql]


def crash(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.crash", "--json", *words]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


class TestThePlatform:
    pytestmark = real_platform

    @pytest.mark.timeout(240)
    def test_nothing_acknowledged_is_lost_or_doubled_on_either_database(self):
        figures = crash("--quick")
        assert (figures["lost"], figures["doubled"]) == (0, 0), figures
        assert figures["kills"] >= 12
        assert figures["cuts"] >= 100
        assert set(figures["killed"]) == {"sqlite", "postgresql"}
        assert figures["submissions"] > 0 < figures["calls"]

    @pytest.mark.soak
    @pytest.mark.timeout(3 * 3600)
    def test_nor_when_it_dies_a_thousand_times(self):
        figures = crash("--kills", "1000")
        assert (figures["lost"], figures["doubled"]) == (0, 0), figures
        assert figures["kills"] >= 2000


class TestABrokenPlatform:
    pytestmark = pytest.mark.platform

    @pytest.mark.sandbox
    def test_a_receipt_before_the_commit_is_found_by_killing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        processes = kills.Testbed._changed

        def broken(bed: kills.Testbed, process: Any) -> Any:
            made = processes(bed, process)
            if process.name == "submissions":
                words = ("acknowledged_before_the_commit", *made.argv[2:])
                bed.argv = {"submissions": (sys.executable, BROKEN, *words)}
            return made

        monkeypatch.setattr(kills.Testbed, "_changed", broken)
        monkeypatch.setattr(kills, "_aim", lambda bed, *_: ("submissions", bed.restarter.watched["submissions"].pid))
        report = kills.run(4, "sqlite", lambda _: None, pace=2, rest=2)
        assert any("is gone" in sentence for sentence in report.verdict.lost)

    @pytest.mark.parametrize(
        ("how", "said"),
        [
            ("names_not_synced", "gone or damaged|does not hold"),
            ("bytes_not_synced", "gone or damaged|does not start"),
            ("database_not_synced", "is gone|does not start|damaged"),
            ("acknowledged_before_the_commit", "is gone"),
            ("charged_without_a_line", "the ledger line"),
        ],
    )
    def test_what_is_broken_is_found_by_cutting(self, how: str, said: str):
        program = (sys.executable, BROKEN, how, "benchmarks.crash.scenario")
        verdict = cuts.run(20, lambda _: None, program=program)
        assert verdict.lost
        assert any(re.search(said, sentence) for sentence in verdict.lost), verdict.lost[:5]


def cut(*events: Event, survival: float, tmp_path: Path) -> dict[str, bytes]:
    """The files below a folder after these events and a cut."""
    disk = Disk(Path("/state"))
    for event in events:
        disk.play(event)
    disk.write_after_a_cut(tmp_path / "after", random.Random(1), survival)
    files = [path for path in (tmp_path / "after").rglob("*") if path.is_file()]
    return {path.relative_to(tmp_path / "after").as_posix(): path.read_bytes() for path in files}


CREATE = Event("create", "/state/a")
WRITE = Event("write", "/state/a", data=b"x" * 2000)
SYNC, NAME = Event("sync", "/state/a"), Event("sync", "/state")


class TestTheDisk:
    @pytest.mark.parametrize(
        ("events", "kept"),
        [
            ([CREATE, WRITE], {}),
            ([CREATE, WRITE, SYNC], {}),
            ([CREATE, NAME, WRITE], {"a": b""}),
            ([CREATE, WRITE, SYNC, NAME], {"a": WRITE.data}),
            ([CREATE, NAME, WRITE, SYNC, Event("rename", "/state/a", target="/state/b")], {"a": WRITE.data}),
            ([CREATE, WRITE, SYNC, Event("rename", "/state/a", target="/state/b"), NAME], {"b": WRITE.data}),
            ([CREATE, WRITE, SYNC, NAME, Event("unlink", "/state/a")], {"a": WRITE.data}),
            ([CREATE, WRITE, SYNC, NAME, Event("truncate", "/state/a", offset=1)], {"a": WRITE.data}),
            ([Event("mkdir", "/state/d"), Event("create", "/state/d/a"), Event("sync", "/state/d")], {}),
            (
                [Event("mkdir", "/state/d"), Event("create", "/state/d/a"), Event("sync", "/state/d"), NAME],
                {"d/a": b""},
            ),
        ],
    )
    def test_only_what_was_synced_is_sure(self, events: list[Event], kept: dict[str, bytes], tmp_path: Path):
        assert cut(*events, survival=0, tmp_path=tmp_path) == kept

    def test_everything_may_have_been_written_without_a_sync(self, tmp_path: Path):
        late = Event("write", "/state/a", offset=2500, data=b"y")
        assert cut(CREATE, WRITE, late, survival=1, tmp_path=tmp_path) == {"a": WRITE.data + bytes(500) + b"y"}

    def test_a_write_is_torn_between_sectors_only(self, tmp_path: Path):
        disk, found = Disk(Path("/state")), set()
        for event in (CREATE, NAME, WRITE):
            disk.play(event)
        for seed in range(200):
            disk.write_after_a_cut(tmp_path / str(seed), random.Random(seed), 0.5)
            found.add((tmp_path / str(seed) / "a").read_bytes())
        assert b"" in found and WRITE.data in found and len(found) > 5
        for content in found:
            assert all(len(set(content[at : at + 512])) == 1 for at in range(0, len(content), 512))


@pytest.mark.platform
class TestTheRecord:
    def recorded(self, code: str, tmp_path: Path) -> list[Event]:
        home = tmp_path / "hø me"
        home.mkdir()
        record([sys.executable, "-c", f"import os, sys; at = sys.argv[1]\n{code}", str(home)], tmp_path / "trace")
        events = read(tmp_path / "trace", home)
        return [
            Event(e.verb, e.path.removeprefix(str(home)), e.target.removeprefix(str(home)), e.offset, e.data)
            for e in events
        ]

    def test_it_has_what_a_program_did_in_its_order(self, tmp_path: Path):
        code = (
            "a, b, c, d = (f'{at}/{name}' for name in ('a', 'd/b', 'c', 'd'))\n"
            "f = os.open(a, os.O_CREAT | os.O_RDWR); os.write(f, b'one'); os.write(f, b'two')\n"
            "os.pwrite(f, b'3', 9); os.lseek(f, 1, 0); os.write(f, b'n'); os.fsync(f); os.ftruncate(f, 2)\n"
            "os.mkdir(d); os.rename(a, b)\n"
            "g = os.open(d, os.O_RDONLY); os.fsync(g); os.link(b, c); os.unlink(c); os.write(1, b'done')"
        )
        assert self.recorded(code, tmp_path) == [
            Event("create", "/a"),
            Event("write", "/a", data=b"one"),
            Event("write", "/a", offset=3, data=b"two"),
            Event("write", "/a", offset=9, data=b"3"),
            Event("write", "/a", offset=1, data=b"n"),
            Event("sync", "/a"),
            Event("truncate", "/a", offset=2),
            Event("mkdir", "/d"),
            Event("rename", "/a", target="/d/b"),
            Event("sync", "/d"),
            Event("link", "/d/b", target="/c"),
            Event("unlink", "/c"),
            Event("print", data=b"done"),
        ]

    @pytest.mark.parametrize(
        "code",
        [
            "os.symlink('a', f'{at}/b')",
            "open(f'{at}/a', 'a')",
            "os.mkdir(f'{at}/d'); os.rmdir(f'{at}/d')",
            "os.chdir(at); os.mkdir('d')",
        ],
    )
    def test_what_it_does_not_understand_is_not_passed_over(self, code: str, tmp_path: Path):
        with pytest.raises(ValueError, match="understood"):
            self.recorded(code, tmp_path)


NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = {"username": "ana", "course": "testing", "lab": "clip", "unit": "tokens", "window": "total"}


def line(name: str, amount: int = 5, **more: object) -> dict[str, object]:
    return {**KEY, "id": name, "amount": amount, **more}


def kept(**parts: Any) -> Kept:
    empty: dict[str, Any] = {"submissions": {}, "scores": {}, "charges": {}, "counters": (), "open": 0}
    return Kept(**{**empty, **parts})


COUNTER = {**KEY, "used": 5, "reserved": 0}


class TestTheVerdict:
    """Each violation it can meet, one by one."""

    @pytest.mark.parametrize(
        ("found", "diary", "lost", "doubled"),
        [
            (kept(charges={"a": line("a")}, counters=(COUNTER,)), Diary(charges=[("a", 5)], asked=1), 0, 0),
            (kept(counters=({**COUNTER, "used": 0},)), Diary(charges=[("a", 5)], asked=1), 1, 0),
            (kept(charges={"a": line("a")}, counters=(COUNTER,)), Diary(charges=[("a", 6)], asked=1), 1, 0),
            (kept(charges={"a": line("a")}, counters=(COUNTER,)), Diary(charges=[("a", 5)] * 2, asked=2), 0, 1),
            (kept(charges={"a": line("a")}, counters=({**COUNTER, "used": 9},)), Diary(asked=1), 1, 0),
            (kept(charges={"a": line("a")}, counters=({**COUNTER, "used": 2},)), Diary(asked=1), 0, 1),
            (kept(charges={"a": line("a")}, counters=(COUNTER,)), Diary(asked=0), 0, 1),
            (kept(counters=({**COUNTER, "used": 0, "reserved": 3},), open=1), Diary(), 2, 0),
        ],
    )
    def test_of_the_ledger(self, found: Kept, diary: Diary, lost: int, doubled: int):
        verdict = judge_ledger(found, {"ana": diary})
        assert (len(verdict.lost), len(verdict.doubled)) == (lost, doubled), verdict

    def test_of_a_submission_twice_and_of_one_that_is_gone(self, tmp_path: Path):
        row = {**KEY, "digest": "d", "files": {}, "received_at": NOW, "state": "graded"}
        found = kept(submissions={"1": row, "2": row})
        verdict = judge_receipts(found, [("x", {"id": "3"}), ("x", {"id": "4"})], tmp_path, "")
        assert len(verdict.lost) == 2
        assert len(verdict.doubled) == 2

    @pytest.mark.parametrize(
        ("state", "scored", "gradebook", "lost", "doubled"),
        [
            ("graded", 5.0, {"ana": [5.0]}, 0, 0),
            ("grading", 5.0, {"ana": [5.0]}, 2, 0),
            ("graded", None, {}, 2, 0),
            ("graded", 5.0, {}, 1, 0),
            ("graded", 5.0, {"ana": [2.0]}, 1, 0),
            ("graded", 5.0, {"ana": [5.0, 5.0]}, 0, 1),
        ],
    )
    def test_of_scores(
        self, state: str, scored: float | None, gradebook: dict[str, list[float]], lost: int, doubled: int
    ):
        older = {**KEY, "id": "0", "state": "graded", "received_at": NOW - timedelta(seconds=1)}
        newest = {**KEY, "id": "1", "state": state, "received_at": NOW}
        table = {"0": {"score": 1.0, "max": 5.0}, "1": {"score": scored, "max": 5.0}}
        found = kept(
            submissions={"0": older, "1": newest},
            scores={number: row for number, row in table.items() if row["score"] is not None},
        )
        verdict = judge_scores(found, {}, gradebook)
        assert (len(verdict.lost), len(verdict.doubled)) == (lost, doubled), verdict

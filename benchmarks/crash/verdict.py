"""Compares what was acknowledged with what is kept. Each violation is a sentence, counted as lost or as doubled."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from benchmarks.crash.learner import Diary, Work
from labkit.database import reading
from labkit.database.tables import allowances, charges, reservations, scores, submissions
from labkit.submissions.receipt import Receipt, verify


@dataclass
class Verdict:
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    def __iadd__(self, other: Verdict) -> Verdict:
        self.lost += other.lost
        self.doubled += other.doubled
        return self

    def keeps(self, found: bool, sentence: str) -> bool:
        """Counts `sentence` as a loss unless `found`."""
        if not found:
            self.lost.append(sentence)
        return found

    def once(self, single: bool, sentence: str) -> None:
        if not single:
            self.doubled.append(sentence)


@dataclass(frozen=True)
class Kept:
    """What the platform has, read from its own tables."""

    submissions: Mapping[str, Mapping[str, Any]]
    scores: Mapping[str, Mapping[str, Any]]
    charges: Mapping[str, Mapping[str, Any]]
    counters: tuple[Mapping[str, Any], ...]
    open: int

    @classmethod
    def read(cls, engine: Engine) -> Kept:
        with reading(engine) as connection:
            return cls(
                submissions=_by(connection, submissions, "id"),
                scores=_by(connection, scores, "submission"),
                charges=_by(connection, charges, "id"),
                counters=tuple(dict(row) for row in connection.execute(select(allowances)).mappings()),
                open=len(connection.execute(select(reservations.c.id)).all()),
            )


def judge_receipts(
    kept: Kept, acknowledged: Iterable[tuple[str, dict[str, Any]]], blobs: Path, public_key: str
) -> Verdict:
    """`acknowledged` has the SHA-256 of each notebook that was handed in, and the receipt that came back."""
    verdict, first = Verdict(), dict[str, str]()
    for digest, receipt in acknowledged:
        name = f"submission {receipt['id']}"
        row = kept.submissions.get(receipt["id"])
        verdict.once(
            first.setdefault(digest, receipt["id"]) == receipt["id"], f"{name}: two receipts for the same bytes"
        )
        if not verdict.keeps(row is not None, f"{name} is gone") or row is None:
            continue
        verdict.keeps(verify(Receipt.of(receipt), public_key), f"{name}: the signature of its receipt does not hold")
        same = all(row[field] == receipt[field] for field in ("username", "course", "lab", "digest", "files"))
        verdict.keeps(same and digest in row["files"].values(), f"{name}: the row says something else")
        for hash_ in row["files"].values():
            path = blobs / hash_[:2] / hash_
            whole = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == hash_
            verdict.keeps(whole, f"{name}: the bytes {hash_[:12]} are gone or damaged")
    keys = Counter((row["username"], row["course"], row["lab"], row["digest"]) for row in kept.submissions.values())
    for key, number in keys.items():
        verdict.once(number == 1, f"{number} rows for {key}")
    return verdict


def judge_scores(kept: Kept, works: Mapping[str, Work], gradebook: Mapping[str, list[float]]) -> Verdict:
    """`works` maps a submission to its work; `gradebook` maps a learner to her scores there, one for each row."""
    verdict, newest = Verdict(), dict[str, Mapping[str, Any]]()
    for number, row in kept.submissions.items():
        score = kept.scores.get(number)
        graded = score is not None and row["state"] == "graded"
        if (
            not verdict.keeps(graded, f"submission {number} is {row['state']}, score {score is not None}")
            or score is None
        ):
            continue
        if number in works:
            right = works[number].attempt.bound.holds(score["score"], score["max"])
            verdict.keeps(right, f"submission {number}: the score {score['score']} is not its own")
        if row["username"] not in newest or row["received_at"] > newest[row["username"]]["received_at"]:
            newest[row["username"]] = row
    for username, row in newest.items():
        there = gradebook.get(username, [])
        if verdict.keeps(bool(there), f"{username} has no score in nbgrader's gradebook"):
            verdict.once(len(there) == 1, f"{username} is {len(there)} times in nbgrader's gradebook")
            ours = kept.scores[row["id"]]["score"]
            verdict.keeps(there[0] == ours, f"{username}: nbgrader's gradebook has {there[0]}, her newest has {ours}")
    return verdict


def judge_ledger(kept: Kept, diaries: Mapping[str, Diary]) -> Verdict:
    verdict = Verdict()
    told = Counter(line for diary in diaries.values() for line, _ in diary.charges)
    for line, number in told.items():
        verdict.once(number == 1, f"{number} answers name the ledger line {line}")
    for username, diary in diaries.items():
        for line, amount in diary.charges:
            row = kept.charges.get(line)
            if verdict.keeps(row is not None, f"the ledger line {line} of {username} is gone") and row is not None:
                same = (row["username"], row["amount"]) == (username, amount)
                verdict.keeps(same, f"the ledger line {line} says {row['amount']}, the answer said {amount}")
        written = sum(row["username"] == username for row in kept.charges.values())
        verdict.once(written <= diary.asked, f"{username} asked {diary.asked} times and has {written} ledger lines")
    verdict += judge_books(kept)
    return verdict


def judge_books(kept: Kept) -> Verdict:
    """The lines add up to the counters, and nothing is reserved once nobody asks."""
    verdict, names = Verdict(), ("username", "course", "lab", "unit", "window")
    sums = Counter[tuple[str, ...]]()
    for row in kept.charges.values():
        sums[tuple(row[name] for name in names)] += row["amount"]
    for row in kept.counters:
        key = tuple(row[name] for name in names)
        verdict.keeps(row["reserved"] == 0, f"{key}: {row['reserved']} still reserved")
        if not row["lab"]:  # of all her labs or her cohort: its lines are those of several labs
            continue
        verdict.keeps(sums[key] >= row["used"], f"{key}: {row['used']} used, ledger lines for {sums[key]}")
        verdict.once(sums[key] <= row["used"], f"{key}: {row['used']} used, ledger lines for {sums[key]}")
    verdict.keeps(kept.open == 0, f"{kept.open} reservations are still open")
    return verdict


def _by(connection: Connection, table: Any, key: str) -> dict[str, Mapping[str, Any]]:
    return {row[key]: dict(row) for row in connection.execute(select(table)).mappings()}

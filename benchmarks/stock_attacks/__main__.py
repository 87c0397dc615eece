"""`python -m benchmarks.stock_attacks`: exit code 1 if ours gave a point it should not, 2 if it could not be tried."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from autograder.grade import grade
from autograder.warm import Warm
from benchmarks import stock_attacks
from benchmarks.stock_attacks.attack import Attack, load_attacks
from benchmarks.stock_attacks.stock import Stock
from labkit.errors import OperatorError

QUICK = (
    "callers_frame_and_linecache",
    "generator_that_agrees",
    "extra_credit_on_every_row",
    "kills_the_grader",
    "patched_isclose",
    "reads_the_notebook_beside_it",
    "skip_execution_tags",
    "duplicated_test_cells",
)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.stock_attacks", description=stock_attacks.__doc__)
    parser.add_argument("--only", metavar="NAME", action="append", help="this one; may be given again")
    parser.add_argument("--torch", action="store_true", help="also the labs that need torch")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="eight of them")
    arguments = parser.parse_args(argv)
    if os.geteuid() != 0:
        print("The stock grader is given an account of its own, which takes root.", file=sys.stderr)
        return 2
    try:
        attacks = chosen(arguments.only or (QUICK if arguments.quick else None), arguments.torch)
        rows = run(attacks, arguments.jobs)
    except OperatorError as error:
        print(error, file=sys.stderr)
        return 2
    told = {"summary": summary(rows), "rows": rows}
    print(json.dumps(told, indent=1) if arguments.json else "\n".join(table(told)))
    return 1 if told["summary"]["ours_gained"] else 0


def chosen(names: Sequence[str] | None, torch: bool) -> list[Attack]:
    attacks = {attack.name: attack for attack in load_attacks()}
    for name in names or ():
        if name not in attacks:
            raise OperatorError(f"There is no attack {name!r}.", instead="Their names are the folders' names.")
    if names:
        return [attacks[name] for name in names]
    return [one for one in attacks.values() if torch or one.load_lab().profile != "torch"]


def run(attacks: Sequence[Attack], jobs: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="stock-", ignore_cleanup_errors=True) as folder, Warm() as warm:
        Path(folder).chmod(0o755)
        stock = Stock(Path(folder))
        for attack in attacks:
            stock.prepare(attack)
        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(lambda attack: one_row(attack, stock, warm), attacks))


def one_row(attack: Attack, stock: Stock, warm: Warm) -> dict[str, Any]:
    began = time.monotonic()
    ours = grade(attack.load_lab(), attack.submission(), learner="mal", lane=None, warm=warm)
    row: dict[str, Any] = {
        "name": attack.name,
        "most": attack.most,
        "ours": ours.score,
        "max": ours.max,
        "why": attack.why,
    }
    row["ours_fault"] = ours.fault is not None
    try:
        result = stock.grade(attack)
    except Exception as error:
        row |= {"stock": None, "damage": [], "not_run": f"{type(error).__name__}: {error}"}
    else:
        row |= {"stock": result.points, "damage": list(result.damage), "not_run": ""}
    took = f"{time.monotonic() - began:.0f} s"
    print(f"{attack.name}: ours {row['ours']:g}, stock {row['stock']}, {row['damage']} ({took})", file=sys.stderr)
    return row


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {
        "submissions": len(rows),
        "ours_gained": sum(row["ours"] > row["most"] for row in rows),
        "ours_faults": sum(row["ours_fault"] for row in rows),
        "stock_gained": sum(gained(row) for row in rows),
        "stock_damage": sum(bool(row["damage"]) for row in rows),
        "stock_lost": sum(lost(row) for row in rows),
        "not_run": sum(bool(row["not_run"]) for row in rows),
    }


def gained(row: dict[str, Any]) -> bool:
    """Stock gives points that ours does not."""
    return row["stock"] is not None and row["stock"] > max(row["ours"], row["most"]) + 1e-6


def lost(row: dict[str, Any]) -> bool:
    """Stock gives an honest answer fewer points than ours."""
    return not row["not_run"] and row["ours"] > (row["stock"] or 0) + 1e-6


def table(told: dict[str, Any]) -> list[str]:
    """Markdown, as it stands in docs/threat-model.md."""
    lines = ["| submission | ours | stock | damage under stock |", "|---|---|---|---|"]
    for row in told["rows"]:
        stock = row["not_run"] or ("not graded" if row["stock"] is None else f"{row['stock']:g}")
        mark = "**" if gained(row) else ""
        lines.append(
            f"| {row['name']} | {row['ours']:g} of {row['max']:g} | {mark}{stock}{mark} | {'; '.join(row['damage'])} |"
        )
    return [*lines, "", json.dumps(told["summary"])]


if __name__ == "__main__":
    sys.exit(main())

"""`python -m benchmarks.crash`: exit code 1 if anything acknowledged is lost or doubled, 2 if it could not be tried."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import crash
from benchmarks.crash import cuts, kills
from benchmarks.crash.verdict import Verdict
from labkit.errors import OperatorError

_SUMS = ("kills", "cuts", "lost", "doubled", "submissions", "calls")
_SHOWN = 20


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.crash", description=crash.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--kills", type=int, metavar="N", help="on each database; default 50, with --quick 6")
    parser.add_argument("--cuts", type=int, metavar="N", help="power cuts; default 100, or twice the kills if more")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument(
        "--seed", type=int, default=0, help="where and when is decided by it; the processes' pace is not"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args(argv)
    # Ended from outside, it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if arguments.kills is None:
        arguments.kills = 6 if arguments.quick else 50
    if arguments.cuts is None:
        arguments.cuts = max(100, 2 * arguments.kills)
    began = time.monotonic()
    try:
        figures = _both(arguments) if arguments.database == "both" else _one(arguments, arguments.database)
    except (OperatorError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 2
    figures["seconds"] = round(time.monotonic() - began)
    print(json.dumps(figures) if arguments.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))
    return 1 if figures["lost"] or figures["doubled"] else 0


def _one(arguments: argparse.Namespace, database: str) -> dict[str, Any]:
    pace, rest = (0.8, 3.0) if arguments.quick else (1.2, 5.0)
    report = kills.run(arguments.kills, database, _tell, seed=arguments.seed, pace=pace, rest=rest)
    figures = _figures(report.verdict)
    figures |= {"kills": sum(report.kills.values()), "submissions": report.submissions, "calls": report.calls}
    figures["killed"] = {database: dict(report.kills)}
    return _sum(figures, _cut(arguments))


def _both(arguments: argparse.Namespace) -> dict[str, Any]:
    """A process for each database, and the power cuts meanwhile: most of the time is spent waiting."""
    words = ["--json", "--kills", str(arguments.kills), "--cuts", "0", "--seed", str(arguments.seed)]
    words += ["--quick"] * arguments.quick
    command = [sys.executable, "-m", "benchmarks.crash", *words, "--database"]
    started = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in ("sqlite", "postgresql")
    ]
    try:
        found = [_cut(arguments)]
        for one in started:
            said, _ = one.communicate()
            if not said:
                raise OperatorError("A run ended without a result.", instead="What it said is above.")
            found.append(json.loads(said))
    finally:
        for one in started:
            with one:  # waits for it
                one.terminate()
    return _sum(*found)


def _cut(arguments: argparse.Namespace) -> dict[str, Any]:
    if not arguments.cuts:
        return {}
    return {**_figures(cuts.run(arguments.cuts, _tell, seed=arguments.seed)), "cuts": arguments.cuts}


def _figures(verdict: Verdict) -> dict[str, Any]:
    violations = [*verdict.lost, *verdict.doubled][:_SHOWN]
    return {"lost": len(verdict.lost), "doubled": len(verdict.doubled), "violations": violations}


def _sum(*tables: dict[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {name: sum(table.get(name, 0) for table in tables) for name in _SUMS}
    figures["killed"] = {name: dead for table in tables for name, dead in table.get("killed", {}).items()}
    figures["violations"] = [sentence for table in tables for sentence in table.get("violations", ())][:_SHOWN]
    return figures


def _tell(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

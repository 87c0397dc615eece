"""`import labkit` against starting Python alone, interleaved; the ratio of medians, and what the import adds."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    rounds = 10 if arguments.quick else 60
    alone, with_labkit = [], []
    for _ in range(rounds):
        alone.append(_seconds("pass"))
        with_labkit.append(_seconds("import labkit"))
    base, both = statistics.median(alone), statistics.median(with_labkit)
    figures = {"rounds": rounds, "ratio": round(both / base, 3), "added_ms": round((both - base) * 1000, 1)}
    print(json.dumps(figures) if arguments.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))
    return 0


def _seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())

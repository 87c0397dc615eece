"""`python -m benchmarks.gateway`: exit code 0 whatever is found; the figures say which goals were held."""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import gateway
from benchmarks.gateway import started
from benchmarks.gateway.load import Load, load
from benchmarks.gateway.started import Started

_CHAT = {"messages": [{"role": "user", "content": "Say a few words about rice."}], "max_tokens": 32, "temperature": 0}
_AT_ONCE = (1, 8, 64)
# Rounds, seconds of a round, and the requests at once that the real model is asked with.
_FULL, _QUICK = (5, 3.0, (1, 4, 8, 16)), (3, 0.7, (16,))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.gateway", description=gateway.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="short rounds; LiteLLM only where it is installed already")
    parser.add_argument("--model-home", type=Path, default=Path(".labkit/models"), metavar="DIR")
    parser.add_argument("--no-model", action="store_true", help="leave the real model out")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rounds, seconds, model_at_once = _QUICK if arguments.quick else _FULL
    with tempfile.TemporaryDirectory(prefix="labkit-gateway-") as folder:
        figures = stubbed(Path(folder), rounds, seconds, may_install=not arguments.quick)
        if not arguments.no_model and (arguments.model_home / "smollm2-135m-instruct").is_dir():
            figures |= real(Path(folder), arguments.model_home, model_at_once, 1 if arguments.quick else 3)
    figures["goals"] = goals(figures)
    print(json.dumps(figures, indent=1) if arguments.json else told(figures))
    return 0


def stubbed(folder: Path, rounds: int, seconds: float, *, may_install: bool) -> dict[str, Any]:
    """The three targets before the stub, one after another in each round."""
    with ExitStack() as stack:
        direct = started.stub(stack, folder)
        models = {"stub": {"upstream": "stub"}}
        backend = {"kind": "openai", "url": direct.target.url.split("/v1/")[0], "models": models, "slots": 64}
        targets = [direct, started.ours(stack, folder, backend, "stub")]
        other = started.litellm(stack, folder, direct.target.url, may_install=may_install)
        targets += [other] if other else []
        for one in targets:
            load(one.target, _CHAT, 8, 0.5)  # warm
        found: dict[str, Any] = {}
        for at_once in _AT_ONCE:
            found |= _compared(targets, at_once, rounds, seconds)
        found |= _first_token(targets, rounds, seconds)
    return found


def _compared(targets: Sequence[Started], at_once: int, rounds: int, seconds: float) -> dict[str, Any]:
    loads: dict[str, list[Load]] = {one.target.name: [] for one in targets}
    cpu: dict[str, list[float]] = {one.target.name: [] for one in targets}
    for _ in range(rounds):
        for one in targets:
            before = one.cpu_seconds()
            done = load(one.target, _CHAT, at_once, seconds)
            loads[one.target.name].append(done)
            cpu[one.target.name].append(1000 * (one.cpu_seconds() - before) / max(1, len(done.times)))
    found: dict[str, Any] = {}
    for name, done in loads.items():
        found[f"{name}_p50_ms_c{at_once}"] = _median(one.percentile(50) for one in done)
        found[f"{name}_p99_ms_c{at_once}"] = _median(one.percentile(99) for one in done)
        found[f"{name}_requests_per_second_c{at_once}"] = _median(one.per_second for one in done)
        found[f"{name}_cpu_ms_c{at_once}"] = _median(cpu[name])
        found[f"{name}_failed_c{at_once}"] = sum(one.failed for one in done)
    for percent in (50, 99):
        added = (
            ours.percentile(percent) - straight.percentile(percent)
            for ours, straight in zip(loads["labkit"], loads["direct"], strict=True)
        )
        found[f"added_p{percent}_ms_c{at_once}"] = _median(added)
    if "litellm" in loads:
        ratios = (a.per_second / b.per_second for a, b in zip(loads["labkit"], loads["litellm"], strict=True))
        found[f"requests_per_second_over_litellm_c{at_once}"] = _median(ratios)
    return found


def _first_token(targets: Sequence[Started], rounds: int, seconds: float) -> dict[str, Any]:
    body = {**_CHAT, "stream": True}
    found: dict[str, list[float]] = {one.target.name: [] for one in targets}
    for _ in range(rounds):
        for one in targets:
            found[one.target.name].append(load(one.target, body, 1, seconds).percentile(50))
    figures = {f"{name}_first_token_ms": _median(times) for name, times in found.items()}
    added = (ours - straight for ours, straight in zip(found["labkit"], found["direct"], strict=True))
    return figures | {"added_first_token_ms": _median(added)}


def real(folder: Path, home: Path, at_once: Sequence[int], rounds: int) -> dict[str, Any]:
    """Tokens per second of the real model, asked directly and through the gateway, one after the other."""
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        straight, backend = started.model(stack, folder, home, 16)
        through = started.ours(stack, folder, backend, "smollm2-135m-instruct")
        for number in at_once:
            ratios, speeds = [], []
            for turn in range(rounds + 1):
                # Two calls for each of those at once, all of the same length.
                speed = {}
                for one in (straight, through) if turn % 2 else (through, straight):
                    done = load(one.target, _CHAT, number, 600, most=2 * number, tokens=True)
                    speed[one.target.name] = done.tokens / done.seconds
                if turn or rounds == 1:  # the first round warms the model
                    speeds.append(speed["labkit"])
                    ratios.append(speed["labkit"] / speed["llama.cpp"])
            found[f"tokens_per_second_c{number}"] = _median(speeds)
            found[f"tokens_per_second_over_direct_c{number}"] = _median(ratios)
    return found


def goals(figures: dict[str, Any]) -> dict[str, bool | None]:
    """Whether each goal was held; None where it was not measured."""
    figures["requests_per_second_over_litellm"] = figures.get("requests_per_second_over_litellm_c8")
    wanted = {
        "added_p50_ms_c1": lambda found: found <= 2.0,
        "requests_per_second_over_litellm": lambda found: found >= 10.0,
        "tokens_per_second_over_direct_c16": lambda found: found >= 0.95,
    }
    return {name: None if figures.get(name) is None else held(figures[name]) for name, held in wanted.items()}


def told(figures: dict[str, Any]) -> str:
    lines = [f"{name:45} {value}" for name, value in figures.items() if name != "goals"]
    return "\n".join([*lines, *(f"goal {name:40} {value}" for name, value in figures["goals"].items())])


def _median(values: Any) -> float:
    return round(statistics.median(list(values)), 3)


if __name__ == "__main__":
    sys.exit(main())

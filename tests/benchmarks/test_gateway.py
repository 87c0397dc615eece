"""The gateway's figures: what is promised of them, in runs too long for every day, and that they are counted right."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gateway.__main__ import goals
from benchmarks.gateway.load import Load, Target, load
from benchmarks.gateway.stub import _Protocol


@pytest.mark.parametrize(
    ("figures", "held"),
    [
        ({"added_p50_ms_c1": 2.0}, {"added_p50_ms_c1": True}),
        ({"added_p50_ms_c1": 2.01}, {"added_p50_ms_c1": False}),
        ({"requests_per_second_over_litellm_c8": 10.0}, {"requests_per_second_over_litellm": True}),
        ({"tokens_per_second_over_direct_c16": 0.94}, {"tokens_per_second_over_direct_c16": False}),
        ({}, {"requests_per_second_over_litellm": None}),
    ],
)
def test_a_goal_is_held_missed_or_not_measured(figures: dict[str, float], held: dict[str, bool | None]) -> None:
    assert held.items() <= goals(dict(figures)).items()


def test_a_round_counts_what_came_and_what_failed() -> None:
    found = Load([0.001, 0.002, 0.003], 0.5, failed=1)
    assert found.per_second == 6
    assert found.percentile(50) == pytest.approx(2.0)


async def test_the_stub_answers_whole_and_in_pieces() -> None:
    server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = Target("stub", f"http://127.0.0.1:{port}/v1/chat/completions", "k", "stub")
    async with server:
        for body in ({}, {"stream": True}):
            done = await asyncio.to_thread(load, target, body, 2, 30, most=6, tokens=not body)
            assert (len(done.times), done.failed, done.tokens) == (6, 0, 0 if body else 96)


@pytest.fixture(scope="module")
def homes(prepared_models: Path) -> list[str]:
    return ["--model-home", str(prepared_models)]


def figures(module: str, *arguments: str) -> dict[str, object]:
    command = [sys.executable, "-m", module, "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    return json.loads(done.stdout)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_call_adds_two_milliseconds_and_ten_litellms_fit_beside_it(homes: list[str]) -> None:
    assert figures("benchmarks.gateway", *homes)["goals"] == {
        "added_p50_ms_c1": True,
        "requests_per_second_over_litellm": True,
        "tokens_per_second_over_direct_c16": True,
    }


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_five_who_flood_do_not_slow_the_thirty_five_and_every_allowance_is_exact(homes: list[str]) -> None:
    found = figures("benchmarks.gateway.flood", *homes)
    for run in (found["calm"], found["flooded"]):
        assert (run["lost"], run["wrong_allowances"], run["wrong_audits"], run["still_reserved"]) == ([], [], [], 0)
        assert run["refused_of_the_others"] == 0
    assert found["first_token_p95_ratio"] <= 1.5

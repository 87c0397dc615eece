"""Several scorers at once, and which of them answers changes no bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labkit.errors import ModelUnavailable, RequestRefused
from labkit.models.embedded import prepared
from labkit.models.pool import ScorerPool

pytestmark = pytest.mark.model
PROMPTS, CHOICES = ["The capital of France is", "The capital of Japan is"], [" Paris", " Tokyo", " a city"]


@pytest.fixture(scope="module")
def pool(prepared_models: Path) -> Iterator[ScorerPool]:
    pool = ScorerPool(prepared(prepared_models).safetensors, 3)
    yield pool
    pool.close()


def test_every_instance_gives_the_same_bits(pool: ScorerPool) -> None:
    instances = (pool._first, *pool._others)
    with ThreadPoolExecutor(3) as threads:
        together = [one.result() for one in [threads.submit(each.measure, PROMPTS, CHOICES) for each in instances]]
    assert together[0] == together[1] == together[2]
    assert pool._first.measure(PROMPTS, CHOICES) == together[0]


def test_what_cannot_be_scored_is_refused_in_the_same_words_and_holds_no_scorer(pool: ScorerPool) -> None:
    for _ in range(4):
        with pytest.raises(RequestRefused, match="A prompt is empty"):
            pool.measure([""], CHOICES)
    assert pool._free.qsize() == 3


def test_a_scorer_that_dies_fails_its_call_as_ours_and_is_there_again(pool: ScorerPool) -> None:
    other = pool._others[0]
    right = other.measure(PROMPTS, CHOICES)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(other.measure, ["a b c " * 300] * 40, CHOICES)
        time.sleep(0.3)
        os.kill(other._process.pid, signal.SIGKILL)
        with pytest.raises(ModelUnavailable):
            asked.result()
    assert other.measure(PROMPTS, CHOICES) == right


PARENT = """
import sys
from pathlib import Path
from labkit.models.pool import ScorerPool
if __name__ == "__main__":
    pool = ScorerPool(Path(sys.argv[1]), 2)
    print(pool._others[0].measure(["x"], [" y"]) and pool._others[0]._process.pid, flush=True)
    input()
"""


def test_the_others_end_with_the_first_even_when_it_is_killed(prepared_models: Path, tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    command = [sys.executable, str(tmp_path / "parent.py"), str(prepared(prepared_models).safetensors)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    end = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < end
        time.sleep(0.05)

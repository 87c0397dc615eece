"""Who is at work on a submission, and whether she lives."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from labkit import holder

NOW = datetime.now(UTC)


def test_this_process_lives_and_has_many_names():
    names = {holder.new() for _ in range(3)}
    assert len(names) == 3
    assert all(holder.alive(name, NOW) for name in names)


def test_a_process_that_was_killed_is_dead_at_once_even_unburied():
    told = "from labkit import holder; print(holder.new(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", told], stdin=-1, stdout=-1, text=True) as process:
        name = process.stdout.readline().strip()
        assert holder.alive(name, NOW)
        process.kill()
        # Not waited for: it is a zombie still, or about to be one.
        while holder.alive(name, NOW):
            pass
    assert not holder.alive(name, NOW)


def changed(**parts: str) -> str:
    names = ("host", "boot", "numbers", "pid", "start", "own")
    return "/".join({**dict(zip(names, holder.new().split("/"), strict=True)), **parts}.values())


@pytest.mark.parametrize(
    ("name", "since", "lives"),
    [
        (changed(start="1"), NOW, False),
        (changed(pid="4194999"), NOW, False),
        (changed(boot="another"), NOW, False),
        (changed(host="elsewhere"), NOW, True),
        (changed(numbers="1"), NOW, True),
        (changed(host="elsewhere"), NOW - holder.PATIENCE - timedelta(minutes=1), False),
        (changed(numbers="1"), NOW - holder.PATIENCE - timedelta(minutes=1), False),
    ],
    ids=[
        "pid used again",
        "no such pid",
        "before a restart",
        "elsewhere",
        "container",
        "elsewhere, long",
        "container, long",
    ],
)
def test_what_cannot_be_seen_from_here_is_believed_for_a_while(name: str, since: datetime, lives: bool):
    assert holder.alive(name, since) == lives

"""A pause of a class's models holds for its trainings too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labkit.policy import pauses
from labkit.policy.pauses import Pause
from labkit.training import paused as module
from labkit.training.paused import Paused
from tests.labkit.training.database import empty, engine
from tests.labkit.training.test_turns import job

__all__ = ["empty", "engine"]
HERS = replace(job(1), cohort="first", course="testing", lab="clip")


@pytest.mark.parametrize(
    ("pause", "holds"),
    [
        (Pause("testing"), True),
        (Pause("testing", "first", "clip", "base"), True),
        (Pause("testing", "second"), False),
        (Pause("testing", lab="other"), False),
        (Pause("testing", model="another"), False),
        (Pause("prompting"), False),
    ],
)
def test_a_pause_holds_for_what_it_covers(engine, pause: Pause, holds: bool):
    pauses.pause(engine, pause, None)

    assert Paused(engine)(HERS) is holds
    assert not Paused(engine)(replace(HERS, cohort="")), "who teaches is never paused"


def test_it_is_seen_when_it_begins_and_when_it_ends(engine, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_SECONDS", -1.0)
    paused = Paused(engine)
    assert not paused(HERS)
    pauses.pause(engine, Pause("testing"), None)
    assert paused(HERS)
    pauses.resume(engine, Pause("testing"))
    assert not paused(HERS)

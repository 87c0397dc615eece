"""Who looked is written down once an hour, and shown newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from labkit.programme.privacy import looks

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def seen(engine: Engine, whose: str = "ana") -> list[tuple[str, str, int]]:
    return [(one.viewer, one.what, round((one.at - NOON).total_seconds() / 60)) for one in looks.of(engine, whose)]


def test_the_same_look_within_an_hour_is_one(engine: Engine):
    for minute in (0, 59, 61):
        looks.record(engine, "maria", "ana", "result testing/clip", NOON + timedelta(minutes=minute))
    assert seen(engine) == [("Maria Reyes", "result testing/clip", 61), ("Maria Reyes", "result testing/clip", 0)]


def test_another_viewer_or_another_thing_is_another_look(engine: Engine):
    for minute, (viewer, what) in enumerate([("maria", "a"), ("maria", "b"), ("jose", "a"), ("", "data export")]):
        looks.record(engine, viewer, "ana", what, NOON + timedelta(minutes=minute))
    assert seen(engine) == [
        ("", "data export", 3),
        ("José Santos", "a", 2),
        ("Maria Reyes", "b", 1),
        ("Maria Reyes", "a", 0),
    ]
    assert seen(engine, "ben") == []


def test_to_look_at_oneself_is_no_look_and_a_long_word_is_cut(engine: Engine):
    looks.record(engine, "ana", "ana", "data export", NOON)
    assert seen(engine) == []
    looks.record(engine, "maria", "ana", "x" * 500, NOON)
    assert seen(engine) == [("Maria Reyes", "x" * 64, 0)]

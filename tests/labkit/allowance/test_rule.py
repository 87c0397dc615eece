from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from labkit.allowance import Balance, window
from labkit.errors import OperatorError

MANILA = ZoneInfo("Asia/Manila")


@dataclass(frozen=True)
class PerDay:
    tokens: int = 100
    per: str = "day"
    requests: int | None = None


@pytest.mark.parametrize(
    ("now", "name"),
    [
        ("2026-03-01T15:59:59+00:00", "2026-03-01T00:00:00+08:00"),
        ("2026-03-01T16:00:00+00:00", "2026-03-02T00:00:00+08:00"),
        ("2026-12-31T20:00:00+00:00", "2027-01-01T00:00:00+08:00"),
    ],
)
def test_a_day_begins_at_local_midnight(now: str, name: str) -> None:
    assert window(PerDay(), MANILA, datetime.fromisoformat(now)).name == name


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_is_as_long_as_the_clock_change_makes_it(day: str, hours: int) -> None:
    span = window(PerDay(), ZoneInfo("Europe/Berlin"), datetime.fromisoformat(f"{day}T12:00+00:00"))
    assert span.resets_at is not None
    begun = datetime.fromisoformat(span.name)
    assert (span.resets_at.astimezone(UTC) - begun.astimezone(UTC)).total_seconds() == hours * 3600


def test_a_day_whose_midnight_is_skipped_begins_at_its_first_moment() -> None:
    span = window(PerDay(), ZoneInfo("America/Santiago"), datetime(2026, 9, 6, 12, tzinfo=UTC))
    assert span.name == "2026-09-06T01:00:00-03:00"


def test_a_total_never_resets() -> None:
    span = window(PerDay(per="total"), MANILA, datetime.now(UTC))
    assert (span.name, span.resets_at) == ("total", None)


def test_an_unknown_span_is_refused() -> None:
    with pytest.raises(OperatorError, match='per = "day"'):
        window(PerDay(per="week"), MANILA, datetime.now(UTC))


def test_nothing_is_left_below_zero_when_a_rule_was_lowered() -> None:
    assert Balance(limit=10, used=12, reserved=3, resets_at=None).left == 0

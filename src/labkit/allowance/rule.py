"""The rule: so many tokens per day or in total, and when the next day begins.

A day is the site's: it begins at local midnight of its time zone, also where a day has 23 or 25 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from labkit.errors import OperatorError


class Rule(Protocol):
    """What a lab's author wrote: `tokens` per "day" or in "total"."""

    @property
    def tokens(self) -> int: ...

    @property
    def per(self) -> str: ...


@dataclass(frozen=True)
class Window:
    """The span a rule counts in; `name` is its first moment. A total has no end, so it never resets."""

    name: str
    resets_at: datetime | None


@dataclass(frozen=True)
class Balance:
    """What is left of an allowance: `limit` less `used` less what running calls have `reserved`."""

    limit: int
    used: int
    reserved: int
    resets_at: datetime | None

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used - self.reserved)


def window(rule: Rule, zone: ZoneInfo, now: datetime) -> Window:
    """The window of `rule` that holds `now`."""
    if rule.per == "total":
        return Window("total", None)
    if rule.per != "day":
        raise OperatorError(f"An allowance per {rule.per!r} is unknown.", instead='Write per = "day" or per = "total".')
    today = now.astimezone(zone).date()
    return Window(_midnight(today, zone).isoformat(), _midnight(today + timedelta(days=1), zone))


def _midnight(day: object, zone: ZoneInfo) -> datetime:
    first = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=zone)
    # Through UTC and back: where a clock change skips midnight, the day begins at the first moment there is.
    return first.astimezone(UTC).astimezone(zone)

"""The rule: so many tokens and requests per day or in total, and when the next day begins.

A day is the site's: it begins at local midnight of its time zone, also where a day has 23 or 25 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from labkit.errors import OperatorError


class Rule(Protocol):
    """What somebody may use: `tokens` and `requests` per "day" or in "total"; None: as many as there are."""

    @property
    def tokens(self) -> int | None: ...

    @property
    def requests(self) -> int | None: ...

    @property
    def per(self) -> str: ...


NO_LIMIT = 2**53 - 1  # the largest whole number that JSON keeps everywhere


@dataclass(frozen=True)
class Share:
    """A rule of the site or of whoever runs a cohort."""

    tokens: int | None = None
    requests: int | None = None
    per: str = "day"


@dataclass(frozen=True)
class Window:
    """The span a rule counts in; `name` is its first moment. A total has no end, so it never resets."""

    name: str
    resets_at: datetime | None


@dataclass(frozen=True)
class Balance:
    """What is left of an allowance: `limit` less `used` less what running calls have `reserved`; None: no limit.

    `requests` are those that were paid for or run now, of `most_requests`.
    """

    limit: int | None
    used: int
    reserved: int
    resets_at: datetime | None
    requests: int = 0
    most_requests: int | None = None

    @property
    def left(self) -> int:
        """In tokens; as many as fit into a whole number of the wire where there is no limit."""
        return NO_LIMIT if self.limit is None else max(0, self.limit - self.used - self.reserved)

    @property
    def requests_left(self) -> int | None:
        return None if self.most_requests is None else max(0, self.most_requests - self.requests)


def window(rule: Rule, zone: ZoneInfo, now: datetime) -> Window:
    """The window of `rule` that holds `now`."""
    if rule.per == "total":
        return Window("total", None)
    if rule.per != "day":
        raise OperatorError(f"An allowance per {rule.per!r} is unknown.", instead='Write per = "day" or per = "total".')
    today = now.astimezone(zone).date()
    return Window(_midnight(today, zone).isoformat(), _midnight(today + timedelta(days=1), zone))


@lru_cache(maxsize=64)
def _midnight(day: date, zone: ZoneInfo) -> datetime:
    first = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=zone)
    # Through UTC and back: where a clock change skips midnight, the day begins at the first moment there is.
    return first.astimezone(UTC).astimezone(zone)

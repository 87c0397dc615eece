"""What instructors have decided, as the database said it a moment ago: pauses, exams, other limits.

Asked once a second, so a pause reaches new calls and running streams within two. While the database is away the last
answer holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from labkit.allowance import limits
from labkit.errors import ExamOpen, ModelPaused
from labkit.gateway.keys import Caller
from labkit.policy import exams, pauses

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 1.0


class Controls:
    def __init__(
        self,
        engine: Engine,
        titles: Mapping[tuple[str, str], str],
        zone: ZoneInfo,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`titles` of labs by course and lab; times are told in `zone`."""
        self._engine, self._titles, self._zone, self._now = engine, titles, zone, now
        self._pauses: tuple[pauses.Pause, ...] = ()
        self._exams: tuple[exams.Exam, ...] = ()
        self.limits: tuple[limits.Limit, ...] = ()

    def load(self) -> None:
        """Asks the database now."""
        self._pauses = pauses.every(self._engine)
        self._exams = exams.every(self._engine, self._now())
        self.limits = limits.every(self._engine)

    async def follow(self) -> None:
        """Asks again and again, for as long as it runs."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            try:
                await run_in_threadpool(self.load)
            except Exception as error:  # this must never end: pauses would no longer be heard of
                _log.warning("Pauses and exams could not be read (%s); the last ones hold", type(error).__name__)

    def check_pause(self, course: str, cohort: str, lab: str, model: str) -> None:
        """Raises ModelPaused."""
        if any(one.covers(course, cohort, lab, model) for one in self._pauses):
            raise ModelPaused(
                "Your instructor has paused this model for now.", instead="Go on with the rest of the lab meanwhile."
            )

    @property
    def any_exam(self) -> bool:
        return bool(self._exams)

    def check_exam(self, caller: Caller, cohorts: Collection[str]) -> None:
        """Raises ExamOpen for a learner of these cohorts outside her exam's lab, and in it before it opens."""
        now = self._now()
        running = exams.open_for(self._exams, cohorts, now)
        if running and (running.course, running.lab) != (caller.course, caller.lab):
            title = self._titles.get((running.course, running.lab), running.lab)
            raise ExamOpen(
                f"Your exam {title!r} is open until {self._told(running.closes_at)}.",
                instead="Until it closes, models answer in its notebook only.",
            )
        here = [
            one for one in self._exams if one.cohort in cohorts and (one.course, one.lab) == (caller.course, caller.lab)
        ]
        if here and not running:
            opens = min(one.opens_at for one in here)
            raise ExamOpen(f"This exam opens at {self._told(opens)}.", instead="Come back then.")

    def _told(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%H:%M on %d %B %Y} ({self._zone})"

"""How long a submission waits for its pass with the model, going by what such passes took lately."""

from __future__ import annotations

import math
import statistics

from sqlalchemy import Engine, func, select

from labkit.database import reading
from labkit.database.tables import gradings, submissions
from labkit.submissions.store import Submission

_RECENT = 20


def minutes(engine: Engine, submission: Submission) -> int | None:
    """Whole minutes, at least 1, until its pass is over; None where no pass was timed yet.

    An estimate: who hands in meanwhile is judged first by what needs no model, and that is not counted.
    """
    table = submissions.c
    ahead = select(func.count()).where(
        table.asks_model, table.state.in_(("queued", "grading")), table.received_at < submission.received_at
    )
    recent = select(gradings.c.seconds).where(gradings.c.seconds.is_not(None))
    with reading(engine) as connection:
        took = connection.execute(recent.order_by(gradings.c.graded_at.desc()).limit(_RECENT)).scalars().all()
        passes = connection.execute(ahead).scalar_one() + 1
    return max(1, math.ceil(passes * statistics.median(took) / 60)) if took else None

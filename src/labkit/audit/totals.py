"""What calls come to, counted by the database: by person, lab, cohort, model, outcome or kind, and day by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Engine, Select, case, extract, func, literal, select

from labkit.audit.prices import Prices
from labkit.audit.selection import TRAINING_STEPS, TRAININGS, Selection
from labkit.database import reading
from labkit.database.tables import calls

BY = ("username", "cohort", "course", "lab", "model", "outcome", "kind")
MOST_DAYS = 400
_QUARTER = 900  # seconds
_COUNTS = ("calls", "prompt_tokens", "answer_tokens", "charged", "unpriced", "trainings", "steps")
_NO_PRICES = Prices()


@dataclass(frozen=True)
class Total:
    """Of the calls that share `key` (a value for each thing they were grouped by). `seconds` models were at work.

    `cost` is of the calls whose model has a price, None where there is none; `unpriced` is the number of the others.
    `people` is how many made them; None where that was not asked. Trainings are no calls: they are counted by
    themselves, with their `steps`, and `charged` are tokens alone; `seconds` and `cost` have theirs in them.
    """

    key: tuple[str, ...]
    calls: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    charged: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    unpriced: int = 0
    cost: float | None = None
    people: int | None = None
    trainings: int = 0
    steps: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.answer_tokens


@dataclass(frozen=True)
class Day:
    """One day of the site's zone."""

    day: date
    calls: int = 0
    tokens: int = 0
    cost: float | None = None


def totals(
    engine: Engine,
    which: Selection,
    by: Sequence[str] = (),
    prices: Prices = _NO_PRICES,
    *,
    people: bool = False,
    most: int | None = None,
    skipped: int = 0,
) -> tuple[Total, ...]:
    """One for each group, those with most tokens first; without `by` a single one, of zeros where there is no call."""
    keys = [calls.c[name] for name in by]
    query = _sums(prices, people).add_columns(*keys).where(*which.where())
    if keys:
        size = func.sum(calls.c.prompt_tokens + calls.c.answer_tokens)
        query = query.group_by(*keys).order_by(size.desc(), *keys).limit(most).offset(skipped)
    with reading(engine) as connection:
        return tuple(_total(row, by) for row in connection.execute(query).mappings())


def folded(parts: Iterable[Total], by: Sequence[str], keep: Sequence[str]) -> tuple[Total, ...]:
    """The sums by fewer things (`keep`) of totals that were grouped `by` more, so that the database reads its rows
    once; people are counted where `by` names them."""
    places = [by.index(name) for name in keep]
    who = by.index("username") if "username" in by else None
    whole: defaultdict[tuple[str, ...], list[Total]] = defaultdict(list)
    for one in parts:
        whole[tuple(one.key[place] for place in places)].append(one)
    found = (_folded(key, mine, who) for key, mine in whole.items())
    return tuple(sorted(found, key=lambda one: (-one.tokens, one.key)))


def _folded(key: tuple[str, ...], mine: Sequence[Total], who: int | None) -> Total:
    def summed(name: str) -> Any:
        return sum(getattr(one, name) for one in mine)

    numbers = {name: summed(name) for name in _COUNTS}
    costs = [one.cost for one in mine if one.cost is not None]
    people = None if who is None else len({one.key[who] for one in mine})
    return Total(
        key,
        **numbers,
        seconds=summed("seconds"),
        waited=summed("waited"),
        cost=sum(costs) if costs else None,
        people=people,
    )


def groups(engine: Engine, which: Selection, by: str) -> int:
    """How many different values of `by` there are."""
    with reading(engine) as connection:
        query = select(func.count(func.distinct(calls.c[by]))).where(*which.where())
        return int(connection.execute(query).scalar_one())


def days(
    engine: Engine, which: Selection, first: date, last: date, zone: ZoneInfo, prices: Prices = _NO_PRICES
) -> tuple[Day, ...]:
    """Every day from `first` to `last`, also those without a call. Raises ValueError for more than MOST_DAYS."""
    number = (last - first).days + 1
    if not 0 < number <= MOST_DAYS:
        raise ValueError(f"{number} days")
    # Counted by quarters of an hour, at which days begin in every time zone there is; a day may have 23 or 25 hours.
    epoch = extract("epoch", calls.c.closed_at)
    quarter = func.floor(epoch / _QUARTER) if engine.dialect.name == "postgresql" else epoch.op("/")(_QUARTER)
    size, cost = func.sum(calls.c.prompt_tokens + calls.c.answer_tokens), func.sum(prices.counted())
    span = (calls.c.closed_at >= begin(first, zone), calls.c.closed_at < begin(last + timedelta(days=1), zone))
    query = select(quarter, func.count(), size, cost).where(*which.where(), *span).group_by(quarter)
    found = {one: Day(one) for one in (first + timedelta(days=place) for place in range(number))}
    with reading(engine) as connection:
        for place, many, tokens, money in connection.execute(query):
            day = datetime.fromtimestamp(int(place) * _QUARTER, zone).date()
            known = found[day]
            whole = known.cost if money is None else (known.cost or 0.0) + float(money)
            found[day] = Day(day, known.calls + many, known.tokens + int(tokens), whole)
    return tuple(found.values())


def begin(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day."""
    # Through UTC: where a clock change skips midnight, the day begins at the first moment there is.
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _sums(prices: Prices, people: bool) -> Select[Any]:
    call, training = calls.c.kind.not_in(TRAININGS), calls.c.kind == TRAINING_STEPS
    sums: list[ColumnElement[Any]] = [_number(call).label("calls"), _number(training).label("trainings")]
    for name in ("prompt_tokens", "answer_tokens", "seconds", "waited"):
        sums.append(func.coalesce(func.sum(calls.c[name]), 0).label(name))
    for name, which in (("charged", call), ("steps", training)):
        sums.append(func.coalesce(func.sum(case((which, calls.c.charged), else_=0)), 0).label(name))
    cost = prices.counted()
    without = _number(call & calls.c.model.not_in(list(prices.models)))
    sums += [func.sum(cost).label("cost"), without.label("unpriced")]
    if people:
        sums.append(func.count(func.distinct(calls.c.username)).label("people"))
    return select(*sums).select_from(calls)


def _number(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((which, literal(1))))


def _total(row: Any, by: Sequence[str]) -> Total:
    numbers = {name: int(row[name]) for name in _COUNTS}
    return Total(
        tuple(row[name] for name in by),
        **numbers,
        seconds=float(row["seconds"]),
        waited=float(row["waited"]),
        cost=_money(row["cost"]),
        people=int(row["people"]) if "people" in row else None,
    )


def _money(amount: Any) -> float | None:
    return None if amount is None else float(amount)

"""What models and trainings cost each cohort over a span of days, for the programme's officers and observers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from labkit.audit import totals
from labkit.audit.selection import Selection
from labkit.audit.totals import MOST_DAYS, Total
from labkit.pages import exports
from labkit.pages.cohorts import attachment
from labkit.pages.plot import Plot, plot
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme import cohorts
from labkit.programme.people import Person
from labkit.training.spent import Spent, spent

_DAYS = 30
_BY = ("cohort", "model", "username")  # together, so that the calls are read once


@dataclass(frozen=True)
class Span:
    """Whole days of the site; both are in it."""

    first: date
    last: date


@dataclass(frozen=True)
class Costs:
    """By cohort ("" for calls of whoever teaches) and by model; `plot` is of money where there is any, else of
    tokens."""

    span: Span
    cohorts: tuple[Total, ...]
    models: tuple[Total, ...]
    trainings: tuple[Spent, ...]
    training_cost: float | None  # of those that ended in these days, by the models' prices for an hour
    plot: Plot
    priced: bool

    @property
    def calls(self) -> int:
        return sum(one.calls for one in self.models)

    @property
    def tokens(self) -> int:
        return sum(one.tokens for one in self.models)

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.models)

    @property
    def cost(self) -> float | None:
        known = [one.cost for one in self.models if one.cost is not None]
        return sum(known) if known else None

    @property
    def unpriced(self) -> int:
        """How many calls went to models without a price."""
        return sum(one.unpriced for one in self.models)


class CostPages:
    def __init__(self, site: Site, view: View) -> None:
        self._site, self._view = site, view

    async def show(self, request: Request, someone: Person) -> Response:
        span = self._span(request)
        costs = await run_in_threadpool(self._costs, span or self._lately())
        status = 200 if span else 422
        return self._view.render(request, "costs.html", someone, status, costs=costs, most_days=MOST_DAYS)

    async def export(self, request: Request, someone: Person) -> Response:
        """One line for each cohort and model, as CSV or XLSX; of what was trained from a model, one of its own."""
        form, span = request.path_params["form"], self._span(request)
        if form not in exports.TYPES:
            raise HTTPException(404)
        if span is None:
            raise HTTPException(422)
        parts = await run_in_threadpool(self._totals, span)
        trained = await run_in_threadpool(self._totals, span, trainings=True)
        found = [
            *totals.folded(parts, _BY, ["cohort", "model"]),
            *map(_of_training, totals.folded(trained, _BY, ["cohort", "model"])),
        ]
        content = await run_in_threadpool(exports.costs, found, self._site.prices.currency, form)
        return attachment(content, f"models-{span.first}-{span.last}.{form}", exports.TYPES[form])

    def _costs(self, span: Span) -> Costs:
        site, priced = self._site, bool(self._site.prices.models)
        found = totals.days(site.engine, self._seen(), span.first, span.last, site.timezone, site.prices)
        drawn = plot([(one.day, (one.cost or 0.0) if priced else one.tokens) for one in found])
        parts = self._totals(span)
        by_cohort, by_model = (totals.folded(parts, _BY, [name]) for name in ("cohort", "model"))
        trained, moments = self._trained(span), self._moments(span)
        return Costs(span, by_cohort, by_model, spent(site.engine, *moments), trained, drawn, priced)

    def _trained(self, span: Span) -> float | None:
        since, until = self._moments(span)
        which = replace(self._seen(), since=since, until=until, trainings=True)
        return totals.totals(self._site.engine, which, (), self._site.prices)[0].cost

    def _moments(self, span: Span) -> tuple[datetime, datetime]:
        zone = self._site.timezone
        return totals.begin(span.first, zone), totals.begin(span.last + timedelta(days=1), zone)

    def _totals(self, span: Span, *, trainings: bool = False) -> tuple[Total, ...]:
        since, until = self._moments(span)
        which = replace(self._seen(), since=since, until=until, trainings=trainings)
        return totals.totals(self._site.engine, which, _BY, self._site.prices)

    def _seen(self) -> Selection:
        """The calls of every cohort and of whoever teaches: there is an index for those of named cohorts."""
        return Selection(cohorts=["", *(one.name for one in cohorts.every(self._site.engine))], trainings=False)

    def _lately(self) -> Span:
        today = datetime.now(UTC).astimezone(self._site.timezone).date()
        return Span(today - timedelta(days=_DAYS - 1), today)

    def _span(self, request: Request) -> Span | None:
        """From the address; the last days where it says nothing; None for what is no span."""
        asked, lately = request.query_params, self._lately()
        try:
            first = date.fromisoformat(asked["from"]) if asked.get("from") else lately.first
            last = date.fromisoformat(asked["to"]) if asked.get("to") else lately.last
        except ValueError:
            return None
        fits = 0 <= (last - first).days < MOST_DAYS and first.year >= 1970 and last.year < 9999
        return Span(first, last) if fits else None


def _of_training(one: Total) -> Total:
    cohort, model = one.key
    return replace(one, key=(cohort, f"{model} (fine-tuning)"))

"""What is left of a lab's allowance, as a learner sees it: a row for everything that bounds her here."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labkit.client.installed import transport

_CELL = "text-align:left;vertical-align:bottom"
_WHERE = {"lab": "this lab", "person": "all your labs together", "cohort": "your whole class"}


@dataclass(frozen=True)
class Bound:
    """What bounds her in a scope ("lab", "person", "cohort"). In tokens and requests; None: not bounded by them.

    `reserved` tokens are held for calls that run. What bounds her trainings has another `unit`: "steps", or "seconds"
    of the machine.
    """

    scope: str
    limit: int | None
    used: int
    reserved: int = 0
    left: int | None = None
    requests: int = 0
    most_requests: int | None = None
    resets_at: datetime | None = None
    unit: str = "tokens"

    @property
    def where(self) -> str:
        return _WHERE.get(self.scope, self.scope)

    @property
    def requests_left(self) -> int | None:
        return None if self.most_requests is None else max(0, self.most_requests - self.requests)

    def training_told(self) -> str:
        """Of trainings: steps, or seconds as the minutes her lab speaks of."""
        limit, left, used = self.limit or 0, self.left or 0, self.used
        held = f", {self._amount(self.reserved)} held for trainings that wait or run" if self.reserved else ""
        return f"{self._amount(left)} of {self._amount(limit)} {self._unit} left, {self._amount(used)} used{held}"

    @property
    def _unit(self) -> str:
        return "minutes of training" if self.unit == "seconds" else "training steps"

    def _amount(self, number: int) -> str:
        return f"{number / 60:,.1f}".removesuffix(".0") if self.unit == "seconds" else f"{number:,}"

    def tokens_told(self, unit: str = "") -> str:
        held = f", {self.reserved:,} held for calls that run" if self.reserved else ""
        return _told(self.left, self.limit, self.used, unit) + held

    def requests_told(self, unit: str = "") -> str:
        return _told(self.requests_left, self.most_requests, self.requests, unit)

    def __str__(self) -> str:
        if self.unit != "tokens":
            return f"{self.where}: {self.training_told()}; {_until(self.resets_at)}"
        told = [self.tokens_told("tokens ")] if self.limit is not None else []
        told += [self.requests_told("requests ")] if self.most_requests is not None else []
        return f"{self.where}: {'; '.join(told)}; {_until(self.resets_at)}"


@dataclass(frozen=True)
class Allowance:
    """What this lab lets you use, in tokens; `all` is everything that bounds you here, this lab first. `training` is
    what bounds your trainings where the lab has any: steps, and seconds of the machine where those are bounded."""

    limit: int | None
    used: int
    left: int | None
    resets_at: datetime | None = None
    all: tuple[Bound, ...] = ()
    training: tuple[Bound, ...] = ()

    def __repr__(self) -> str:
        tokens = self._bounds or (f"no limit here; {self.used:,} tokens used",)
        return "\n".join(map(str, (*tokens, *self.training)))

    def _repr_html_(self) -> str:
        if not (self._bounds or self.training):
            return html.escape(repr(self))
        heads = ("Where", "Tokens", "Requests", "When")
        head = "".join(f'<th scope="col" style="text-align:left">{one}</th>' for one in heads)
        rows = "".join((*map(_row, self._bounds), *map(_training_row, self.training)))
        return (
            f'<table><caption style="text-align:left">Your allowance</caption><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )

    @property
    def _bounds(self) -> tuple[Bound, ...]:
        lab = Bound("lab", self.limit, self.used, left=self.left, resets_at=self.resets_at)
        return self.all or ((lab,) if self.limit is not None else ())


def allowance() -> Allowance:
    """What is left of this lab's allowance, and of whatever else bounds you here."""
    told = transport().get("/allowance")
    bounds = tuple(_bound(one) for one in told.get("all", ()))
    training = tuple(_bound(one) for one in told.get("training", ()))
    return Allowance(told["limit"], told["used"], told["left"], _moment(told), bounds, training)


def _bound(told: Mapping[str, Any]) -> Bound:
    return Bound(
        told["scope"],
        told["limit"],
        told["used"],
        told["reserved"],
        told["left"],
        told["requests"],
        told["most_requests"],
        _moment(told),
        told.get("unit", "tokens"),
    )


def _moment(told: Mapping[str, Any]) -> datetime | None:
    return datetime.fromisoformat(told["resets_at"]) if told.get("resets_at") else None


def _local(moment: datetime) -> str:
    """In her zone where her server names one (TZ), else in the site's, in which the platform tells its times.

    A notebook's server often runs on UTC, which is nobody's wall clock.
    """
    return f"{moment.astimezone() if os.environ.get('TZ') else moment:%H:%M on %d %B}"


def _until(moment: datetime | None) -> str:
    return f"full again at {_local(moment)}" if moment else "it does not reset"


def _told(left: int | None, most: int | None, used: int, unit: str) -> str:
    return f"no limit, {used:,} used" if most is None else f"{left or 0:,} of {most:,} {unit}left, {used:,} used"


def _row(bound: Bound) -> str:
    cells = (
        _bar(bound.left, bound.limit) + bound.tokens_told(),
        _bar(bound.requests_left, bound.most_requests) + bound.requests_told(),
        _until_cell(bound),
    )
    return _line(bound.where, "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells))


def _training_row(bound: Bound) -> str:
    """One cell below tokens and requests, which says its unit: it is neither."""
    told = _bar(bound.left, bound.limit) + bound.training_told()
    cells = f'<td colspan="2" style="{_CELL}">{told}</td><td style="{_CELL}">{_until_cell(bound)}</td>'
    return _line(f"{bound.where}, training", cells)


def _line(where: str, cells: str) -> str:
    return f'<tr><th scope="row" style="{_CELL}">{html.escape(where)}</th>{cells}</tr>'


def _until_cell(bound: Bound) -> str:
    until = html.escape(_until(bound.resets_at))
    return f'<time datetime="{bound.resets_at.isoformat()}">{until}</time>' if bound.resets_at else until


def _bar(left: int | None, most: int | None) -> str:
    """How much is left, as a length; the words beside it say the same."""
    if most is None:
        return ""
    share = max(0, min(100, 100 * (left or 0) // most)) if most else 0
    return (
        f'<div role="img" aria-label="{share} % left" style="border:1px solid;border-radius:4px;min-width:8em">'
        f'<div style="width:{share}%;height:8px;background:#1f6f54"></div></div>'
    )

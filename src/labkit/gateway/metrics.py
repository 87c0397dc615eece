"""What the gateway does, in numbers for Prometheus. No label names a person, a lab or a text.

Calls are counted where they are written into the ledger, so a call counts once and only when it is on the disk. How
long lanes and queue are is asked when somebody reads.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from labkit.allowance import Asked, Ledger, Order, Reservation, Settlement
from labkit.allowance.ledger import Entry, Written
from labkit.allowance.transaction import Held
from labkit.errors import KeyRefused, LabkitError
from labkit.gateway.router import Router

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CALL = ("kind", "model")
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_MOST_OPEN = 10_000
_UNKNOWN = Asked("unknown", "unknown")


class Metrics:
    """One registry. `routes` answers whoever holds the `key`; without one there is no such route."""

    def __init__(self, key: str = "") -> None:
        self._key = key
        self.registry = CollectorRegistry()

        def counter(name: str, words: str, labels: Sequence[str] = ()) -> Counter:
            return Counter(f"labkit_gateway_{name}", words, labels, registry=self.registry)

        def histogram(name: str, words: str, buckets: Sequence[float], labels: Sequence[str] = ()) -> Histogram:
            return Histogram(f"labkit_gateway_{name}", words, labels, registry=self.registry, buckets=buckets)

        self.calls = counter("calls", "Calls that are closed", (*_CALL, "outcome"))
        self.tokens = counter("tokens", "Tokens of closed calls", (*_CALL, "part"))
        self.charged = counter("charged_tokens", "Tokens that were charged", _CALL)
        self.refusals = counter("refusals", "Answers that are errors, by their code", ("code",))
        self.seconds = histogram("work_seconds", "Seconds a model was at work on a call", _SECONDS, _CALL)
        self.waited = histogram("waiting_seconds", "Seconds a call waited before that", _SECONDS, _CALL)
        self.batches = histogram("ledger_batch_entries", "Entries in one transaction", (1, 2, 4, 8, 16, 32, 64))

    def watch(self, router: Router) -> None:
        """Tells of its queue and lanes from now on."""
        self.registry.register(_Lanes(router))

    def routes(self) -> list[Route]:
        return [Route("/metrics", self.show)] if self._key else []

    async def show(self, request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._key}".encode()):
            raise KeyRefused("These are the operator's numbers.", instead="Use the key in secrets/metrics.")
        return Response(await run_in_threadpool(generate_latest, self.registry), media_type=CONTENT_TYPE)

    def refused(self, error: LabkitError) -> None:
        self.refusals.labels(error.code).inc()

    def closed(self, asked: Asked, settlement: Settlement, charged: int) -> None:
        told, labels = settlement.told, (asked.kind, asked.model)
        self.calls.labels(*labels, told.outcome).inc()
        self.tokens.labels(*labels, "prompt").inc(told.prompt_tokens)
        self.tokens.labels(*labels, "answer").inc(told.answer_tokens)
        self.charged.labels(*labels).inc(charged)
        self.seconds.labels(*labels).observe(told.seconds)
        self.waited.labels(*labels).observe(told.waited)


class MeteredLedger(Ledger):
    """The ledger, counting what it has written. An entry that is asked for again counts once."""

    def __init__(
        self, engine: Engine, timezone: str, metrics: Metrics, *, now: Callable[[], datetime] | None = None
    ) -> None:
        super().__init__(engine, timezone, **({"now": now} if now else {}))
        self._metrics = metrics
        self._asked: dict[str, Asked] = {}

    def write(self, entries: Sequence[Entry], held: Held | None = None) -> list[Written]:
        written = super().write(entries, held)
        self._metrics.batches.observe(len(entries))
        for entry, found in zip(entries, written, strict=True):
            if isinstance(entry, Order) and isinstance(found, Reservation):
                self._remember(entry)
            elif isinstance(entry, Settlement) and isinstance(found, int):
                asked = self._asked.pop(entry.id, None)
                if asked is not None or entry.told.outcome == "lost":
                    self._metrics.closed(asked or _UNKNOWN, entry, found)
        return written

    def _remember(self, order: Order) -> None:
        if len(self._asked) >= _MOST_OPEN:  # what was lost with a connection is never closed here
            self._asked.pop(next(iter(self._asked)), None)
        self._asked[order.id] = order.asked


class _Lanes(Collector):
    def __init__(self, router: Router) -> None:
        self._router = router

    def collect(self) -> Iterable[Metric]:
        lanes = self._router.lanes()
        for name, words in (("busy", "Calls that run in a lane"), ("slots", "Calls a lane runs at once")):
            gauge = GaugeMetricFamily(f"labkit_gateway_lane_{name}", words, labels=["lane"])
            for lane, one in lanes.items():
                gauge.add_metric([lane], getattr(one, name))
            yield gauge
        waiting = GaugeMetricFamily("labkit_gateway_queue_waiting", "Calls that wait", labels=[])
        waiting.add_metric([], self._router.queue.waiting)
        yield waiting

"""What the gateway tells those who run it: numbers for Prometheus, and a log in which nobody is named."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from labkit.allowance import Asked, Order, Settlement, Share, Told
from labkit.courses import AllowanceRule, Course, Lab
from labkit.database import connect, migrate
from labkit.errors import AllowanceSpent, KeyRefused, RequestRefused
from labkit.gateway.app import create
from labkit.gateway.backends.echo import Echo
from labkit.gateway.keys import Caller, Keys
from labkit.gateway.logs import ERROR, Bounded, JsonLines, RequestLog, masked
from labkit.gateway.metrics import MeteredLedger, Metrics
from labkit.programme.cohorts import Cohort, Seat

KEY = "k" * 64
PREFIX = "/services/gateway"
LAB = f"{PREFIX}/labs/prompting/triage/v1"
SAID = {"messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl"


class Roll:
    def seat(self, username, course):
        return Seat("learner", Cohort("first", "prompting"))

    def cohorts(self, username):
        return {"first"}


class Hub:
    async def username(self, token):
        return None


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(KEY)


@pytest.fixture
def ledger(tmp_path: Path, metrics: Metrics):
    url = f"sqlite:///{tmp_path / 'labkit.db'}"
    migrate(url)
    engine = connect(url)
    yield MeteredLedger(engine, "Asia/Manila", metrics)
    engine.dispose()


@pytest.fixture
async def client(tmp_path: Path, ledger: MeteredLedger, metrics: Metrics) -> AsyncIterator[httpx.AsyncClient]:
    keys = Keys("s" * 32)
    lab = Lab("prompting", "triage", "Triage", tmp_path, models=("echo",), allowance=AllowanceRule(100))
    app = create(
        identity=Hub(),
        enrolment=Roll(),
        courses=[Course("prompting", "Prompting", tmp_path, (lab,))],
        engine=ledger._engine,
        ledger=ledger,
        backends=[Echo()],
        keys=keys,
        grading_key="g" * 40,
        metrics=metrics,
    )
    headers = {"Authorization": f"Bearer {keys.issue(Caller('ana', 'prompting', 'triage')).key}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    browser = httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)
    async with app.router.lifespan_context(app), browser as client:
        yield client


async def numbers(client: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    answer = await client.get(f"{PREFIX}/metrics", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "ana" not in answer.text
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found[(sample.name.removeprefix("labkit_gateway_"), *sample.labels.values())] = sample.value
    return found


@pytest.mark.parametrize("key", [None, "Bearer", f"Bearer {KEY}x", f"token {KEY}", "Bearer \u00e9"])
async def test_numbers_are_for_whoever_holds_their_key(client: httpx.AsyncClient, key: str | None):
    headers = {"Authorization": key.encode("utf-8") if key else b""}
    answer = await client.get(f"{PREFIX}/metrics", headers=headers)
    assert answer.status_code == 401 and answer.json()["error"]["code"] == "KeyRefused"


def test_without_a_key_there_is_no_such_page():
    assert Metrics().routes() == []


async def test_a_call_is_counted_with_its_tokens_and_times(client: httpx.AsyncClient):
    for _ in range(2):
        assert (await client.post(f"{LAB}/chat/completions", json=SAID)).status_code == 200
    found = await numbers(client)
    labels = ("chat/completions", "echo")
    assert found["calls_total", *labels, "complete"] == 2
    assert (
        found["tokens_total", *labels, "prompt"] + found["tokens_total", *labels, "answer"]
        == found["charged_tokens_total", *labels]
    )
    assert found["work_seconds_count", *labels] == found["waiting_seconds_count", *labels] == 2
    assert found["ledger_batch_entries_count",] >= 4
    assert found["queue_waiting",] == 0
    lanes = {key[1]: value for key, value in found.items() if key[0] == "lane_slots"}
    assert lanes and all(value >= 1 for value in lanes.values())
    assert {key[1] for key in found if key[0] == "lane_busy"} == lanes.keys()


async def test_refusals_are_counted_by_their_code(client: httpx.AsyncClient):
    await client.post(f"{LAB}/chat/completions", json=SAID | {"max_tokens": 500})
    await client.post(f"{LAB}/chat/completions", json={"messages": "none"})
    await client.post(f"{LAB}/chat/completions", json=SAID, headers={"Authorization": "Bearer x"})
    found = await numbers(client)
    codes = ("AllowanceSpent", "RequestRefused", "KeyRefused")
    assert [found["refusals_total", code] for code in codes] == [1, 1, 1]


def test_an_entry_that_is_written_again_counts_once_and_a_refused_one_not_at_all(
    ledger: MeteredLedger, metrics: Metrics
):
    order = Order("ana", "prompting", "triage", Share(50), 40, "gateway", "1" * 32, asked=Asked("score", "echo"))
    refused = Order("ana", "prompting", "triage", Share(50), 40, "gateway", "2" * 32, asked=Asked("score", "echo"))
    ledger.write([order])
    assert isinstance(ledger.write([refused])[0], AllowanceSpent)
    for _ in range(3):
        ledger.write([Settlement(order.id, 30, Told("complete", 10, 20))])
    ledger.write([Settlement(refused.id, None, Told("failed"))])
    calls = {
        tuple(one.labels.values()): one.value
        for one in metrics.calls.collect()[0].samples
        if one.name.endswith("_total")
    }
    assert calls == {("score", "echo", "complete"): 1}


def test_what_a_crash_lost_is_counted_without_a_model(ledger: MeteredLedger, metrics: Metrics):
    ledger.write(
        [Order("ana", "prompting", "triage", Share(50), 40, "gateway", "1" * 32, asked=Asked("score", "echo"))]
    )
    ledger._asked.clear()  # as in a new process
    assert ledger.recover("gateway") == 1
    calls = {tuple(one.labels.values()) for one in metrics.calls.collect()[0].samples}
    assert calls == {("unknown", "unknown", "lost")}


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        assert "\n" not in text
        self.lines.append(json.loads(text))


@pytest.fixture
def log():
    kept, logger = Kept(), logging.getLogger("labkit.requests")
    logger.addHandler(kept)
    logger.setLevel(logging.INFO)
    yield kept.lines
    logger.removeHandler(kept)
    logger.setLevel(logging.NOTSET)


async def test_an_answer_is_one_line_with_its_call(client: httpx.AsyncClient, log: list[dict[str, object]]):
    answer = await client.post(f"{LAB}/chat/completions", json=SAID)
    await client.get(f"{PREFIX}/health")
    await numbers(client)
    (line,) = log
    assert line.pop("time") and line.pop("milliseconds") >= 0
    assert line == {
        **{"level": "info", "logger": "labkit.requests", "event": "answered", "method": "POST", "status": 200},
        **{"path": f"{LAB}/chat/completions", "call": answer.headers["x-labkit-call"]},
    }


async def test_a_refusal_says_its_code_and_nothing_of_the_key(client: httpx.AsyncClient, log: list[dict[str, object]]):
    await client.post(f"{LAB}/chat/completions", json=SAID, headers={"Authorization": f"Bearer {JWT}"})
    await client.post(f"{LAB}/chat/completions", content=b"x" * 3_000_000)
    await client.get(f"{PREFIX}/nothing/of/ana@example.org")
    assert [(line["code"], line["status"], line["level"]) for line in log] == [
        ("KeyRefused", 401, "warning"),
        ("RequestRefused", 413, "warning"),
        ("NotFound", 404, "warning"),
    ]
    assert JWT not in json.dumps(log) and "ana@example.org" not in json.dumps(log)


async def test_a_flood_of_bad_keys_is_a_few_lines_and_a_number(log: list[dict[str, object]]):
    now, errors = [0.0], [KeyRefused("no")]

    async def refuse(scope, receive, send):
        scope[ERROR] = errors[-1]
        await send({"type": "http.response.start", "status": errors[-1].status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(RequestLog(refuse, clock=lambda: now[0]))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for _ in range(300):
            await client.get("/x")
        assert len(log) == 10
        now[0] += 5.0
        await client.get("/x")
        assert (len(log), log[-1]["left_out"]) == (11, 290)
        errors.append(RequestRefused("too large"))
        await client.get("/x")
        assert log[-1]["code"] == "RequestRefused"  # one code's flood hides no other


def test_a_flood_of_one_warning_is_a_few_lines_too():
    now = [0.0]
    bounded = Bounded(lambda: now[0])

    def passes(words: str, level: int = logging.WARNING, **more: object) -> bool:
        record = logging.LogRecord("x", level, "f", 1, words, ("a",), None)
        vars(record).update(more)
        passed = bounded.filter(record)
        told.append(getattr(record, "told", {}))
        return passed

    told: list[dict[str, int]] = []
    assert sum(passes("not read: %s") for _ in range(100)) == 10
    assert passes("another: %s") and passes("not read: %s", told={"code": "KeyRefused"})
    assert all(passes("answered %s", logging.INFO) for _ in range(100))
    now[0] += 1
    assert passes("not read: %s") and told[-1] == {"left_out": 90}


async def test_our_own_fault_is_an_error_and_told_as_one(client: httpx.AsyncClient, log, monkeypatch):
    async def fail(*_):
        raise RuntimeError("boom")

    monkeypatch.setattr(Echo, "complete", fail)
    answer = await client.post(f"{LAB}/chat/completions", json=SAID)
    assert answer.status_code == 500 or answer.status_code == 503
    assert (log[-1]["level"], log[-1]["code"]) == ("error", "PlatformFault")
    assert (await numbers(client))["refusals_total", "PlatformFault"] == 1


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("written by ana.cruz+x@example.org.ph today", "ana.cruz"),
        ("GET /x?address=ana%40example.org", "example.org"),
        (f"Authorization: Bearer {JWT}", "eyJ"),
        ("Authorization: bearer sk-12345", "sk-12345"),
        ("authorization: token 0123456789abcdef0123456789abcdef", "0123456789abcdef"),
        ("?token=secretsecret&x=1", "secretsecret"),
        (f"a key {JWT} alone", "eyJ"),
        ("hub token 0123456789abcdef0123456789abcdef01", "0123456789"),
        ("http://labs.example.org/user/ana/lab", "ana"),
        ("GET /hub/api/users/ana/server", "/ana/"),
        ("{'username': 'ana', 'lab': 'x'}", "ana"),
        ("username=ana", "ana"),
        ("IntegrityError\n[SQL: INSERT INTO calls]\n[parameters: ('ana', 3)]", "ana"),
        ("Key (username, lab)=(ana, x) already exists", "ana,"),
    ],
)
def test_what_names_a_person_or_opens_something_is_masked(text: str, gone: str):
    assert gone not in masked(text)


def test_a_text_that_names_nobody_stays_as_it_is_and_a_long_one_is_cut():
    plain = "A backend does not answer (/services/gateway/labs/prompting/triage/v1/chat/completions)"
    assert masked(plain) == plain
    assert len(masked("a" * 100_000)) <= 4_000


def test_a_traceback_is_one_line_and_masked():
    try:
        raise ValueError("no place for ana@example.org")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed\nbadly", None, __import__("sys").exc_info())
    text = JsonLines().format(record)
    assert "\n" not in text and "ana@" not in text
    assert "ValueError" in json.loads(text)["traceback"]

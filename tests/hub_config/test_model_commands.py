"""`labkit audit`, `limits`, `exams`, `models pause|resume`: what they show, change, refuse, and who reads of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update

from hub_config import exams, limits, pauses
from hub_config.audit import audit
from labkit.allowance import Asked, Ledger, Order, Settlement, Share, Told
from labkit.allowance import limits as ledger_limits
from labkit.database import connect, migrate
from labkit.database.tables import allowances, calls
from labkit.errors import OperatorError
from labkit.policy import exams as policy_exams
from labkit.policy import pauses as policy_pauses
from labkit.policy.exams import Exam
from labkit.programme.people import Membership, Person, provision
from labkit.programme.privacy import looks

MODEL = "smollm2-135m-instruct"
TOTAL = Share(per="total")
Run = Callable[..., str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A platform with two learners, a teacher, and three calls."""
    home = tmp_path_factory.mktemp("platform")
    migrate(url := f"sqlite:///{home / 'labkit.sqlite'}")
    engine = connect(url)
    people = [Person(name, f"{name}@example.org", name.title(), "X") for name in ("ana", "ben", "maria")]
    roles = [Membership(name, "first", "testing", "learner") for name in ("ana", "ben")]
    provision(engine, people, [*roles, Membership("maria", "first", "testing", "instructor")])
    ledger = Ledger(engine, now=lambda: datetime(2026, 11, 2, 2, tzinfo=UTC))
    for number, (who, outcome) in enumerate((("ana", "complete"), ("ana", "failed"), ("ben", "complete"))):
        name = f"{number:032x}"
        asked = Asked("chat/completions", MODEL if who == "ana" else "=cmd|'/c calc'!A1", "d")
        order = Order(who, "testing", "clip", Share(9_000), 500, "gateway", name, "first", together=TOTAL, asked=asked)
        used = 300 if outcome == "complete" else None
        ledger.write([order, Settlement(name, used, Told(outcome, 100, 200, 36.0, 1.0))])
    engine.dispose()
    return home


@pytest.fixture
def engine(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "labkit.sqlite").write_bytes((made / "labkit.sqlite").read_bytes())
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    monkeypatch.setenv("LABKIT_TEACH", "testing")
    engine = connect(f"sqlite:///{tmp_path / 'labkit.sqlite'}")
    yield engine
    engine.dispose()


@pytest.fixture
def run(engine: Engine, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(command: Callable[[list[str]], int], words: str, code: int = 0) -> str:
        assert command(words.split()) == code
        return capsys.readouterr().out

    return call


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f'currency = "PHP"\n[models."{MODEL}"]\nper_million_answer_tokens = 1000\nper_hour = 100\n'
    (tmp_path / "prices.toml").write_text(text)
    monkeypatch.setenv("LABKIT_PRICES", str(tmp_path / "prices.toml"))


class TestAudit:
    def test_calls_are_listed_with_what_they_come_to(self, run: Run):
        shown = run(audit, "")
        assert "3 calls of 2 people: 300 prompt and 600 answer tokens, 600 charged, 108.0 seconds at work." in shown
        assert "2026-11-02 10:00:00" in shown and "Cost" not in shown

    def test_a_trainings_steps_are_told_with_their_unit_and_apart_from_tokens(self, run: Run, engine: Engine):
        asked = Asked("fine_tuning/jobs", MODEL)
        order = Order("ana", "testing", "clip", Share(400), 40, "training", "f" * 32, "first", asked=asked)
        Ledger(engine).write([replace(order, unit="steps"), Settlement("f" * 32, 40, Told("complete", seconds=9.0))])
        assert "600 charged, 117.0 seconds at work. 1 trainings: 40 steps charged." in run(audit, "")
        rows = list(csv.DictReader(io.StringIO(run(audit, "--csv"))))
        assert {(row["charged"], row["unit"]) for row in rows} >= {("40", "steps"), ("300", "tokens")}
        assert all(None not in row for row in rows)
        (mine,) = [row for row in json.loads(run(audit, "--json --by person"))["rows"] if row["person"] == "ana"]
        assert (mine["calls"], mine["charged"], mine["trainings"], mine["steps"]) == (2, 300, 1, 40)

    def test_a_model_without_a_price_is_told_apart(self, run: Run, prices: None):
        assert "Cost: PHP 2.40, and 1 calls to models without a price." in run(audit, "")
        rows = json.loads(run(audit, "--json --by model"))
        assert rows["currency"] == "PHP"
        assert {row["model"]: row["cost"] for row in rows["rows"]} == {
            MODEL: pytest.approx(2.4),
            "=cmd|'/c calc'!A1": None,
        }

    @pytest.mark.parametrize(
        ("words", "number"),
        [
            ("--person ana", 2),
            ("--cohort first", 3),
            ("--cohort none", 0),
            ("--course testing", 3),
            ("--lab testing/clip --outcome failed", 1),
            (f"--model {MODEL}", 2),
            ("--since 2026-11-02 --until 2026-11-02", 3),
            ("--until 2026-11-01", 0),
            ("--since 2026-11-02T10:00:00.1+08:00", 0),
            ("--since 2026-11-02T01:59Z", 3),
            ("--most 1", 1),
        ],
    )
    def test_a_selection_is_what_its_words_say(self, run: Run, words: str, number: int):
        assert len(json.loads(run(audit, f"--json {words}"))["rows"]) == number

    def test_no_cell_of_its_csv_is_a_formula(self, run: Run):
        rows = list(csv.DictReader(io.StringIO(run(audit, "--csv"))))
        assert [row["model"] for row in rows if row["username"] == "ben"] == ["'=cmd|'/c calc'!A1"]
        assert "'=cmd|" in run(audit, "--csv --by model")

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ("--person anna", "Did you mean ana"),
            ("--cohort firsd", "Did you mean first"),
            ("--course prompting", "There are testing"),
            ("--lab testing/clap", "Did you mean testing/clip"),
            ("--model smollm2-135m", "Did you mean smollm2-135m-instruct"),
            ("--since 2026-11-02T10:00", r"Write 2026-11-02T10:00\+08:00"),
            ("--since yesterday", "Write one such as"),
            ("--most 0", "above 0"),
            ("--balance --person ana", "without a selection"),
        ],
    )
    def test_what_is_not_there_is_answered_with_what_is(self, run: Run, words: str, told: str):
        with pytest.raises(OperatorError, match=told):
            run(audit, words)

    def test_whoever_was_looked_at_reads_of_it(self, run: Run, engine: Engine):
        run(audit, "--by model")
        run(audit, "--balance")
        assert looks.of(engine, "ana") == ()
        run(audit, "--person ana")
        assert [(one.viewer, one.what) for one in looks.of(engine, "ana")] == [("", "model calls")]
        assert looks.of(engine, "ben") == ()
        run(audit, "")
        assert len(looks.of(engine, "ben")) == 1

    def test_books_that_balance_are_said_to(self, run: Run):
        assert run(audit, "--balance") == "5 counters and 2 charges balance.\n"
        assert json.loads(run(audit, "--balance --json"))["balanced"] is True

    def test_books_that_do_not_are_named_and_the_exit_code_says_so(self, run: Run, engine: Engine):
        with engine.begin() as connection:
            mine = (allowances.c.username == "ana", allowances.c.lab == "clip")
            connection.execute(update(allowances).where(*mine).values(used=299))
        said = run(audit, "--balance", code=1)
        assert "used of username ana" in said and "299, but its charges come to 300" in said
        assert json.loads(run(audit, "--balance --json", code=1))["wrong"][0]["proven"] == "its charges come to 300"

    def test_a_long_audit_is_written_row_by_row(self, run: Run, engine: Engine):
        with engine.begin() as connection:
            row = dict(connection.execute(calls.select()).mappings().first())
            connection.execute(insert(calls), [row | {"id": f"{number:032}"} for number in range(1000, 4000)])
        assert len(json.loads(run(audit, "--json"))["rows"]) == 3003
        assert len(run(audit, "--csv").splitlines()) == 3004


def test_a_mistake_in_the_prices_is_told_before_anything_else(run: Run, tmp_path: Path, monkeypatch):
    (tmp_path / "prices.toml").write_text('currency = "PHP"\n[models.small]\nper_minute = 2\n')
    monkeypatch.setenv("LABKIT_PRICES", str(tmp_path / "prices.toml"))
    with pytest.raises(OperatorError, match=r"prices.toml:3: unknown key 'per_minute'"):
        run(audit, "")


class TestLimits:
    def test_a_limit_is_set_listed_and_removed(self, run: Run, engine: Engine):
        assert "no limit" in run(limits.show, "")
        run(limits.change, "--person ana --lab testing/clip --tokens 500")
        run(limits.change, "--cohort first --together --tokens 90000 --requests 10")
        run(limits.change, "--cohort first --tokens 70")
        rows = json.loads(run(limits.show, "--json"))
        assert {(row["scope"], row["username"], row["cohort"], row["lab"], row["tokens"]) for row in rows} == {
            ("lab", "ana", "", "clip", 500),
            ("cohort", "", "first", "", 90_000),
            ("person", "", "first", "", 70),
        }
        assert "90,000" in run(limits.show, "")
        run(limits.remove, "--cohort first --together")
        assert len(ledger_limits.every(engine)) == 2

    def test_steps_and_minutes_of_trainings_are_set_for_a_person_and_a_cohort(self, run: Run):
        run(limits.change, "--person ana --lab testing/clip --steps 900")
        run(limits.change, "--cohort first --lab testing/clip --steps 700 --minutes 30")
        rows = json.loads(run(limits.show, "--json"))
        told = [(row["username"], row["cohort"], row["tokens"], row["steps"], row["minutes"]) for row in rows]
        assert sorted(told) == [("", "first", None, 700, 30), ("ana", "", None, 900, None)]
        assert "900" in run(limits.show, "")

    @pytest.mark.parametrize(
        ("command", "words", "told"),
        [
            (limits.change, "--tokens 5", "Write --person USERNAME or --cohort NAME"),
            (limits.change, "--person anna --tokens 5", "Did you mean ana"),
            (limits.change, "--cohort second --tokens 5", "There is no cohort"),
            (limits.change, "--person ana --lab clip --tokens 5", "Did you mean testing/clip"),
            (limits.change, "--person ana", "Give tokens, requests, steps or minutes"),
            (limits.change, "--person ana --tokens -1", "0 or more"),
            (limits.change, "--person ana --steps 5", "Name the lab"),
            (limits.change, "--person ana --lab testing/descent --steps 5", "Nothing is trained in testing/descent"),
            (limits.change, "--person ana --together --tokens 1", "--cohort NAME --together"),
            (limits.remove, "--person ana", "labkit limits list"),
        ],
    )
    def test_what_cannot_be_is_refused_with_what_can(self, run: Run, command, words: str, told: str):
        with pytest.raises(OperatorError, match=told):
            run(command, words)


class TestExams:
    def test_an_exam_is_planned_listed_and_cancelled(self, run: Run, engine: Engine):
        assert "no exam" in run(exams.show, "")
        opens = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        run(exams.plan, f"first testing/clip --opens {opens} --closes 2099-01-31T10:00+08:00")
        assert json.loads(run(exams.show, "--json"))[0]["open"] is True
        assert "2099-01-31 10:00 Asia/Manila" in run(exams.show, "")
        run(exams.cancel, "first testing/clip")
        assert policy_exams.every(engine, datetime(2020, 1, 1, tzinfo=UTC)) == ()

    def test_one_that_is_over_is_listed_only_when_asked_for(self, run: Run, engine: Engine):
        opens = datetime(2026, 1, 1, 1, tzinfo=UTC)
        policy_exams.plan(engine, Exam("first", "testing", "clip", opens, opens + timedelta(hours=1)), None, opens)
        assert "no exam" in run(exams.show, "")
        assert "over" in run(exams.show, "--all")

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (
                "first testing/clip --opens 2027-01-31T09:00 --closes 2027-01-31T10:00Z",
                r"Write 2027-01-31T09:00\+08:00",
            ),
            ("first testing/clip --opens 2026-01-01T09:00Z --closes 2026-01-01T10:00Z", "later than now"),
            ("first testing/clip --opens noon --closes 2027-01-31T10:00Z", "no time"),
            ("first testing/clip --opens 2027-01-31T10:00Z --closes 2027-01-31T09:00Z", "later end"),
            ("first testing/clap --opens 2027-01-31T09:00Z --closes 2027-01-31T10:00Z", "Did you mean testing/clip"),
            ("firts testing/clip --opens 2027-01-31T09:00Z --closes 2027-01-31T10:00Z", "Did you mean first"),
        ],
    )
    def test_what_cannot_be_is_refused_with_what_can(self, run: Run, words: str, told: str):
        with pytest.raises(OperatorError, match=told):
            run(exams.plan, words)

    def test_an_exam_that_is_not_there_cannot_be_cancelled(self, run: Run):
        with pytest.raises(OperatorError, match="no exam in testing/clip"):
            run(exams.cancel, "first testing/clip")


class TestPauses:
    def test_a_model_is_paused_listed_and_resumed(self, run: Run, engine: Engine):
        assert run(pauses.pause, "") == "Nothing is paused.\n"
        assert "for first is paused" in run(pauses.pause, f"{MODEL} --cohort first")
        run(pauses.pause, "--every --lab testing/clip")
        assert {one["model"] for one in json.loads(run(pauses.pause, "--json"))} == {"", MODEL}
        told = run(pauses.resume, f"{MODEL} --cohort first")
        assert "Some of it still is: every model in testing/clip." in told
        assert "still" not in run(pauses.resume, "--every --lab testing/clip")
        assert policy_pauses.every(engine) == ()

    def test_without_a_place_it_is_paused_in_every_course(self, run: Run, engine: Engine):
        run(pauses.pause, MODEL)
        assert [one.course for one in policy_pauses.every(engine)] == ["testing"]

    @pytest.mark.parametrize(
        ("command", "words", "told"),
        [
            (pauses.pause, "smollm2 --cohort first", "no model"),
            (pauses.pause, "--cohort first", "write --every"),
            (pauses.pause, f"{MODEL} --cohort second", "There is no cohort"),
            (pauses.resume, MODEL, "Paused are: none"),
        ],
    )
    def test_what_cannot_be_is_refused_with_what_can(self, run: Run, command, words: str, told: str):
        with pytest.raises(OperatorError, match=told):
            run(command, words)

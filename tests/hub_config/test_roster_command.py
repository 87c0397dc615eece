"""`labkit roster`, `cohorts`, `people office` and `demo`, as an operator calls them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from hub_config import cohorts, people, roster, simulation
from labkit.audit import books, totals
from labkit.audit.selection import Selection
from labkit.courses import load_course
from labkit.database import connect
from labkit.errors import OperatorError
from labkit.programme import figures, links
from labkit.programme.cohorts import find
from labkit.programme.people import Person, person, provision

COURSES = Path(__file__).parents[2] / "courses"
HEADER = "email,given_name,family_name,role,cohort,course"
GOOD = f"{HEADER}\nnina@example.org,Niña,Muñoz,learner,ncr,testing\nteo@example.org,Teo,X,instructor,ncr,testing\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE", "PUBLIC_URL", "COURSES"):
        monkeypatch.delenv(f"LABKIT_{name}", raising=False)
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LABKIT_TEACH", "testing,prompting")
    monkeypatch.setenv("LABKIT_PORT", "8123")
    return tmp_path / "home"


@pytest.fixture
def engine(home: Path):
    engine = connect(f"sqlite:///{home / 'labkit.sqlite'}")
    yield engine
    engine.dispose()


def file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "r.csv"
    path.write_text(text)
    return str(path)


def told(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out)


def test_a_plan_changes_nothing_and_an_application_does_what_it_said(tmp_path: Path, capsys, engine):
    path = file(tmp_path, GOOD)
    assert roster.plan([path, "--json"]) == 0
    planned = told(capsys)
    assert (planned["added_count"], planned["errors"], planned["applied"]) == (2, [], False)
    assert person(engine, "nina") is None

    assert roster.apply([path, "--json"]) == 0
    assert told(capsys) == {**planned, "applied": True}
    assert roster.apply([path, "--json"]) == 0
    again = told(capsys)
    assert (again["added_count"], again["untouched_count"]) == (0, 2)


# Each line has one mistake of its own, said with its line; the file's last line opens a quotation mark for ever.
FORTY = [
    ",A,B,learner,ncr,testing,,,,,",
    "nobody,A,B,learner,ncr,testing,,,,,",
    "a b@example.org,A,B,learner,ncr,testing,,,,,",
    "<a@example.org>,A,B,learner,ncr,testing,,,,,",
    "a..b@example.org,A,B,learner,ncr,testing,,,,,",
    "a@localhost,A,B,learner,ncr,testing,,,,,",
    "a@example.org;b@example.org,A,B,learner,ncr,testing,,,,,",
    "p8@example.org,,B,learner,ncr,testing,,,,,",
    "p9@example.org,=A1,B,learner,ncr,testing,,,,,",
    "p10@example.org,+1,B,learner,ncr,testing,,,,,",
    "p11@example.org,A,@B,learner,ncr,testing,,,,,",
    "p12@example.org,A,-B,learner,ncr,testing,,,,,",
    "p13@example.org,NiÃ±a,B,learner,ncr,testing,,,,,",
    "p14@example.org,Ni\ufffda,B,learner,ncr,testing,,,,,",
    "p15@example.org,Ni\u200bna,B,learner,ncr,testing,,,,,",
    f"p16@example.org,{'N' * 101},B,learner,ncr,testing,,,,,",
    f"p17@example.org,A,{'N' * 101},learner,ncr,testing,,,,,",
    "p18@example.org,A,B,,ncr,testing,,,,,",
    "p19@example.org,A,B,student,ncr,testing,,,,,",
    "p20@example.org,A,B,teacher,ncr,testing,,,,,",
    "p21@example.org,A,B,king,ncr,testing,,,,,",
    "p22@example.org,A,B,learner,,testing,,,,,",
    "p23@example.org,A,B,learner,ncr,,,,,,",
    "p24@example.org,A,B,learner,a/b,testing,,,,,",
    f"p25@example.org,A,B,learner,{'c' * 65},testing,,,,,",
    "p26@example.org,A,B,learner,NCR,testing,,,,,",
    "p27@example.org,A,B,learner,cebu,testting,,,,,",
    "p28@example.org,A,B,learner,ncr,prompting,,,,,",
    "p29@example.org,A,B,officer,ncr,testing,,,,,",
    "p30@example.org,A,B,instructor,,,,,,,",
    "p31@example.org,A,B,learner,ncr,testing,klingon,,,,",
    "p32@example.org,A,B,learner,ncr,testing,,=1,,,",
    "p33@example.org,A,B,learner,ncr,testing,,,maybe,,",
    "p34@example.org,A,B,learner,ncr,testing,,,,blind,",
    f"p35@example.org,A,B,learner,ncr,testing,,,,,{'e' * 201}",
    "p36@example.org,A,B,learner,ncr,testing",
    "p37@example.org,A,B,learner,ncr,testing,,,,,,more",
    "p1@example.org,Other,Name,assistant,cebu-2,prompting,,,,,",
    "p1@example.org,Given,Family,learner,ncr,testing,,,,,",
    'p40@example.org,"A,B,learner,ncr,testing,,,,,',
]


def test_a_file_with_forty_mistakes_gives_forty_messages_and_applies_nothing(tmp_path: Path, capsys, engine):
    first = "p1@example.org,Given,Family,learner,ncr,testing,,,,,"
    path = file(tmp_path, "\n".join([f"{HEADER},language,region,sex,disability,employer", first, *FORTY]))
    for verb in (roster.plan, roster.apply):
        assert verb([path, "--json"]) == 1
        found = told(capsys)
        lines = [error["line"] for error in found["errors"]]
        assert sorted(set(lines)) == list(range(3, 43))
        assert len({(error["line"], error["message"]) for error in found["errors"]}) >= 40
        assert all(error["instead"] and error["message"] and error["file"] == "r.csv" for error in found["errors"])
        assert {error["column"] for error in found["errors"]} >= {
            "email",
            "given_name",
            "role",
            "cohort",
            "course",
            "sex",
        }
        assert found["applied"] is False and found["suspended_count"] == 0
    assert person(engine, "p1") is None and find(engine, "ncr") is None


def test_mistakes_are_a_table_for_people(tmp_path: Path, capsys):
    assert roster.plan([file(tmp_path, f"{HEADER}\nnobody,[red]A,B,learner,ncr,testing\n")]) == 1
    shown = capsys.readouterr().out
    assert "r.csv:2" in shown and "1 mistake; nothing was changed." in shown


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_path_that_is_no_roster_is_said(tmp_path: Path, capsys, name: str):
    if name == ".":
        assert roster.plan([str(tmp_path)]) == 1  # a folder without a bundle in it
        assert "manifest" in capsys.readouterr().out
    else:
        with pytest.raises(OperatorError, match="cannot be read"):
            roster.plan([str(tmp_path / name)])


def test_links_are_written_for_their_owner_alone_and_work(tmp_path: Path, capsys, engine):
    roster.apply([file(tmp_path, GOOD)])
    assert roster.links(["ncr", "--out", str(tmp_path / "links"), "--days", "30"]) == 0
    merge = tmp_path / "links" / "merge.csv"
    with merge.open(encoding="utf-8-sig") as opened:
        (row,) = csv.DictReader(opened)
    assert merge.stat().st_mode & 0o777 == (tmp_path / "links" / "sheet.html").stat().st_mode & 0o777 == 0o600
    assert row["link"].startswith("http://localhost:8123/hub/link/")
    assert links.redeem(engine, row["link"].rpartition("/")[2]) == "nina"
    with pytest.raises(OperatorError, match="Did you mean ncr"):
        roster.links(["ncs", "--out", str(tmp_path / "x")])
    with pytest.raises(OperatorError, match="61 days"):
        roster.links(["ncr", "--out", str(tmp_path / "x"), "--days", "61"])


def test_a_cohorts_settings_are_set_and_taken_away(tmp_path: Path, capsys, engine):
    roster.apply([file(tmp_path, GOOD)])
    cohorts.change(
        ["ncr", "--first-day", "2026-06-01", "--last-day", "2026-09-30", "--language", "fil", "--allowance", "50"]
    )
    capsys.readouterr()
    cohorts.show([])
    shown = capsys.readouterr().out
    assert re.search(r"ncr +testing +2026-06-01 +2026-09-30 +fil +50 % +1 +0 +0 +0", shown)
    cohorts.change(["ncr", "--last-day", "none", "--language", "none"])
    found = find(engine, "ncr")
    assert (found.ends_at, found.language, found.allowance_percent) == (None, None, 50)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ncs"], "Did you mean ncr"),
        (["ncr", "--first-day", "soon"], "no day"),
        (["ncr", "--last-day", "2026-02-30"], "no day"),
        (["ncr", "--language", "xx"], "en, fil, none"),
        (["ncr", "--allowance", "1001"], "0 to 1000"),
        (["ncr", "--first-day", "2026-06-02", "--last-day", "2026-06-01"], "ends after it starts"),
    ],
)
def test_a_wrong_setting_is_refused_and_changes_nothing(tmp_path: Path, engine, words: list[str], said: str):
    roster.apply([file(tmp_path, GOOD)])
    before = find(engine, "ncr")
    with pytest.raises(OperatorError, match=said):
        cohorts.change(words)
    assert find(engine, "ncr") == before


def test_a_group_of_the_provider_is_mapped_listed_and_unmapped(tmp_path: Path, capsys, engine):
    roster.apply([file(tmp_path, GOOD)])
    cohorts.group(["ncr", "upskill/ncr", "--role", "assistant"])
    capsys.readouterr()
    cohorts.group([])
    assert capsys.readouterr().out == "upskill/ncr  ->  ncr, assistant\n"
    with pytest.raises(OperatorError, match="cannot make officers"):
        cohorts.group(["ncr", "upskill/ncr", "--role", "officer"])
    cohorts.group(["ncr", "upskill/ncr", "--end"])
    with pytest.raises(OperatorError, match="not mapped"):
        cohorts.group(["ncr", "upskill/ncr", "--end"])


def test_an_office_is_given_and_taken_away(tmp_path: Path, capsys, engine):
    roster.apply([file(tmp_path, GOOD)])
    people.office(["nina", "officer"])
    assert person(engine, "nina").officer
    people.office(["nina", "officer", "--end"])
    assert not person(engine, "nina").officer and not suspended(engine, "nina")
    provision(engine, [Person("lone", "lone@example.org", "L", "X", officer=True)], [])
    people.office(["lone", "officer", "--end"])
    assert suspended(engine, "lone")  # she takes part in nothing else
    with pytest.raises(OperatorError, match="suspended"):
        people.link(["lone"])


def suspended(engine, username: str) -> bool:
    from labkit.programme.suspension import is_suspended

    return is_suspended(engine, username)


def test_a_simulated_term_is_plausible_says_what_it_is_and_is_the_same_again(home: Path, capsys, engine):
    assert simulation.demo(["--learners", "300", "--seed", "7"]) == 0
    courses = [load_course(COURSES, name) for name in ("testing", "prompting")]
    whole = [one for one in figures.funnels(engine, courses) if one.region is None]
    assert [one.cohort for one in whole] == ["simulated-2026-b", "simulated-2026-a", "simulated-2026-c"]
    assert sum(one.enrolled for one in whole) == 300
    for one in whole:
        assert one.enrolled > one.signed_in >= one.handed_in >= one.completed > 0
    used = totals.totals(engine, Selection(), ["cohort"], people=True)
    assert {one.key[0] for one in used} == {one.cohort for one in whole} and all(one.people > 30 for one in used)
    assert books.balance(engine).wrong == ()
    before = whole
    assert simulation.demo(["--learners", "300", "--seed", "7"]) == 0
    assert [one for one in figures.funnels(engine, courses) if one.region is None] == before


def test_nobody_real_is_mixed_with_simulated_people(tmp_path: Path):
    roster.apply([file(tmp_path, GOOD)])
    with pytest.raises(OperatorError, match="not simulated"):
        simulation.demo(["--learners", "30"])
    with pytest.raises(OperatorError, match="cannot be simulated"):
        simulation.demo(["--learners", "2"])

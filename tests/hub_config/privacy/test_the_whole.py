"""One person of two cohorts: everything of hers is in her export; erased, it is nowhere, and the numbers stay."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zipfile
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from labkit.database.dump import dump, moment
from labkit.errors import PlatformFault
from labkit.programme.people import everyone, memberships
from labkit.programme.privacy import erase
from labkit.programme.privacy.export import export
from labkit.programme.privacy.registry import PLACES
from labkit.submissions.receipt import Receipt, verify

# nbgrader's own way with SQLAlchemy's sessions.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")


def in_tables(site) -> list[str]:
    with moment(site.engine) as connection:
        rows = "\n".join(line for _, lines in dump(connection) for line in lines).lower()
    return [word for word in site.hers if word in rows]


def statistics(site) -> dict[str, Any]:
    """What is reported of the cohorts: heads by region and role, graded and mean per lab, use, nbgrader's points."""
    people = {one.username: one for one in everyone(site.engine)}
    members = memberships(site.engine)
    heads = Counter((one.cohort, one.role, people[one.username].region) for one in members)
    cohort = {one.username: one.cohort for one in members}
    shares = defaultdict(list)
    for score in site.scores.of_course("testing"):
        shares[cohort[score.username], score.lab].append((score.total, score.judged_max))
    with closing(sqlite3.connect(site.gradebook.root / "gradebook.db")) as book:
        points = book.execute("SELECT auto_score, manual_score FROM grade ORDER BY id").fetchall()
        students = book.execute("SELECT count(*) FROM student").fetchall()
    with moment(site.engine) as connection:
        tables = {name: list(lines) for name, lines in dump(connection)}
    tokens = sum(json.loads(line)["amount"] for line in tables["charges"])
    passed = Counter(
        (item["name"], check["passed"])
        for line in tables["scores"]
        for item in json.loads(line)["report"]["items"]
        for check in item["checks"]
    )
    grades = {key: sorted(found) for key, found in shares.items()}
    kept = len(tables["submissions"]), len(tables["gradings"])
    return {
        "heads": heads,
        "grades": grades,
        "nbgrader": (points, students),
        "tokens": tokens,
        "passed": passed,
        "kept": kept,
    }


def unpacked(site, tmp_path: Path, username: str) -> dict[str, bytes]:
    export(site.engine, username, site.parts(), tmp_path / "hers.zip")
    assert (tmp_path / "hers.zip").stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(tmp_path / "hers.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_her_export_has_everything_of_hers_and_nothing_secret(site, tmp_path: Path):
    files = unpacked(site, tmp_path, "dimaguiba")
    tops = {name.partition("/")[0] for name in files}
    assert tops == {"README.txt", "rows", "receipts", "submissions", "feedback", "home", "gradebook", "hub"}
    for top in ("submissions", "feedback", "home", "gradebook"):
        assert any(site.words.encode() in content for name, content in files.items() if name.startswith(f"{top}/")), top
    (receipt,) = (json.loads(content) for name, content in files.items() if name.startswith("receipts/"))
    assert verify(Receipt(**receipt), site.store._signer.public_key)
    rows = {name[5:-5]: json.loads(content) for name, content in files.items() if name.startswith("rows/")}
    assert rows["people"][0]["employer"] == "Pabrika"
    assert rows["passwords"][0]["hash"].startswith("(left out")
    assert rows["sign_in_links"][0]["digest"].startswith("(left out")
    whole = b"\n".join(files.values())
    assert b"argon2" not in whole
    assert b"of Ben's" not in whole
    assert b"Lualhati Sampaguita" in files["README.txt"]
    assert b"Ang datos mo" in files["README.txt"]
    assert list(files) == list(unpacked(site, tmp_path, "dimaguiba"))


def test_erased_she_is_nowhere_and_every_number_is_what_it_was(site, found_in):
    before = statistics(site)
    assert set(in_tables(site)) == set(site.hers)
    assert found_in(site.home, (site.words, "dimaguiba"))
    done = erase.erase(site.engine, "dimaguiba", site.parts(), by="jose")
    assert done.finished, done.fault
    assert in_tables(site) == []
    assert found_in(site.home, site.hers) == []
    assert statistics(site) == before
    assert site.hub.users == {"ben", "carla"}
    assert (site.home / "homes" / "ben" / "testing" / "notes.txt").read_text() == "ben: mine"


def test_the_live_database_has_no_row_of_hers(site, found_in):
    """As a file, read row by row: no table that the code does not know keeps her."""
    erase.erase(site.engine, "dimaguiba", site.parts())
    url = site.engine.url
    if url.get_backend_name() == "sqlite":
        assert found_in(Path(url.database).parent, site.hers) == []
    else:
        from sqlalchemy import text

        with site.engine.connect() as connection:
            names = (
                connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
            )
            rows = [str(connection.execute(text(f'SELECT * FROM "{name}"')).all()).lower() for name in names]
        assert len(names) > 20
        assert [word for word in site.hers if any(word in one for one in rows)] == []


def test_who_handed_in_the_same_bytes_keeps_them(site):
    same = hashlib.sha256(site.shared).hexdigest()
    erase.erase(site.engine, "dimaguiba", site.parts())
    (mine,) = site.store.of_person("ben")
    assert mine.files["data.csv"] == same
    assert site.store.content(mine)["data.csv"] == site.shared
    for other in ("ben", "carla"):
        erase.erase(site.engine, other, site.parts())
    assert [path for path in (site.home / "blobs").rglob("*") if path.is_file()] == []


class Killed(BaseException):
    pass


def dying(part, *, after: bool):
    """The part, whose process is killed before or after its work."""

    class Dying:
        name = part.name

        def erase(self, username: str, pseudonym: str) -> None:
            if after:
                part.erase(username, pseudonym)
            raise Killed

    return Dying()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("place", range(4))
def test_killed_between_any_two_steps_it_is_finished_later(site, found_in, place: int, after: bool):
    before, parts = statistics(site), list(site.parts())
    whole = list(parts)
    parts[place] = dying(parts[place], after=after)
    with pytest.raises(Killed):
        erase.erase(site.engine, "dimaguiba", parts)
    (done,) = erase.resume(site.engine, whole)
    assert done.finished
    assert in_tables(site) == []
    assert found_in(site.home, site.hers) == []
    assert statistics(site) == before


def test_while_the_hub_is_away_the_rest_waits_and_follows(site):
    site.hub.status = 503
    done = erase.erase(site.engine, "dimaguiba", site.parts())
    assert not done.finished
    assert "hub" in done.fault
    assert in_tables(site) == ["dimaguiba"]  # until every part is cleared
    site.hub.status = 0
    (again,) = erase.resume(site.engine, site.parts())
    assert again.finished
    assert in_tables(site) == []


def test_a_gradebook_that_is_locked_for_good_is_told_and_tried_again(site, monkeypatch: pytest.MonkeyPatch):
    from autograder import holding

    def locked(root: Path):
        raise sqlite3.OperationalError("database is locked")

    parts = site.parts()
    with monkeypatch.context() as patched:
        patched.setattr(holding, "_opened", locked)
        with pytest.raises(PlatformFault, match="locked"):
            parts[-1].erase("dimaguiba", "erased-000000000000")
    parts[-1].erase("dimaguiba", "erased-000000000000")


def test_the_registry_names_every_part_that_is_wired(site):
    assert sorted(part.name for part in site.parts()) == sorted(place.holding for place in PLACES if place.holding)


def test_every_folder_of_the_platform_is_in_the_registry_or_holds_nobody():
    from hub_config import state

    named = {
        line.split()[0].split("/")[0] for line in state.__doc__.splitlines() if line and not line.startswith("What")
    }
    nobodys = {"labkit.sqlite", "build", "secrets", "run"}
    assert named == nobodys | {place.folder for place in PLACES if place.folder}


def test_withheld_points_stay_withheld_in_the_export(site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In a lab whose attempts are counted a score is an oracle: the export is no way around it."""
    from hub_config import holdings

    real = holdings.load_course

    def limited(*words):
        from dataclasses import replace

        course = real(*words)
        return replace(course, labs=tuple(replace(lab, attempts=5) for lab in course.labs))

    monkeypatch.setattr(holdings, "load_course", limited)
    files = unpacked(site, tmp_path, "dimaguiba")
    results = [json.loads(content)["report"] for name, content in files.items() if name.startswith("feedback/")]
    hidden = [item for report in results for item in report["items"] if item["hidden"]]
    assert hidden
    assert not [item for item in hidden if "points" in item or "checks" in item]
    tests = [one for one in json.loads(files["gradebook/testing.json"])["grades"] if one["manual_score"] is None]
    assert tests
    assert all(str(one["auto_score"]).startswith("(left out") for one in tests)
    for name in ("scores", "gradings"):
        (row,) = json.loads(files[f"rows/{name}.json"])
        assert row["report"].startswith("(left out")
        assert row["score"].startswith("(left out")

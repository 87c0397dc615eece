"""Every page tried as everybody: who may use it does, who may not finds nothing, and learns nothing from that.

The table of pages comes from the application itself, so a page that is added later is tried too.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from labkit.courses import Course, Lab
from labkit.database.tables import versions
from labkit.pages.access import Access, markdown, table
from labkit.pages.app import Pages
from labkit.pages.site import Site
from labkit.policy import reports
from labkit.programme import invitations
from labkit.programme.people import Membership, Person, provision
from labkit.programme.privacy import consent
from labkit.training.jobs import Jobs, new_id
from labkit.training.spec import Spec
from labkit.workshop import Version, Workshop, Written

HOME = "/services/labkit/"
_HERE = {Access.SIGNED_IN, Access.TAKES_PART, Access.SEES_COURSE}
_TEACHES = {*_HERE, Access.TEACHES, Access.SEES_COHORT}
_LOOKS = {Access.SIGNED_IN, Access.SEES_COHORT, Access.SEES_COURSE}
ROLES = {
    "stranger": set(),
    "new": {Access.SIGNED_IN},
    "ana": {*_HERE, Access.LEARNS},
    "tes": _TEACHES,
    "maria": {*_TEACHES, Access.LEADS, Access.LOOKS_AFTER, Access.WRITES},
    "vic": _LOOKS,
    "obs": {*_LOOKS, Access.PROGRAMME},
    "jose": {*_LOOKS, Access.PROGRAMME, Access.OFFICER, Access.LOOKS_AFTER},
}
# What is one person's own, whatever her role.
OWN = {"/receipts/{id}.json": "ana"}
FORMS = {
    "/people/{username}/erase": {"username": "ana"},
    "/password": {"new": "four plain words here", "again": "four plain words here"},
    "/language": {"language": "fil", "back": HOME},
    "/cohorts/{name}/settings": {"starts": "", "ends": "", "language": "", "allowance": "100"},
    "/cohorts/{name}/invitations": {"places": "3", "days": "7"},
    "/cohorts/{name}/invitations/{invitation}/admit": {"number": "1"},
    "/courses/{course}/models/pause": {"model": "", "lab": "", "cohort": "first"},
    "/courses/{course}/models/exams": {
        **{"cohort": "first", "lab": "clip", "opens": "2027-01-31T09:00", "closes": "2027-01-31T10:00"},
    },
    "/courses/{course}/models/allowances": {"username": "ana", "lab": "clip", "tokens": "500"},
    "/join": {"code": "NOTACODE23", "email": "x@example.org", "given_name": "X"},
}


@pytest.fixture
def site(site: Site) -> Site:
    """Two cohorts of one course and one of another, each with an invitation and a learner with a submission."""
    other = Course("other", "Other", site.courses[0].path, (Lab("other", "clip", "Clip", site.courses[0].path),))
    people = [
        Person(name, f"{name}@example.org", name.title(), "X") for name in ("tes", "vic", "bea", "cid", "nan", "ora")
    ]
    people.append(Person("obs", "obs@example.org", "Obs", "X", observer=True))
    places = [
        *(("tes", "first", "testing", "assistant"), ("vic", "first", "testing", "observer")),
        *(("bea", "second", "testing", "learner"), ("nan", "second", "testing", "instructor")),
        *(("cid", "third", "other", "learner"), ("ora", "third", "other", "instructor")),
    ]
    provision(site.engine, people, [Membership(*place) for place in places])
    for one in people:
        consent.give(site.engine, one.username, "en")
    for cohort in ("first", "second", "third"):
        code = invitations.make(site.engine, cohort, 0, timedelta(days=7))
        invitations.ask(site.engine, code, {"email": f"w-{cohort}@example.org", "given_name": "W"})
    return replace(site, courses=[*site.courses, other], workshop=with_versions(site, ["testing", "other"]))


class Listed(Workshop):
    """Of versions whose text nobody reads here."""

    def labs(self, version: Version) -> list[Written]:
        return [Written("clip", "Clip", {}, ("en",))]


def with_versions(site: Site, courses: list[str]) -> Workshop:
    """Of each the operator's version, and one that was sent, holds and was previewed."""
    workshop = Listed(site.engine, site.courses[0].path / "workshop")
    seen = {"previews": [{"lab": "clip", "language": "en", "stops": None}]}
    now = datetime.now(UTC)
    for name in courses:
        first = Version(name, 1, "0" * 40, None, now, "holds", 0, {})
        made = replace(first, number=2, made_by="maria", found=seen)
        with site.engine.begin() as connection:
            connection.execute(versions.insert(), [vars(first), vars(made)])
        workshop.previews(made).mkdir(parents=True)
        (workshop.previews(made) / "clip.en.html").write_text("<p>as she sees it")
    return workshop


def rows() -> list[tuple[str, str, Access]]:
    """The table of a site that nobody uses: what is collected, before any fixture is made."""
    from types import SimpleNamespace

    nothing = SimpleNamespace(prefix=HOME, origin="http://test", engine=None, sign_in=SimpleNamespace(finish=None))
    return table(Pages(nothing).application())


ROWS = rows()


def filled(site: Site, path: str, *, cohort: str = "first", username: str = "ana", course: str = "testing") -> str:
    """The path with objects of one cohort in it."""
    mine = site.store.of_person(username, course, "clip")
    values = {
        "course": course,
        "lab": "clip",
        "username": username,
        "name": cohort,
        "form": "csv",
        "id": mine[0].id if mine else "0" * 32,
        "number": "2",
        "language": "en",
        "training": trained(site, username, cohort, course),
        "report": reported(site, username, cohort, course),
        "applicant": applicant_of(site, cohort),
        "invitation": invitations.of_cohort(site.engine, cohort)[0].id if cohort != "nowhere" else "0" * 32,
    }
    return HOME + re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path).lstrip("/").replace("…", "labkit.css")


def trained(site: Site, username: str, cohort: str, course: str) -> str:
    """A training that waits."""
    if cohort == "nowhere":
        return "ftjob-" + "0" * 24
    where = {"username": username, "cohort": cohort, "course": course, "lab": "clip"}
    data = dict.fromkeys(("training_file", "training_digest"), "f") | {"step_tokens": 10.0}
    data |= dict.fromkeys(("validation_file", "validation_digest"))
    jobs = Jobs(site.engine)
    mine = [job.id for job in jobs.of(username, course, "clip")]
    return mine[0] if mine else jobs.add(new_id(), where, Spec("base"), {}, data).id


def applicant_of(site: Site, cohort: str) -> str:
    (invitation,) = invitations.of_cohort(site.engine, cohort) or (None,)
    return invitations.waiting(site.engine, invitation.id)[0].id if invitation else "0" * 32


def reported(site: Site, username: str, cohort: str, course: str) -> str:
    known = [one.id for one in reports.of_cohorts(site.engine, course, [cohort])]
    if known or cohort == "nowhere":
        return known[0] if known else "0" * 32
    return reports.add(site.engine, reports.Report(username, cohort, course, "clip", "small", "a", "b", "wrong"))


def hand_in(site: Site, username: str, course: str = "testing") -> None:
    site.store.receive(username, course, "clip", {"clip.ipynb": f"{username} {course}".encode()}, ["clip.ipynb"])


async def call(client: httpx.AsyncClient, who: str, method: str, path: str, route: str) -> httpx.Response:
    client.cookies.clear()
    if who != "stranger":
        client.cookies.set("who", who)
    return await client.request(method, path, data=FORMS.get(route, {"x": "y"}) if method == "POST" else None)


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize(("method", "route", "access"), ROWS, ids=lambda value: getattr(value, "name", value))
async def test_a_page_is_for_those_the_table_says(
    client: httpx.AsyncClient, site: Site, who: str, method: str, route: str, access: Access
):
    hand_in(site, "ana")
    answer = await call(client, who, method, filled(site, route), route)
    told = (answer.status_code, answer.headers.get("location", ""))

    if access is Access.ANYBODY:
        assert answer.status_code < 500
    elif who == "stranger":
        assert told == (303, "/hub/sign-in")
    elif access in ROLES[who] and OWN.get(route, who) == who:
        assert answer.status_code < 500 and answer.status_code not in (403, 404), told
        assert told[1] != "/hub/sign-in"
    else:
        assert answer.status_code == 404 and "nothing here for you" in answer.text


ELSEWHERE = [
    (method, route, access)
    for method, route, access in ROWS
    if re.search(r"\{(username|name|course)\}", route) and access is not Access.ANYBODY
]
# Who is at home in the first cohort only, and tries the objects of the second and of another course by their ids.
NEIGHBOURS = ("ana", "tes", "maria", "vic", "new")


@pytest.mark.parametrize("who", NEIGHBOURS)
@pytest.mark.parametrize(("method", "route", "access"), ELSEWHERE, ids=lambda value: getattr(value, "name", value))
async def test_what_is_another_cohorts_is_refused_as_if_it_were_not_there(
    client: httpx.AsyncClient, site: Site, who: str, method: str, route: str, access: Access
):
    hand_in(site, "bea")
    hand_in(site, "cid", "other")
    own = "{username}" not in route and "{name}" not in route  # a lab of her own course: nobody's but hers
    theirs = [] if own else [filled(site, route, cohort="second", username="bea")]
    theirs.append(filled(site, route, cohort="third", username="cid", course="other"))
    nowhere = filled(site, route, cohort="nowhere", username="nobody", course="nothing")

    absent = await call(client, who, method, nowhere, route)
    assert absent.status_code == 404
    for path in theirs:
        answer = await call(client, who, method, path, route)
        assert answer.status_code == 404
        assert answer.text.replace(path, "") == absent.text.replace(nowhere, "")


@pytest.mark.parametrize("who", ["ben", "maria", "tes", "jose", "obs", "nan"])
async def test_a_receipt_is_its_owners_alone(client: httpx.AsyncClient, site: Site, who: str):
    hand_in(site, "ana")
    route = "/receipts/{id}.json"
    answer = await call(client, who, "GET", filled(site, route), route)
    absent = await call(client, who, "GET", filled(site, route, username="new"), route)
    assert answer.status_code == absent.status_code == 404


async def test_a_suspended_instructor_and_an_assistant_of_another_cohort_read_nothing(
    client: httpx.AsyncClient, site: Site
):
    from sqlalchemy import update

    from labkit.database.tables import enrolments

    hand_in(site, "ana")
    path = f"{HOME}labs/testing/clip/learners/ana"
    assert (await call(client, "maria", "GET", path, "")).status_code == 200
    with site.engine.begin() as connection:
        gone = update(enrolments).where(enrolments.c.username == "maria")
        connection.execute(gone.values(suspended_at=site.store.of_person("ana", "testing", "clip")[0].received_at))
    assert (await call(client, "maria", "GET", path, "")).status_code == 404
    assert (await call(client, "nan", "GET", path, "")).status_code == 404


def test_the_table_in_the_documentation_is_the_applications():
    text = (Path(__file__).parents[3] / "docs" / "roles.md").read_text()
    assert markdown(ROWS) in text, f"docs/roles.md wants this table:\n{markdown(ROWS)}"

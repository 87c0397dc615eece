"""A cohort's page: figures, lists, settings, links, codes and exports; and the page on which a stranger asks."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import httpx
import openpyxl
import pytest
from sqlalchemy import select, update

from labkit.database.tables import enrolments, people
from labkit.pages.site import Site
from labkit.programme import cohorts, invitations, links
from labkit.programme.enrolment import Enrolment
from labkit.programme.people import Membership, Person, provision
from labkit.programme.privacy import consent

HOME = "/services/labkit/"
COHORT = f"{HOME}cohorts/first"


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


@pytest.fixture
def officer(client: httpx.AsyncClient) -> httpx.AsyncClient:
    client.cookies.set("who", "jose")
    return client


def came(site: Site, username: str, region: str = "") -> None:
    from datetime import UTC, datetime

    with site.engine.begin() as connection:
        hers = update(people).where(people.c.username == username)
        connection.execute(hers.values(signed_in_at=datetime.now(UTC), region=region or None))


async def test_figures_come_by_cohort_and_by_region(officer, site: Site):
    came(site, "ana", "NCR")
    page = text_of((await officer.get(COHORT)).text)
    assert "Signed in 50 % 1 (50 %)" in page
    assert "NCR 1 1 (100 %) 0 (0 %) 0 (0 %)" in page and "unknown 1 0 (0 %)" in page


@pytest.mark.parametrize(
    ("kind", "names"),
    [("all", ["Ben", "Ana"]), ("not-signed-in", ["Ben"]), ("nothing-handed-in", ["Ana"]), ("left", [])],
)
async def test_who_has_not_signed_in_is_a_list_and_so_are_the_others(officer, site: Site, kind: str, names: list[str]):
    came(site, "ana")
    page = (await officer.get(f"{COHORT}?kind={kind}")).text
    assert re.findall(r'<tr><th scope="row">(\w+)', page) == names
    rows = list(
        csv.DictReader(io.StringIO((await officer.get(f"{COHORT}/people.csv?kind={kind}")).text.lstrip("\ufeff")))
    )
    assert [row["given_name"] for row in rows] == names


async def test_an_export_is_the_same_in_both_forms_and_runs_nothing(officer, site: Site):
    with site.engine.begin() as connection:
        connection.execute(update(people).where(people.c.username == "ana").values(given_name='=HYPERLINK("http://x")'))
    as_csv = await officer.get(f"{COHORT}/people.csv")
    assert as_csv.content.startswith(b"\xef\xbb\xbf") and "attachment" in as_csv.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(as_csv.content.decode("utf-8-sig"))))
    sheet = openpyxl.load_workbook(io.BytesIO((await officer.get(f"{COHORT}/people.xlsx")).content)).active

    header, first = rows[0], dict(zip(rows[0], rows[2], strict=True))
    assert [cell.value for cell in sheet[1]] == header
    assert first["given_name"].startswith("'=")
    cell = sheet.cell(3, header.index("given_name") + 1)
    assert cell.data_type == "s" and cell.value == '=HYPERLINK("http://x")'


async def test_all_figures_are_exported_by_cohort_and_region(officer, site: Site):
    came(site, "ana", "NCR")
    rows = list(csv.DictReader(io.StringIO((await officer.get(f"{HOME}figures.csv")).text.lstrip("\ufeff"))))
    assert [(row["cohort"], row["region"], row["enrolled"], row["signed_in"]) for row in rows] == [
        ("first", "all", "2", "1"),
        ("first", "NCR", "1", "1"),
        ("first", "unknown", "1", "0"),
    ]
    assert (await officer.get(f"{HOME}figures.xlsx")).content.startswith(b"PK")
    assert (await officer.get(f"{HOME}figures.pdf")).status_code == 404


async def test_dates_language_and_allowance_are_set_and_hold(officer, site: Site):
    form = {"starts": "2999-01-01", "ends": "2999-12-31", "language": "fil", "allowance": "150"}
    assert (await officer.post(f"{COHORT}/settings", data=form)).headers["location"].endswith("?done=changed")
    found = cohorts.find(site.engine, "first")
    assert found.starts_at.isoformat() == "2998-12-31T16:00:00+00:00"  # midnight in Manila
    assert found.ends_at.isoformat() == "2999-12-31T16:00:00+00:00"  # the last day is whole
    page = (await officer.get(COHORT)).text
    assert 'value="2999-01-01"' in page and 'value="2999-12-31"' in page and "150 % of each lab" in page

    officer.cookies.set("who", "ana")
    answer = await officer.get(f"{HOME}labs/testing/clip/open")
    assert "Your cohort begins" in answer.text and site.servers.started == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends": "2026-01-01"},
        {"allowance": "-1"},
        {"allowance": "many"},
        {"starts": "soon"},
        {"language": "xx"},
        {"ends": "10000-01-01"},
    ],
)
async def test_wrong_settings_change_nothing(officer, site: Site, wrong: dict[str, str]):
    before = cohorts.find(site.engine, "first")
    form = {"starts": "2026-06-01", "ends": "", "language": "", "allowance": "100", **wrong}
    answer = await officer.post(f"{COHORT}/settings", data=form)
    assert answer.status_code == 422 and "Nothing was saved" in answer.text
    assert cohorts.find(site.engine, "first") == before


async def test_links_come_as_a_sheet_and_a_merge_file_for_those_who_never_came(officer, site: Site):
    came(site, "ana")
    answer = await officer.post(f"{COHORT}/links")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        page, merge = bundle.read("sheet.html").decode(), bundle.read("merge.csv").decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(merge))

    assert row["email"] == "ben@example.org" and row["link"] in page
    assert "<svg" in page and "<script>alert" not in page and "http-equiv" not in page
    assert "Buksan ang link na ito" in page  # ben reads Filipino
    token = row["link"].rpartition("/")[2]
    assert links.redeem(site.engine, token) == "ben"
    assert links.history(site.engine, "ben")[0].issued_by == "jose"


async def test_a_sheet_holds_nobody_with_power(officer, site: Site):
    members = [Membership("maria", "second", "testing", "learner"), Membership("jose", "second", "testing", "learner")]
    provision(
        site.engine,
        [Person("x", "x@example.org", "X", "Y")],
        [*members, Membership("x", "second", "testing", "learner")],
    )
    answer = await officer.post(f"{HOME}cohorts/second/links")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        emails = [row["email"] for row in csv.DictReader(io.StringIO(bundle.read("merge.csv").decode("utf-8-sig")))]
    assert emails == ["x@example.org"]


async def test_a_stranger_with_a_code_asks_and_the_officer_admits(officer, site: Site):
    page = (await officer.post(f"{COHORT}/invitations", data={"places": "1", "days": "7"})).text
    code = re.search(r"code is (\w{10})", page)[1]
    officer.cookies.clear()
    form = {"code": code, "given_name": "Bea", "family_name": "<i>", "language": "fil", "region": "NCR"}
    assert "You ask for a place in" in (await officer.get(f"{HOME}join?code={code}")).text
    answers = {
        (await officer.post(f"{HOME}join", data={**form, "email": f"{n}@example.org"})).text
        for n in ("bea", "cid", "ana")
    }
    assert len(answers) == 1 and "Your request is noted" in answers.pop()

    officer.cookies.set("who", "jose")
    shown = (await officer.get(COHORT)).text
    assert "1 of 1 places taken, 2 waiting" in text_of(shown) and "<i>" not in shown
    invitation = invitations.of_cohort(site.engine, "first")[0].id
    await officer.post(f"{COHORT}/invitations/{invitation}/admit", data={"number": "1"})
    assert Enrolment(site.engine).role("cid", "testing") == "learner"
    await officer.post(f"{COHORT}/invitations/{invitation}/close")
    assert (await officer.get(f"{HOME}join?code={code}")).status_code == 404


@pytest.mark.parametrize(("places", "days"), [("-1", "7"), ("x", "7"), ("3", "0"), ("3", "9" * 40)])
async def test_no_code_is_made_of_nonsense(officer, site: Site, places: str, days: str):
    answer = await officer.post(f"{COHORT}/invitations", data={"places": places, "days": days})
    assert answer.status_code == 422 and "No code was made" in answer.text


async def test_what_is_wrong_with_a_strangers_form_is_marked(client: httpx.AsyncClient, site: Site):
    from datetime import timedelta

    code = invitations.make(site.engine, "first", 5, timedelta(days=1))
    answer = await client.post(
        f"{HOME}join", data={"code": code, "email": "nobody", "given_name": "Bea", "language": "en"}
    )
    assert answer.status_code == 422
    assert re.findall(r'id="(\w+)"[^>]*aria-invalid', answer.text) == ["email"] and 'value="Bea"' in answer.text


@pytest.mark.parametrize("code", ["NOPE", "\0", "é" * 500])
async def test_a_code_that_is_none_asks_again(client: httpx.AsyncClient, code: str):
    answer = await client.get(f"{HOME}join", params={"code": code})
    assert answer.status_code == 404 and "This code does not work" in answer.text
    assert (await client.get(f"{HOME}join")).status_code == 200


async def test_an_observer_of_a_cohort_reads_it_and_is_offered_nothing_to_do(client: httpx.AsyncClient, site: Site):
    provision(
        site.engine, [Person("vic", "vic@example.org", "Vic", "X")], [Membership("vic", "first", "testing", "observer")]
    )
    consent.give(site.engine, "vic", "en")
    client.cookies.set("who", "vic")
    page = (await client.get(COHORT)).text
    assert "How far they are" in page
    assert "/links" not in page and "/settings" not in page and "people.csv" not in page
    assert "cohorts/first" in (await client.get(HOME)).text
    with site.engine.connect() as connection:
        assert (
            connection.execute(select(enrolments.c.role).where(enrolments.c.username == "vic")).scalar() == "observer"
        )


async def test_everybody_in_a_cohort_reads_who_looked_at_its_list(officer, site: Site):
    for _ in range(2):
        await officer.get(COHORT)
        await officer.get(f"{COHORT}/people.csv")
    await officer.get(f"{HOME}cohorts/first?kind=left")
    officer.cookies.set("who", "ana")
    page = text_of((await officer.get(f"{HOME}account")).text)
    assert page.count("Jose Santos; the list of your cohort") == 1
    assert page.count("Jose Santos; downloaded the list of your cohort") == 1
    officer.cookies.set("who", "new")
    assert "Jose Santos" not in (await officer.get(f"{HOME}account")).text

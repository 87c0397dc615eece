"""The notice comes first; people take their data along; only an officer erases, and only whom she means."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile

import httpx
import pytest
from sqlalchemy import delete, update
from starlette.requests import Request

from labkit.database.tables import consents, submissions
from labkit.errors import PlatformFault
from labkit.pages.access import Access
from labkit.pages.privacy import PrivacyPages
from labkit.pages.site import Site
from labkit.pages.view import View
from labkit.programme.people import Membership, Person, person, provision
from labkit.programme.privacy import consent, erase, looks
from labkit.programme.privacy.retention import Periods

HOME = "/services/labkit/"
ANYBODY = Access.ANYBODY
# What somebody with every right may open.
PAGES = (
    *("", "account", "password", "arrivals", "people", "status", "cohorts/first", "receipts/x.json"),
    *("labs/testing/clip", "labs/testing/clip/result", "labs/testing/clip/open", "labs/testing/clip/learners/ana"),
    "people/ana/erase",
)
FORMS = ("password", "account/data", "people/ana/link", "people/ana/end", "people/ana/data", "people/ana/erase")


@pytest.fixture
def unasked(site: Site, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Somebody with every right who has not agreed yet."""
    with site.engine.begin() as connection:
        connection.execute(delete(consents))
    client.cookies.set("who", "jose")
    return client


class TestTheNotice:
    @pytest.mark.parametrize("path", PAGES)
    async def test_every_page_leads_to_it(self, unasked: httpx.AsyncClient, path: str):
        answer = await unasked.get(f"{HOME}{path}")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{HOME}privacy?then=")

    @pytest.mark.parametrize("path", FORMS)
    async def test_no_form_does_anything_before(self, unasked: httpx.AsyncClient, site: Site, path: str):
        answer = await unasked.post(f"{HOME}{path}", data={"typed": "ana"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}privacy")
        assert person(site.engine, "ana") is not None
        assert looks.of(site.engine, "ana") == ()

    async def test_a_part_of_a_page_sends_the_whole_page_there(self, unasked: httpx.AsyncClient):
        answer = await unasked.get(f"{HOME}arrivals", headers={"HX-Request": "true"})
        assert (answer.status_code, answer.headers["hx-redirect"]) == (200, f"{HOME}privacy")

    async def test_a_route_that_is_added_asks_too(self, unasked: httpx.AsyncClient, site: Site):
        """No other page than those named here opens before consent."""
        from labkit.pages.app import Pages

        routes = Pages(site).application().routes[0].routes
        free = {"/privacy", "/privacy/decline", "/language", "/sessions/end", "/static"}
        strangers = {one.path for one in routes if getattr(one, "endpoint", None) and one.endpoint.access is ANYBODY}
        assert strangers == {"/sign-out", "/oauth_callback", "/health", "/join"}
        for route in (one for one in routes if one.path not in free | strangers):
            path = route.path.format(**dict.fromkeys(route.param_convertors, "x"))
            method = "POST" if "POST" in route.methods else "GET"
            answer = await unasked.request(method, f"{HOME}{path[1:]}")
            assert answer.headers.get("location", "").startswith(f"{HOME}privacy"), path

    async def test_she_agrees_with_one_button_and_is_where_she_was(self, unasked: httpx.AsyncClient, site: Site):
        page = (await unasked.get(f"{HOME}account", follow_redirects=True)).text
        assert "I agree" in page
        assert f'name="then" value="{HOME}account"' in page
        answer = await unasked.post(f"{HOME}privacy", data={"then": f"{HOME}account"})
        assert answer.headers["location"] == f"{HOME}account"
        assert (await unasked.get(f"{HOME}account")).status_code == 200
        assert not consent.needed(site.engine, "jose")
        assert "I agree" not in (await unasked.get(f"{HOME}privacy")).text

    @pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/hub/logout", f"{HOME}/\\evil", ""])
    async def test_it_leads_nowhere_else(self, unasked: httpx.AsyncClient, then: str):
        answer = await unasked.post(f"{HOME}privacy", data={"then": then})
        assert answer.headers["location"] == HOME

    async def test_another_version_asks_again(self, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
        client.cookies.set("who", "ana")
        assert (await client.get(HOME)).status_code == 200
        monkeypatch.setattr(consent, "NOTICE", "2031-01")
        assert (await client.get(HOME)).status_code == 303

    async def test_who_does_not_agree_is_signed_out_and_told_whom_to_tell(self, unasked: httpx.AsyncClient, site: Site):
        answer = await unasked.post(f"{HOME}privacy/decline")
        assert "Tell an officer of your programme" in answer.text
        assert site.sign_in.ended == ["jose"]
        assert consent.needed(site.engine, "jose")

    async def test_it_is_read_in_filipino_and_the_language_can_be_changed_there(self, unasked: httpx.AsyncClient):
        unasked.cookies.set("who", "ben")
        page = (await unasked.get(f"{HOME}privacy")).text
        assert "Sumasang-ayon ako" in page
        answer = await unasked.post(f"{HOME}language", data={"language": "en", "back": f"{HOME}privacy"})
        assert answer.headers["location"] == f"{HOME}privacy"
        assert "I agree" in (await unasked.get(f"{HOME}privacy")).text

    async def test_it_tells_the_periods_and_the_contact_that_hold_here(self, client: httpx.AsyncClient, site: Site):
        client.cookies.set("who", "ana")
        page = (await client.get(f"{HOME}privacy")).text
        assert "Your work: 3 years after" in page
        assert "Your account: 5 years after" in page
        object.__setattr__(site, "periods", Periods(submissions=500, suspended=365))
        object.__setattr__(site, "contact", "<b>dpo@example.org</b>")
        page = (await client.get(f"{HOME}privacy")).text
        assert "Your work: 500 days after" in page
        assert "Your account: 1 year after" in page
        assert "Ask: &lt;b&gt;dpo@example.org" in page

    async def test_all_sessions_can_be_ended_before(self, unasked: httpx.AsyncClient, site: Site):
        assert (await unasked.post(f"{HOME}sessions/end")).headers["location"] == HOME
        assert site.sign_in.ended == ["jose"]


class TestHerData:
    async def test_she_downloads_her_own(self, client: httpx.AsyncClient, site: Site):
        site.store.receive("ana", "testing", "clip", {"clip.ipynb": b"hers"}, [])
        client.cookies.set("who", "ana")
        for _ in range(2):  # once it is sent, again
            answer = await client.post(f"{HOME}account/data")
            assert answer.headers["content-type"] == "application/zip"
            assert answer.headers["cache-control"] == "no-store"
            archive = zipfile.ZipFile(io.BytesIO(answer.content))
            assert json.loads(archive.read("rows/people.json"))[0]["username"] == "ana"
            assert "ben" not in "".join(archive.read(name).decode() for name in archive.namelist())
        assert looks.of(site.engine, "ana") == ()

    async def test_opening_the_address_does_nothing(self, client: httpx.AsyncClient):
        client.cookies.set("who", "jose")
        for path in ("account/data", "people/ana/data"):
            assert (await client.get(f"{HOME}{path}")).status_code == 405

    async def test_an_officer_downloads_hers_and_she_sees_it(self, client: httpx.AsyncClient):
        client.cookies.set("who", "jose")
        assert (await client.post(f"{HOME}people/ana/data")).headers["content-type"] == "application/zip"
        client.cookies.set("who", "ana")
        page = (await client.get(f"{HOME}account")).text
        assert "Jose Santos" in page
        assert "downloaded all your data" in page

    async def test_only_one_at_a_time_is_made_of_one_person(self, site: Site):
        pages = PrivacyPages(site, View(site))
        ana, new = person(site.engine, "ana"), person(site.engine, "new")
        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        first = await pages.my_data(Request(scope), ana)
        assert (await pages.my_data(Request(scope), ana)).status_code == 429
        other = await pages.my_data(Request(scope), new)
        assert (first.status_code, other.status_code) == (200, 200)
        for answer in (first, other):
            await send_away(answer, scope)  # her browser is gone in the middle of it
            assert answer._file.closed
        await send_away(await pages.my_data(Request(scope), ana), scope)

    async def test_what_cannot_be_made_can_be_asked_for_again(self, site: Site, client: httpx.AsyncClient):
        class Broken:
            name = "broken"

            def export(self, username: str):
                raise PlatformFault("The disk is away.")

        object.__setattr__(site, "holdings", (Broken(),))
        client.cookies.set("who", "ana")
        assert (await client.post(f"{HOME}account/data")).status_code == 503
        object.__setattr__(site, "holdings", ())
        assert (await client.post(f"{HOME}account/data")).status_code == 200


async def never():
    await asyncio.Event().wait()


async def gone(message):
    if message["type"] == "http.response.body":
        raise ConnectionResetError


async def send_away(answer, scope):
    with pytest.raises(ConnectionResetError):
        await answer({**scope, "asgi": {"spec_version": "2.0"}}, never, gone)


WHO_MAY = {"jose": {"ana", "ben", "maria", "new"}, "luz": {"ana", "ben", "maria", "new"}, "maria": set(), "ana": set()}
NAMES = ("ana", "ben", "maria", "jose", "luz", "new", "other", "nobody", "..", "%2e%2e%2fben", "a%00", "erased-0")


@pytest.mark.parametrize("who", WHO_MAY)
@pytest.mark.parametrize("action", ["data", "look", "erase"])
async def test_nobody_exports_or_erases_whom_she_may_not(client: httpx.AsyncClient, site: Site, who: str, action: str):
    """Instructors neither: of nobody in another course, nor in their own, for the data are of all courses."""
    provision(site.engine, [Person("other", "o@x.org", "O", "X")], [Membership("other", "far", "elsewhere", "learner")])
    client.cookies.set("who", who)
    done = set()
    for name in NAMES:
        if action == "look":
            answer = await client.get(f"{HOME}people/{name}/erase")
        else:
            path = f"{HOME}people/{name}/{'data' if action == 'data' else 'erase'}"
            answer = await client.post(path, data={"typed": name})
        if answer.status_code in (200, 409):
            done.add(name)
        else:
            assert answer.status_code == 404
    assert done == WHO_MAY[who] | ({"other"} if WHO_MAY[who] else set())
    erased = {name for name in ("ana", "ben", "maria", "new", "other", who) if person(site.engine, name) is None}
    assert erased == (done - {"maria"} if action == "erase" else set())


class TestErasing:
    async def test_it_shows_what_will_happen_before(self, client: httpx.AsyncClient, site: Site):
        site.store.receive("ana", "testing", "clip", {"clip.ipynb": b"hers"}, [])
        with site.engine.begin() as connection:
            connection.execute(update(submissions).values(state="graded"))
        client.cookies.set("who", "jose")
        page = (await client.get(f"{HOME}people/ana/erase")).text
        assert "<dt>Submissions</dt><dd>1</dd>" in page
        assert "first" in page
        assert "Erase her for good" in page

    @pytest.mark.parametrize("typed", ["", "Ana", "ben", "ana cruz", "ana\0", None])
    async def test_without_the_right_name_typed_nothing_happens(self, client: httpx.AsyncClient, site: Site, typed):
        client.cookies.set("who", "jose")
        answer = await client.post(f"{HOME}people/ana/erase", data={} if typed is None else {"typed": typed})
        assert answer.status_code == 422
        assert "Nothing was erased." in answer.text
        assert person(site.engine, "ana").given_name == "Ana"

    async def test_from_another_origin_nothing_happens(self, client: httpx.AsyncClient, site: Site):
        client.cookies.set("who", "jose")
        foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
        answer = await client.post(f"{HOME}people/ana/erase", data={"typed": "ana"}, headers=foreign)
        assert answer.status_code == 403
        assert person(site.engine, "ana") is not None

    async def test_she_is_gone_from_every_page_and_her_session_is_over(self, client: httpx.AsyncClient, site: Site):
        client.cookies.set("who", "jose")
        answer = await client.post(f"{HOME}people/ana/erase", data={"typed": " ana "})
        assert "Ana Cruz is erased." in answer.text
        for path in ("", "people", "cohorts/first"):
            assert "Cruz" not in (await client.get(f"{HOME}{path}")).text
        found = (await client.get(f"{HOME}people")).text
        assert erase.PREFIX not in found
        client.cookies.set("who", "ana")
        assert (await client.get(HOME)).headers["location"] == "/hub/sign-in"

    async def test_whoever_is_being_graded_waits(self, client: httpx.AsyncClient, site: Site):
        site.store.receive("ana", "testing", "clip", {"clip.ipynb": b"hers"}, [])
        with site.engine.begin() as connection:
            connection.execute(update(submissions).values(state="grading"))
        client.cookies.set("who", "jose")
        answer = await client.post(f"{HOME}people/ana/erase", data={"typed": "ana"})
        assert answer.status_code == 409
        assert "Wait a minute" in answer.text
        assert "Erase her for good" not in answer.text

    async def test_a_part_that_is_away_is_told(self, client: httpx.AsyncClient, site: Site):
        class Away:
            name = "away"

            def erase(self, username: str, pseudonym: str) -> None:
                raise PlatformFault("The hub does not answer.")

        object.__setattr__(site, "holdings", (Away(),))
        client.cookies.set("who", "jose")
        answer = await client.post(f"{HOME}people/ana/erase", data={"typed": "ana"})
        assert "still to be deleted" in answer.text
        assert person(site.engine, "ana") is None


class TestWhoLooked:
    async def test_an_instructor_who_reads_a_result_is_seen(self, client: httpx.AsyncClient):
        client.cookies.set("who", "maria")
        assert (await client.get(f"{HOME}labs/testing/clip/learners/ana")).status_code == 200
        await client.post(f"{HOME}people/ana/link")
        client.cookies.set("who", "ana")
        page = (await client.get(f"{HOME}account")).text
        assert "your result in testing/clip" in page
        assert "made a sign-in link for you" in page
        assert page.count("Maria Reyes") >= 2

    async def test_who_was_refused_did_not_look(self, client: httpx.AsyncClient, site: Site):
        for who in ("ben", "new"):
            client.cookies.set("who", who)
            await client.get(f"{HOME}labs/testing/clip/learners/ana")
            await client.post(f"{HOME}people/ana/link")
            await client.post(f"{HOME}people/ana/data")
        assert looks.of(site.engine, "ana") == ()

    async def test_nobody_sees_who_looked_at_another(self, client: httpx.AsyncClient, site: Site):
        looks.record(site.engine, "maria", "ana", "result testing/clip")
        client.cookies.set("who", "ben")
        assert "Maria Reyes" not in (await client.get(f"{HOME}account")).text

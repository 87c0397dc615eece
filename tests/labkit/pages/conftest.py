"""A site on SQLite with small doubles for the hub's sign-in and servers, and a client that posts like a browser."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.responses import RedirectResponse

from labkit.allowance import Ledger
from labkit.courses import Course, Lab
from labkit.database import connect, migrate
from labkit.errors import PlatformFault
from labkit.pages.app import Pages
from labkit.pages.site import Part, Session, Site
from labkit.pages.uploads import Uploads
from labkit.programme.enrolment import Enrolment
from labkit.programme.people import Membership, Person, provision
from labkit.programme.privacy import consent
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

HOME = "/services/labkit/"
ORIGIN = "http://test"
PEOPLE = (
    Person("ana", "ana@example.org", "Ana", "Cruz"),
    Person("ben", "ben@example.org", "Ben", "<script>alert(1)</script>", "fil"),
    Person("maria", "maria@example.org", "Maria", "Reyes"),
    Person("jose", "jose@example.org", "Jose", "Santos", officer=True),
    Person("luz", "luz@example.org", "Luz", "Garcia", officer=True),
    Person("new", "new@example.org", "New", "Comer"),
)


class CookieSignIn:
    """Believes the cookies `who` and `began` (seconds since 1970; now, where it is not there)."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.fails = False

    async def session(self, request):
        who, began = request.cookies.get("who"), request.cookies.get("began")
        at = datetime.fromtimestamp(float(began), UTC) if began else datetime.now(UTC)
        return Session(who, at) if who else None

    def begin(self, request):
        return RedirectResponse("/hub/sign-in", 303)

    async def finish(self, request):
        return RedirectResponse(HOME, 303)

    def end(self, request):
        return RedirectResponse("/hub/logout", 307)

    async def end_everywhere(self, username):
        if self.fails:
            raise PlatformFault("The hub does not answer.")
        self.ended.append(username)

    async def end_elsewhere(self, request, username, then):
        await self.end_everywhere(username)
        return RedirectResponse(f"/hub/resume?next={then}", 303)

    def link(self, token):
        return f"{ORIGIN}/hub/link/{token}"


class CountedServers:
    """Ready after it was asked `steps` times."""

    def __init__(self, steps: int) -> None:
        self.steps, self.started = steps, 0

    async def state(self, username):
        if not self.started:
            return "stopped"
        self.steps -= 1
        return "ready" if self.steps < 0 else "starting"

    async def start(self, username):
        self.started += 1

    def url(self, username):
        return f"http://{username}.test/user/{username}/"

    def formgrader_url(self, course):
        return f"http://formgrader-{course}.test/services/formgrader-{course}/"


class TwoParts:
    async def parts(self):
        return (Part("hub", True, "answers in 3 ms"), Part("model", False, "no answer for 20 s"))


@pytest.fixture(scope="session")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with everybody in it, made once: migrating takes longer than most tests."""
    file = tmp_path_factory.mktemp("pages") / "labkit.sqlite"
    url = f"sqlite:///{file}"
    migrate(url)
    engine = connect(url)
    members = [Membership(name, "first", "testing", "learner") for name in ("ana", "ben")]
    provision(engine, PEOPLE, [*members, Membership("maria", "first", "testing", "instructor")])
    for one in PEOPLE:
        consent.give(engine, one.username, "en")
    engine.dispose()
    return file


@pytest.fixture
def site(tmp_path: Path, first_day: Path) -> Site:
    shutil.copy(first_day, tmp_path / "labkit.sqlite")
    engine = connect(f"sqlite:///{tmp_path / 'labkit.sqlite'}")
    lab = Lab("testing", "clip", "Clip a reward", tmp_path, titles={"fil": "Putulin ang gantimpala"})
    yield Site(
        prefix=HOME,
        origin=ORIGIN,
        sign_in=CookieSignIn(),
        servers=CountedServers(1),
        engine=engine,
        enrolment=Enrolment(engine),
        courses=[Course("testing", "Testing", tmp_path, (lab,))],
        store=Store(engine, Blobs(tmp_path / "blobs"), Signer(tmp_path / "receipts.pem")),
        scores=Scores(engine),
        ledger=Ledger(engine),
        timezone=ZoneInfo("Asia/Manila"),
        uploads=Uploads(tmp_path / "uploads"),
        health=TwoParts(),
    )
    engine.dispose()


@pytest.fixture
async def client(site: Site):
    """A browser on a page of ours; `client.cookies.set("who", ...)` signs somebody in."""
    transport = httpx.ASGITransport(Pages(site).application())
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as client:
        yield client

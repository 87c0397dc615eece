"""On the running platform: an officer erases a learner in the browser; what was left undone is finished."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine, select

from labkit.database import connect
from labkit.database.tables import erasures
from labkit.errors import PlatformFault
from labkit.programme.people import Membership, Person, person, provision
from labkit.programme.privacy import erase

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(600),
]


@pytest.fixture
def engine(platform) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{platform.home / 'labkit.sqlite'}")
    yield engine
    engine.dispose()


def hub(platform, method: str, path: str) -> httpx.Response:
    """As the pages ask it."""
    token = (platform.home / "secrets" / "service-labkit").read_text()
    url = f"{platform.url}/hub/api/users/{path}"
    return httpx.request(method, url, headers={"Authorization": f"token {token}"}, timeout=60)


def arrive(platform, engine: Engine, sign_in, username: str):
    """Somebody new signs in and has a server and a home."""
    someone = Person(username, f"{username}@example.org", username.title(), "Tagalog")
    provision(engine, [someone], [Membership(username, "passing", "testing", "learner")])
    page = sign_in(username)
    assert hub(platform, "POST", f"{username}/server").status_code in (201, 202)
    while not hub(platform, "GET", username).json()["servers"].get("", {}).get("ready"):
        page.wait_for_timeout(300)
    assert (platform.home / "homes" / username).is_dir()
    return page


def test_an_officer_erases_a_learner_who_is_at_work(platform, engine: Engine, sign_in):
    hers = arrive(platform, engine, sign_in, "zoraida")
    page = sign_in("jose")
    page.goto(f"{platform.url}/services/labkit/people/zoraida/erase")
    page.get_by_label("Type her username").fill("zoraida")
    page.get_by_role("button", name="Erase her for good").click()
    expect(page.get_by_text("is erased.")).to_be_visible()
    expect(page.get_by_text("still to be deleted")).to_have_count(0)
    assert hub(platform, "GET", "zoraida").status_code == 404
    assert not (platform.home / "homes" / "zoraida").exists()
    assert [path.name for path in (platform.home / "log").glob("*zoraida*")] == []
    assert person(engine, "zoraida") is None
    hers.goto(f"{platform.url}/services/labkit/")
    assert "/hub/login" in hers.url


def test_what_was_cut_short_is_finished_by_the_pages(platform, engine: Engine, sign_in):
    arrive(platform, engine, sign_in, "ymelda")

    class Away:
        name = "away"

        def export(self, username: str):
            return ()

        def erase(self, username: str, pseudonym: str) -> None:
            raise PlatformFault("It is away.")

    done = erase.erase(engine, "ymelda", (Away(),))
    assert not done.finished
    finished = select(erasures.c.finished_at).where(erasures.c.pseudonym == done.pseudonym)
    while True:  # the test's own bound ends it
        with engine.connect() as connection:
            if connection.execute(finished).scalar() is not None:
                break
        time.sleep(1)
    assert hub(platform, "GET", "ymelda").status_code == 404
    assert not (platform.home / "homes" / "ymelda").exists()

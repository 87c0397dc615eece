"""Signing in and out in a real browser, across the hosts of hub and notebook servers."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from hub_config.hosts import Hosts
from labkit.database import connect
from labkit.programme.password import Passwords

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),  # a small machine under load
]

PASSWORD = "pitong gatang ng bigas"


@pytest.fixture
def stranger(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(60_000)
        yield context.new_page()


@pytest.fixture
def ana(platform) -> str:
    """Her name; she has a password and her server runs."""
    engine = connect(f"sqlite:///{platform.home / 'labkit.sqlite'}")
    Passwords(engine).set("ana", PASSWORD)
    engine.dispose()
    return "ana"


def fill(page: Page, account: str) -> None:
    page.locator("#username").fill(account)
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_link_into_her_server_leads_through_the_sign_in_page_to_it(platform, sign_in, stranger: Page, ana: str):
    """The form's answer leads on to another host: the policy of the page must allow just that."""
    sign_in(ana)  # so that the hub knows her
    token = (platform.home / "secrets" / "service-labkit").read_text()
    headers = {"Authorization": f"token {token}"}
    httpx.post(f"{platform.url}/hub/api/users/{ana}/server", headers=headers, timeout=60)
    lab = Hosts.of(platform.url).user(ana) + "lab"
    for _ in range(120):
        if httpx.get(f"{platform.url}/hub/api/users/{ana}", headers=headers).json()["servers"].get("", {}).get("ready"):
            break
        stranger.wait_for_timeout(500)
    stranger.goto(lab)
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    fill(stranger, ana)
    expect(stranger.locator("#jp-main-dock-panel")).to_be_visible()
    assert stranger.url.startswith(lab)


def test_a_wrong_password_and_then_the_right_one(platform, stranger: Page, ana: str):
    stranger.goto(f"{platform.url}/hub/login")
    stranger.locator("#username").fill("ana@example.org")
    stranger.locator("#password").fill("not her password")
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("alert")).to_contain_text("do not belong together")
    expect(stranger.locator("#username")).to_have_value("ana@example.org")
    expect(stranger.locator("#password")).to_be_focused()
    fill(stranger, "ana@example.org")
    stranger.wait_for_url("**/services/labkit/")


def test_a_new_password_leaves_this_browser_signed_in_and_no_other(platform, sign_in, stranger: Page, ana: str):
    stranger.goto(f"{platform.url}/hub/login")
    fill(stranger, ana)
    stranger.wait_for_url("**/services/labkit/")
    hers = sign_in(ana)
    hers.goto(f"{platform.url}/services/labkit/account")
    for field in hers.locator("#new, #again").all():
        field.fill("walong lilok sa kawayan")
    hers.locator("form[action$='/password'] button").click()
    hers.wait_for_url("**/services/labkit/account")
    expect(hers.locator("#password + p")).to_be_visible()
    assert hers.locator("[role=alert]").count() == 0
    stranger.goto(f"{platform.url}/services/labkit/")
    expect(stranger.locator("#username")).to_be_visible()


def test_a_page_on_a_learners_host_signs_nobody_out_and_changes_nothing(platform, sign_in):
    """Script on the host of one learner, with another's browser: forms cross, and are refused."""
    page = sign_in("maria")
    evil = Hosts.of(platform.url).user("ben")
    page.route(f"{evil}evil", lambda route: route.fulfill(body="<h1>evil</h1>", content_type="text/html"))
    paths = (
        "/services/labkit/sign-out",
        "/services/labkit/people/ana/end",
        "/services/labkit/people/ana/link",
        "/hub/logout",
    )
    for path in paths:
        page.goto(f"{evil}evil")
        with page.expect_navigation(url=f"**{path}*") as navigation:
            page.evaluate(
                """address => { const form = document.createElement("form"); form.method = "post";
                form.action = address; document.body.append(form); form.submit(); }""",
                platform.url + path,
            )
        assert navigation.value.status == 403, path
        assert "/hub/link/" not in page.content()
    page.goto(f"{platform.url}/services/labkit/")
    expect(page.get_by_role("heading", name="Maria")).to_be_visible()

"""Every page, both languages, both themes, narrow and wide: nothing axe objects to, nothing that needs a mouse."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import delete

from labkit.database import connect
from labkit.database.tables import consents

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),  # a small machine under load
]

HOME = "/services/labkit"
LAB = f"{HOME}/labs/testing/clip"
COURSE = f"{HOME}/courses/testing"
PAGES = {
    "ana": [
        f"{HOME}/",
        LAB,
        COURSE,
        f"{HOME}/account",
        f"{HOME}/password",
        f"{HOME}/labs/nothing/here",
        "/hub/logout",
        f"{HOME}/privacy",
    ],
    "carla": [LAB, "/hub/nothing/here", f"{HOME}/privacy"],
    "maria": [f"{HOME}/", f"{HOME}/people", f"{HOME}/people?q=nobody-of-that-name"],
    "jose": [
        f"{HOME}/",
        f"{HOME}/people",
        f"{HOME}/cohorts/pioneers-testing",
        f"{HOME}/cohorts/pioneers-testing?kind=left",
        f"{HOME}/roster",
        f"{HOME}/status",
        f"{HOME}/people/ben/erase",
    ],
}
LOOKS = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]


def check(page: Page) -> None:
    """What is shown now, in every look."""
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{page.url}, {width} px, {scheme}\n{found.generate_report()}"
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{page.url} is {over} px wider than {width} px"


def speak(page: Page, language: str) -> None:
    page.locator("header").get_by_role("button", name=language).click()
    page.wait_for_load_state()


@pytest.mark.parametrize("who", PAGES)
def test_axe_has_nothing_to_object_to(platform, sign_in, who: str):
    page = sign_in(who)
    for language in ("Filipino", "English"):
        speak(page, language)
        for address in PAGES[who]:
            page.goto(platform.url + address)
            check(page)
        page.goto(f"{platform.url}{HOME}/")


def test_a_link_that_is_shown_passes_and_is_copied(platform, sign_in):
    page = sign_in("maria")
    for language, button in (("Filipino", "Bagong sign-in link Ben"), ("English", "New sign-in link Ben")):
        page.goto(f"{platform.url}{HOME}/people")
        speak(page, language)
        page.get_by_role("button", name=button).click()
        shown = page.locator("#link")
        expect(shown).to_have_value(a_link_at(platform.url))
        check(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == shown.input_value()


def a_link_at(url: str):

    return re.compile(re.escape(f"{url}/hub/link/") + r"[\w-]{43}$")


@pytest.fixture
def stranger(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(60_000)
        yield context.new_page()


def test_the_pages_a_stranger_meets_pass_too(platform, stranger: Page):
    link = platform.link_for("ben").replace(platform.url, "")
    for language in ("fil", "en"):
        stranger.set_extra_http_headers({"Accept-Language": language})
        for address in (
            "/hub/login",
            "/hub/link/nothing",
            link,
            "/hub/logout",
            "/hub/nothing",
            "/hub/error/503",
            f"{HOME}/join",
        ):
            stranger.goto(platform.url + address)
            check(stranger)
        stranger.goto(f"{platform.url}/hub/login")
        stranger.locator("#username").fill("nobody")
        stranger.locator("#password").fill("not a password")
        stranger.locator("form button").click()
        expect(stranger.get_by_role("alert")).to_be_visible()
        check(stranger)


def test_the_notice_passes_and_one_button_leads_on(platform, stranger: Page):
    engine = connect(f"sqlite:///{platform.home / 'labkit.sqlite'}")
    with engine.begin() as connection:
        connection.execute(delete(consents).where(consents.c.username == "ben"))
    engine.dispose()
    stranger.goto(platform.link_for("ben", agreed=False))
    stranger.locator("form button").first.click()
    stranger.wait_for_url("**/services/labkit/privacy**")
    for language in ("English", "Filipino"):
        speak(stranger, language)
        stranger.goto(f"{platform.url}{LAB}")
        assert "/labkit/privacy" in stranger.url
        check(stranger)
    stranger.get_by_role("button", name="Sumasang-ayon ako", exact=True).click()
    stranger.wait_for_url(f"**{LAB}")


def server(platform, method: str, username: str) -> None:
    """Starts or stops a server as the pages do."""
    token = (platform.home / "secrets" / "service-labkit").read_text()
    url = f"{platform.url}/hub/api/users/{username}/server"
    httpx.request(method, url, headers={"Authorization": f"token {token}"}, timeout=60)


def test_the_pages_shown_while_a_server_starts_pass_too(platform, sign_in):
    """Each is there for a moment only, so what was served is kept and shown again at leisure."""
    page = sign_in("ben")
    kept: dict[str, str] = {}
    for language in ("Filipino", "English"):
        speak(page, language)
        server(platform, "DELETE", "ben")
        for _ in range(60):
            asleep = page.request.get(f"{platform.url}/hub/user/ben/lab")
            if asleep.status == 424:
                break
            page.wait_for_timeout(500)
        kept[f"asleep-{language}"] = asleep.text()
        page.request.get(f"{platform.url}/hub/spawn/ben", max_redirects=0)  # starts it, and waits a second at most
        for name, address in (("pending", "/hub/spawn-pending/ben"), ("opening", f"{LAB}/open")):
            kept[f"{name}-{language}"] = page.request.get(platform.url + address, max_redirects=0).text()
    assert all("<h1>" in text for text in kept.values())

    def show(route: Route) -> None:
        route.fulfill(body=kept[route.request.url.rpartition("/")[2]], content_type="text/html")

    page.route("**/kept/*", show)
    page.route("**/*.js", lambda route: route.abort())
    for name in kept:
        page.goto(f"{platform.url}{HOME}/kept/{name}")
        check(page)


def test_from_the_sign_in_page_to_her_lab_with_the_keyboard_alone(platform, sign_in, stranger: Page):
    page = sign_in("carla")
    speak(page, "English")
    page.goto(f"{platform.url}{HOME}/account")
    for field in page.locator("#new, #again").all():
        field.fill("walong lilok sa kawayan")
    if page.locator("#current").count():
        page.locator("#current").fill("walong lilok sa kawayan")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Setting a new one ends")).to_be_visible()

    stranger.goto(f"{platform.url}/hub/login")
    expect(stranger.locator("#username")).to_be_focused()
    stranger.keyboard.type("carla@example.org")
    stranger.keyboard.press("Tab")
    stranger.keyboard.type("walong lilok sa kawayan")
    stranger.keyboard.press("Enter")
    stranger.wait_for_url(f"**{HOME}/")
    stranger.keyboard.press("Tab")
    expect(stranger.get_by_role("link", name="Skip to the content")).to_be_focused()
    stranger.keyboard.press("Enter")
    for _ in range(40):
        stranger.keyboard.press("Tab")
        if stranger.evaluate("document.activeElement.textContent").startswith("Open lab"):
            break
    seen = stranger.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert seen == "solid", "where the keyboard is cannot be seen"
    stranger.keyboard.press("Enter")
    stranger.wait_for_url("**/lab/tree/**")


def test_signing_out_needs_no_mouse_and_a_link_does_not_do_it(platform, sign_in):
    page = sign_in("jose")
    speak(page, "English")
    page.goto(f"{platform.url}/hub/logout")
    page.goto(f"{platform.url}{HOME}/")
    button = page.get_by_role("button", name="Sign out")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    page.goto(f"{platform.url}{HOME}/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


TRANSFERRED = """performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
    .map(entry => [entry.name, entry.transferSize])"""


def test_a_first_view_is_small_enough_for_a_slow_line(platform, browser: Browser):
    """Each page in a browser that has nothing yet."""
    link = platform.link_for("ana")
    with browser.new_context() as signed_in:
        page = signed_in.new_page()
        page.goto(link)
        page.get_by_role("button").click()
        page.wait_for_url(f"**{HOME}/**")
        cookies = signed_in.cookies()
    for address in ("/hub/login", "/hub/link/nothing", f"{HOME}/", LAB, f"{HOME}/account"):
        with browser.new_context() as context:
            context.add_cookies(cookies if address.startswith(HOME) else [])
            page = context.new_page()
            page.goto(platform.url + address, wait_until="load")
            assert address in page.url
            got = dict(page.evaluate(TRANSFERRED))
            assert 500 < sum(got.values()) < 200_000, got
            assert all(url.startswith(platform.url) for url in got), got

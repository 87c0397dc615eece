"""What a person sees on the way, in both languages and narrow: nothing axe objects to, and a real browser gets in."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from labkit.programme import groups

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
DINA = {"email": "dina@example.org", "email_verified": True, "given_name": "Dina", "family_name": "Lim"}


def check(page: Page) -> None:
    for width in (360, 1280):
        for scheme in ("dark", "light"):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page)
            assert found.violations_count == 0, f"{page.url}, {width} px, {scheme}\n{found.generate_report()}"
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{page.url} is {over} px wider than {width} px"


def sign_in_there(page: Page, url: str, button: str, account: str) -> None:
    page.goto(f"{url}/hub/login")
    page.get_by_role("link", name=button).click()
    page.locator("input[name=login]").fill(account)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize(
    ("language", "button", "unknown", "stale", "left"),
    [
        ("en", "Sign in with Example ID", "We do not know you yet", "out of date", "You take part in no course now"),
        ("fil", "Mag-sign in gamit ang Example ID", "Hindi ka pa namin kilala", "Luma na", "Wala ka nang sinasalihang"),
    ],
)
def test_each_page_on_the_way_passes(
    oidc_hub, running_provider, browser: Browser, language, button, unknown, stale, left
):
    groups.map_group(oidc_hub.engine, f"{language}-a", "a")
    account = {**DINA, "email": f"a.rather.long.address.of.{language}.dina@training.example.org"}
    running_provider.knows(**{language: account})
    with browser.new_context(locale=language, extra_http_headers={"Accept-Language": language}) as context:
        page = context.new_page()
        page.goto(f"{oidc_hub.origin}/hub/login")
        check(page)
        sign_in_there(page, oidc_hub.origin, button, language)
        expect(page.get_by_role("heading", level=1)).to_contain_text(unknown)
        check(page)
        page.goto(f"{oidc_hub.origin}/hub/oauth_callback?code=x&state=y")
        expect(page.get_by_role("heading", level=1)).to_contain_text(stale)
        check(page)
    with browser.new_context(locale=language, extra_http_headers={"Accept-Language": language}) as context:
        running_provider.knows(**{language: {**account, "groups": [f"{language}-a"]}})
        page = context.new_page()
        sign_in_there(page, oidc_hub.origin, button, language)
        page.wait_for_url("**/services/labkit/**")  # where no pages run here
        running_provider.knows(**{language: account})
    with browser.new_context(locale=language, extra_http_headers={"Accept-Language": language}) as context:
        page = context.new_page()
        sign_in_there(page, oidc_hub.origin, button, language)
        expect(page.get_by_role("heading", level=1)).to_contain_text(left)
        check(page)

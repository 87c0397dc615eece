"""Every page, both languages: nothing axe objects to, nothing that needs a mouse or a wide screen."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),  # a small machine under load
]

PAGES = {
    "ana": ["/services/labkit/", "/services/labkit/labs/testing/clip", "/services/labkit/labs/nothing/here"],
    "carla": ["/services/labkit/labs/testing/clip"],
    "maria": ["/services/labkit/"],
    "jose": ["/services/labkit/"],
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("who", PAGES)
def test_axe_has_nothing_to_object_to(platform, sign_in, who: str, width: int, scheme: str):
    page = sign_in(who, viewport={"width": width, "height": 800}, color_scheme=scheme)
    for language in ("Filipino", "English"):
        page.get_by_role("button", name=language).click()
        for address in PAGES[who]:
            page.goto(platform.url + address)
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{address} is wider than {width} px"


def test_a_lab_is_opened_with_the_keyboard_alone(platform, sign_in):
    page = sign_in("carla")
    page.get_by_role("button", name="English").click()
    page.goto(f"{platform.url}/services/labkit/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("Open lab"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/lab/tree/**")


def test_the_sign_in_page_passes_too(platform, browser):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(platform.link_for("ana"))
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
        assert found.violations_count == 0, found.generate_report()

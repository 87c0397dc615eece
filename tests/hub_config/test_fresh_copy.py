"""Who lost cells, or whose notebook is torn, gets the lab as it was released; what she had stays beside it."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(600),
]
TITLE = "Clip a reward"


def lab_page(page: Page, platform) -> None:
    page.goto(f"{platform.url}/services/labkit/labs/testing/clip")


def kept(folder) -> list[str]:
    return [path.read_text() for path in sorted(folder.glob("clip.before-*.ipynb"))]


def test_a_fresh_copy_is_asked_for_first_and_hers_stays_beside_it(platform, sign_in, open_lab):
    carla = sign_in("carla", viewport={"width": 360, "height": 740})
    open_lab(carla, TITLE)
    folder = platform.home / "homes" / "carla" / "testing" / "clip"
    notebook = folder / "clip.ipynb"
    notebook.write_text(notebook.read_text().replace("Clip a reward", "All of it is mine"))

    lab_page(carla, platform)
    carla.get_by_role("link", name="Get a fresh copy").click()
    expect(carla.get_by_role("heading", name="A fresh copy")).to_be_visible(timeout=120_000)
    assert not kept(folder), "a link alone changes nothing"
    assert Axe().run(carla).violations_count == 0
    assert carla.evaluate("document.documentElement.scrollWidth <= 360")
    carla.get_by_role("button", name="Get a fresh copy").press("Enter")
    carla.wait_for_url(re.compile(r".*/tree/testing/clip/clip\.ipynb"))

    assert "All of it is mine" not in notebook.read_text()
    assert ["All of it is mine" in one for one in kept(folder)] == [True]


def test_a_torn_notebook_makes_room_by_itself(platform, sign_in, open_lab):
    carla = sign_in("carla")
    lab = open_lab(carla, TITLE)
    folder = platform.home / "homes" / "carla" / "testing" / "clip"
    before = len(kept(folder))
    (folder / "clip.ipynb").write_text('{"cells": [')

    carla.goto(f"{platform.url}/services/labkit/")
    lab = open_lab(carla, TITLE)
    expect(lab.cell("def clip")).to_be_visible()
    assert kept(folder)[before:] == ['{"cells": [']

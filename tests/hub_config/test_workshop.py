"""An instructor writes a lab in her browser, looks at it, releases it; a learner meets it. No terminal."""

from __future__ import annotations

import re
import uuid

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(600),  # a small machine under load
]


def test_an_instructor_writes_a_lab_in_the_browser_and_releases_it_to_learners(platform, sign_in, open_lab, picture):
    from tests.hub_config.conftest import Notebook

    written = f"Written in a browser: {uuid.uuid4().hex}."
    maria = sign_in("maria")
    maria.get_by_role("link", name="Write the labs For the suite").click()
    expect(maria.get_by_role("heading", name="For the suite: write the labs")).to_be_visible()
    versions = maria.url
    maria.get_by_role("link", name="Write in English Clip a reward").click()
    maria.wait_for_url("**/lab/**")
    notebook = Notebook(maria)
    expect(notebook.cell('# %% solution="clip"')).to_be_visible()
    expect(maria.locator("#jp-main-statusbar").get_by_text("| Idle")).to_be_visible()
    notebook.write("Clip a reward", f"# Clip a reward\n\n{written}")
    picture(maria, "instructor-workspace")
    # Her tests run as they stand: `check` is there.
    notebook.run('# %% solution="clip"')
    output = notebook.run("never leaves the bounds").inner_text()
    assert "✓ never leaves the bounds" in output
    notebook.save()

    maria.goto(versions)
    maria.get_by_role("link", name="Send your version").click()
    expect(maria.get_by_text("clip/lab.py")).to_be_visible()
    maria.get_by_role("button", name="Send").click()
    maria.wait_for_url("**/courses/testing/versions#version-*")
    number = maria.url.rpartition("-")[2]
    newest = maria.locator(f"#version-{number}")
    expect(newest.get_by_text("Can be released")).to_be_visible(timeout=120_000)
    expect(newest.get_by_role("row").filter(has_text="reference").first).to_contain_text("Yes")
    picture(maria, "instructor-versions")
    maria.set_viewport_size({"width": 360, "height": 740})
    assert maria.evaluate("document.documentElement.scrollWidth") <= 360
    found = Axe().run(maria)
    assert found.violations_count == 0, found.generate_report()
    newest.get_by_role("link", name="clip (English)").click()
    expect(maria.get_by_text(written)).to_be_visible()
    assert "return max(low, min(high, x))" not in maria.content()
    maria.go_back()

    newest.get_by_role("button", name=f"Release version {number} to learners").focus()
    maria.keyboard.press("Enter")
    expect(newest.get_by_text("Learners have this")).to_be_visible(timeout=30_000)
    expect(newest.get_by_text(re.compile("Released by Maria"))).to_be_visible()

    maria.get_by_role("link", name="Begin a new lab").click()
    maria.get_by_label("Name of its folder").fill(f"lab-{uuid.uuid4().hex[:8]}")
    maria.get_by_label("Title").fill("Rate a service")
    maria.get_by_role("button", name="Begin").click()
    expect(notebook.cell('# %% solution="average"')).to_be_visible()

    learner = sign_in("carla")
    learner.goto(f"{platform.url}/user/carla/labkit/fresh/testing/clip")
    learner.get_by_role("button", name="Get a fresh copy").click()
    learner.wait_for_url("**/lab/tree/testing/clip/**")
    expect(Notebook(learner).cell(written)).to_be_visible()
    # What she may not: neither the page nor the text is hers.
    assert learner.goto(versions).status == 404
    learner.goto(f"{platform.url}/user/carla/labkit/write/testing/clip")
    expect(learner.get_by_text("You are not an instructor")).to_be_visible()

"""Every lab of the course on prompting, done from the first cell to the last in a learner's own sandboxed server."""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from labkit.courses import Lab, load_course, load_text, notebook

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model, pytest.mark.soak),
    pytest.mark.timeout(3_000),  # a small machine under load
]
REFLECTION = "I saw it go wrong in Filipino; a person must read what the model is not sure of."
# What is read in a notebook: prose and what cells put out. The editor around it is JupyterLab's.
READ = [
    [".jp-NotebookPanel:not(.lm-mod-hidden) .jp-RenderedMarkdown"],
    [".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea"],
]
DONE = """
import nbclient, nbformat, os
folder = os.path.expanduser("~/{course}/{lab}")
done = nbformat.reads({text!r}, 4)
nbformat.write(done, f"{{folder}}/{lab}.ipynb")
nbclient.NotebookClient(done, timeout=1500, resources={{"metadata": {{"path": folder}}}}).execute()
nbformat.write(done, f"{{folder}}/{lab}.ipynb")
print("done", [output.get("data", {{}}).get("text/plain") for output in done.cells[-1].outputs])
"""


@pytest.fixture(scope="module")
def labs(pytestconfig) -> tuple[Lab, ...]:
    return load_course(pytestconfig.rootpath / "courses", "prompting").labs


def solved(lab: Lab) -> str:
    """The learner's notebook with the lab's own answers in it."""
    text = load_text(lab)
    built = notebook(lab, text, "learner")
    own = {cell.id: cell.reference for cell in text.of("solution")} | {
        cell.id: REFLECTION for cell in text.of("answer")
    }
    cells = [{**cell, "source": own.get(cell["id"], "".join(cell["source"]))} for cell in built["cells"]]
    return json.dumps({**built, "cells": cells})


@pytest.mark.parametrize("place", range(4))
def test_a_lab_is_done_and_scored_in_a_sandboxed_server(platform, sign_in, open_lab, picture, labs, place):
    lab = labs[place]
    page = sign_in("carla", locale="en-US")
    page.get_by_role("button", name="English").click()
    out = open_lab(page, lab.title).run_new(DONE.format(course=lab.course, lab=lab.id, text=solved(lab)), seconds=1_500)
    assert "Receipt" in out, out

    page.goto(f"{platform.url}/services/labkit/labs/{lab.course}/{lab.id}")
    expect(page.get_by_role("heading", name="Your score")).to_be_visible(timeout=600_000)
    expect(page.get_by_text("waits for the model")).to_have_count(0, timeout=600_000)
    total = float(page.locator(".total strong").inner_text())
    assert total >= 0.95 * 80, page.locator("#result").inner_text()

    page.goto(f"{platform.url}/services/labkit/")
    open_lab(page, lab.title)
    look(page, picture, lab)


def look(page: Page, picture, lab: Lab) -> None:
    """What the lab looks like when it is done, in both themes; and whether it can be read by whoever cannot see it."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(1_500)
        picture(page, f"lab-{lab.id}-{scheme}")
        plot = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea img[alt]").first
        plot.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        picture(page, f"lab-{lab.id}-{scheme}-plot")
        found = Axe().run(page, context={"include": READ})
        assert found.violations_count == 0, f"{lab.id}, {scheme}\n{found.generate_report()}"

"""Any process may be killed while a learner works: it comes back by itself, and she has lost nothing."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.platform]

# Each as Supervisor knows it. "supervisord" takes all of them with it.
PROCESSES = (
    *("hub", "proxy", "holder", "pages", "gateway", "submissions", "grader", "model", "formgrader-testing"),
    "supervisord",
)


def pids(platform, name: str) -> list[int]:
    """The processes of this run that a kill of `name` means."""
    if name == "supervisord":
        return [int((platform.home / "run" / "supervisord.pid").read_text())]
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            environ = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if f"SUPERVISOR_PROCESS_NAME={name}".encode() in environ and (
            f"LABKIT_HOME={platform.home}".encode() in environ
        ):
            found.append(int(path.parent.name))
    return found


def kill(platform, name: str) -> None:
    victims = pids(platform, name)
    assert victims, f"no process {name}"
    for pid in victims:
        os.kill(pid, signal.SIGKILL)


def until(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds:.0f} s"
        time.sleep(0.5)


def test_whatever_is_killed_comes_back_and_her_variables_are_there(platform, sign_in, open_lab):
    page = sign_in("carla")
    notebook = open_lab(page, "Clip a reward")
    _close_dialogs(page)
    notebook.run_new("import labkit; kept = 41")
    receipt = notebook.run_new("receipt = labkit.submit(); print(receipt.id)")
    identity = re.search(r"[0-9a-f]{32}", receipt)
    assert identity

    for name in PROCESSES:
        kill(platform, name)
        until(lambda name=name: bool(pids(platform, name)), f"{name} coming back")
        answer = _calls_again(notebook)
        assert "42 left" in answer, f"after {name} was killed: {answer}"

    _is_graded(page, platform, identity.group())


def _calls_again(notebook) -> str:
    """Runs a cell that needs the kernel's memory, the gateway and the ledger, until the platform is back."""
    code = (
        "import time\n"
        "for _ in range(60):\n"
        "    try:\n"
        "        labkit.allowance(); print(kept + 1, 'left'); break\n"
        "    except labkit.errors.LabkitError as error:\n"
        "        time.sleep(1)\n"
        "else:\n"
        "    print('never', error)\n"
    )
    return notebook.run_new(code)


def _close_dialogs(page: Page) -> None:
    """JupyterLab says that the connection was lost and goes on trying; whoever reads that closes it."""
    page.add_locator_handler(
        page.get_by_role("dialog", name=re.compile("File Save Error|Server Connection Error")).last,
        lambda dialog: dialog.get_by_role("button", name="Close").click(),
        no_wait_after=True,
    )


def _is_graded(page: Page, platform, identity: str) -> None:
    page.goto(f"{platform.url}/services/labkit/labs/testing/clip")
    until(lambda: _shows_score(page), "the score")
    response = page.request.get(f"{platform.url}/services/labkit/receipts/{identity}.json")
    assert response.ok and response.json()["id"] == identity


def _shows_score(page: Page) -> bool:
    page.reload()
    return page.locator("#score").count() > 0

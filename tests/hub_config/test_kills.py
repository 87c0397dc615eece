"""Any process may be killed while a learner works: it comes back by itself, and she has lost nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.timeout(900)]

# Each as Supervisor knows it. "supervisord" takes all of them with it.
PROCESSES = (
    *("hub", "proxy", "holder", "pages", "gateway", "submissions", "grader", "model", "formgrader-testing"),
    "supervisord",
)


def pid_of(platform, name: str) -> int:
    """Its pid as Supervisor knows it; 0 if it does not run."""
    run = platform.home / "run"
    if name == "supervisord":
        return int((run / "supervisord.pid").read_text())
    asked = [
        sys.executable,
        "-m",
        "supervisor.supervisorctl",
        "-c",
        str(run / "supervisord.conf"),
        "pid",
        f"labkit:{name}",
    ]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return int(said) if said.isdigit() else 0


def kill(platform, name: str) -> int:
    pid = pid_of(platform, name)
    assert pid, f"no process {name}"
    os.kill(pid, signal.SIGKILL)
    return pid


# All of a small machine may be at something else: how long is not what is tested here.
PATIENCE = 240.0


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
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
        killed = kill(platform, name)
        until(lambda name=name, killed=killed: pid_of(platform, name) not in (0, killed), f"{name} coming back")
        answer = _calls_again(notebook)
        assert "42 left" in answer, f"after {name} was killed: {answer}"

    _is_graded(page, platform, identity.group())


def _calls_again(notebook) -> str:
    """Runs a cell that needs the kernel's memory, the gateway and the ledger, until the platform is back."""
    code = (
        "import time\n"
        f"end = time.monotonic() + {PATIENCE}\n"
        "while True:\n"
        "    try:\n"
        "        labkit.allowance(); print(kept + 1, 'left'); break\n"
        "    except labkit.errors.LabkitError as error:\n"
        "        if time.monotonic() > end:\n"
        "            print('never', error); break\n"
        "        time.sleep(1)\n"
    )
    return notebook.run_new(code, seconds=2 * round(PATIENCE))


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

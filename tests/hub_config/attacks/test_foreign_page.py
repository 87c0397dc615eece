"""A page of an attacker's making in the browser of a signed-in instructor: it reads, changes and frames nothing.

Both stand in one browser: ana was signed in first, so that her own host has what she put there, and then maria was at
the platform's. Three pages try everything: one of another name below `localhost`, one in ana's JupyterLab, where a
notebook's output runs as script, and an HTML file of ana's shown by her server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page
from traitlets.config import Config

from hub_config import platform as composition
from hub_config.formgrader import Config as FormgraderConfig
from hub_config.formgrader import environment
from hub_config.processes import ports
from hub_config.settings import Settings
from hub_config.sign_in.oauth import cookie
from hub_config.state import State
from labkit.database import connect, migrate
from labkit.programme import links
from labkit.programme.people import person

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),
]

PAGES = ("another name", "her JupyterLab", "a file of hers")


@dataclass
class Lured:
    """maria's browser, with the attacker's pages open in it."""

    context: BrowserContext
    pages: dict[str, Page]
    targets: dict[str, str]

    def signed_in(self) -> bool:
        return self.shows("people") and self.shows("formgrader")

    def shows(self, target: str) -> bool:
        """Whether she herself gets to this page of hers, with no sign-in on the way that would hide a loss."""
        page = self.context.new_page()
        led: list[str] = []
        page.on("request", lambda request: led.append(request.url))
        page.goto(self.targets[target])
        page.close()
        return not [url for url in led if "/hub/" in url]


@pytest.fixture(scope="module")
def lured(platform, browser, hosts, ana, ana_kernel, collector) -> Iterator[Lured]:
    evil = "<!doctype html><title>a page</title><script>document.title = 'it runs'</script>"
    ana_kernel.run(f"import os\nopen(os.path.expanduser('~/evil.html'), 'w').write({evil!r})")
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)
    page = context.new_page()
    for person_ in ("ana", "maria"):
        page.goto(platform.link_for(person_))
        page.get_by_role("button", name="ign in").click()
        page.wait_for_url("**/services/labkit/**")
        mine = {
            "ana": hosts.user("ana") + "files/evil.html",
            "maria": hosts.formgrader("testing") + "formgrader/gradebook",
        }
        page.goto(mine[person_])
    pages = {"another name": page, "her JupyterLab": context.new_page(), "a file of hers": context.new_page()}
    page.goto(collector.url())
    # What runs as script on her origin; JupyterLab itself would only be slower.
    pages["her JupyterLab"].goto(hosts.user("ana") + "api/status")
    pages["a file of hers"].goto(hosts.user("ana") + "files/evil.html")
    assert pages["a file of hers"].title() == "it runs"
    formgrader = hosts.formgrader("testing")
    targets = {
        "the hub": f"{hosts.main}/hub/",
        "the sign-in page": f"{hosts.main}/hub/login",
        "the sign-out page": f"{hosts.main}/hub/logout",
        "who she is": f"{hosts.main}/hub/api/user",
        "home": f"{hosts.main}/services/labkit/",
        "people": f"{hosts.main}/services/labkit/people",
        "account": f"{hosts.main}/services/labkit/account",
        "arrivals": f"{hosts.main}/services/labkit/arrivals",
        "the courses": f"{hosts.main}/services/submissions/courses",
        "formgrader": f"{formgrader}formgrader/gradebook",
        "formgrader's API": f"{formgrader}formgrader/api/assignments",
        "formgrader's files": f"{formgrader}api/contents",
    }
    found = Lured(context, pages, targets)
    assert found.signed_in()
    yield found
    context.close()


@pytest.mark.parametrize("where", PAGES)
def test_it_reads_none_of_her_pages(lured: Lured, where: str):
    script = """async targets => Object.fromEntries(await Promise.all(Object.entries(targets).map(async ([name, url]) =>
    {
        for (const options of [{credentials: "include"}, {credentials: "include", headers: {"X-A": "b"}}, {}]) {
            try { const answer = await fetch(url, options); return [name, "read " + (await answer.text()).length]; }
            catch (error) { }
        }
        return [name, "refused"]; })))"""
    assert set(lured.pages[where].evaluate(script, lured.targets).values()) == {"refused"}


@pytest.mark.parametrize("where", PAGES)
def test_it_embeds_none_of_them_as_script_style_or_image(lured: Lured, hosts, where: str):
    """Nor a file that is no secret: whether it loads would tell who is signed in."""
    files = {
        name: f"{hosts.main}/services/labkit/static/{name}" for name in ("labkit.svg", "labkit.css", "htmx.min.js")
    }
    script = """async targets => (await Promise.all(Object.entries(targets).flatMap(([name, url]) =>
        [["script", "src"], ["img", "src"], ["link", "href"]].map(([kind, where]) => new Promise(done => {
            const element = document.createElement(kind);
            element.onload = () => done(name + " as " + kind); element.onerror = () => done("");
            if (kind === "link") element.rel = "stylesheet";
            element[where] = url; document.head.append(element); }))))).filter(Boolean)"""
    assert lured.pages[where].evaluate(script, {**lured.targets, **files}) == []


@pytest.mark.parametrize("where", PAGES)
def test_it_frames_none_of_them(lured: Lured, hosts, where: str):
    page = lured.pages[where]
    framed = {**lured.targets, "her lab": hosts.user("ana") + "lab"}
    del framed["the courses"]  # no page: it takes no cookie and says in JSON that it wants a token
    page.evaluate(
        """targets => Promise.all(Object.values(targets).flatMap(url => ["iframe", "object", "embed"].map(kind =>
            new Promise(done => { const element = document.createElement(kind); element.className = "framed";
                element.onload = element.onerror = done; setTimeout(done, 5000);
                element[kind === "object" ? "data" : "src"] = url; document.documentElement.append(element); }))))""",
        framed,
    )
    shown = [frame.url for frame in page.frames[1:] if frame.url.startswith("http")]
    if (
        where == "her JupyterLab"
    ):  # of her own origin, and no page: its policy for others does not apply to what is hers
        shown = [url for url in shown if not url.startswith(hosts.user("ana"))]
    page.evaluate("document.querySelectorAll('.framed').forEach(element => element.remove())")

    assert shown == []


CHANGES = {
    "the language": ("/services/labkit/language", "language=fil"),
    "the password": ("/services/labkit/password", "new=walong+lilok+sa+kawayan&again=walong+lilok+sa+kawayan"),
    "all sessions": ("/services/labkit/sessions/end", ""),
    "her session": ("/services/labkit/sign-out", ""),
    "a link for ana": ("/services/labkit/people/ana/link", ""),
    "ana's sessions": ("/services/labkit/people/ana/end", ""),
    "the hub's session": ("/hub/logout", ""),
    "a server": ("/hub/api/users/maria/server", "{}"),
    "a token": ("/hub/api/users/maria/tokens", "{}"),
    "a server, by its form": ("/hub/spawn/maria", ""),
}


def state_of(platform) -> tuple[object, ...]:
    engine = connect(f"sqlite:///{platform.home / 'labkit.sqlite'}")
    try:
        return person(engine, "maria"), links.history(engine, "ana"), links.history(engine, "maria")
    finally:
        engine.dispose()


@pytest.mark.parametrize("where", PAGES)
def test_it_changes_nothing_by_fetch_or_beacon(platform, lured: Lured, where: str):
    before = state_of(platform)
    script = """async ([origin, changes]) => { for (const [path, body] of changes) {
        for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/json"])
            for (const method of ["POST", "PUT", "DELETE"])
                for (const mode of ["no-cors", "cors"])
                    try { await fetch(origin + path, {method, mode, credentials: "include", body,
                        headers: {"Content-Type": type}}); } catch (error) { }
        navigator.sendBeacon(origin + path, new Blob([body], {type: "application/x-www-form-urlencoded"})); } }"""
    lured.pages[where].evaluate(script, [platform.url, list(CHANGES.values())])

    assert lured.signed_in()
    assert state_of(platform) == before


@pytest.mark.parametrize("change", CHANGES)
def test_it_changes_nothing_by_a_form_that_leads_there(platform, lured: Lured, collector, change: str):
    """A form takes her cookies along where the browser thinks it is one site; here it is asked where it came from."""
    before = state_of(platform)
    path, body = CHANGES[change]
    page = lured.context.new_page()
    page.goto(collector.url())
    with page.expect_navigation() as navigation:
        page.evaluate(
            """([url, body]) => { const form = document.createElement("form"); form.method = "post"; form.action = url;
            for (const [name, value] of new URLSearchParams(body)) { const field = document.createElement("input");
                field.name = name; field.value = value; form.append(field); }
            document.body.append(form); form.submit(); }""",
            [platform.url + path, body],
        )
    assert navigation.value.status in (302, 303, 400, 401, 403, 405), change
    page.close()
    assert lured.signed_in()
    assert state_of(platform) == before


@pytest.mark.parametrize("where", PAGES)
def test_it_changes_no_grade(lured: Lured, hosts, where: str):
    """The browser asks formgrader first, and is not told that it may; a token of the page's own does not help."""
    formgrader = hosts.formgrader("testing")
    script = """async url => { const told = [];
        let own = ""; try { own = (/_xsrf=([^;]*)/.exec(document.cookie) || ["", ""])[1]; } catch (error) { }
        for (const path of ["formgrader/api/grade/x", "formgrader/api/comment/x", "formgrader/api/submission/clip/ana",
                            "formgrader/api/submission/clip/ana/autograde", "formgrader/api/assignment/clip/release",
                            "formgrader/api/assignment/clip", "api/contents/clip", "api/kernels", "logout"])
            for (const method of ["POST", "PUT", "DELETE"])
                for (const more of ["", "?_xsrf=" + own])
                    try { const answer = await fetch(url + path + more, {method, credentials: "include",
                        body: '{"manual_score": 99}', headers: {"Content-Type": "application/json"}});
                        told.push(method + " " + path + " " + answer.status); } catch (error) { }
        return told; }"""
    assert lured.pages[where].evaluate(script, formgrader) == []
    assert lured.shows("formgrader")


@pytest.mark.parametrize("where", PAGES)
def test_it_sees_no_cookie_of_hers(lured: Lured, where: str):
    script = "() => { try { return document.cookie } catch (error) { return '' } }"
    visible = lured.pages[where].evaluate(script)

    assert not [part for part in visible.split("; ") if part and not part.startswith("_xsrf=")]
    secret = {one["name"] for one in lured.context.cookies() if one["name"] != "_xsrf"}
    assert {"labkit-session", "jupyterhub-hub-login", "service-formgrader-testing"} <= secret
    assert all(one["httpOnly"] for one in lured.context.cookies() if one["name"] in secret)
    assert all(one["sameSite"] == "Lax" for one in lured.context.cookies() if one["name"] in secret)


@pytest.mark.parametrize("where", PAGES)
def test_it_plants_no_cookie_for_the_platforms_name(lured: Lured, where: str):
    """Nobody may set cookies for `localhost`, as for `org`; below a site's own name it is `__Host-` that holds."""
    before = {(one["name"], one["domain"], one["value"]) for one in lured.context.cookies()}
    names = ["labkit-session", "jupyterhub-hub-login", "jupyterhub-session-id", "_xsrf", "service-formgrader-testing"]
    lured.pages[where].evaluate(
        """names => { for (const name of names)
            for (const domain of ["localhost", ".localhost", "formgrader-testing--service.localhost"])
                for (const path of ["/", "/hub/", "/services/labkit/"])
                    try { document.cookie = `${name}=planted; domain=${domain}; path=${path}`; } catch (error) { } }""",
        names,
    )
    after = {(one["name"], one["domain"], one["value"]) for one in lured.context.cookies()}
    planted = {domain for name, domain, value in after - before if value == "planted"}

    assert not {
        domain for domain in planted if domain.lstrip(".") in ("localhost", "formgrader-testing--service.localhost")
    }
    assert lured.signed_in()


@pytest.mark.parametrize("target", ["home", "people", "the sign-in page", "formgrader"])
@pytest.mark.parametrize("where", ["another name", "her JupyterLab"])
def test_a_window_it_opens_is_out_of_its_hands(lured: Lured, where: str, target: str):
    """It can neither look into it nor count its frames nor send it messages nor lead it elsewhere later."""
    page = lured.pages[where]
    with lured.context.expect_page() as opened:
        page.evaluate("url => { window.opened = window.open(url, '_blank') }", lured.targets[target])
    opened.value.wait_for_load_state()
    shown = opened.value.url
    script = """() => { const found = []; const w = window.opened;
        if (!w || w.closed) return found;
        found.push("open");
        try { found.push(w.document.title) } catch (error) { }
        try { found.push(w.location.href) } catch (error) { }
        w.postMessage("evil", "*"); w.location = "about:blank#evil";
        return found; }"""
    told = page.evaluate(script)
    page.wait_for_timeout(200)

    assert told == []
    assert opened.value.url == shown
    assert opened.value.evaluate("window.opener") is None
    opened.value.close()


@pytest.mark.parametrize("where", ["another name", "a file of hers"])
def test_it_opens_no_channel_to_a_kernel(lured: Lured, hosts, ana_kernel, where: str):
    url = hosts.user("ana").replace("http", "ws", 1) + f"api/kernels/{ana_kernel.id}/channels"
    script = """url => new Promise(done => { const socket = new WebSocket(url);
        socket.onopen = () => done("open"); socket.onerror = () => done("refused"); })"""
    assert lured.pages[where].evaluate(script, url) == "refused"


@pytest.mark.parametrize("whose", ["her other browser", "a learner's server", "made up"])
def test_formgrader_takes_a_forms_token_in_its_own_session_alone(enter, ana, ana_kernel, hosts, whose: str):
    """Tossed in as cookie and as argument, with all her cookies: what a host below one site's name could bring about.

    Formgrader does not ask where a form came from; this and SameSite are what holds.
    """
    address, host = hosts.formgrader("testing"), urlsplit(hosts.formgrader("testing")).hostname
    hers, other = enter("maria"), enter("maria")
    for client in (hers, other):
        assert client.follow(f"{address}formgrader/gradebook").status == 200
    tossed = {
        "her other browser": other.value(host, "_xsrf"),
        "a learner's server": ana.value("ana.localhost", "_xsrf"),
        "made up": "planted",
    }[whose]
    own = hers.value(host, "_xsrf")
    assert tossed and tossed != own
    path = "formgrader/api/submission/nobody/nothing/autograde"

    def post(token: str) -> int:
        cookies = hers.cookie(address).replace(own, token)
        said = {"Cookie": cookies, "Content_Type": "text/plain", "Sec_Fetch_Site": "same-site"}
        return hers.ask("POST", f"{address}{path}?_xsrf={token}", b"{}", **said).status

    assert post(own) == 200, "the attack itself is wrong: with the right token it would get through"
    assert post(tossed) == 403


def test_an_html_file_of_hers_has_no_origin_at_all(lured: Lured, hosts):
    """So a file that one learner gives another, who opens it, does nothing with that one's session either."""
    page = lured.pages["a file of hers"]
    assert page.evaluate("window.origin") == "null"
    script = "async url => { try { return (await fetch(url)).status } catch (error) { return 'refused' } }"
    assert page.evaluate(script, hosts.user("ana") + "api/contents") == "refused"


def test_she_may_not_open_a_learners_server_nor_a_learner_formgrader(lured: Lured, ana, hosts):
    page = lured.context.new_page()
    lured.context.clear_cookies(domain="ana.localhost")
    answer = page.goto(hosts.user("ana") + "files/evil.html")
    assert answer is not None and answer.status in (403, 404)
    assert page.title() != "it runs"
    page.close()
    assert ana.follow(f"{hosts.formgrader('testing')}formgrader/gradebook").status in (403, 404)


def test_under_https_no_other_host_can_set_any_cookie_of_ours(tmp_path):
    """Hub, pages, notebook servers and formgrader: each name begins with `__Host-`, which browsers hold to its host."""
    settings = Settings(
        home=tmp_path, public_url="https://labs.example.org", trusted_proxy="192.0.2.1", teach="testing"
    )
    state = State(tmp_path)
    state.choose_ports(ports(settings))
    migrate(settings.database_url)
    config = Config()
    composition.configure(config, settings)
    formgrader = FormgraderConfig(
        **{name: str(state.secret_file("x")) for name in FormgraderConfig.__dataclass_fields__ if name != "secure"},
        secure=settings.secure,
    )

    assert config.JupyterHub.cookie_host_prefix_enabled is True
    assert environment(formgrader)["JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED"] == "1"
    assert json.loads(environment(formgrader)["JUPYTERHUB_COOKIE_OPTIONS"]) == {"samesite": "Lax"}
    assert config.JupyterHub.tornado_settings["cookie_options"]["samesite"] == "Lax"
    assert {cookie(purpose, settings.secure)[:7] for purpose in ("session", "sign-in")} == {"__Host-"}

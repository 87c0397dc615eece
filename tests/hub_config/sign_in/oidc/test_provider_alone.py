"""LABKIT_OIDC_ONLY, and a provider that does not answer: nobody listens at this one's address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from hub_config.state import free_port


@pytest.fixture(scope="session")
def alone(hub_with, settings_of: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    port = free_port(set())
    silent = {"LABKIT_OIDC_ISSUER": f"http://127.0.0.1:{free_port({port})}", "LABKIT_OIDC_ONLY": "true"}
    with hub_with(tmp_path_factory.mktemp("alone"), port, **{**settings_of, **silent}) as running:
        yield running


@pytest.fixture
async def hub(alone):
    alone.reset()
    alone.start_pages()
    yield alone
    await alone.close()


def token_of(page: str) -> str:
    return re.search(r'name="_xsrf" value="([^"]+)"', page)[1]


async def test_there_is_no_password_form_and_what_is_posted_all_the_same_is_not_read(hub):
    hub.give_password("ana")
    browser = hub.browser()
    page = await browser.get("/hub/login")
    assert "Sign in with Example ID" in page.text and "password" not in page.text
    token = token_of((await browser.get("/hub/logout")).text)
    data = {"username": "ana", "password": "pitong gatang ng bigas", "_xsrf": token}

    assert (await browser.post("/hub/login", data=data)).status_code == 403
    assert (await browser.get("/hub/login")).status_code == 200


async def test_an_officers_link_works_and_leads_past_the_offer_of_a_password(hub):
    browser = hub.browser()
    link = hub.link("jose")
    answer = await browser.post(link, data={"_xsrf": token_of((await browser.get(link)).text)})

    assert answer.headers["location"] == "/services/labkit/"
    assert (await browser.get("/hub/login")).status_code == 302


async def test_a_silent_provider_is_said_to_be_nobodys_fault_here(hub):
    answer = await hub.browser().get("/hub/oauth_login")

    assert answer.status_code == 503
    assert "Example ID does not answer" in answer.text and "not your fault" in answer.text

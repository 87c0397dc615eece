"""The real hub deletes whom we erase, and lets nobody else delete anybody."""

from __future__ import annotations

import json

import httpx
import pytest

from hub_config.holdings import HubHolding
from hub_config.state import State
from labkit import durable
from labkit.errors import PlatformFault


@pytest.fixture
def holding(hub, tmp_path) -> HubHolding:
    state = State(tmp_path / "state")
    (state.run / "ports.json").write_text(json.dumps({"hub": hub.port}))
    durable.write(state.folder("secrets", mode=0o700) / "service-labkit", hub.token.encode(), 0o600)
    return HubHolding(state)


async def test_an_account_is_deleted_with_its_sessions_and_again_is_nothing(hub, sign_in, holding: HubHolding):
    hub.give_password("carla")
    browser = hub.browser()
    await sign_in(browser, "carla")
    assert (await browser.get("/hub/home", follow_redirects=True)).status_code == 200
    ((name, content),) = holding.export("carla")
    assert name == "hub/user.json"
    assert json.loads(content)["last_activity"]
    for _ in range(2):
        holding.erase("carla", "erased-1")
    assert list(holding.export("carla")) == []
    answer = await browser.get("/hub/api/user")
    assert answer.status_code in (401, 403)


async def test_nobody_else_deletes_anybody(hub, sign_in):
    hub.give_password("ana")
    browser = hub.browser()
    await sign_in(browser, "ana")
    url = f"{hub.origin}/hub/api/users/ana"
    for headers in ({}, {"Authorization": f"token {hub.other_token}"}):
        async with httpx.AsyncClient(headers=headers) as client:
            assert (await client.delete(url)).status_code in (403, 404)
    assert (await browser.delete("/hub/api/users/ben")).status_code in (403, 404)


def test_a_hub_that_is_away_is_told(tmp_path):
    """Its port is not known, or nobody listens there."""
    state = State(tmp_path / "state")
    holding = HubHolding(state)
    for ports in (None, {}, {"hub": 1}):
        if ports is not None:
            (state.run / "ports.json").write_text(json.dumps(ports))
        with pytest.raises(PlatformFault, match="does not answer"):
            holding.erase("ana", "erased-1")
        ((name, _),) = holding.export("ana")
        assert name == "hub/LEFT_OUT.txt"

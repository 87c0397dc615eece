"""Whose a hub token is, against a small real HTTP double of the hub."""

import httpx
import pytest

from labkit.errors import PlatformFault
from labkit.programme import identity
from labkit.programme.identity import HubTokens


class Hub:
    """Answers as JupyterHub's /user does, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        known = {"token good": {"kind": "user", "name": "ana"}, "token gateway": {"kind": "service", "name": "gateway"}}
        found = known.get(request.headers["authorization"])
        if self.status != 200:
            return httpx.Response(self.status, json={})
        return httpx.Response(200, json=found) if found else httpx.Response(403, json={"message": "no"})


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def tokens(hub: Hub):
    tokens = HubTokens("http://hub/hub/api/", httpx.AsyncClient(transport=httpx.MockTransport(hub)))
    yield tokens
    await tokens.close()


async def test_a_good_token_names_its_holder(tokens: HubTokens):
    assert await tokens.username("good") == "ana"


@pytest.mark.parametrize("token", ["bad", "gateway", "", "gööd"])
async def test_any_other_token_names_nobody(tokens: HubTokens, token: str):
    if not token.isascii():
        with pytest.raises(PlatformFault):
            await tokens.username(token)
        return
    assert await tokens.username(token) is None


async def test_the_hub_is_not_asked_twice_in_a_row(tokens: HubTokens, hub: Hub):
    for _ in range(5):
        await tokens.username("good")
    assert hub.asked == 1


async def test_a_bad_token_is_asked_about_each_time_so_that_a_new_one_works_at_once(tokens: HubTokens, hub: Hub):
    await tokens.username("bad")
    await tokens.username("bad")
    assert hub.asked == 2


async def test_what_is_known_is_forgotten(tokens: HubTokens, hub: Hub, monkeypatch: pytest.MonkeyPatch):
    await tokens.username("good")
    monkeypatch.setattr(identity, "KEPT_SECONDS", 0.0)
    await tokens.username("good")
    assert hub.asked == 2


async def test_a_silent_hub_is_the_platforms_fault_not_the_learners(tokens: HubTokens, hub: Hub):
    hub.status = 503
    with pytest.raises(PlatformFault, match="Try again"):
        await tokens.username("good")

"""Ways into somebody else's account through the provider, each tried against a real one."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

PREFIX = "/services/labkit/"
JOSE = {"email": "jose@example.org", "email_verified": True, "given_name": "Jose", "family_name": "Santos"}
EVIL = {"email": "evil@example.org", "email_verified": True, "given_name": "jose", "groups": ["group-a"]}


async def is_in(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/hub/login")).status_code == 302


async def whose(browser: httpx.AsyncClient) -> str:
    return (await browser.get(PREFIX, follow_redirects=True)).text


@pytest.mark.parametrize("verified", [False, "false", None, 1], ids=str)
async def test_an_address_the_provider_does_not_vouch_for_is_no_officers(hub, provider, sign_in_there, verified):
    provider.knows(e1={**JOSE, "email_verified": verified, "groups": ["group-a"]})
    browser = hub.browser()
    answer = await sign_in_there(browser, "e1")

    assert answer.status_code == 403 and "not confirmed" in answer.text
    assert not await is_in(browser)


async def test_another_account_with_an_officers_address_is_not_hers(hub, provider, sign_in_there):
    provider.knows(j1=JOSE, e1={**JOSE, "groups": ["group-a"]})
    assert (await sign_in_there(hub.browser(), "j1")).status_code == 302
    browser = hub.browser()
    answer = await sign_in_there(browser, "e1")

    assert answer.status_code == 403 and "belongs to another account" in answer.text
    assert not await is_in(browser)


async def test_a_name_somebody_chose_at_the_provider_is_nobodys_here(hub, provider, sign_in_there):
    provider.knows(jose=EVIL)
    browser = hub.browser()
    await sign_in_there(browser, "jose")

    assert "Status" not in await whose(browser)
    assert (await browser.get(f"{PREFIX}people")).status_code != 200


async def test_what_the_provider_says_is_text_on_our_pages(hub, provider, sign_in_there):
    provider.knows(e1={**EVIL, "email": "<script>alert(1)</script>@x.org", "groups": []})
    answer = await sign_in_there(hub.browser(), "e1")

    assert "&lt;script&gt;alert(1)" in answer.text and "<script>alert" not in answer.text


@pytest.mark.parametrize("state", ["", "x", None], ids=["empty", "forged", "none"])
async def test_a_state_that_was_not_given_out_signs_nobody_in(hub, provider, at_provider, state):
    provider.knows(e1=EVIL)
    browser = hub.browser()
    parts = urlsplit(await at_provider(browser, "e1"))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    query = {**query, "state": state} if state is not None else {"code": query["code"]}
    answer = await browser.get(f"{parts.path}?{urlencode(query)}")

    assert answer.status_code == 400 and "out of date" in answer.text
    assert not await is_in(browser)


async def test_a_code_of_another_browser_signs_nobody_in(hub, provider, at_provider):
    """Who is lured to the end of an attacker's sign-in would work, unknowing, in the attacker's account."""
    provider.knows(e1=EVIL)
    attackers, victims = hub.browser(), hub.browser()
    address = await at_provider(attackers, "e1")
    await victims.get("/hub/oauth_login")

    assert (await victims.get(address)).status_code == 400
    assert not await is_in(victims)
    fresh = hub.browser()
    assert (await fresh.get(address)).status_code == 400


async def test_a_code_put_into_another_sign_in_is_refused(hub, provider, at_provider):
    """State and cookie are the victim's own, the code is stolen: PKCE's verifier does not fit it."""
    provider.knows(j1=JOSE)
    stolen = parse_qs(urlsplit(await at_provider(hub.browser(), "j1")).query)["code"][0]
    thiefs = hub.browser()
    begun = parse_qs(urlsplit((await thiefs.get("/hub/oauth_login")).headers["location"]).query)
    answer = await thiefs.get("/hub/oauth_callback", params={"code": stolen, "state": begun["state"][0]})

    assert answer.status_code == 403 and "did not sign you in" in answer.text
    assert not await is_in(thiefs)


async def test_a_way_back_works_once(hub, provider, at_provider):
    provider.knows(e1=EVIL)
    browser = hub.browser()
    address = await at_provider(browser, "e1")

    assert (await browser.get(address)).status_code == 302
    assert (await browser.get(address)).status_code == 400


async def test_an_answer_in_another_providers_name_is_refused(hub, provider, at_provider):
    provider.knows(e1=EVIL)
    browser = hub.browser()
    address = (await at_provider(browser, "e1")).partition("&iss=")[0]

    assert (await browser.get(f"{address}&iss=https%3A%2F%2Fevil.example")).status_code == 400
    assert not await is_in(browser)


async def test_what_is_asked_of_the_provider_has_state_nonce_and_a_challenge(hub):
    asked = [
        parse_qs(urlsplit((await hub.browser().get("/hub/oauth_login")).headers["location"]).query) for _ in range(2)
    ]

    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[0][name][0]) >= 32
        assert asked[0][name] != asked[1][name]
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert asked[0]["redirect_uri"] == [f"{hub.origin}/hub/oauth_callback"]


async def test_the_cookie_of_a_sign_in_is_for_this_host_alone(hub):
    cookies = (await hub.browser().get("/hub/oauth_login")).headers.get_list("set-cookie")
    ours = [one for one in cookies if one.startswith("labkit-oidc=")]

    assert len(ours) == 1 and "httponly" in ours[0].lower() and "samesite=lax" in ours[0].lower()
    assert "domain" not in ours[0].lower()


@pytest.mark.parametrize(
    "then",
    [
        *("https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example", "\\\\evil.example"),
        *("http:evil.example", "javascript:alert(1)", "https://localhost@evil.example/"),
    ],
)
async def test_next_never_leads_outside(hub, provider, sign_in_there, then: str):
    provider.knows(e1=EVIL)
    answer = await sign_in_there(hub.browser(), "e1", then)

    assert answer.status_code == 302
    to = httpx.URL(hub.origin).join(answer.headers["location"])
    assert (to.host, to.scheme) == ("localhost", "http")


@pytest.mark.parametrize("path", ["/hub/api/authorizations/token", "/hub/login"])
async def test_what_only_our_handlers_make_cannot_be_posted(hub, path: str):
    browser = hub.browser()
    body = {"username": "jose", "kept": {"subject": "x"}, "auth": {"username": "jose"}}
    await browser.post(path, json=body)

    assert not await is_in(browser)

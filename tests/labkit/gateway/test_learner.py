"""What a learner's token and key open besides the models: the key itself, her allowance, which models there are."""

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import openai
import pytest

from labkit.allowance import Order, Share
from labkit.allowance.limits import Limit, set_limit

HELLO = [{"role": "user", "content": "good morning to you"}]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "token token-of-ana"},
        {"Authorization": "Bearer token-of-ana"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmEifQ."},
    ],
)
@pytest.mark.parametrize("path", ["v1/models", "v1/chat/completions", "v1/completions", "v1/score", "allowance"])
def test_without_a_key_of_ours_everything_is_401(path: str, headers: dict[str, str], gateway) -> None:
    method = "GET" if path in ("v1/models", "allowance") else "POST"
    answer = httpx.request(method, f"{gateway.url}/labs/prompting/triage/{path}", headers=headers, json={})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "KeyRefused"


@pytest.mark.parametrize(
    ("path", "token", "status", "code"),
    [
        ("prompting/triage", "token-of-zoe", 403, "NotEnrolled"),
        ("prompting/triage", "forged", 401, "KeyRefused"),
        ("prompting/none", "token-of-ana", 404, "NotInALab"),
        ("painting/triage", "token-of-ana", 404, "NotInALab"),
    ],
)
def test_a_key_is_given_to_enrolled_people_for_real_labs(
    path: str, token: str, status: int, code: str, gateway
) -> None:
    answer = httpx.post(f"{gateway.url}/labs/{path}/key", headers={"Authorization": f"token {token}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_key_says_when_it_expires_and_is_refused_after_that(gateway, later: Callable[[timedelta], None]) -> None:
    answer = httpx.post(
        f"{gateway.url}/labs/prompting/triage/key", headers={"Authorization": "token token-of-ana"}
    ).json()
    assert timedelta(minutes=59) < datetime.fromisoformat(answer["expires_at"]) - gateway.clock.now
    client = gateway.openai()
    client.models.list()
    later(timedelta(hours=1, seconds=1))
    with pytest.raises(openai.AuthenticationError, match="expired"):
        client.models.list()


def test_a_key_opens_its_own_lab_only(gateway) -> None:
    for other in ("small", "none"):
        url = f"{gateway.url}/labs/prompting/{other}/v1"
        with (
            openai.OpenAI(base_url=url, api_key=gateway.key("triage")) as client,
            pytest.raises(openai.AuthenticationError, match="another lab"),
        ):
            client.models.list()


@pytest.mark.parametrize(("lab", "models"), [("triage", ["echo"]), ("free", ["echo"]), ("exam", [])])
def test_the_models_listed_are_the_models_the_policy_allows(lab: str, models: list[str], gateway) -> None:
    assert [model.id for model in gateway.openai(lab).models.list()] == models


def test_the_allowance_is_told(gateway) -> None:
    gateway.openai("small").chat.completions.create(model="echo", messages=HELLO, max_tokens=6)
    told = httpx.get(
        f"{gateway.url}/labs/prompting/small/allowance", headers={"Authorization": f"Bearer {gateway.key('small')}"}
    ).json()
    assert told.pop("resets_at").endswith("T00:00:00+08:00")
    every = told.pop("all")
    assert [one["scope"] for one in every] == ["lab"]
    counted = {"limit": 40, "used": 10, "reserved": 0, "left": 30, "requests": 1, "most_requests": None}
    assert told == {"unit": "tokens", "per": "day", **counted}


def test_where_a_lab_trains_what_is_left_of_its_steps_is_told_apart_from_tokens(gateway) -> None:
    address = f"{gateway.url}/labs/prompting/tuning/allowance"
    headers = {"Authorization": f"Bearer {gateway.key('tuning')}"}
    (row,) = httpx.get(address, headers=headers).json()["training"]
    assert {**row, "limit": 0} == {
        **{"scope": "lab", "unit": "steps", "per": "total", "limit": 0, "used": 0, "reserved": 0, "left": 100},
        **{"requests": 0, "most_requests": None, "resets_at": None},
    }
    given = Limit("lab", "ana", "", "prompting", "tuning", steps=250, minutes=2)
    set_limit(gateway.engine, given, "tess")
    gateway.ledger.write([Order("ana", "prompting", "tuning", Share(250, None, "total"), 30, "t", "1", unit="steps")])
    with httpx.Client(headers=headers) as client:
        while len(found := (told := client.get(address).json())["training"]) < 2:  # it follows within two seconds
            continue
    assert [(one["unit"], one["limit"], one["left"]) for one in found] == [("steps", 250, 220), ("seconds", 120, 120)]
    assert (told["unit"], told["left"], [one["unit"] for one in told["all"] if "unit" in one]) == ("tokens", 2000, [])

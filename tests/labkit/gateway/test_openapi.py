"""The gateway's own description is true, and whatever is sent by it finds no fault of ours."""

from __future__ import annotations

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from labkit.gateway.openapi import BODIES, FORMS, describe
from labkit.gateway.parameters import CHAT, COMPLETION, EMBEDDING, SCORE
from labkit.gateway.uploads import _KNOWN

_PLACE = {"course": "prompting", "lab": "large"}
OPERATIONS = [
    (path.removeprefix("/services/gateway"), method)
    for path, methods in describe("/services/gateway")["paths"].items()
    for method in methods
]


@pytest.mark.parametrize(
    ("path", "known"),
    [("chat/completions", CHAT), ("completions", COMPLETION), ("score", SCORE), ("embeddings", EMBEDDING)],
)
def test_every_parameter_is_described(path: str, known: dict[str, object]) -> None:
    assert BODIES[path][0].keys() == known.keys()


@pytest.mark.parametrize("path", FORMS)
def test_every_field_of_a_form_is_described(path: str) -> None:
    assert FORMS[path].keys() - {"file"} <= set(_KNOWN[path])


def test_every_route_a_key_opens_is_described(gateway) -> None:
    told = httpx.get(f"{gateway.url}/openapi.json").json()
    assert told == describe("/services/gateway")
    assert ("/labs/{course}/{lab}/v1/chat/completions", "post") in OPERATIONS


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [
        (path, method, mode)
        for path, method in OPERATIONS
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if path != "/health" or mode is GenerationMode.POSITIVE  # there is no wrong way to ask it
    ],
)
def test_whatever_is_sent_it_is_answered_and_never_with_a_fault_of_ours(
    path: str, method: str, mode: GenerationMode, gateway
) -> None:
    """Right and wrong requests made from the description, with a good key and without."""
    document = describe("/services/gateway")
    for operations in document["paths"].values():
        for parameter in (one for operation in operations.values() for one in operation.get("parameters", ())):
            if parameter["name"] in _PLACE:
                parameter["schema"] = {"enum": [_PLACE[parameter["name"]]]}
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=gateway.url.removesuffix("/services/gateway"))
    key = {"Authorization": f"Bearer {gateway.key('large')}"}
    found: list[str] = []

    @given(case=schema[f"/services/gateway{path}"][method.upper()].as_strategy(generation_mode=mode))
    @settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def try_it(case: schemathesis.Case) -> None:
        for headers in (key, {}):
            answer = case.call(headers=headers, timeout=20)
            if answer.status_code >= 500:
                found.append(f"{answer.status_code} {answer.text[:200]} to {case.as_curl_command()[:300]}")
            elif answer.status_code >= 400:
                assert answer.json()["error"]["message"]

    try_it()
    assert found == []
    assert gateway.settled("large").reserved == 0

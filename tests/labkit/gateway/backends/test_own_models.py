"""A learner's own model is asked where its base stands, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import openai
import pytest

from labkit.errors import OperatorError
from labkit.gateway.backends import adapters_of, open_backend, served_as
from labkit.gateway.front import Own
from tests.labkit.gateway.conftest import GRADING_KEY, Gateway

SMALL, LARGE = "smollm2-135m-instruct", "qwen3-0.6b"
HELLO: Any = [{"role": "user", "content": "good morning to you"}]
OF_ANA = {
    base: Own(f"ft:{base}:labkit::{number * 24}", base, number * 64) for base, number in ((SMALL, "1"), (LARGE, "2"))
}
NOWHERE = Own(f"ft:gemma:labkit::{'3' * 24}", "gemma", "3" * 64)


class Shelf:
    """What Ana has trained, one model of each base."""

    def __init__(self) -> None:
        self.hers = {one.model: one for one in (*OF_ANA.values(), NOWHERE)}

    def find(self, username: str, model: str) -> Own | None:
        return self.hers.get(model) if username == "ana" else None

    def of(self, username: str) -> Sequence[Own]:
        return list(self.hers.values()) if username == "ana" else []


@pytest.fixture(scope="module")
def site(upstream, starting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, dict[str, Any]]]:
    """A gateway before two servers, each with a base of its own and the adapters of it."""
    servers = {SMALL: upstream(), LARGE: upstream()}
    backends = [
        open_backend(
            {
                **{"kind": "openai", "url": server.url, "count": "vllm", "models": {base: {"upstream": f"Org/{base}"}}},
                "adapters": {base: {"upstream": f"Org/{base}"}},
            }
        )
        for base, server in servers.items()
    ]
    with starting(tmp_path_factory.mktemp("own")) as start:
        yield start(backends, SMALL, adapters=Shelf()), servers


def say(client: openai.OpenAI, model: str, stream: bool = False) -> str:
    given: dict[str, Any] = {"model": model, "messages": HELLO, "max_tokens": 3, "stream": stream}
    answer = client.with_options(max_retries=0).chat.completions.create(**given)
    if stream:
        return "".join(one.choices[0].delta.content or "" for one in answer if one.choices)
    return answer.choices[0].message.content or ""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("base", [SMALL, LARGE])
def test_it_is_asked_by_the_hash_of_its_files_on_the_server_of_its_base(site, base: str, stream: bool):
    gateway, servers = site
    before = {name: len(server.asked) for name, server in servers.items()}
    assert say(gateway.openai(lab="tuning"), OF_ANA[base].model, stream) == "word " * 3

    other = next(name for name in servers if name != base)
    assert len(servers[other].asked) == before[other]
    (asked,) = servers[base].asked[before[base] :]
    assert asked["model"] == OF_ANA[base].digest
    assert "adapter" not in asked


def test_its_tokens_are_counted_as_any_model_s_are(site):
    gateway, _ = site
    before = gateway.settled(lab="tuning").used
    say(gateway.openai(lab="tuning"), OF_ANA[SMALL].model)
    assert gateway.settled(lab="tuning").used - before == 4 + 3


def test_a_list_of_models_has_hers_and_the_site_s_without_the_names_that_stand_for_all_of_them(site):
    gateway, _ = site
    listed = {one.id for one in gateway.openai(user="ana", lab="tuning").models.list()}
    assert listed == {SMALL, *(one.model for one in OF_ANA.values())}
    assert {one.id for one in gateway.openai(user="ben", lab="tuning").models.list()} == {SMALL}


@pytest.mark.parametrize("model", [OF_ANA[SMALL].model, adapters_of(SMALL), adapters_of(LARGE), "ft:", "ft::::"])
def test_another_s_and_a_name_that_stands_for_all_are_nobody_s(site, model: str):
    gateway, servers = site
    before = sum(len(one.asked) for one in servers.values())
    with pytest.raises(openai.APIStatusError, match="You have no model"):
        say(gateway.openai(user="ben", lab="tuning"), model)
    assert sum(len(one.asked) for one in servers.values()) == before


@pytest.mark.parametrize("lab", ["triage", "exam"])
def test_a_lab_in_which_nothing_is_trained_is_about_the_models_it_names(site, lab: str):
    gateway, servers = site
    before = sum(len(one.asked) for one in servers.values())
    with pytest.raises(openai.APIStatusError, match="You have no model"):
        say(gateway.openai(lab=lab), OF_ANA[SMALL].model)

    assert OF_ANA[SMALL].model not in {one.id for one in gateway.openai(lab=lab).models.list()}
    assert sum(len(one.asked) for one in servers.values()) == before
    assert say(gateway.openai(lab="free"), OF_ANA[SMALL].model), "where any model may be asked hers may be"


def test_one_whose_base_stands_nowhere_is_not_asked_elsewhere(site):
    gateway, _ = site
    with pytest.raises(openai.APIStatusError, match="You have no model"):
        say(gateway.openai(lab="tuning"), NOWHERE.model)


def test_a_grading_asks_the_files_it_names(site):
    gateway, servers = site
    body = {"model": OF_ANA[LARGE].model, "messages": HELLO, "max_tokens": 3}
    keys = {"Authorization": f"Bearer {GRADING_KEY}", "X-Labkit-Adapter": "a" * 64}
    answer = httpx.post(f"{gateway.url}/grading/v1/chat/completions", json=body, headers=keys)
    assert answer.status_code == 200, answer.text
    assert servers[LARGE].asked[-1]["model"] == "a" * 64


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (SMALL, SMALL),
        (OF_ANA[SMALL].model, f"ft:{SMALL}"),
        (f"{OF_ANA[SMALL].model}:ckpt-step-4", f"ft:{SMALL}"),
        ("", ""),
    ],
)
def test_a_trained_model_is_served_under_the_name_of_its_base(model: str, name: str):
    assert served_as(model) == name


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"upstream": "M", "rank": 8}, "adapters of b: unknown key 'rank'"),
        ({"context": 2048}, "upstream"),
        ("M", "adapters of b: 'M' is no table"),
    ],
)
def test_adapters_it_does_not_know_how_to_serve_are_refused(table: Any, complaint: str):
    with pytest.raises(OperatorError) as caught:
        open_backend({"kind": "openai", "url": "http://127.0.0.1:9", "models": {}, "adapters": {"b": table}})
    assert complaint in str(caught.value)

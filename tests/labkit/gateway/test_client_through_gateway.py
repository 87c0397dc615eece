"""The learner's client and the gateway agree, over real HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import labkit
from labkit import client, errors
from labkit.client.transport import HttpTransport, Place


@pytest.fixture
def notebook(gateway, tmp_path: Path) -> Iterator[None]:
    url = gateway.url.removesuffix("/services/gateway")
    transport = HttpTransport(url, "token-of-ana", Place("prompting", "small", tmp_path))
    client.use(transport)
    yield
    transport._client.close()
    client.use(None)


def test_a_notebook_asks_scores_chats_and_reads_its_allowance(notebook, gateway, capsys) -> None:
    assert labkit.ask("one two", max_tokens=3).split() == ["one", "two", "one"]
    assert labkit.chat([{"role": "user", "content": "three"}], max_tokens=2) == "three three "
    assert capsys.readouterr().out == "three three \n"
    assert labkit.score(["ab", "xy"], ["a", "x"]) == [[0, -1], [-1, 0]]
    gateway.settled("small")
    left = labkit.allowance()
    assert (left.limit, left.used, left.left) == (40, 5 + 3 + 6, 26)
    assert left.resets_at is not None and left.resets_at.utcoffset() == timedelta(hours=8)


def test_a_notebook_open_over_lunch_goes_on(notebook, gateway) -> None:
    labkit.ask("one", max_tokens=1)
    gateway.clock.now += timedelta(hours=2)
    assert labkit.ask("one", max_tokens=1).strip() == "one"


def test_a_spent_allowance_is_the_class_the_gateway_raised(notebook) -> None:
    with pytest.raises(errors.AllowanceSpent, match="never fit"):
        labkit.ask("one", max_tokens=900)
    labkit.ask("one", max_tokens=35)
    with pytest.raises(errors.AllowanceSpent, match="full again at 00:00") as caught:
        labkit.ask("one", max_tokens=35)
    assert caught.value.resets_at.endswith("+08:00")

"""The grading lane asks a learner's own model: its weights and no others, and only for the autograder."""

from __future__ import annotations

import httpx
import pytest

from autograder.gateway_lane import GatewayLane
from autograder.own_model import OwnModelLane
from autograder.recordings import Identity, RecordedLane
from labkit.database import connect
from labkit.errors import ModelNotAllowed
from tests.hub_config.training.conftest import BASE

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]
ASKED = [{"role": "user", "content": "Who keeps it?"}]


@pytest.fixture
def trained(site, rows):
    client = site.openai("ana")
    file = client.files.create(file=("rows.jsonl", rows), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model=BASE, training_file=file.id, extra_body={"labkit": {"steps": 12, "learning_rate": 0.05}}
    )
    return client, site.wait(client, job.id).fine_tuned_model


def test_a_check_hears_what_the_learner_hears_and_a_regrade_the_same(site, trained):
    client, model = trained
    engine = connect(site.database_url)
    lane = GatewayLane(f"{site.url}/grading", "g" * 40)
    recorded = RecordedLane(lane, engine, Identity(lane.identity, engine), "testing", "clip")
    hers = OwnModelLane(recorded, engine, "ana")
    options = {"model": model, "max_tokens": 6}
    heard = hers.chat(ASKED, **options)
    own = client.chat.completions.create(model=model, messages=ASKED, max_tokens=6, temperature=0)

    assert heard == own.choices[0].message.content
    site.kill("adapters")
    assert hers.chat(ASKED, **options) == heard, "a regrade replays what was heard"
    with pytest.raises(ModelNotAllowed):
        OwnModelLane(recorded, engine, "ben").chat(ASKED, **options)
    lane.close()
    engine.dispose()


@pytest.mark.parametrize("adapter", ["", "../" * 21 + "x", "A" * 64, "0" * 64])
def test_files_that_are_not_there_are_not_asked(site, trained, adapter: str):
    _, model = trained
    headers = {"Authorization": f"Bearer {'g' * 40}", **({"X-Labkit-Adapter": adapter} if adapter else {})}
    body = {"model": model, "messages": ASKED, "max_tokens": 2}
    answer = httpx.post(f"{site.url}/grading/v1/chat/completions", json=body, headers=headers, timeout=120)

    assert answer.status_code in (400, 502), answer.text


def test_a_learners_key_does_not_open_it(site, trained):
    _, model = trained
    body = {"model": model, "messages": ASKED}
    headers = {"Authorization": f"Bearer {site.key('ana')}", "X-Labkit-Adapter": "0" * 64}
    answer = httpx.post(f"{site.url}/grading/v1/chat/completions", json=body, headers=headers)

    assert answer.status_code == 401

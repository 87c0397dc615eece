"""Formgrader on the running platform: a teacher of one cohort, and the work of another's."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import delete

from labkit.database import connect
from labkit.database.tables import cohorts, enrolments
from labkit.programme.people import Membership, Person, provision

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),
]

COHORT = "second-testing"
PEOPLE = (Person("tina", "tina@example.org", "Tina", "Lim"), Person("dan", "dan@example.org", "Dan", "Ong"))


@pytest.fixture(scope="module")
def tina(platform, enter, hosts) -> Iterator[object]:
    """Of a second cohort, which is gone again afterwards: other tests have one instructor who teaches all."""
    engine = connect(f"sqlite:///{platform.home / 'labkit.sqlite'}")
    roles = {"tina": "assistant", "dan": "learner"}
    provision(engine, PEOPLE, [Membership(name, COHORT, "testing", role) for name, role in roles.items()])
    client = enter("tina")
    until(lambda: opens(client, hosts))
    yield client
    with engine.begin() as connection:
        connection.execute(delete(enrolments).where(enrolments.c.cohort == COHORT))
        connection.execute(delete(cohorts).where(cohorts.c.name == COHORT))
    engine.dispose()
    whole = enter("maria")
    until(lambda: opens(whole, hosts) and whole.get(f"{hosts.formgrader('testing')}api/contents").status == 200)


def address(hosts, path: str) -> str:
    return f"{hosts.formgrader('testing')}formgrader/{path}"


def opens(client, hosts) -> bool:
    """Whether formgrader is open to her: within seconds of her first sign-in."""
    return client.follow(address(hosts, "gradebook")).status == 200


def until(look, seconds: float = 90):
    """What `look` gives, once it gives something."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.5)
    return found


def test_a_second_cohorts_assistant_has_nothing_of_the_firsts_work_and_its_instructor_has_all(tina, maria, hosts):
    until(lambda: opens(maria, hosts))
    carlas = until(lambda: maria.get(address(hosts, "api/submitted_notebooks/clip/clip")).json())
    until(lambda: maria.get(f"{hosts.formgrader('testing')}api/contents").status == 404)  # no longer the only teacher
    assert "carla" in {one["student"] for one in carlas}
    assert "carla" in {one["id"] for one in maria.get(address(hosts, "api/students")).json()}

    for path in ("api/students", "api/submissions/clip", "api/submitted_notebooks/clip/clip"):
        assert tina.get(address(hosts, path)).json() == [], path
    for path in ("submissions/{}/", "submissions/{}/next", "submissions/{}/clip.ipynb", "api/grades?submission_id={}"):
        answers = [tina.get(address(hosts, path.format(id_))) for id_ in (carlas[0]["id"], "0" * 32)]
        assert [answer.status for answer in answers] == [404, 404], path
        assert answers[0].body == answers[1].body
    for path in ("api/contents/submitted/carla", "files/submitted/carla/clip/clip.ipynb", "api/kernels"):
        assert tina.get(f"{hosts.formgrader('testing')}{path}").status == 404, path
    assert tina.get(address(hosts, "static/css/nbgrader.css")).status == 200

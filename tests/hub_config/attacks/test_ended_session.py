"""What is left of a session, a server or an enrolment after it has been ended: nothing, within a minute."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),
]

GATEWAY = "/services/gateway/labs/testing/clip/key"
SUBMISSIONS = "/services/submissions/courses"


def until(condition: Callable[[], bool], what: str) -> None:
    """Notebook servers, formgrader, gateway and submissions ask the hub again after half a minute."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(1)


def is_shown_the_sign_in_page(answer) -> bool:
    return answer.status in (200, 403) and 'id="username"' in answer.text


def test_every_old_browser_is_refused_everywhere(platform, enter, opened, kernel_of, hosts):
    """Two browsers of carla's, one of them stolen; her instructor ends her sessions."""
    stolen, maria = opened(enter("carla"), "carla"), enter("maria")
    kernel = kernel_of(stolen, "carla")
    kernel.run("kept = 41")
    kept_cookies = {host: dict(cookies) for host, cookies in stolen.cookies.items()}

    ended = maria.post("/services/labkit/people/carla/end", {}, Origin=hosts.main)

    assert ended.status == 303
    # Hub and pages at once.
    assert stolen.get("/hub/api/user").status == 403
    assert is_shown_the_sign_in_page(stolen.follow("/services/labkit/"))
    for path in ("lab", "api/contents", "api/kernels", f"api/kernels/{kernel.id}", "files/testing/clip/clip.ipynb"):
        until(lambda path=path: stolen.get(f"{hosts.user('carla')}{path}").status in (302, 403), path)
    # The very cookies of then, should the browser have kept a copy.
    stolen.cookies = kept_cookies
    assert is_shown_the_sign_in_page(stolen.follow(f"{hosts.user('carla')}lab"))
    assert stolen.get("/hub/api/user").status == 403
    assert stolen.get("/services/labkit/").status == 303

    # She signs in again: her notebook went on.
    hers = opened(enter("carla"), "carla")
    kernel.client = hers
    assert kernel.run("print(kept + 1)").strip() == "42"
    kernel.end()


def test_an_instructors_old_browser_reads_no_grade(platform, enter, hosts):
    stolen, hers = enter("maria"), enter("maria")
    address = f"{hosts.formgrader('testing')}formgrader/gradebook"
    assert "nbgrader" in stolen.follow(address).text

    ended = hers.post("/services/labkit/sessions/end", {}, Origin=hosts.main)

    assert ended.status == 303
    for path in ("formgrader/gradebook", "formgrader/api/assignments", "api/contents"):
        until(lambda path=path: stolen.get(f"{hosts.formgrader('testing')}{path}").status in (302, 403), path)
    assert is_shown_the_sign_in_page(stolen.follow(address))
    for client in (stolen, hers):
        assert client.get("/services/labkit/people").status == 303


def test_the_token_of_a_server_that_was_ended_is_worth_nothing(platform, enter, opened, kernel_of, hosts):
    carla = opened(enter("carla"), "carla")
    token = kernel_of(carla, "carla").run("import os; print(os.environ['JUPYTERHUB_API_TOKEN'])").strip()
    as_program = {"Cookie": "", "Sec_Fetch_Site": "", "Authorization": f"token {token}"}
    assert carla.ask("POST", GATEWAY, b"", **as_program).status == 200
    assert carla.get(SUBMISSIONS, **as_program).status == 200

    xsrf = carla.value("localhost", "_xsrf")
    stopped = carla.ask("DELETE", "/hub/api/users/carla/server", X_XSRFToken=xsrf)

    assert stopped.status in (202, 204), stopped.text
    until(lambda: carla.get("/hub/api/user", **as_program).status == 403, "the hub still knows it")
    until(lambda: carla.ask("POST", GATEWAY, b"", **as_program).status == 401, "the gateway still takes it")
    until(lambda: carla.get(SUBMISSIONS, **as_program).status == 401, "the submissions service still takes it")


def test_a_session_that_signed_out_cannot_be_taken_up_again(platform, enter):
    ben = enter("ben")
    kept = {host: dict(cookies) for host, cookies in ben.cookies.items()}

    page = ben.get("/hub/logout")
    token = page.text.partition('name="_xsrf" value="')[2].partition('"')[0]
    assert ben.post("/hub/logout", {"_xsrf": token}).status == 303

    ben.cookies = kept
    until(lambda: ben.get("/services/labkit/").status == 303, "the pages still show themselves")

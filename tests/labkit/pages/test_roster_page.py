"""The roster's page: an officer sees what a file would change, applies exactly that, and reads every mistake."""

from __future__ import annotations

import html
import os
import re
import time

import httpx
import pytest

from labkit.pages.site import Site
from labkit.pages.uploads import Uploads
from labkit.programme.enrolment import Enrolment
from labkit.programme.people import set_language

HOME = "/services/labkit/"
HEADER = "email,given_name,family_name,role,cohort,course"
FILE = f"{HEADER}\nnina@example.org,Niña,<b>Muñoz,learner,new,testing\nteo@example.org,Teo,X,instructor,new,testing\n"


async def give(
    client: httpx.AsyncClient, content: str | bytes, name: str = "r.csv", who: str = "jose"
) -> httpx.Response:
    client.cookies.set("who", who)
    content = content.encode() if isinstance(content, str) else content
    return await client.post(f"{HOME}roster", files={"file": (name, content, "text/csv")})


def fields(page: str) -> dict[str, str]:
    return {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    }


async def apply(client: httpx.AsyncClient, page: str, **more: str) -> httpx.Response:
    return await client.post(f"{HOME}roster/apply", data={**fields(page), **more})


async def test_the_plan_is_shown_first_and_applied_as_it_was_shown(client: httpx.AsyncClient, site: Site):
    shown = await give(client, FILE)
    assert "Nothing is changed yet" in shown.text and "<b>Muñoz" not in shown.text
    assert Enrolment(site.engine).role("nina", "testing") is None

    done = await apply(client, shown.text)

    assert "Done." in done.text and "cohorts/new" in done.text
    assert Enrolment(site.engine).role("nina", "testing") == "learner"
    assert "nothing to do" in (await give(client, FILE)).text.lower()


async def test_every_mistake_is_shown_and_nothing_is_kept(client: httpx.AsyncClient, site: Site):
    answer = await give(client, f"{HEADER}\nnobody,,X,king,a/b,testing\n<script>,B,X,learner,n,testing\n")

    assert answer.status_code == 422 and "5 mistakes; nothing was changed" in answer.text
    assert "r.csv:2" in answer.text and "<script>" not in answer.text.replace('<script src="', "")
    assert "roster/apply" not in answer.text


async def test_offices_are_not_given_here(client: httpx.AsyncClient):
    answer = await give(client, f"{HEADER}\nx@example.org,X,X,officer,,\n")
    assert "given by whoever runs the platform" in answer.text


async def test_what_changed_meanwhile_is_shown_anew(client: httpx.AsyncClient):
    shown = await give(client, FILE)
    await apply(client, (await give(client, FILE.replace("teo", "tea"))).text)

    answer = await apply(client, shown.text)

    assert answer.status_code == 409 and "somebody changed people" in answer.text
    assert "Done." in (await apply(client, answer.text)).text


async def test_most_of_a_cohort_is_suspended_only_with_the_box_ticked(client: httpx.AsyncClient, site: Site):
    many = "\n".join(f"p{n}@example.org,P,X,learner,big,testing" for n in range(40))
    await apply(client, (await give(client, f"{HEADER}\n{many}")).text)
    shown = await give(client, f"{HEADER}\np0@example.org,P,X,learner,big,testing")
    assert "39 of the 40 people of big would be suspended" in shown.text

    refused = await apply(client, shown.text)
    assert refused.status_code == 422 and Enrolment(site.engine).role("p1", "testing") == "learner"
    await apply(client, refused.text, suspend_most="yes")
    assert Enrolment(site.engine).role("p1", "testing") is None


@pytest.mark.parametrize("files", [{}, {"file": ("", b"", "text/csv")}])
async def test_no_file_is_said(client: httpx.AsyncClient, files):
    client.cookies.set("who", "jose")
    answer = await client.post(f"{HOME}roster", files=files or None, data={"x": "y"})
    assert answer.status_code == 422 and "Choose a file first" in answer.text


async def test_a_file_is_its_givers_alone_and_gone_after_an_hour(client: httpx.AsyncClient, site: Site):
    shown = await give(client, FILE)
    client.cookies.set("who", "luz")  # an officer too
    assert (await apply(client, shown.text)).status_code == 410
    for path in site.uploads._folder.iterdir():
        os.utime(path, (time.time() - 3700,) * 2)
    client.cookies.set("who", "jose")
    assert (await apply(client, shown.text)).status_code == 410


@pytest.mark.parametrize("upload", ["", "../../etc/passwd", "x" * 32, "\0", "é" * 32])
async def test_a_made_up_upload_finds_nothing(client: httpx.AsyncClient, upload: str):
    client.cookies.set("who", "jose")
    answer = await client.post(f"{HOME}roster/apply", data={"upload": upload, "fingerprint": ""})
    assert answer.status_code == 410


async def test_a_plan_without_its_fingerprint_is_not_applied(client: httpx.AsyncClient):
    shown = await give(client, FILE)
    answer = await client.post(f"{HOME}roster/apply", data={"upload": fields(shown.text)["upload"]})
    assert answer.status_code == 409


async def test_a_large_file_is_taken_here_and_nowhere_else(client: httpx.AsyncClient):
    lines = "\n".join(f"p{n}@example.org,P,X,learner,big,testing" for n in range(5000))
    assert "5,000" in (await give(client, f"{HEADER}\n{lines}")).text
    assert (await client.post(f"{HOME}language", data={"x": "y" * 100_000})).status_code == 413


def test_uploads_are_read_by_nobody_elses_account_and_swept(tmp_path):
    uploads = Uploads(tmp_path / "uploads")
    first = uploads.keep("jose", "a\nb.csv", b"one")
    (path,) = (tmp_path / "uploads").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert uploads.find("jose", first).name == "a b.csv" and uploads.find("jose", first).content == b"one"
    os.utime(path, (1, 1))
    uploads.keep("luz", "b", b"two")
    assert not path.exists()


async def test_what_is_wrong_is_said_in_the_readers_language(client: httpx.AsyncClient, site: Site):
    set_language(site.engine, "jose", "fil")
    page = html.unescape((await give(client, f"{HEADER}\nnobody,A,B,studnt,first,testing\n".encode("cp1252"))).text)
    assert "Hindi ito e-mail address." in page and "Walang role na may ganitong pangalan." in page
    assert "Not an e-mail address." not in page
    answer = await give(client, FILE.encode("cp1252"))
    assert "hindi sinasabi ng r.csv" in html.unescape(answer.text).lower()

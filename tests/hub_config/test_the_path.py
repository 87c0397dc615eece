"""One learner's submission travels the whole platform, on real parts, in a real browser."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import openai
import pytest
from playwright.sync_api import expect

from hub_config.hosts import Hosts

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(1200),  # a small machine under load
]

TEMPLATE = '''TEMPLATE = """
Message: The clerk explained everything kindly. Maraming salamat!
Type: praise

Message: Two weeks and nobody has fixed the broken pipe in our street.
Type: complaint

Message: Saan po ako kukuha ng barangay clearance?
Type: question

Message: Ang bilis ng serbisyo ninyo, napakagaling.
Type: praise

Message: Ang haba ng pila at isa lang ang bukas na window. Nakakainis.
Type: complaint

Message: What time does the health center open on Saturdays?
Type: question

Message: {message}
Type:
""".strip()'''
# What a learner might add for her instructor's browser to run.
FORGERY = """

<script>document.title = "forged"</script> <img src=x onerror="document.title = 'forged'"> [x](javascript:alert(1))
"""
REFLECTION = "It mixed up polite complaints. A person must read every complaint; the model may only sort the pile."


def test_a_learner_learns_submits_and_sees_a_score_with_reasons_and_the_instructor_adds_to_it(
    platform, sign_in, open_lab, picture
):
    ana = sign_in("ana")
    picture(ana, "learner-home")
    lab = open_lab(ana, "1.2 Sorting citizens' messages")
    for cell in ("import csv", "for message in PRACTICE:", "def what_is_wrong"):
        lab.run(cell)
    answer = lab.run_new('labkit.ask("What is the capital of the Philippines?", temperature=0)')
    assert "Manila" in answer
    lab.write("TEMPLATE =", TEMPLATE)
    lab.run("TEMPLATE =")
    output = lab.run("sorts at least 9 of the 12").inner_text()
    assert "✓ sorts at least 9" in output
    lab.write("Your office wants to use", REFLECTION + FORGERY)
    picture(ana, "learner-notebook")
    lab.save()
    receipt = lab.run("labkit.submit()").inner_text()
    assert re.search(r"Receipt [0-9a-f]{32}", receipt)

    ana.goto(f"{platform.url}/services/labkit/labs/prompting/message-triage")
    expect(ana.get_by_role("heading", name="Your score")).to_be_visible(timeout=120_000)
    # What asks the model is judged in a second pass, after everybody's first; the page brings it by itself.
    reason = ana.get_by_text("sorts unseen messages better than a friendly request does")
    expect(reason).to_be_visible(timeout=600_000)
    expect(ana.get_by_text("your instructor reads them")).to_be_visible()
    before = float(ana.locator(".total strong").inner_text())
    assert 30 <= before <= 80
    picture(ana, "learner-score")

    maria = sign_in("maria")
    row = maria.get_by_role("row").filter(has_text="Ana Dela Cruz").filter(has_text="message-triage")
    expect(row.get_by_text("Graded")).to_be_visible()
    picture(maria, "instructor-home")
    grade_reflection(maria, platform, "message-triage", REFLECTION, "15")

    expect(ana.get_by_text("Your written answers: 15 of 20.")).to_be_visible(timeout=30_000)
    assert float(ana.locator(".total strong").inner_text()) == pytest.approx(before + 15)


def grade_reflection(page, platform, lab: str, answer: str, points: str) -> None:
    """In formgrader: finds the submission with this answer and gives it points."""
    host = Hosts.of(platform.url).formgrader("prompting")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open formgrader").first.click()
    page = opened.value
    page.wait_for_url("**/formgrader/gradebook")
    page.goto(f"{host}formgrader/gradebook/{lab}/{lab}")
    links = page.locator("a[href*='/formgrader/submissions/']")
    expect(links.first).to_be_visible()
    for address in sorted({link.get_attribute("href") for link in links.all()}):
        page.goto(urljoin(host, address))
        page.wait_for_load_state("networkidle")
        if page.get_by_text(answer).count():
            assert page.title() != "forged"
            assert page.locator("img[onerror], a[href^='javascript']").count() == 0
            field = page.locator("input.score#reflect")
            field.fill(points)
            field.press("Tab")
            page.wait_for_load_state("networkidle")
            return
    raise AssertionError("formgrader does not show the submission")


def test_fetch_and_submit_work_from_the_assignment_list(platform, sign_in, open_lab):
    ben = sign_in("ben", locale="en-US")
    ben.get_by_role("button", name="English").click()
    lab = open_lab(ben, "Clip a reward")
    lab.write("def clip", "def clip(x, low, high):\n    return max(low, min(high, x))")
    lab.save()
    ben.get_by_role("menuitem", name="Nbgrader").click()
    ben.get_by_role("menuitem", name="Assignment List").click()
    released = ben.locator("#released_assignments_list, #released_assignments")
    expect(released.first).to_be_visible()
    course = ben.locator("#course_list_default")
    if "testing" not in course.inner_text():
        ben.locator("#course_list_dropdown").click()
        ben.locator("#course_list").get_by_text("testing").click()
    fetch = ben.locator("#released_assignments_list .list_item", has_text="linear").get_by_role("button", name="Fetch")
    fetch.click()
    expect(ben.locator("#fetched_assignments_list")).to_contain_text("linear")
    ben.locator("#fetched_assignments_list .list_item", has_text="clip").get_by_role(
        "button", name="Submit"
    ).first.click()
    expect(ben.locator("#submitted_assignments_list")).to_contain_text("clip")
    ben.goto(f"{platform.url}/services/labkit/labs/testing/clip")
    expect(ben.get_by_role("heading", name="Your score")).to_be_visible(timeout=60_000)
    expect(ben.locator(".checks .failed")).to_have_count(0)


def test_the_official_openai_client_talks_to_the_gateway_with_a_learners_key(platform, sign_in, open_lab):
    lab = open_lab(sign_in("carla"), "Clip a reward")
    printed = lab.run_new("import labkit\nprint(*labkit.credentials())")
    base_url, key = printed.split()
    assert base_url.endswith("/labs/testing/clip/v1")
    # What a notebook calls its own loopback is the platform's address to everybody else.
    base_url = platform.url + urlsplit(base_url).path
    refused = pytest.raises((openai.AuthenticationError, openai.PermissionDeniedError))
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
        model = client.models.list().data[0].id
        ask = {"model": model, "messages": [{"role": "user", "content": "Name one colour."}], "max_tokens": 8}
        answer = client.chat.completions.create(**ask)
        assert answer.choices[0].message.content
        assert answer.usage.total_tokens > 0
        streamed = list(client.chat.completions.create(**ask, stream=True))
        assert len(streamed) > 1
        assert len(client.embeddings.create(model="all-minilm-l6-v2", input="A tree.").data[0].embedding) == 384
        with pytest.raises(openai.PermissionDeniedError, match="gpt-9"):
            client.chat.completions.create(**{**ask, "model": "gpt-9"})
        with pytest.raises(openai.RateLimitError, match=r"full again at|reset"):
            for _ in range(60):
                client.chat.completions.create(**{**ask, "max_tokens": 900})
    with openai.OpenAI(base_url=base_url, api_key="nothing", max_retries=0) as stranger, refused:
        stranger.models.list()
    elsewhere = base_url.replace("testing/clip", "prompting/message-triage")
    with openai.OpenAI(base_url=elsewhere, api_key=key, max_retries=0) as client, refused:
        client.models.list()


def test_a_learners_jupyterlab_shows_her_course_and_nothing_of_the_instructors(sign_in, open_lab):
    page = sign_in("ana")
    open_lab(page, "Clip a reward")
    expect(page.locator(".jp-DirListing-item", has_text="clip.ipynb")).to_be_visible()
    page.get_by_role("menuitem", name="Nbgrader").click()
    menu = page.locator(".lm-Menu").last.inner_text()
    assert "Assignment List" in menu
    assert not re.search("Create Assignment|Formgrader|Course List|Validate", menu)
    page.keyboard.press("Escape")
    assert page.locator(".jp-Launcher").count() == 0
    assert page.get_by_text("news").count() == 0


def test_a_learners_kernel_reaches_nothing_of_the_machines_data(platform, sign_in, open_lab):
    lab = open_lab(sign_in("ana"), "Clip a reward")
    code = f"""
import os, pathlib
def reach(path):
    try:
        path = pathlib.Path(path)
        return "READ " + (path.read_text()[:20] if path.is_file() else str(sorted(path.iterdir())[:3]))
    except OSError as error:
        return type(error).__name__
for path in {
        [
            str(platform.home),
            str(platform.home / "secrets" / "cookie"),
            str(platform.home / "homes" / "carla"),
            str(platform.home / "labkit.sqlite"),
            "/etc/shadow",
            "/root",
            "/courses/prompting/message-triage/hidden",
        ]
    }:
    print(path, reach(path))
print("uid", os.getuid(), "groups", os.getgroups())
print("course", sorted(path.name for path in pathlib.Path("/courses/testing/clip").iterdir()))
try:
    pathlib.Path("/courses/testing/clip/clip.ipynb").write_text("mine")
except OSError as error:
    print("course is", type(error).__name__)
"""
    output = lab.run_new(code)
    assert "READ" not in output
    assert "uid 0" not in output
    assert "course ['clip." in output
    assert "course is OSError" in output


def test_a_link_into_a_stopped_server_starts_it_by_itself(platform, sign_in):
    page = sign_in("carla")
    page.goto(f"{platform.url}/user/carla/labkit/open/testing/clip")
    page.wait_for_url("**/lab/tree/**")
    expect(page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first).to_be_visible()


def test_a_lab_she_is_not_in_is_told_in_words(platform, sign_in, open_lab):
    page = sign_in("ana")
    open_lab(page, "Clip a reward")
    page.goto(f"{platform.url}/user/ana/labkit/open/testing/nothing")
    expect(page.get_by_role("heading", name="This lab could not be opened")).to_be_visible()


def test_a_sign_in_link_works_once(platform, browser):
    link = platform.link_for("ben")
    first, second = browser.new_context(), browser.new_context()
    page = first.new_page()
    page.goto(link)
    page.get_by_role("button", name="ign in").click()
    page.wait_for_url("**/services/labkit/**")
    again = second.new_page()
    assert again.goto(link).status == 410
    expect(again.get_by_role("heading", name="no longer works")).to_be_visible()
    first.close()
    second.close()


def test_one_learner_cannot_open_the_server_of_another_or_formgrader(platform, sign_in):
    page = sign_in("ben")
    hosts = Hosts.of(platform.url)
    for address in (f"{hosts.user('ana')}lab", f"{hosts.formgrader('prompting')}formgrader/gradebook"):
        page.goto(address)
        assert page.locator(".jp-Notebook").count() == 0
        expect(page.locator("body")).to_contain_text(re.compile("403|404|not have access|no access", re.I))

"""What a teacher of some cohorts has: her own learners, whole, with counts, averages and ways from one to the next."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")

SCORES = {"ana": 3.0, "ben": 4.0, "carla": 5.0, "danilo": 5.0}


@pytest.mark.parametrize(
    ("who", "whom", "waiting"),
    [("tina", ["ana", "ben"], []), ("tomas", ["carla", "danilo"], ["evelina"]), ("maria", [*SCORES], ["evelina"])],
)
def test_lists_counts_and_averages_are_of_her_own_learners(formgrader, who: str, whom: list[str], waiting: list[str]):
    def ask(path: str):
        return formgrader.as_(who).get(f"formgrader/api/{path}").raise_for_status().json()

    everybody, mean = sorted([*whom, *waiting]), sum(SCORES[name] for name in whom) / len(whom)
    assert sorted(one["id"] for one in ask("students")) == everybody
    assert [one["student"] for one in ask("submissions/clip")] == everybody
    assert sorted(one["student"] for one in ask("submitted_notebooks/clip/clip")) == whom
    assert sorted(one["index"] for one in ask("submitted_notebooks/clip/clip")) == list(range(len(whom)))
    for assignment in (*ask("assignments"), ask("assignment/clip")):
        assert (assignment["num_submissions"], assignment["average_score"]) == (len(everybody), mean)
        assert assignment["average_code_score"] == mean and assignment["average_written_score"] == 0
    (notebook,) = ask("notebooks/clip")
    assert (notebook["num_submissions"], notebook["average_score"]) == (len(whom), mean)
    assert notebook["needs_manual_grade"]


def test_an_answer_that_waits_in_another_cohort_is_not_announced_in_hers(formgrader):
    tina, told = formgrader.as_("tina"), {}
    for name in ("ana", "ben"):
        asked = tina.get("formgrader/api/grades", params={"submission_id": formgrader.ids(name)["submission"]}).json()
        (waiting,) = [grade for grade in asked if grade["needs_manual_grade"]]
        told[waiting["id"]] = waiting["manual_score"]
        assert tina.put(f"formgrader/api/grade/{waiting['id']}", json={"manual_score": 2.0}).status_code == 200

    for who, waits in (("tina", False), ("tomas", True)):
        (notebook,) = formgrader.as_(who).get("formgrader/api/notebooks/clip").json()
        assert notebook["needs_manual_grade"] is waits, who
    for id_, score in told.items():
        assert tina.put(f"formgrader/api/grade/{id_}", json={"manual_score": score}).status_code == 200


def test_she_grades_and_comments_what_is_hers(formgrader):
    tina, ana = formgrader.as_("tina"), formgrader.ids("ana")
    address = f"formgrader/api/comment/{ana['comment']}"
    assert tina.put(address, json={"manual_comment": "Salamat!"}).json()["manual_comment"] == "Salamat!"
    assert tina.get(address).json()["manual_comment"] == "Salamat!"
    flag = f"formgrader/api/submitted_notebook/{ana['submission']}/flag"
    assert [tina.post(flag).json()["flagged"] for _ in range(2)] == [True, False]
    assert tina.post("formgrader/api/assignment/clip/ben/generate_feedback").json()["success"]
    assert "platform's page" in tina.post("formgrader/api/assignment/clip/ben/release_feedback").json()["log"]
    assert tina.put("formgrader/api/student/ana", json={"first_name": "Ana"}).json()["first_name"] == "Ana"


@pytest.mark.parametrize("way", ["next", "prev", "next_incorrect", "prev_incorrect"])
def test_the_way_from_one_to_the_next_stays_within_her_own(formgrader, way: str):
    tina = formgrader.as_("tina")
    hers = sorted(formgrader.ids(name)["submission"] for name in ("ana", "ben"))
    went = [hers[-1] if way.startswith("prev") else hers[0]]
    while True:
        where = tina.get(f"formgrader/submissions/{went[-1]}/{way}").headers["Location"]
        if "/submissions/" not in where:
            break
        went.append(where.rpartition("/")[2])
    assert where.endswith("/formgrader/gradebook/clip/clip")
    assert set(went) <= set(hers)
    assert way.endswith("incorrect") or len(went) == 2


def test_one_of_so_many_counts_her_own(formgrader):
    tina, seen = formgrader.as_("tina"), set()
    for name in ("ana", "ben"):
        page = tina.get(f"formgrader/submissions/{formgrader.ids(name)['submission']}/").text
        assert f"What {name} wrote." in page
        seen |= set(re.findall(r"\d+ remaining", page))
    assert seen == {"0 remaining", "1 remaining"}


def test_a_question_asked_twice_is_answered_for_the_one_that_was_checked(formgrader):
    tina, ana, carla = (
        formgrader.as_("tina"),
        formgrader.ids("ana")["submission"],
        formgrader.ids("carla")["submission"],
    )
    secret = set(formgrader.ids("carla").values())
    for what in ("grades", "comments"):
        for ids in ((ana, carla), (carla, ana), (f" {carla} ", ana), (ana, f" {carla}")):
            answer = tina.get(f"formgrader/api/{what}", params=[("submission_id", id_) for id_ in ids])
            assert not [word for word in secret if word in answer.text]
        for id_ in (carla, "0" * 32):
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            content = f"submission_id={id_}".encode()
            hidden = tina.request("GET", f"formgrader/api/{what}?submission_id={ana}", content=content, headers=form)
            assert hidden.status_code == 404


@pytest.mark.parametrize(
    "lab", ["../carla/clip", "../../submitted/carla/clip", "*", "cl*p", "cl?p", "[c]lip", "..", ".", ""]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "submission/{}/ana"),
        ("GET", "submissions/{}"),
        ("GET", "student_notebook_submissions/ana/{}"),
        ("GET", "assignment/{}"),
        ("GET", "notebooks/{}"),
        ("GET", "submitted_notebooks/{}/clip"),
        ("GET", "submitted_notebooks/clip/{}"),
        ("POST", "submission/{}/ana/autograde"),
        ("POST", "assignment/{}/ana/generate_feedback"),
        ("POST", "assignment/{}/ana/release_feedback"),
    ],
)
def test_no_labs_name_is_a_pattern_or_leads_to_anothers_folder(formgrader, method: str, path: str, lab: str):
    before = formgrader.kept()
    answer = formgrader.as_("tina").request(method, f"formgrader/api/{path.format(quote(lab, safe=''))}")
    assert answer.status_code in (403, 404)
    assert formgrader.kept() == before


@pytest.mark.parametrize(
    "file",
    [
        "../../carla/clip/clip.ipynb",
        "..%2f..%2fcarla%2fclip%2fclip.ipynb",
        "x/../../../../gradebook.db",
        "%2e%2e/%2e%2e/carla/clip/clip.ipynb",
        "{root}/autograded/carla/clip/clip.ipynb",
        "%2f{root}/gradebook.db",
        "x%00/../../carla",
        "x%0a/../../carla/clip/clip.ipynb",
    ],
)
def test_no_file_beside_hers_is_reached_from_it(formgrader, file: str):
    import http.client

    tina, ana = formgrader.as_("tina"), formgrader.ids("ana")["submission"]
    assert "clip-properties" in tina.get(f"formgrader/submissions/{ana}/clip.ipynb").text
    # As it is written: a client's library would clean the path.
    line = http.client.HTTPConnection("127.0.0.1", formgrader.port, 30)
    line.request(
        "GET",
        f"{tina.base_url.path}formgrader/submissions/{ana}/{file.format(root=formgrader.root)}",
        headers={"X-User": "tina"},
    )
    answer = line.getresponse()
    assert answer.status == 404
    assert b"carla" not in answer.read()
    line.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", f"assignment/clip/{verb}") for verb in ("assign", "unrelease", "release", "collect")),
        *(("POST", f"assignment/clip/{verb}") for verb in ("generate_feedback", "release_feedback")),
        *(("POST", f"assignment/nothing/{verb}") for verb in ("assign", "generate_feedback")),
        ("PUT", "assignment/clip"),
        ("PUT", "assignment/new"),
    ],
)
def test_what_is_of_the_whole_course_is_refused_to_her_in_words(formgrader, method: str, path: str):
    before = formgrader.kept()
    answer = formgrader.as_("tina").request(method, f"formgrader/api/{path}", json={})
    assert answer.status_code == 403
    assert "every cohort of the course" in answer.text
    assert formgrader.kept() == before


@pytest.mark.parametrize("who", ["tina", "maria"])
def test_nobody_has_nbgrader_read_its_configuration_elsewhere(formgrader, who: str):
    """It is Python, and a link may ask for it in the name of whoever follows it."""
    folder = formgrader.root / "submitted" / "evelina" / "clip"
    trap = folder / "nbgrader_config.py"
    trap.write_text(f"open({str(folder / 'ran')!r}, 'w')")
    answer = formgrader.as_(who).get("formgrader", params={"path": str(folder)})
    trap.unlink()
    assert answer.status_code == 403
    assert not (folder / "ran").exists()
    assert formgrader.as_(who).get("formgrader").headers["Location"].endswith("/formgrader/manage_assignments")


def test_her_pages_have_their_styles_and_scripts(formgrader):
    tina, ana = formgrader.as_("tina"), formgrader.ids("ana")["submission"]
    pages = ("gradebook", "gradebook/clip/clip", "manage_students", "manage_assignments", f"submissions/{ana}/")
    found = set()
    for page in pages:
        answer = tina.get(f"formgrader/{page}").raise_for_status()
        links = re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', answer.text)
        found |= {urljoin(str(answer.url), link) for link in links if not link.startswith("http")}
    assert len(found) > 15
    for address in sorted(found):
        assert tina.get(address).status_code == 200, address

"""Versions follow one another, nothing sent is lost, and what a lab may cost is not an instructor's to change."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace

import pytest

from labkit.courses import load_course
from labkit.courses.new import new_lab
from labkit.errors import OperatorError, PlatformFault, RequestRefused, VersionBehind
from labkit.workshop import Workshop, files
from labkit.workshop.repository import Repository


def edited(found: dict[str, bytes], old: bytes = b"Think it over", new: bytes = b"Think twice") -> dict[str, bytes]:
    assert old in found["ratings/lab.py"]
    return {**found, "ratings/lab.py": found["ratings/lab.py"].replace(old, new)}


def retold(found: dict[str, bytes], line: str) -> dict[str, bytes]:
    return {**found, "course.toml": found["course.toml"] + f"{line}\n".encode()}


def test_a_course_begins_as_the_operator_has_it_and_follows_that_until_somebody_sends(workshop, course):
    first = workshop.follow(course)
    assert (first.number, first.made_by, first.state) == (1, None, "holds")
    assert workshop.follow(course) == first
    (course.path / "ratings/lab.py").write_bytes(edited(files.read(course.path))["ratings/lab.py"])
    second = workshop.follow(course)
    assert second.number == 2
    assert workshop.files(second) == files.read(course.path)

    sent = workshop.receive(
        "maria", "writing", second.commit, edited(workshop.files(second), b"Look at", b"Look well at")
    )
    (course.path / "ratings/lab.py").write_text("# %%\n")
    assert workshop.follow(course) == sent


def test_what_is_sent_is_kept_byte_for_byte_and_waits_to_be_checked(workshop, course):
    first = workshop.follow(course)
    changed = edited({**workshop.files(first), "ratings/data/new file é.csv": bytes(range(256))})
    sent = workshop.receive("maria", "writing", first.commit, changed)

    assert (sent.number, sent.made_by, sent.state) == (2, "maria", "waiting")
    assert workshop.files(sent) == changed
    assert workshop.newest("writing") == sent == workshop.version("writing", 2)
    assert workshop.receive("maria", "writing", sent.commit, changed) == sent  # the same again is no version


def test_of_two_who_began_with_the_same_version_the_second_is_told_and_nothing_is_lost(workshop, course):
    first = workshop.follow(course)
    hers = workshop.receive("maria", "writing", first.commit, edited(workshop.files(first)))
    with pytest.raises(VersionBehind, match="Nothing of yours is lost"):
        workshop.receive("nan", "writing", first.commit, edited(workshop.files(first), b"Hand in", b"Send it"))
    assert workshop.newest("writing") == hers


def test_two_at_the_same_moment_are_one_version_and_one_refusal(engine, tmp_path, course):
    workshop = Workshop(engine, tmp_path / "workshop")
    first, told = workshop.follow(course), []
    both = threading.Barrier(2)

    def send(name: str) -> None:
        both.wait()
        try:
            told.append(Workshop(engine, tmp_path / "workshop").receive(
                name, "writing", first.commit, edited(workshop.files(first), b"Hand in", name.encode())
            ))  # fmt: skip
        except VersionBehind as error:
            told.append(error)

    threads = [threading.Thread(target=send, args=(name,)) for name in ("maria", "nan")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    made = [one for one in told if not isinstance(one, VersionBehind)]
    assert len(told) == 2
    assert made == [workshop.newest("writing")]
    assert made[0].made_by.encode() in workshop.files(made[0])["ratings/lab.py"]


@pytest.mark.parametrize(
    "line",
    [
        'allowance = {tokens = 1000000, per = "day"}',
        'models = ["another"]',
        'ai_policy = "open"',
        'profile = "torch"',
        "limits = {seconds = 9999, memory_mb = 9999}",
        "model_limits = {answer = 90000}",
    ],
)
def test_what_a_lab_may_cost_stays_with_whoever_runs_the_platform(workshop, course, line):
    first = workshop.follow(course)
    with pytest.raises(RequestRefused, match="whoever runs the platform"):
        workshop.receive("maria", "writing", first.commit, retold(workshop.files(first), line))
    # Nor in a lab she adds.
    new_lab(course.path.parent, "writing", "second")
    with pytest.raises(RequestRefused, match="of the lab second"):
        workshop.receive("maria", "writing", first.commit, retold(files.read(course.path), line))


def test_what_is_installed_for_a_course_is_not_an_instructors_to_say(workshop, course):
    first = workshop.follow(course)
    toml = b'packages = ["another"]\n' + workshop.files(first)["course.toml"]
    with pytest.raises(RequestRefused, match="`packages` of the course"):
        workshop.receive("maria", "writing", first.commit, {**workshop.files(first), "course.toml": toml})


def test_titles_dates_attempts_and_new_labs_are_hers(workshop, course):
    first = workshop.follow(course)
    new_lab(course.path.parent, "writing", "second", "The second")
    changed = retold(files.read(course.path), "due = 2030-01-01T00:00:00Z\nattempts = 3")
    assert workshop.receive("maria", "writing", first.commit, changed).number == 2


def test_a_reserved_key_stays_as_the_operator_set_it(workshop, course):
    toml = course.path / "course.toml"
    toml.write_text(toml.read_text() + 'allowance = {tokens = 5, per = "total"}\n')
    first = workshop.follow(load_course(course.path.parent, "writing"))
    without = {**workshop.files(first), "course.toml": toml.read_bytes().replace(b"tokens = 5", b"tokens = 6")}
    with pytest.raises(RequestRefused, match="`allowance`"):
        workshop.receive("maria", "writing", first.commit, without)
    assert workshop.receive("maria", "writing", first.commit, edited(workshop.files(first))).number == 2


def test_a_course_toml_that_cannot_be_read_is_refused_by_file_and_line(workshop, course):
    first = workshop.follow(course)
    with pytest.raises(RequestRefused, match=r"writing/course.toml:7: unknown key 'colour'"):
        workshop.receive("maria", "writing", first.commit, retold(workshop.files(first), 'colour = "red"'))


def test_versions_are_checked_in_turn_and_taken_again_after_a_crash_but_not_for_ever(workshop, course):
    first = workshop.follow(course)
    workshop.receive("maria", "writing", first.commit, edited(workshop.files(first)))
    for tries in (1, 2, 3):
        taken = workshop.take()
        assert (taken.number, taken.tries) == (2, tries)
        assert workshop.take() is None
        workshop.recover()
    assert workshop.take() is None
    assert workshop.newest("writing").state == "fault"


def test_only_what_holds_is_released_and_an_earlier_version_can_be_again(workshop, course):
    first = workshop.follow(course)
    second = workshop.receive("maria", "writing", first.commit, edited(workshop.files(first)))
    assert not workshop.ask_release("writing", 2, "maria")
    assert not workshop.ask_release("writing", 9, "maria")
    workshop.checked(workshop.take(), "refused", {})
    assert not workshop.ask_release("writing", 2, "maria")
    workshop.checked(second, "holds", {"labs": []})
    assert workshop.take_release() is None
    assert workshop.ask_release("writing", 2, "maria")
    assert not workshop.ask_release("writing", 2, "nan")  # it is being released
    asked = workshop.take_release()
    assert (asked.number, asked.released_by) == (2, "maria")
    assert workshop.released("writing") is None
    workshop.mark_released(asked)
    assert workshop.take_release() is None
    assert workshop.released("writing").number == 2
    assert not workshop.ask_release("writing", 2, "maria")  # learners have it
    # To go back is a version of its own: who released what, and when, is never overwritten.
    back = workshop.ask_release("writing", 1, "nan")
    assert (back.number, back.made_by, workshop.files(back)) == (3, "nan", workshop.files(first))
    workshop.mark_released(workshop.take_release())
    assert workshop.released("writing").number == 3
    assert [(one.number, one.released_by) for one in workshop.versions("writing")] == [
        (3, "nan"),
        (2, "maria"),
        (1, None),
    ]
    assert all(one.released_at for one in workshop.versions("writing")[:2])


def test_a_release_that_failed_says_why_and_can_be_asked_for_again(workshop, course):
    first = workshop.follow(course)
    workshop.receive("maria", "writing", first.commit, edited(workshop.files(first)))
    workshop.checked(workshop.take(), "holds", {})
    workshop.ask_release("writing", 2, "maria")
    workshop.release_failed(workshop.take_release(), "A test was added after learners handed in.")
    assert workshop.take_release() is None
    assert workshop.version("writing", 2).release_fault.startswith("A test was added")
    assert workshop.ask_release("writing", 2, "maria")


def test_the_operator_can_take_over_with_the_folder_of_courses(workshop, course):
    first = workshop.follow(course)
    workshop.receive("maria", "writing", first.commit, edited(workshop.files(first)))
    adopted = workshop.adopt(course)
    assert workshop.released("writing").number == adopted.number == 3
    assert workshop.files(adopted) == files.read(course.path)


def test_a_bundle_clones_to_the_newest_text_with_its_history_and_names_nobody(workshop, course, tmp_path):
    first = workshop.follow(course)
    sent = workshop.receive("maria", "writing", first.commit, edited(workshop.files(first)))
    (tmp_path / "b.bundle").write_bytes(workshop.bundle(sent))
    subprocess.run(["git", "clone", "-q", "-b", "main", tmp_path / "b.bundle", tmp_path / "hers"], check=True)
    log = subprocess.run(
        ["git", "log", "--format=%H %an %ae %s"], cwd=tmp_path / "hers", check=True, capture_output=True
    )
    assert files.read(tmp_path / "hers") == workshop.files(sent)
    assert log.stdout.decode().split("\n")[0].startswith(sent.commit)
    assert b"maria" not in log.stdout
    assert load_course(tmp_path / "courses", "writing").title == "Writing"


def test_an_id_that_is_none_never_becomes_a_word_for_git(tmp_path):
    for commit in ("--output=/tmp/x", "main", "", "g" * 40):
        with pytest.raises(PlatformFault):
            Repository(tmp_path / "c.git").files(commit)


def test_without_git_it_says_what_to_install(tmp_path, monkeypatch, workshop, course):
    monkeypatch.setattr("labkit.workshop.repository._PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="apt install git"):
        workshop.follow(course)


def test_a_commit_without_a_row_is_nobodys_version(workshop, course, monkeypatch):
    first = workshop.follow(course)
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr("labkit.workshop.versions.versions.insert", lambda: (_ for _ in ()).throw(SystemExit))
        workshop.receive("maria", "writing", first.commit, edited(workshop.files(first)))
    assert workshop.newest("writing") == first
    assert workshop.receive("maria", "writing", first.commit, edited(workshop.files(first))).number == 2
    assert replace(first) == workshop.version("writing", 1)


def test_a_version_carries_the_competencies_its_outcomes_name(workshop, course, tmp_path):
    file, frameworks = course.path / "course.toml", course.path.parent / "frameworks.toml"
    frameworks.write_text(
        '[[frameworks]]\nkey = "f"\ntitle = "F"\npublisher = "P"\ndate = "2024"\nurl = "https://example.org"\n'
        'competencies = {one = "One"}\n'
    )
    outcome = '[[outcomes]]\nid = "rate"\ntext = "Rate"\nframeworks = ["f/one"]\n'
    file.write_text(f"{file.read_text()}\n{outcome}")
    first = workshop.follow(load_course(course.path.parent, course.id))
    assert workshop.follow(load_course(course.path.parent, course.id)) == first
    assert workshop.export(first, tmp_path / "elsewhere").outcomes[0].competencies[0].text == "One"

    files = workshop.files(first)
    files["course.toml"] += b'\n[[outcomes]]\nid = "hers"\ntext = "Hers"\nframeworks = ["f/two"]\n'
    with pytest.raises(RequestRefused, match="has no competency 'f/two'"):
        workshop.receive("maria", course.id, first.commit, files)

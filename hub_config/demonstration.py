"""The demonstration cohort: one officer, one instructor, three learners, one of them with submissions."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Engine

from labkit.courses import Course, load_attempts
from labkit.programme.people import Membership, Person, memberships, provision
from labkit.submissions.release import Releases
from labkit.submissions.store import Store

COHORT = "pioneers"
OFFICER = Person("jose", "jose@example.org", "José", "Santos", "en", officer=True)
INSTRUCTOR = Person("maria", "maria@example.org", "Maria", "Reyes")
LEARNERS = (
    Person("ana", "ana@example.org", "Ana", "Dela Cruz"),
    Person("ben", "ben@example.org", "Ben", "Villanueva", "fil"),
    Person("carla", "carla@example.org", "Carla", "Mendoza"),
)
EVERYBODY = (OFFICER, INSTRUCTOR, *LEARNERS)
# Who has handed something in before anybody signs in, so that no page is empty.
DILIGENT = LEARNERS[2]
ROLES = {"officer": (OFFICER,), "instructor": (INSTRUCTOR,), "learner": LEARNERS}


def create(engine: Engine, courses: list[Course]) -> bool:
    """Adds the cohort for each course; False if it is there already."""
    known = {member.course for member in memberships(engine) if member.cohort.startswith(COHORT)}
    new = [course for course in courses if course.id not in known]
    members = [
        Membership(one.username, f"{COHORT}-{course.id}", course.id, role)
        for course in new
        for one, role in ((INSTRUCTOR, "instructor"), *((learner, "learner") for learner in LEARNERS))
    ]
    if new:
        provision(engine, (OFFICER, INSTRUCTOR, *LEARNERS), members)
    return bool(new)


def hand_in(store: Store, releases: Releases, courses: list[Course]) -> int:
    """Hands in an answer to each lab that keeps some, for one learner; gives how many were new."""
    new = 0
    for course in courses:
        for lab in course.labs:
            attempts = load_attempts(lab)
            if not attempts:
                continue
            best = max(attempts, key=lambda attempt: (attempt.bound.sign != "<=", attempt.bound.number))
            files = releases.files(course.id, lab.id, DILIGENT.language)
            name = f"{lab.id}.ipynb"
            files[name] = _answered(files[name], best.answers)
            _, was_new = store.receive(DILIGENT.username, course.id, lab.id, files, sorted(files))
            new += was_new
    return new


def _answered(notebook: bytes, answers: Mapping[str, str]) -> bytes:
    """The released notebook with `answers` in its answer cells, and a sentence where a written answer is asked for."""
    content = json.loads(notebook)
    for cell in content["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        name = about.get("grade_id")
        if name in answers:
            cell["source"] = answers[name]
        elif about.get("solution") and cell["cell_type"] == "markdown":
            cell["source"] = "I would not use it where a wrong answer harms somebody and nobody looks at it first."
    return json.dumps(content).encode()

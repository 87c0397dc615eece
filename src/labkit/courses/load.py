"""Reads course.toml; refuses what it does not know by file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from labkit.courses.competency import Competency
from labkit.courses.course import (
    LANGUAGES,
    AllowanceRule,
    Course,
    Lab,
    Limits,
    ModelLimits,
    Outcome,
    TrainingRule,
)
from labkit.courses.frameworks import FILE, frameworks_of, load_frameworks
from labkit.courses.header import NAME
from labkit.courses.quiz import FILE as QUIZ
from labkit.courses.quiz import load_quiz
from labkit.courses.reader import Table
from labkit.errors import AuthorError, OperatorError

_COURSE_KEYS = (
    "title",
    "titles",
    "description",
    "descriptions",
    "prerequisite",
    "prerequisites",
    "licence",
    "packages",
    "outcomes",
    "labs",
)
_LAB_KEYS = (
    "id",
    "title",
    "titles",
    "summary",
    "summaries",
    "minutes",
    "after",
    "allowance",
    "training",
    "models",
    "ai_policy",
    "model_limits",
    "preface",
    "due",
    "profile",
    "limits",
    "attempts",
)
_OUTCOME_KEYS = ("id", "text", "texts", "frameworks")
# A name as PEP 508 has it, without version, extras or markers.
_PACKAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_MOST_TOKENS = 100_000
_FIRST_YEAR, _LAST_YEAR = 2000, 2200
_POLICIES = ("assigned-models", "open", "closed")
_PROFILES = ("light", "torch")
_BESIDE = {*LANGUAGES.values(), "data", "hidden", "submissions", "calibration.json", "README.md"}


def load_courses(root: Path) -> tuple[Course, ...]:
    """Every folder of `root` that holds a course.toml, by name."""
    if not root.is_dir():
        raise OperatorError(f"There is no folder of courses at {root}.", instead="Name it with --courses DIR.")
    return tuple(load_course(root, path.parent.name) for path in sorted(root.glob("*/course.toml")))


def load_course(root: Path, course_id: str) -> Course:
    """The course in `root/course_id`, every lab of it checked to be there."""
    file = root / course_id / "course.toml"
    if not NAME.fullmatch(course_id) or not file.is_file():
        known = ", ".join(path.parent.name for path in sorted(root.glob("*/course.toml"))) or "none"
        raise OperatorError(f"There is no course {course_id!r} in {root}.", instead=f"Courses there: {known}.")
    top = Table.read(file)
    top.known(_COURSE_KEYS)
    tables = top.tables("labs")
    if not tables:
        raise top.refuse("", "a course has no labs", "add a [[labs]] table with `id` and `title`")
    outcomes = _outcomes(top, load_frameworks(frameworks_of(file.parent)))
    names: list[str] = []
    labs: list[Lab] = []
    for table in tables:
        labs.append(_lab(table, course_id, tuple(names), tuple(one.id for one in outcomes)))
        names.append(labs[-1].id)
    return Course(
        id=course_id,
        title=top.text("title"),
        titles=top.texts("titles"),
        description=top.text("description", ""),
        descriptions=top.texts("descriptions"),
        prerequisite=top.text("prerequisite", ""),
        prerequisites=top.texts("prerequisites"),
        licence=top.text("licence", ""),
        packages=_packages(top),
        outcomes=outcomes,
        quiz=load_quiz(file.parent / QUIZ, tuple(one.id for one in outcomes)),
        labs=tuple(labs),
        path=file.parent,
    )


def _lab(table: Table, course_id: str, before: tuple[str, ...], outcomes: tuple[str, ...]) -> Lab:
    """The lab of a [[labs]] table; `before` are those above it."""
    table.known(_LAB_KEYS)
    lab_id = table.text("id")
    if not NAME.fullmatch(lab_id):
        raise table.refuse("id", f"{lab_id!r} cannot be a lab's id", "use a-z, 0-9 and single hyphens")
    path = table.file.parent / lab_id
    if not (path / "lab.py").is_file():
        raise table.refuse("id", f"there is no {lab_id}/lab.py", "write it, or remove this [[labs]] table")
    if lab_id in before:
        raise table.refuse("id", f"the lab {lab_id!r} is listed twice", "list each lab once")
    _refuse_strangers(path)
    return Lab(
        course=course_id,
        id=lab_id,
        title=table.text("title"),
        titles=table.texts("titles"),
        summary=table.text("summary", ""),
        summaries=table.texts("summaries"),
        minutes=table.whole("minutes"),
        after=_after(table, before),
        outcomes=outcomes,
        allowance=_allowance(table),
        training=_training(table),
        models=table.names("models", Lab.models, "smollm2-135m-instruct"),
        ai_policy=table.choice("ai_policy", _POLICIES),
        model_limits=_model_limits(table),
        preface=table.text("preface", ""),
        due=_due(table),
        profile=table.choice("profile", _PROFILES),
        limits=_limits(table),
        attempts=table.whole("attempts"),
        path=path,
    )


def _after(table: Table, before: tuple[str, ...]) -> tuple[str, ...]:
    """The labs one does first."""
    after = table.names("after", example="lab-id")
    for name in after:
        if name not in before:
            known = f"one of {', '.join(before)}" if before else "no `after` in the first lab"
            raise table.refuse("after", f"there is no lab {name!r} above this one", f"write {known}")
    return after


def _outcomes(top: Table, known: Mapping[str, Competency]) -> tuple[Outcome, ...]:
    found: list[Outcome] = []
    for table in top.tables("outcomes"):
        table.known(_OUTCOME_KEYS)
        outcome_id = table.text("id")
        if not NAME.fullmatch(outcome_id):
            raise table.refuse("id", f"{outcome_id!r} cannot be an outcome's id", "use a-z, 0-9 and single hyphens")
        if outcome_id in {one.id for one in found}:
            raise table.refuse("id", f"the outcome {outcome_id!r} is there twice", "give each an id of its own")
        named = table.names("frameworks", example="unesco-students/application-skills")
        for name in named:
            if name not in known:
                raise table.refuse(name, f"{FILE} has no competency {name!r}", f"write one of {', '.join(known)}")
        competencies = tuple(known[name] for name in named)
        found.append(Outcome(outcome_id, table.text("text"), table.texts("texts"), competencies))
    return tuple(found)


def _packages(top: Table) -> tuple[str, ...]:
    packages = top.get("packages", [])
    if not isinstance(packages, list):
        raise top.refuse("packages", f"packages = {packages!r}", 'write a list of names: ["matplotlib"]')
    for name in packages:
        if not isinstance(name, str) or not _PACKAGE.fullmatch(name):
            raise top.refuse("packages", f"{name!r} is no package's name", "write the name alone, without a version")
    return tuple(packages)


def _refuse_strangers(path: Path) -> None:
    """A file nobody reads is a mistake the author would never see (lab.tl.py, datas/)."""
    for entry in sorted(path.iterdir()):
        if entry.name not in _BESIDE and not entry.name.startswith((".", "__")):
            raise AuthorError(
                str(entry), 1, "nothing reads a file of this name", instead=f"A lab holds {', '.join(sorted(_BESIDE))}."
            )


def _allowance(table: Table) -> AllowanceRule:
    given = table.inner("allowance", ("tokens", "per", "requests"))
    rule = AllowanceRule(**given)
    if type(rule.tokens) is not int or rule.tokens < 0:
        raise table.refuse("allowance", f"tokens = {rule.tokens!r}", "write a whole number, 0 or more")
    if rule.per not in ("day", "total"):
        raise table.refuse("allowance", f"per = {rule.per!r}", 'write per = "day" or per = "total"')
    if rule.requests is not None and (type(rule.requests) is not int or rule.requests < 0):
        raise table.refuse("allowance", f"requests = {rule.requests!r}", "write a whole number, 0 or more")
    return rule


def _training(table: Table) -> TrainingRule | None:
    given = table.inner("training", ("steps", "per", "minutes"))
    if not given:
        return None
    for name in ("steps", *(["minutes"] if "minutes" in given else [])):
        if type(given.get(name)) is not int or given[name] < 1:
            instead = "write a whole number, 1 or more; leave training out where nothing is trained"
            raise table.refuse("training", f"{name} = {given.get(name)!r}", instead)
    rule = TrainingRule(**given)
    if rule.per not in ("day", "total"):
        raise table.refuse("training", f"per = {rule.per!r}", 'write per = "day" or per = "total"')
    return rule


def _model_limits(table: Table) -> ModelLimits:
    limits = ModelLimits(**table.inner("model_limits", ("prompt", "answer")))
    for name, value in (("prompt", limits.prompt), ("answer", limits.answer)):
        if value is not None and (type(value) is not int or not 1 <= value <= _MOST_TOKENS):
            instead = f"write a whole number from 1 to {_MOST_TOKENS}"
            raise table.refuse("model_limits", f"{name} = {value!r}", instead)
    return limits


def _limits(table: Table) -> Limits:
    limits = Limits(**table.inner("limits", ("seconds", "memory_mb")))
    for name, value in (("seconds", limits.seconds), ("memory_mb", limits.memory_mb)):
        if type(value) not in (int, float) or value <= 0:
            raise table.refuse("limits", f"{name} = {value!r}", "write a number above 0")
    return limits


def _due(table: Table) -> datetime | None:
    due = table.get("due")
    if due is not None and (not isinstance(due, datetime) or due.tzinfo is None):
        raise table.refuse("due", f"due = {due}", "write a time with its zone: 2027-01-31T23:59:00+08:00")
    if due is not None and not _FIRST_YEAR <= due.year <= _LAST_YEAR:
        instead = f"write a year from {_FIRST_YEAR} to {_LAST_YEAR}; for never, leave `due` out"
        raise table.refuse("due", f"due = {due}", instead)
    return due

"""Reads course.toml; refuses what it does not know by file and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from labkit.courses.course import LANGUAGES, AllowanceRule, Course, Lab, Limits, ModelLimits
from labkit.errors import AuthorError, OperatorError

ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_COURSE_KEYS = ("title", "description", "titles", "packages", "labs")
_LAB_KEYS = (
    "id", "title", "titles", "allowance", "models", "ai_policy", "model_limits", "preface", "due", "profile", "limits",
    "attempts",
)
# A name as PEP 508 has it, without version, extras or markers.
_PACKAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_MOST_TOKENS = 100_000
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
    if not ID.fullmatch(course_id) or not file.is_file():
        known = ", ".join(path.parent.name for path in sorted(root.glob("*/course.toml"))) or "none"
        raise OperatorError(f"There is no course {course_id!r} in {root}.", instead=f"Courses there: {known}.")
    reader = _Reader(file)
    top = reader.table
    reader.known(top, _COURSE_KEYS)
    tables = top.get("labs")
    if not isinstance(tables, list) or not tables:
        raise reader.refuse("", "a course has no labs", "add a [[labs]] table with `id` and `title`")
    labs = tuple(_lab(reader, course_id, index, table) for index, table in enumerate(tables))
    names = [lab.id for lab in labs]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise reader.refuse("id", f"the lab {name!r} is listed twice", "list each lab once", index)
    return Course(
        id=course_id,
        title=reader.text(top, "title"),
        titles=reader.titles(top),
        description=reader.text(top, "description", ""),
        packages=_packages(reader, top),
        labs=labs,
        path=file.parent,
    )


def _lab(reader: _Reader, course_id: str, index: int, table: Mapping[str, Any]) -> Lab:
    reader.known(table, _LAB_KEYS, index)
    lab_id = reader.text(table, "id", index=index)
    if not ID.fullmatch(lab_id):
        raise reader.refuse("id", f"{lab_id!r} cannot be a lab's id", "use a-z, 0-9 and single hyphens", index)
    path = reader.file.parent / lab_id
    if not (path / "lab.py").is_file():
        raise reader.refuse("id", f"there is no {lab_id}/lab.py", "write it, or remove this [[labs]] table", index)
    _refuse_strangers(path)
    return Lab(
        course=course_id,
        id=lab_id,
        title=reader.text(table, "title", index=index),
        titles=reader.titles(table, index),
        allowance=_allowance(reader, table, index),
        models=_models(reader, table, index),
        ai_policy=reader.choice(table, "ai_policy", _POLICIES, index),
        model_limits=_model_limits(reader, table, index),
        preface=reader.text(table, "preface", "", index),
        due=_due(reader, table, index),
        profile=reader.choice(table, "profile", _PROFILES, index),
        limits=_limits(reader, table, index),
        attempts=_attempts(reader, table, index),
        path=path,
    )


def _packages(reader: _Reader, top: Mapping[str, Any]) -> tuple[str, ...]:
    packages = top.get("packages", [])
    if not isinstance(packages, list):
        raise reader.refuse("packages", f"packages = {packages!r}", 'write a list of names: ["matplotlib"]')
    for name in packages:
        if not isinstance(name, str) or not _PACKAGE.fullmatch(name):
            raise reader.refuse("packages", f"{name!r} is no package's name", "write the name alone, without a version")
    return tuple(packages)


def _refuse_strangers(path: Path) -> None:
    """A file nobody reads is a mistake the author would never see (lab.tl.py, datas/)."""
    for entry in sorted(path.iterdir()):
        if entry.name not in _BESIDE and not entry.name.startswith((".", "__")):
            raise AuthorError(
                str(entry), 1, "nothing reads a file of this name", instead=f"A lab holds {', '.join(sorted(_BESIDE))}."
            )


def _allowance(reader: _Reader, table: Mapping[str, Any], index: int) -> AllowanceRule:
    given = reader.inner(table, "allowance", ("tokens", "per", "requests"), index)
    rule = AllowanceRule(**given)
    if type(rule.tokens) is not int or rule.tokens < 0:
        raise reader.refuse("allowance", f"tokens = {rule.tokens!r}", "write a whole number, 0 or more", index)
    if rule.per not in ("day", "total"):
        raise reader.refuse("allowance", f"per = {rule.per!r}", 'write per = "day" or per = "total"', index)
    if rule.requests is not None and (type(rule.requests) is not int or rule.requests < 0):
        raise reader.refuse("allowance", f"requests = {rule.requests!r}", "write a whole number, 0 or more", index)
    return rule


def _model_limits(reader: _Reader, table: Mapping[str, Any], index: int) -> ModelLimits:
    limits = ModelLimits(**reader.inner(table, "model_limits", ("prompt", "answer"), index))
    for name, value in (("prompt", limits.prompt), ("answer", limits.answer)):
        if value is not None and (type(value) is not int or not 1 <= value <= _MOST_TOKENS):
            instead = f"write a whole number from 1 to {_MOST_TOKENS}"
            raise reader.refuse("model_limits", f"{name} = {value!r}", instead, index)
    return limits


def _limits(reader: _Reader, table: Mapping[str, Any], index: int) -> Limits:
    limits = Limits(**reader.inner(table, "limits", ("seconds", "memory_mb"), index))
    for name, value in (("seconds", limits.seconds), ("memory_mb", limits.memory_mb)):
        if type(value) not in (int, float) or value <= 0:
            raise reader.refuse("limits", f"{name} = {value!r}", "write a number above 0", index)
    return limits


def _models(reader: _Reader, table: Mapping[str, Any], index: int) -> tuple[str, ...]:
    models = table.get("models", list(Lab.models))
    if not isinstance(models, list) or not all(isinstance(name, str) and name for name in models):
        raise reader.refuse("models", f"models = {models!r}", 'write a list of names: ["smollm2-135m-instruct"]', index)
    return tuple(models)


def _due(reader: _Reader, table: Mapping[str, Any], index: int) -> datetime | None:
    due = table.get("due")
    if due is not None and (not isinstance(due, datetime) or due.tzinfo is None):
        raise reader.refuse("due", f"due = {due}", "write a time with its zone: 2027-01-31T23:59:00+08:00", index)
    return due


def _attempts(reader: _Reader, table: Mapping[str, Any], index: int) -> int | None:
    attempts = table.get("attempts")
    if attempts is not None and (type(attempts) is not int or attempts < 1):
        raise reader.refuse("attempts", f"attempts = {attempts!r}", "write a whole number above 0", index)
    return attempts


class _Reader:
    """One course.toml: its tables, and the line a key was written on."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines = file.read_text("utf-8").splitlines()
        try:
            self.table = tomllib.loads("\n".join(self.lines))
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"at line (\d+)", str(error))
            found = f"this is not TOML ({error})"
            number = int(line[1]) if line else len(self.lines)
            raise AuthorError(str(file), number, found, instead="Mend it; text goes in quotes.") from None

    def refuse(self, key: str, found: str, instead: str, index: int | None = None) -> AuthorError:
        return AuthorError(str(self.file), self.line(key, index), found, instead=f"{instead[0].upper()}{instead[1:]}.")

    def line(self, key: str, index: int | None = None) -> int:
        """The line `key` is written on: at the top, or in the `index`-th [[labs]] table (its header if not found)."""
        lab, header = -1, 1
        for number, line in enumerate(self.lines, 1):
            if line.strip() == "[[labs]]":
                lab += 1
            here = lab == (-1 if index is None else index)
            header = number if here and line.strip() == "[[labs]]" else header
            if here and key and re.search(rf"(?:^|[\s{{,\[\"']){re.escape(key)}[\"']?\s*[=\]]", line):
                return number
        return header

    def known(self, table: Mapping[str, Any], keys: Iterable[str], index: int | None = None) -> None:
        for key in table:
            if key not in keys:
                raise self.refuse(key, f"unknown key {key!r}", f"write one of {', '.join(keys)}", index)

    def text(self, table: Mapping[str, Any], key: str, default: str | None = None, index: int | None = None) -> str:
        value = table.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.refuse(key, f"`{key}` is missing or is not text", f'write {key} = "..."', index)
        return value

    def choice(self, table: Mapping[str, Any], key: str, known: tuple[str, ...], index: int) -> str:
        value = self.text(table, key, known[0], index)
        if value not in known:
            raise self.refuse(key, f"{key} = {value!r}", f"write one of {', '.join(known)}", index)
        return value

    def inner(self, table: Mapping[str, Any], key: str, keys: tuple[str, ...], index: int) -> dict[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            raise self.refuse(key, f"`{key}` is not a table", f"write {key} = {{{keys[0]} = ...}}", index)
        for name in value:
            if name not in keys:
                raise self.refuse(name, f"unknown key {name!r} in `{key}`", f"write one of {', '.join(keys)}", index)
        return value

    def titles(self, table: Mapping[str, Any], index: int | None = None) -> dict[str, str]:
        titles = table.get("titles", {})
        if not isinstance(titles, dict) or not all(isinstance(value, str) for value in titles.values()):
            raise self.refuse("titles", "`titles` is not a table of texts", 'write titles = {fil = "..."}', index)
        for language in titles:
            if language not in LANGUAGES:
                raise self.refuse(
                    language, f"unknown language {language!r}", f"write one of {', '.join(LANGUAGES)}", index
                )
        return titles

"""A OneRoster 1.1 or 1.2 bundle of CSV files (1EdTech, "OneRoster CSV Tables") as a roster.

What is read: manifest, users, classes, enrollments; in 1.2 also roles; demographics for a person's sex. A class is a
cohort; its course is the `courseCode` of its course, or that course's sourcedId, where it is the id of one taught here.
Only `bulk` bundles are read: what a `delta` leaves out is not known. Rows whose status is `tobedeleted` are passed
over, so that who is deleted there is suspended here. Other files of the standard are passed over; an unknown column of
a file that is read is refused, unless it is an extension (`metadata.…`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from labkit.programme.roster import columns
from labkit.programme.roster.mistake import Mistake, Wrong
from labkit.programme.roster.read import Contents, Row, Table
from labkit.programme.roster.said import say

_ALL = ("sourcedId", "status", "dateLastModified")
_USERS_11 = (
    *("enabledUser", "orgSourcedIds", "role", "username", "userIds", "givenName", "familyName", "middleName"),
    *("identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password"),
)
_USERS_12 = (
    *("enabledUser", "username", "userIds", "givenName", "familyName", "middleName", "identifier", "email", "sms"),
    *("phone", "agentSourcedIds", "grades", "password", "userMasterIdentifier", "resourceSourcedIds"),
    *("preferredGivenName", "preferredMiddleName", "preferredFamilyName", "primaryOrgSourcedId", "pronouns"),
)
_ROLES = ("userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId", "userProfileSourcedId")
_CLASSES = (
    *("title", "grades", "courseSourcedId", "classCode", "classType", "location", "schoolSourcedId"),
    *("termSourcedIds", "subjects", "subjectCodes", "periods"),
)
_COURSES = ("schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId", "subjects", "subjectCodes")
_ENROLMENTS = ("classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary", "beginDate", "endDate")
_DEMOGRAPHICS = (
    *("birthDate", "sex", "americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican"),
    *("nativeHawaiianOrOtherPacificIslander", "white", "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity"),
    *("countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus"),
)
_VERSIONS = ("1.1", "1.2")
_ENROLMENT_ROLES = {
    **{"student": "learner", "teacher": "instructor", "aide": "assistant", "proctor": "assistant"},
    **{"administrator": "observer"},
}
_SEX = {"male": "male", "female": "female", "other": "other", "unspecified": None, "": None}


@dataclass(frozen=True)
class Record:
    """One row by column name (`_` fills what a short row lacks), and where it stands."""

    file: str
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")

    def wrong(self, column: str, message: str, instead: str) -> Mistake:
        return Mistake(self.file, self.line, column, self[column], message, instead)


@dataclass
class Bundle:
    """The files of a bundle; reading notes mistakes as it goes."""

    name: str
    files: Mapping[str, bytes]
    mistakes: list[Mistake] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def records(self, file: str, known: tuple[str, ...], needed: tuple[str, ...]) -> list[Record]:
        """The rows of one file that are not deleted."""
        table = Table.of(file, self.files[file])
        if isinstance(table, Mistake):
            if "no lines" not in table.message:
                self.mistakes.append(table)
            return []
        self.mistakes += table.mistakes
        self.notes += [table.note] if table.note else []
        header = self._header(file, table, known, needed)
        records = []
        for line in table.lines:
            cells = list(line.cells)
            while len(cells) > len(header) and not cells[-1]:
                cells.pop()
            if len(cells) != len(header):
                told = (
                    say("%(cells)s cells where the header has %(header)s.", cells=len(cells), header=len(header)),
                    say("Export the bundle again."),
                )
                self.mistakes.append(Mistake(file, line.number, "", ",".join(cells), *told))
                continue
            one = Record(file, line.number, dict(zip(header, cells, strict=True)))
            if one["status"] in ("", "active"):
                records.append(one)
            elif one["status"] not in ("tobedeleted", "inactive"):
                told = (
                    say("OneRoster has no such status."),
                    say("Write active or tobedeleted, or leave it empty in a bulk file."),
                )
                self.mistakes.append(one.wrong("status", *told))
        return records

    def _header(self, file: str, table: Table, known: tuple[str, ...], needed: tuple[str, ...]) -> list[str]:
        spelled = {name.casefold(): name for name in known}
        header = [spelled.get(name, name) for name in table.header.cells]
        for name in header:
            if name not in known and not name.startswith("metadata."):
                told = say("OneRoster's %(file)s has no such column.", file=file), columns.near(name, known)
                self.mistakes.append(Mistake(file, table.header.number, name, name, *told))
        for name in needed:
            if name not in header:
                told = (
                    say("The column %(name)s is missing.", name=name),
                    say("Export the bundle again with all columns of the standard."),
                )
                self.mistakes.append(Mistake(file, table.header.number, name, "", *told))
        return header

    def says(self, file: str, message: str, instead: str, found: str = "") -> None:
        self.mistakes.append(Mistake(file, 0, "", found, message, instead))


def read(name: str, files: Mapping[str, bytes]) -> Contents:
    """The rows of a bundle, given as its files' contents by name."""
    bundle = Bundle(name, files)
    version = _manifest(bundle)
    titles: set[str] = set()
    rows = list(_rows(bundle, version, titles)) if version else []
    emptied = titles - {row.cohort for row in rows}
    mistakes = tuple(sorted(set(bundle.mistakes)))
    return Contents(tuple(rows), mistakes, " ".join(bundle.notes), tuple(sorted(emptied)))


def _manifest(bundle: Bundle) -> str:
    """The version; empty where the bundle cannot be read."""
    if "manifest.csv" not in bundle.files:
        bundle.says(
            "manifest.csv",
            say("The bundle has no manifest."),
            say("Export the bundle again; the standard asks for one."),
        )
        return ""
    records = bundle.records("manifest.csv", ("propertyName", "value"), ("propertyName", "value"))
    said = {one["propertyName"]: one for one in records}
    if "oneroster.version" not in said:
        bundle.says(
            "manifest.csv", say("It does not say which OneRoster this is."), say("Add oneroster.version,1.1 or 1.2.")
        )
        return ""
    version = said["oneroster.version"]["value"]
    if version not in _VERSIONS:
        told = say("This version of OneRoster is not known."), say("Export the bundle as 1.1 or 1.2.")
        bundle.mistakes.append(said["oneroster.version"].wrong("value", *told))
        return ""
    wanted = ["users", "classes", "courses", "enrollments", *(["roles"] if version == "1.2" else [])]
    for file in (*wanted, "demographics"):
        mode = said[f"file.{file}"]["value"].lower() if f"file.{file}" in said else "absent"
        if mode == "delta":
            told = (
                say("Only whole (bulk) files are read: what a delta leaves out is not known."),
                say("Export in bulk."),
            )
            bundle.mistakes.append(said[f"file.{file}"].wrong("value", *told))
        elif mode not in ("bulk", "absent"):
            bundle.mistakes.append(
                said[f"file.{file}"].wrong("value", say("Not a way to send a file."), say("Write bulk or absent."))
            )
        elif f"{file}.csv" not in bundle.files and (mode == "bulk" or file in wanted):
            bundle.says(
                f"{file}.csv",
                say("The bundle has no %(file)s.", file=f"{file}.csv"),
                say("Export the bundle again with this file."),
            )
    return "" if bundle.mistakes else version


def _rows(bundle: Bundle, version: str, titles: set[str]) -> Iterator[Row]:
    users = _by_id(bundle, "users", _USERS_11 if version == "1.1" else _USERS_12, ("email", "givenName", "familyName"))
    courses = _by_id(bundle, "courses", _COURSES, ("courseCode",))
    classes = _by_id(bundle, "classes", _CLASSES, ("title", "courseSourcedId"))
    for one in classes.values():
        if one["title"] in titles:
            told = (
                say("Another class has this title, and a title is a cohort's name."),
                say("Give each class a title of its own."),
            )
            bundle.mistakes.append(one.wrong("title", *told))
        titles.add(one["title"])
    sexes = {}
    if "demographics.csv" in bundle.files:
        sexes = {one["sourcedId"]: one for one in _by_id(bundle, "demographics", _DEMOGRAPHICS, ()).values()}
    if version == "1.2":  # read to be checked: what somebody may do is decided by her enrolments
        _by_id(bundle, "roles", _ROLES, ("userSourcedId", "role"))
    for one in _by_id(bundle, "enrollments", _ENROLMENTS, ("classSourcedId", "userSourcedId", "role")).values():
        user, group = users.get(one["userSourcedId"]), classes.get(one["classSourcedId"])
        if user is None:
            bundle.mistakes.append(
                one.wrong("userSourcedId", say("No active user of users.csv has this sourcedId."), _AGAIN)
            )
        if group is None:
            bundle.mistakes.append(
                one.wrong("classSourcedId", say("No active class of classes.csv has this sourcedId."), _AGAIN)
            )
        if user is None or group is None or user["enabledUser"].lower() == "false":
            continue
        course = courses.get(group["courseSourcedId"])
        if course is None:
            bundle.mistakes.append(group.wrong("courseSourcedId", say("No active course has this sourcedId."), _AGAIN))
            continue
        row = _row(bundle, one, user, group, course, sexes.get(user["sourcedId"]))
        if row is not None:
            yield row


_AGAIN = say("Export users, classes and enrollments at the same time.")


def _row(bundle: Bundle, one: Record, user: Record, group: Record, course: Record, about: Record | None) -> Row | None:
    role = _ENROLMENT_ROLES.get(one["role"].lower())
    wrong: list[Mistake] = []
    if role is None:
        wrong.append(one.wrong("role", say("This role is not known."), columns.near(one["role"], _ENROLMENT_ROLES)))
    values: dict[str, str] = {}
    places = {"email": (user, "email"), "given_name": (user, "givenName"), "family_name": (user, "familyName")}
    for name, (record, column) in {**places, "cohort": (group, "title")}.items():
        try:
            values[name] = str(columns.READ[name](record[column]))
        except Wrong as problem:
            wrong.append(record.wrong(column, problem.message, problem.instead))
    extra = {}
    if about is not None:
        sex = about["sex"].lower()
        if sex not in _SEX:
            wrong.append(about.wrong("sex", say("OneRoster has no such word."), columns.near(sex, _SEX)))
        extra = {"sex": _SEX.get(sex)}
    bundle.mistakes += wrong
    if wrong:
        return None
    taken = course["courseCode"] or course["sourcedId"]
    return Row(one.file, one.line, role=str(role), course=taken, about=extra, **values)


def _by_id(bundle: Bundle, file: str, known: tuple[str, ...], needed: tuple[str, ...]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for one in bundle.records(f"{file}.csv", (*_ALL, *known), ("sourcedId", *needed)):
        if not one["sourcedId"]:
            bundle.mistakes.append(
                one.wrong("sourcedId", say("The sourcedId is missing."), say("Export the bundle again."))
            )
        elif one["sourcedId"] in found:
            told = (
                say("Line %(line)s has this sourcedId already.", line=found[one["sourcedId"]].line),
                say("Export the bundle again."),
            )
            bundle.mistakes.append(one.wrong("sourcedId", *told))
        else:
            found[one["sourcedId"]] = one
    return found

"""OneRoster 1.1 and 1.2 bundles are read as rosters: a class is a cohort, an enrollment a line."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from labkit.programme.roster.load import load, of_bytes
from labkit.programme.roster.read import Contents

USERS_11 = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,password"
)
USERS_12 = (
    "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,"
    "sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,resourceSourcedIds,preferredGivenName,"
    "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns"
)
PEOPLE = (("u1", "Niña", "Muñoz", "nina"), ("u2", "Teo", "Cruz", "teo"), ("u3", "Ada", "Lim", "ada"))


def bundle(version: str, **changed: str | None) -> dict[str, str]:
    """The files by name without `.csv`; `changed` replaces some, or leaves them out."""
    middle, end = (",true,org1,student,", ",,,,,,,") if version == "1.1" else (",true,", ",,,,,,,,,,,,")
    users = [
        f"{who},,{middle}{email},,{given},{family},,,{email}@example.org{end}" for who, given, family, email in PEOPLE
    ]
    files: dict[str, str | None] = {
        "users": "\n".join([USERS_11 if version == "1.1" else USERS_12, *users]),
        "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,"
        "subjects,subjectCodes\nk1,,,,Prompting,prompting,,org1,,\nprompting,,,,By its id,,,org1,,",
        "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
        "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\nc1,,,ncr,,k1,,scheduled,,org1,t1,,,\n"
        "c2,,,cebu,,prompting,,scheduled,,org1,t1,,,",
        "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
        "beginDate,endDate\ne1,,,c1,org1,u1,student,,,\ne2,,,c1,org1,u2,teacher,true,,\ne3,,,c2,org1,u3,student,,,\n"
        "e4,tobedeleted,,c1,org1,u3,student,,,",
        "demographics": "sourcedId,status,dateLastModified,birthDate,sex\nu1,,,2001-01-01,female",
    }
    if version == "1.2":
        files["roles"] = (
            "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
            "userProfileSourcedId\nr1,,,u1,primary,student,,,org1,"
        )
    files |= changed
    there = {name: text for name, text in files.items() if text is not None}
    lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    lines += [f"file.{name},bulk" for name in there if name != "manifest"] + ["file.orgs,absent"]
    return {"manifest": "\n".join(lines), **there}


def packed(files: dict[str, str], folder: str = "") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as out:
        for name, text in files.items():
            out.writestr(f"{folder}{name}.csv", text)
    return content.getvalue()


def contents(files: dict[str, str]) -> Contents:
    return of_bytes("bundle.zip", packed(files))


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("kind", ["zip", "zip with a folder", "folder"])
def test_a_bundle_gives_its_enrollments_as_lines(version: str, kind: str, tmp_path: Path):
    files = bundle(version)
    if kind == "folder":
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text)
        found = load(tmp_path)
    else:
        found = of_bytes("bundle.zip", packed(files, "export/" if "folder" in kind else ""))

    assert not found.mistakes
    assert [(row.email, row.role, row.cohort, row.course) for row in found.rows] == [
        ("nina@example.org", "learner", "ncr", "prompting"),
        ("teo@example.org", "instructor", "ncr", "prompting"),
        ("ada@example.org", "learner", "cebu", "prompting"),
    ]
    assert found.rows[0].about == {"sex": "female"} and found.rows[1].about == {}


def test_a_user_who_is_switched_off_takes_part_in_nothing():
    files = bundle("1.1")
    files["users"] = files["users"].replace("u1,,,true", "u1,,,false")
    assert [row.email for row in contents(files).rows] == ["teo@example.org", "ada@example.org"]


ENROLMENTS = bundle("1.1")["enrollments"]
WRONG = [
    ({"manifest": None}, "bundle.zip", "PK", ""),
    ({"manifest": "propertyName,value\nmanifest.version,1.0"}, "manifest.csv", "", "1.1 or 1.2"),
    ({"manifest": "propertyName,value\noneroster.version,2.0"}, "manifest.csv", "2.0", "1.1 or 1.2"),
    ({"manifest": "propertyName,value\noneroster.version,1.1\nfile.users,delta"}, "manifest.csv", "delta", "in bulk"),
    (
        {"manifest": "propertyName,value\noneroster.version,1.1\nfile.users,some"},
        "manifest.csv",
        "some",
        "bulk or absent",
    ),
    ({"users": None}, "users.csv", "", "with this file"),
    ({"users": f"{USERS_11},age\n"}, "users.csv", "age", "one of"),
    ({"users": f"{USERS_11.replace('email', 'mail')}\n"}, "users.csv", "mail", "email"),
    ({"enrollments": ENROLMENTS.replace("c1,org1,u1", "c9,org1,u1")}, "enrollments.csv", "c9", "same time"),
    ({"enrollments": ENROLMENTS.replace("org1,u1", "org1,u9")}, "enrollments.csv", "u9", "same time"),
    ({"enrollments": ENROLMENTS.replace("u1,student", "u1,king")}, "enrollments.csv", "king", "one of"),
    ({"enrollments": ENROLMENTS.replace("e3", "e1")}, "enrollments.csv", "e1", "again"),
    ({"enrollments": ENROLMENTS.replace("e3", "")}, "enrollments.csv", "", "again"),
    ({"enrollments": ENROLMENTS.replace("e3,,", "e3,gone,")}, "enrollments.csv", "gone", "active"),
    ({"enrollments": ENROLMENTS + "\ne9,,,c1"}, "enrollments.csv", "e9,,,c1", "again"),
    (
        {"demographics": "sourcedId,status,dateLastModified,birthDate,sex\nu1,,,,robot"},
        "demographics.csv",
        "robot",
        "one of",
    ),
]


@pytest.mark.parametrize(("changed", "file", "found", "word"), WRONG)
def test_what_is_wrong_with_a_bundle_is_said_by_file_and_line(changed, file: str, found: str, word: str):
    files = {name: text for name, text in {**bundle("1.1"), **changed}.items() if text is not None}
    mistakes = [one for one in contents(files).mistakes if found in one.found and word in one.instead]

    assert [one.file for one in mistakes][:1] == [file]
    assert all(one.instead for one in contents(files).mistakes)


def test_a_cell_that_would_be_wrong_in_our_own_file_is_wrong_here():
    files = bundle("1.2")
    files["users"] = files["users"].replace("nina@example.org", "nobody").replace("Niña", "=1+1")
    mistakes = contents(files).mistakes

    assert [(one.file, one.line, one.column) for one in mistakes] == [
        ("users.csv", 2, "email"),
        ("users.csv", 2, "givenName"),
    ]


def test_a_class_that_lost_everybody_is_a_cohort_with_nobody_in_it():
    files = bundle("1.1")
    files["enrollments"] = files["enrollments"].replace("e3,,", "e3,tobedeleted,")
    assert contents(files).emptied == ("cebu",)


def test_two_classes_of_one_title_are_said():
    files = bundle("1.1")
    files["classes"] = files["classes"].replace("cebu", "ncr")
    assert [(one.file, one.column) for one in contents(files).mistakes] == [("classes.csv", "title")]


def test_a_zip_that_unpacks_to_far_too_much_is_not_unpacked():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("manifest.csv", "propertyName,value")
        out.writestr("users.csv", bytes(200 << 20))

    assert "too large" in of_bytes("bundle.zip", content.getvalue()).mistakes[0].message


@pytest.mark.parametrize(
    "damage", [lambda zip: zip[:-200] + zip[-190:], lambda zip: zip.replace(b"propertyName", b"propertyNam!")]
)
def test_a_damaged_zip_is_said_to_be_one(damage):
    assert of_bytes("bundle.zip", damage(packed(bundle("1.1")))).mistakes

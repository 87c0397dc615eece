"""A roster file is read as spreadsheets write it, and every mistake in it is said with its place and what to write."""

from __future__ import annotations

import pytest

from labkit.programme.roster.load import of_bytes
from labkit.programme.roster.read import Contents, read

HEADER = "email,given_name,family_name,role,cohort,course"
LINE = "nina@example.org,Niña,Muñoz,learner,ncr,prompting"
FULL = f"{HEADER},language,region,sex,disability,employer"


def contents(text: str, encoding: str = "utf-8") -> Contents:
    return read("roster.csv", text.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac_roman"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_encoding_and_line_ending_of_a_spreadsheet_gives_the_same_people(encoding: str, ending: str):
    found = contents(f"{HEADER}{ending}{LINE}{ending}", encoding)

    assert not found.mistakes
    assert [(row.given_name, row.family_name, row.line) for row in found.rows] == [("Niña", "Muñoz", 2)]
    assert bool(found.note) is (encoding in ("cp1252", "mac_roman"))


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("first", ["", "sep=D\n"])
def test_the_delimiter_is_found(delimiter: str, first: str):
    text = f"{first.replace('D', delimiter)}{HEADER}\n{LINE}\n".replace(",", delimiter)
    found = contents(text)

    assert not found.mistakes and len(found.rows) == 1


def test_what_a_spreadsheet_leaves_around_the_table_is_passed_over():
    found = contents(f"{HEADER},,\n{LINE},,\n,,,,,,,\n\n   \n")
    assert not found.mistakes and len(found.rows) == 1


def test_a_quoted_cell_holds_commas_marks_and_lines_and_the_lines_after_it_are_counted_right():
    found = contents(f'{FULL}\n{LINE},,,,,"Acme, ""Best""\nInc."\nnot an address,A,B,learner,ncr,prompting,,,,,\n')

    assert found.rows[0].about["employer"] == 'Acme, "Best" Inc.'
    assert [(one.line, one.column) for one in found.mistakes] == [(4, "email")]


def test_words_are_read_with_any_capitals_and_names_with_single_composed_spaces():
    row = contents(f"{FULL}\nNina@Example.ORG,Nin\u0303a  Maria,Mun\u0303oz,LEARNER,ncr,prompting,FIL,,F,Yes,\n").rows[
        0
    ]

    assert (row.email, row.given_name, row.family_name, row.role) == (
        "nina@example.org",
        "Niña Maria",
        "Muñoz",
        "learner",
    )
    assert row.about == {"language": "fil", "region": None, "sex": "female", "disability": True, "employer": None}


def test_whoever_has_one_name_only_is_taken():
    assert contents(f"{HEADER}\nsu@example.org,Suharto,,learner,ncr,prompting\n").rows[0].family_name == ""


def test_a_column_that_is_not_there_says_nothing_of_anybody():
    assert contents(f"{HEADER}\n{LINE}\n").rows[0].about == {}


def line(**cells: str) -> str:
    values = dict(zip(FULL.split(","), [*LINE.split(","), "", "", "", "", ""], strict=True)) | cells
    return f"{FULL}\n" + ",".join(values[name] for name in FULL.split(",")) + "\n"


# What is wrong, in which column, and a word of what to do.
CELLS = [
    ("email", "", "missing"),
    ("email", "nobody", "such as"),
    ("email", "a@b", "such as"),
    ("email", "a b@example.org", "without spaces"),
    ("email", "a@example.org;b@example.org", "one address"),
    ("email", "Ana <ana@example.org>", "alone"),
    ("email", "a..b@example.org", "such as"),
    ("email", ".a@example.org", "such as"),
    ("email", "a\x1b@x.xn--p1ai", "such as"),
    ("email", "erased-1@erased.invalid", "somebody has"),
    ("email", f"{'a' * 65}@example.org", "such as"),
    ("email", f"a@{'b.' * 130}org", "254"),
    ("given_name", "", "one name only"),
    ("given_name", "=HYPERLINK(1)", "without"),
    ("given_name", "+63", "without"),
    ("given_name", "@SUM(A1)", "without"),
    ("given_name", "-1+1", "without"),
    ("given_name", "\uff1dA1", "without"),
    ("given_name", "Ni\ufffda", "anew"),
    ("given_name", "NiÃ±a", "Niña"),
    ("given_name", "Ni\u200bna", "Delete it"),
    ("given_name", "Ni\x07na", "Delete it"),
    ("given_name", "N" * 101, "100"),
    ("family_name", "\u202eoz", "Delete it"),
    ("role", "", "one of"),
    ("role", "student", "Write learner"),
    ("role", "teacher", "Write instructor"),
    ("role", "learnr", "learner"),
    ("role", "king", "one of"),
    ("cohort", "a/b", "letters"),
    ("cohort", "../x", "letters"),
    ("cohort", "c" * 65, "64"),
    ("language", "english", "Write en"),
    ("language", "tl", "Write fil"),
    ("language", "klingon", "one of"),
    ("region", "=1", "without"),
    ("region", "r" * 65, "64"),
    ("sex", "yes", "one of"),
    ("disability", "blind", "yes or no"),
    ("employer", "e" * 201, "200"),
]


@pytest.mark.parametrize(("column", "cell", "word"), CELLS)
def test_a_wrong_cell_is_said_with_its_place_and_what_to_write(column: str, cell: str, word: str):
    found = contents(line(**{column: cell}))

    assert not found.rows
    (mistake,) = found.mistakes
    assert (mistake.file, mistake.line, mistake.column) == ("roster.csv", 2, column)
    assert word in f"{mistake.message} {mistake.instead}"
    assert mistake.instead and mistake.found.isprintable()


PLACES = [
    ({"role": "officer"}, "cohort"),
    ({"role": "officer", "cohort": ""}, "course"),
    ({"cohort": ""}, "cohort"),
    ({"course": ""}, "course"),
    ({"cohort": "", "course": ""}, "cohort"),
    ({"role": "instructor", "cohort": "", "course": ""}, "cohort"),
]


@pytest.mark.parametrize(("cells", "column"), PLACES)
def test_cohort_and_course_belong_together_and_not_to_officers(cells: dict[str, str], column: str):
    assert [one.column for one in contents(line(**cells)).mistakes] == [column]


@pytest.mark.parametrize("cells", [{"role": "officer", "cohort": "", "course": ""}, {"role": "observer"}])
def test_an_officer_has_no_cohort_and_an_observer_may_have_one(cells: dict[str, str]):
    assert not contents(line(**cells)).mistakes


def test_an_observer_of_everything_has_none():
    assert not contents(line(role="observer", cohort="", course="")).mistakes


HEADERS = [
    (HEADER.replace("email", "e-mail"), {"e-mail", "email"}, "Did you mean email?"),
    (HEADER.replace(",role", ""), {"role"}, "Add a column"),
    (f"{HEADER},role", {"role"}, "Delete one"),
    (f"{HEADER},age", {"age"}, "one of"),
    (f"{HEADER},", {"column 7"}, "Name it"),
    ("a,b,c", {""}, "The first line names the columns"),
]


@pytest.mark.parametrize(("header", "named", "word"), HEADERS)
def test_a_wrong_header_is_said(header: str, named: set[str], word: str):
    found = contents(f"{header}\n{LINE},x\n")
    ours = [one for one in found.mistakes if one.line == 1]

    assert {one.column for one in ours} == named
    assert any(word in one.instead for one in ours)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b" \r\n ", "empty"),
        (b"PK\x03\x04 not really", "workbook"),
        (b"\xd0\xcf\x11\xe0 old", "workbook"),
        (b"%PDF-1.7", "PDF"),
        (b"\xef\xbb\xbfemail\n\xff\xfe", "no utf-8-sig text"),
        (b"x" * (17 << 20), "MB"),
        (HEADER.encode(), "nobody"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_as_a_whole(content: bytes, word: str):
    found = of_bytes("roster.csv", content)

    assert not found.rows and len(found.mistakes) == 1
    assert word in found.mistakes[0].message and found.mistakes[0].instead


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f'{HEADER}\n{LINE}\n"nina2@example.org,A,B,learner,ncr,prompting\n', 3),
        (f'{HEADER}\n"a"b@example.org,A,B,learner,ncr,prompting\n{LINE}\n', 2),
        (f"{HEADER}\n{LINE},more\n", 2),
        (f"{HEADER}\nnina@example.org,Niña\n", 2),
    ],
)
def test_a_line_that_does_not_hold_together_is_said_once(text: str, place: int):
    assert [one.line for one in contents(text).mistakes] == [place]


def test_too_many_lines_are_refused(monkeypatch):
    monkeypatch.setattr("labkit.programme.roster.read.MOST_ROWS", 2)
    assert not contents(f"{HEADER}\n{LINE}\n{LINE}\n").mistakes
    assert "Too many" in contents(f"{HEADER}\n{LINE}\n{LINE}\n{LINE}\n").mistakes[0].message


def test_a_sheet_that_is_far_too_wide_is_refused_before_its_lines_are_read():
    found = contents(f"{HEADER}{',' * 20_000}\n" + "a,\n" * 50_000)
    assert [one.found for one in found.mistakes] == ["20006 columns"]


def test_what_was_found_is_shown_short_and_moves_no_cursor():
    mistake = contents(line(email="\x1b[2J" + "a" * 300)).mistakes[0]
    assert "\x1b" not in mistake.found and len(mistake.found) <= 80

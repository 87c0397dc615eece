"""What is exported is text in a spreadsheet, whatever people are called."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import openpyxl
import pytest

from labkit.programme.spreadsheet import Sheet, harmless, to_csv, to_xlsx

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "|cmd", "%x", "\uff1dA1", "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_like_a_formula(text: str):
    sheet = Sheet("x", ["a"], [[text]])
    (_, (cell,)) = csv.reader(io.StringIO(to_csv(sheet).decode("utf-8-sig"), newline=""))
    assert cell == f"'{text}"
    written = openpyxl.load_workbook(io.BytesIO(to_xlsx([sheet]))).active.cell(2, 1)
    assert written.data_type == "s"


@pytest.mark.parametrize("text", ["Niña", "O'Neil", "a=b", "", "1e5", "http://example.org"])
def test_other_text_stays_as_it_is(text: str):
    assert harmless(text) == text
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx([Sheet("x", ["a"], [[text]])]))).active
    assert (sheet.cell(2, 1).value or "") == text and sheet.cell(2, 1).hyperlink is None


def test_numbers_times_and_nothing_keep_their_kind():
    at = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
    row = [1, 2.5, True, None, at]
    written = openpyxl.load_workbook(io.BytesIO(to_xlsx([Sheet("x", list("abcde"), [row])]))).active
    assert [cell.value for cell in written[2]] == [1, 2.5, "yes", None, at.replace(tzinfo=None)]
    assert (
        to_csv(Sheet("x", list("abcde"), [row])).decode("utf-8-sig").splitlines()[1]
        == "1,2.5,yes,,2026-11-25T08:30+00:00"
    )


@pytest.mark.parametrize("name", ["a/b:c*?[]", "x" * 60, "", "'quoted'"])
def test_a_page_may_be_called_anything(name: str):
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx([Sheet(name, ["a"], []), Sheet(name, ["a"], [], "note")])))
    assert len(book.sheetnames) == 2 and book.worksheets[1].cell(1, 1).value == "note"

from dataclasses import dataclass
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.strict import read_json, read_secret, strict


@dataclass(frozen=True)
class Table:
    name: str
    size: int = 3


def test_a_table_becomes_its_dataclass_with_defaults() -> None:
    assert strict(Table, {"name": "a"}, "here") == Table("a", 3)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"name": "a", "sise": 3}, r"here: unknown key 'sise'\. Known keys: name, size"),
        ({}, "here: 'name' is missing"),
        ({"name": "a", "size": "3"}, "here: size is '3'.*type int"),
        ({"name": "a", "size": True}, "here: size is True"),
        ({"name": None}, "here: name is None"),
    ],
)
def test_what_a_table_may_not_hold_is_refused_by_name(table: dict[str, object], complaint: str) -> None:
    with pytest.raises(OperatorError, match=complaint):
        strict(Table, table, "here")


@pytest.mark.parametrize(("content", "complaint"), [("{", "cannot be read as JSON"), ("[]", "holds no object")])
def test_a_file_that_is_no_object_is_refused(content: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(content)
    with pytest.raises(OperatorError, match=complaint):
        read_json(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        read_json(tmp_path / "none.json")


def test_a_secret_is_read_without_its_lines_end_and_never_empty(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sekret\n")
    assert read_secret(file) == "sekret"
    file.write_text("\n")
    with pytest.raises(OperatorError, match="is empty"):
        read_secret(file)

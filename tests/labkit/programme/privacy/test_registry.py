"""Nothing is kept of people that the registry does not tell of."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.database.tables import metadata
from labkit.programme.privacy.document import put
from labkit.programme.privacy.registry import BY_TABLE, ENTRIES, PLACES

PROJECT = Path(__file__).parents[4]
# Columns called so say who somebody is, whether or not they refer to `people`.
TELLS = {"username", "viewer", "subject", "issued_by", "made_by", "by", "email", "given_name", "family_name", "student"}
TABLES = sorted(metadata.tables)
# What people write or what is written of them, in a table that is hers by another column.
# What only looks so: a number the identity provider gave her, in a row that is hers by its username.
LOOKS_SO = {("identities", "subject")}
NAMES = {"people": {"email", "given_name", "family_name"}, "applicants": {"given_name", "family_name"}}


def naming(table: str) -> set[str]:
    columns = metadata.tables[table].columns
    refers = {c.name for c in columns if any(key.target_fullname == "people.username" for key in c.foreign_keys)}
    return {c.name for c in columns if c.name in TELLS and (table, c.name) not in LOOKS_SO} | refers


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_an_entry(table: str):
    assert table in BY_TABLE, f"{table} has no entry in labkit/programme/privacy/registry.py"


def test_every_entry_is_of_a_table_and_there_is_one_for_each():
    assert [entry.table for entry in ENTRIES if entry.table not in metadata.tables] == []
    assert len(BY_TABLE) == len(ENTRIES)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_an_entry_names_is_there(table: str):
    entry = BY_TABLE[table]
    named = {one.column for one in entry.persons} | set(entry.left_out)
    assert named <= set(metadata.tables[table].columns.keys())


@pytest.mark.parametrize("table", TABLES)
def test_every_column_that_names_somebody_is_in_the_entry(table: str):
    told = {one.column for one in BY_TABLE[table].persons}
    assert naming(table) - NAMES.get(table, set()) <= told


@pytest.mark.parametrize("column", ["hash", "digest"])
def test_no_secret_is_shown(column: str):
    secret = {"passwords": "hash", "sign_in_links": "digest", "invitations": "digest"}
    for table in (name for name, one in secret.items() if one == column):
        assert column in BY_TABLE[table].left_out


@pytest.mark.parametrize("entry", [*ENTRIES, *PLACES], ids=lambda one: getattr(one, "table", None) or one.name)
def test_an_entry_leaves_no_question_open(entry):
    assert all((entry.holds, entry.why, entry.ground, entry.kept, entry.erasure))
    assert entry.holds.endswith(".")
    assert entry.why.endswith(".")


def test_the_document_says_what_the_registry_says():
    page = (PROJECT / "docs" / "privacy.md").read_text()
    assert put(page) == page, "run: python -m labkit.programme.privacy.document docs/privacy.md"

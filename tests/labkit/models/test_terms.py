import os
import pwd
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models import terms
from labkit.models.record import Model
from labkit.models.terms import TERMS, accept, accepted, read_acceptances, require

FREE = Model("free", "Free", "Apache-2.0")
BOUND = Model("m", "M", "LicenseRef-X", terms="T.html", terms_sha256="a" * 64, terms_url="https://example.org/t")


def test_terms_are_accepted_by_the_account_of_the_system_at_a_time(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.setenv("LOGNAME", "somebody-else")
    before = datetime.now(UTC).replace(microsecond=0)
    done = accept(tmp_path, BOUND)
    assert done.account == pwd.getpwuid(os.getuid()).pw_name
    assert before <= datetime.fromisoformat(done.at) <= datetime.now(UTC)
    assert (done.model, done.terms_sha256, done.terms_url) == ("m", "a" * 64, "https://example.org/t")
    assert accepted(tmp_path, BOUND) == done and read_acceptances(tmp_path) == [done]


def test_an_account_without_a_name_is_told_by_its_number(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(terms.os, "getuid", lambda: 4_000_000_000)
    assert accept(tmp_path, BOUND).account == "uid 4000000000"


def test_without_acceptance_it_says_where_to_read_and_how_to_accept(tmp_path: Path):
    require(tmp_path, FREE)
    with pytest.raises(OperatorError, match=r"https://example\.org/t .*a{64}.*fetch m --accept-terms"):
        require(tmp_path, BOUND)
    accept(tmp_path, BOUND)
    require(tmp_path, BOUND)


def test_terms_that_changed_must_be_accepted_again_and_the_old_stays_on_record(tmp_path: Path):
    first = accept(tmp_path, BOUND)
    changed = replace(BOUND, terms_sha256="b" * 64)
    assert accepted(tmp_path, changed) is None
    second = accept(tmp_path, changed)
    assert read_acceptances(tmp_path) == [first, second]


def test_one_models_acceptance_is_not_anothers(tmp_path: Path):
    accept(tmp_path, BOUND)
    assert accepted(tmp_path, replace(BOUND, id="n")) is None


@pytest.mark.parametrize("content", ["{", "[1]", '[{"model": "m"}]', '[{"who": "x"}]'])
def test_a_damaged_record_of_acceptances_is_told(content, tmp_path: Path):
    (tmp_path / TERMS).write_text(content)
    with pytest.raises(OperatorError, match=r"terms\.json"):
        read_acceptances(tmp_path)

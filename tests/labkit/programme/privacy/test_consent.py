"""Everybody agrees once to each version of the notice."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy import Engine

import labkit.pages
from labkit.programme.privacy import consent

NOTICE_TEXT = Path(labkit.pages.__file__).parent / "templates" / "privacy_notice.html"
# Whoever changes the notice writes its new version and digest here, and everybody is asked again.
READ = {"2026-11": "81e35359c8bbae5c", "2026-11-25": "5ca2d1fc8e719b60", "2026-11-29": "6d99e28aab7ad869"}


def test_she_is_asked_until_she_agrees_and_again_for_another_version(engine: Engine):
    assert consent.needed(engine, "ana")
    consent.give(engine, "ana", "fil")
    assert not consent.needed(engine, "ana")
    assert consent.needed(engine, "ben")
    assert consent.needed(engine, "ana", "2027-01")


def test_agreeing_again_keeps_the_first_time(engine: Engine):
    consent.give(engine, "ana", "fil")
    first = consent.given(engine, "ana")
    consent.give(engine, "ana", "en")
    assert consent.given(engine, "ana") == first
    assert [(one.notice, one.language) for one in first] == [(consent.NOTICE, "fil")]


def test_a_notice_that_reads_otherwise_has_another_version():
    digest = hashlib.sha256(NOTICE_TEXT.read_bytes()).hexdigest()[:16]
    assert {consent.NOTICE: digest}.items() <= READ.items()

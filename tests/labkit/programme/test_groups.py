"""Groups at the provider decide cohorts, and nobody comes into another's account."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select, update

from labkit.database import connect
from labkit.database.tables import cohort_groups, cohorts, enrolments, identities, people
from labkit.errors import OperatorError
from labkit.programme import groups
from labkit.programme.groups import GroupMapping, Identity, Refusal
from labkit.programme.people import Membership, Person, memberships, person, provision
from labkit.programme.suspension import is_suspended

ISSUER = "https://id.example.org"
ANA = Identity(ISSUER, "1", "Ana@example.org", True, "Ana", "Cruz")
NEW = Identity(ISSUER, "2", "dina.lim@example.org", True, "Dina", "Lim")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    roster = [
        Person("ana", "ana@example.org", "Ana", "Cruz"),
        Person("jose", "jose@example.org", "Jose", "Santos", officer=True),
        Person("kim", "kim@example.org", "Kim", "Ramos"),
    ]
    members = [Membership("kim", "old", "tuning", "learner"), Membership("ana", "roster", "tuning", "learner")]
    provision(engine, roster, [*members, *(Membership("kim", name, "prompting", "learner") for name in ("a", "b"))])
    with engine.begin() as connection:
        connection.execute(enrolments.delete().where(enrolments.c.cohort.in_(("a", "b"))))
        connection.execute(update(cohorts).where(cohorts.c.name == "b").values(language="fil"))
    groups.map_group(engine, "/a", "a", "learner")
    groups.map_group(engine, "/b", "b", "learner")
    groups.map_group(engine, "/teach", "a", "instructor")
    yield engine
    engine.dispose()


def places(engine: Engine, username: str) -> dict[str, str]:
    return {one.cohort: one.role for one in memberships(engine, username)}


def source(engine: Engine, username: str, cohort: str) -> str:
    where = (enrolments.c.username == username, enrolments.c.cohort == cohort)
    with engine.connect() as connection:
        return connection.execute(select(enrolments.c.source).where(*where)).scalar_one()


def test_somebody_new_in_a_mapped_group_is_added_with_what_the_provider_says(engine: Engine):
    found = groups.apply(engine, NEW, ["/b", "something else"])

    assert isinstance(found, Person)
    assert (found.username, found.email, found.full_name) == ("dina-lim", "dina.lim@example.org", "Dina Lim")
    assert found.language == "fil", "her cohort's, where her own is not known"
    assert (places(engine, "dina-lim"), source(engine, "dina-lim", "b")) == ({"b": "learner"}, "group")
    assert not found.officer


def test_somebody_new_without_a_mapped_group_leaves_no_trace(engine: Engine):
    assert groups.apply(engine, NEW, ["something else"]) == Refusal.UNKNOWN

    with engine.connect() as connection:
        assert connection.execute(select(identities)).all() == []
        assert "dina-lim" not in connection.execute(select(people.c.username)).scalars().all()


def test_somebody_of_the_roster_is_known_by_her_address_and_keeps_what_the_roster_gave(engine: Engine):
    found = groups.apply(engine, ANA, ["/a"])

    assert isinstance(found, Person) and found.username == "ana"
    assert places(engine, "ana") == {"roster": "learner", "a": "learner"}
    assert groups.apply(engine, ANA, []) == found
    assert places(engine, "ana") == {"roster": "learner"}
    assert not is_suspended(engine, "ana")


def test_moving_from_one_group_to_another_moves_the_cohort_and_keeps_the_place(engine: Engine):
    groups.apply(engine, NEW, ["/a"])
    groups.apply(engine, NEW, ["/b"])

    assert places(engine, "dina-lim") == {"b": "learner"}
    with engine.connect() as connection:
        kept = connection.execute(select(enrolments).where(enrolments.c.username == "dina-lim")).all()
    assert len(kept) == 2, "the old place is suspended, not deleted"


def test_whose_groups_are_gone_is_suspended_and_comes_back_with_them(engine: Engine):
    groups.apply(engine, NEW, ["/a"])

    assert groups.apply(engine, NEW, []) == Refusal.NOTHING_LEFT
    assert is_suspended(engine, "dina-lim") and places(engine, "dina-lim") == {}
    back = groups.apply(engine, NEW, ["/a"])
    assert isinstance(back, Person) and back.username == "dina-lim"
    assert places(engine, "dina-lim") == {"a": "learner"}
    assert not is_suspended(engine, "dina-lim")


@pytest.mark.parametrize("kept", ["roster", "invitation"])
def test_a_place_somebody_else_gave_is_not_changed_by_a_group(engine: Engine, kept: str):
    provision(engine, [], [Membership("ana", "a", "prompting", "learner")])
    with engine.begin() as connection:
        connection.execute(update(enrolments).where(enrolments.c.username == "ana").values(source=kept))
    groups.apply(engine, ANA, ["/teach"])
    groups.apply(engine, ANA, [])

    assert (places(engine, "ana")["a"], source(engine, "ana", "a")) == ("learner", kept)


def test_of_two_groups_of_one_cohort_the_stronger_role_counts(engine: Engine):
    groups.apply(engine, NEW, ["/teach", "/a"])

    assert places(engine, "dina-lim") == {"a": "instructor"}


def test_a_group_makes_no_officer_even_by_a_row_written_past_us(engine: Engine):
    with engine.begin() as connection:
        connection.execute(cohort_groups.insert().values(group="/boss", cohort="a", role="officer"))

    assert groups.apply(engine, NEW, ["/boss"]) == Refusal.UNKNOWN


@pytest.mark.parametrize(
    ("claims", "refused"),
    [
        ({"email": "jose@example.org", "verified": False}, Refusal.UNVERIFIED),
        ({"email": "JOSE@EXAMPLE.ORG", "verified": False}, Refusal.UNVERIFIED),
        ({"email": ""}, Refusal.UNVERIFIED),
        ({"email": "jose"}, Refusal.UNVERIFIED),
        ({"email": "jose@example.org\0"}, Refusal.UNVERIFIED),
        ({"email": "jose@example.org@evil.example"}, Refusal.UNVERIFIED),
        ({"email": "jo\N{LATIN SMALL LETTER LONG S}e@example.org"}, Refusal.UNKNOWN),
        ({"email": "\N{KELVIN SIGN}im@example.org"}, Refusal.UNKNOWN),
        ({"email": "\N{FULLWIDTH LATIN SMALL LETTER J}ose@example.org"}, Refusal.UNKNOWN),
        ({"email": "jose\ud800@example.org"}, Refusal.UNVERIFIED),
        ({"email": " jose@example.org"}, Refusal.UNVERIFIED),
        ({"email": "evil@example.org", "given_name": "jose", "family_name": "jose@example.org"}, Refusal.UNKNOWN),
    ],
)
def test_an_account_that_only_looks_like_an_officers_is_not_hers(engine: Engine, claims: dict, refused: Refusal):
    evil = replace(Identity(ISSUER, "evil", "", True), **claims)

    assert groups.apply(engine, evil, []) == refused
    answer = groups.apply(engine, evil, ["/a"])
    assert answer == refused or (isinstance(answer, Person) and answer.username not in ("jose", "kim"))
    with engine.connect() as connection:
        bound = connection.execute(select(identities.c.username)).scalars().all()
    assert not {"jose", "kim"} & set(bound)


def test_another_account_with_the_same_address_is_refused_once_one_is_bound(engine: Engine):
    assert isinstance(groups.apply(engine, ANA, []), Person)

    assert groups.apply(engine, replace(ANA, subject="thief"), ["/a"]) == Refusal.TAKEN
    assert "a" not in places(engine, "ana")
    assert groups.unbind(engine, "ana") == 1
    assert isinstance(groups.apply(engine, replace(ANA, subject="new"), []), Person)


def test_a_bound_account_stays_hers_whatever_address_it_shows(engine: Engine):
    groups.apply(engine, ANA, [])
    found = groups.apply(engine, replace(ANA, email="jose@example.org"), [])

    assert isinstance(found, Person) and found.username == "ana" and not found.officer
    assert found.email == "ana@example.org"


def test_the_same_subject_of_another_provider_is_somebody_else(engine: Engine):
    groups.apply(engine, ANA, [])

    assert groups.apply(engine, replace(NEW, issuer="https://other.example", subject="1"), []) == Refusal.UNKNOWN


def test_two_windows_at_once_make_one_person(engine: Engine):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: groups.apply(engine, NEW, ["/a"]), range(4)))

    assert {one.username for one in found if isinstance(one, Person)} == {"dina-lim"}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("who", "by_groups", "alone"),
    [(NEW, ["/a"], True), (ANA, ["/a"], False), (replace(NEW, email="jose@example.org"), ["/a"], False)],
    ids=["by groups alone", "of the roster too", "an officer"],
)
def test_whom_the_provider_alone_lets_in(engine: Engine, who: Identity, by_groups: list[str], alone: bool):
    found = groups.apply(engine, who, by_groups)

    assert isinstance(found, Person)
    assert groups.only_by_group(engine, found.username) is alone


def test_a_name_is_kept_plain_and_of_a_size_a_page_can_hold(engine: Engine):
    odd = replace(NEW, given_name="D\0i\ud800na" + "x" * 500, family_name="", email="x" * 60 + "@example.org")
    found = groups.apply(engine, odd, ["/a"])

    assert isinstance(found, Person)
    assert found.given_name.startswith("D i na") and len(found.given_name) == 100
    assert person(engine, found.username) == found


class TestMappings:
    def test_a_mapping_is_set_changed_listed_and_taken_away(self, engine: Engine):
        groups.map_group(engine, "/a", "a", "assistant")
        assert GroupMapping("/a", "a", "assistant") in groups.mappings(engine)
        groups.unmap(engine, "/a", "a")
        assert [(one.group, one.cohort) for one in groups.mappings(engine)] == [("/b", "b"), ("/teach", "a")]

    @pytest.mark.parametrize(
        ("group", "cohort", "role", "said"),
        [
            ("/a", "a", "officer", "cannot make officers"),
            ("/a", "a", "boss", "no role 'boss'"),
            ("/a", "rostr", "learner", "Did you mean roster"),
            ("/a", "nothing-like-it", "learner", "The cohorts are a, b"),
            ("  ", "a", "learner", "no name of a group"),
            ("/a\0", "a", "learner", "no name of a group"),
            ("x" * 201, "a", "learner", "no name of a group"),
        ],
    )
    def test_what_makes_no_sense_is_refused_in_words(self, engine: Engine, group, cohort, role, said):
        before = groups.mappings(engine)
        with pytest.raises(OperatorError, match=said):
            groups.map_group(engine, group, cohort, role)
        assert groups.mappings(engine) == before

    def test_a_mapping_that_is_not_there_cannot_be_taken_away(self, engine: Engine):
        with pytest.raises(OperatorError, match="not mapped"):
            groups.unmap(engine, "/a", "b")

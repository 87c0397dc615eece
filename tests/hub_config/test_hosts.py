"""No two things that must be apart share a host."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub_config.hosts import Hosts, subdomain

HOSTS = Hosts.of("http://localhost:8000")
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._@", min_size=1, max_size=64)


def test_hub_and_pages_share_one_host_and_nobody_else_does():
    assert HOSTS.main == "http://localhost:8000"
    assert HOSTS.user("ana") == "http://ana.localhost:8000/user/ana/"
    assert HOSTS.formgrader("prompting") == (
        "http://formgrader-prompting--service.localhost:8000/services/formgrader-prompting/"
    )
    assert subdomain("labkit", "localhost", "service") == "localhost"


def test_a_site_without_a_port_has_none():
    assert Hosts.of("https://labs.example.org").user("ana") == "https://ana.labs.example.org/user/ana/"


@given(names, names)
def test_two_people_never_share_a_host(one, other):
    assert (subdomain(one, "x", "user") == subdomain(other, "x", "user")) is (one == other)


@given(names, st.sampled_from(["prompting", "testing", "fine-tuning"]))
def test_no_person_can_be_named_into_a_formgraders_host(name, course):
    assert subdomain(name, "x", "user") != subdomain(f"formgrader-{course}", "x", "service")
    assert subdomain(name, "x", "user") != "x"


@given(names)
def test_every_host_is_one_a_browser_resolves(name):
    label = subdomain(name, "localhost", "user").removesuffix(".localhost")
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label)


@pytest.mark.parametrize(
    "name", ["www.evil.org", "localhost", "a--b", "-", "formgrader-prompting--service", "x" * 64, "ana.ben"]
)
def test_a_name_with_a_meaning_of_its_own_gets_a_plain_host(name):
    host = subdomain(name, "labs.example.org", "user")
    assert host.endswith(".labs.example.org") and host.count(".") == 3

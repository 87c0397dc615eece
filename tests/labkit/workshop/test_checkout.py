"""Her workspace is what she began with and what she wrote; nothing she wrote is ever written over."""

from __future__ import annotations

import pytest

from labkit.errors import PlatformFault
from labkit.workshop.checkout import Checkout


@pytest.fixture
def first(workshop, course):
    return workshop.follow(course)


@pytest.fixture
def checkout(workshop, first, tmp_path) -> Checkout:
    made = Checkout(tmp_path / "home/Workshop/writing")
    made.open(workshop.bundle(first), first.commit)
    return made


def test_it_is_a_git_checkout_of_the_text_byte_for_byte(checkout, workshop, first):
    assert checkout.text() == workshop.files(first)
    assert checkout.base() == first.commit
    assert not checkout.changes()
    assert (checkout.folder / ".git").is_dir()


def test_what_she_changed_is_listed_and_sent_and_is_the_base_of_the_next(checkout, workshop, first):
    (checkout.folder / "ratings/lab.py").write_text("# %%\n")
    (checkout.folder / "ratings/data/small.csv").unlink()
    (checkout.folder / "ratings/hidden").mkdir()
    (checkout.folder / "ratings/hidden/é.txt").write_text("x")
    (checkout.folder / "ratings/.ipynb_checkpoints").mkdir()
    changes = checkout.changes()
    assert (changes.added, changes.changed) == (("ratings/hidden/é.txt",), ("ratings/lab.py",))
    assert changes.removed == ("ratings/data/small.csv",)
    sent = workshop.receive("maria", "writing", checkout.base(), checkout.text())
    checkout.sent(workshop.bundle(sent), sent.commit)
    assert not checkout.changes()
    assert checkout.base() == sent.commit


def test_one_that_was_not_changed_follows_the_newest_and_one_that_was_stays(checkout, workshop, first):
    newer = workshop.receive("nan", "writing", first.commit, {**workshop.files(first), "README.md": b"Ours."})
    checkout.open(workshop.bundle(newer), newer.commit)
    assert checkout.text() == workshop.files(newer)
    (checkout.folder / "README.md").write_text("Mine.")
    newest = workshop.receive("nan", "writing", newer.commit, {**workshop.files(first), "README.md": b"Theirs."})
    checkout.open(workshop.bundle(newest), newest.commit)
    assert (checkout.folder / "README.md").read_text() == "Mine."
    assert checkout.base() == newer.commit

    aside = checkout.renew(workshop.bundle(newest), newest.commit)
    assert (aside / "README.md").read_text() == "Mine."
    assert (checkout.folder / "README.md").read_text() == "Theirs."
    assert aside.parent == checkout.folder.parent


def test_a_checkout_that_cannot_be_read_says_so_and_can_be_renewed(checkout, workshop, first):
    (checkout.folder / ".git/HEAD").unlink()
    (checkout.folder / "ratings/lab.py").write_text("mine")
    with pytest.raises(PlatformFault, match="Fetch a fresh one"):
        checkout.changes()
    aside = checkout.renew(workshop.bundle(first), first.commit)
    assert (aside / "ratings/lab.py").read_text() == "mine"
    assert checkout.text() == workshop.files(first)

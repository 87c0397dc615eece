"""Which tiers there are, that trying one really tries, and what is said where none works."""

import json
import subprocess
import sys

import pytest

from labkit.errors import OperatorError, SandboxUnavailable
from labkit.sandbox import bubblewrap, command, probe, tiers
from labkit.sandbox.tier import Tier

pytestmark = pytest.mark.sandbox
WARM = ("namespaces", "landlock")


@pytest.fixture(autouse=True)
def _nothing_remembered():
    tiers.best.cache_clear()
    yield
    tiers.best.cache_clear()


@pytest.mark.parametrize("name", [*WARM, "bubblewrap"])
def test_each_tier_works_here_and_says_what_it_does_and_what_not(as_launcher, name):
    code = f"from labkit.sandbox import tiers; print(tiers.trouble(tiers.named({name!r})))"
    ran = subprocess.run([*as_launcher, sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout == "\n"
    assert tiers.named(name).covers and tiers.named(name).does_not_cover


def test_the_strongest_comes_first():
    assert tiers.best().name == "namespaces"
    assert tiers.best(warm=False).name == "bubblewrap"


def test_an_unknown_tier_is_refused_by_name():
    with pytest.raises(OperatorError, match=r"no sandbox tier named 'chroot'.*namespaces, landlock, bubblewrap"):
        tiers.named("chroot")


HOLES = {
    "no walls at all": "entrance.body()",
    "only the filter": "account.drop(None, bounding=False); "
    "kernel.install_filter(seccomp.program(seccomp.Filter())); entrance.body()",
    "only another account": "account.drop(1900000000 if os.geteuid() == 0 else None, bounding=False); entrance.body()",
}


@pytest.mark.parametrize("hole", HOLES)
def test_a_tier_that_does_not_hold_is_found_out(as_launcher, hole):
    code = (
        "import os\nfrom labkit.sandbox import account, kernel, probe, seccomp\nfrom labkit.sandbox.tier import Tier\n"
        f"def enter(entrance): {HOLES[hole]}\n"
        "print(probe.trial(Tier('leaky', (), (), lambda: None, enter)))"
    )
    ran = subprocess.run([*as_launcher, sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "got out" in ran.stdout and "a file outside" in ran.stdout, ran


def test_a_tier_that_cannot_be_entered_is_told_with_its_reason(as_launcher):
    code = (
        "from labkit.sandbox import probe\nfrom labkit.sandbox.tier import Tier\n"
        "def enter(entrance): raise OSError(1, 'not here')\n"
        "print(probe.trial(Tier('shut', (), (), lambda: None, enter)))"
    )
    ran = subprocess.run([*as_launcher, sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "nothing was run in it: PermissionError" in ran.stdout and "not here" in ran.stdout


def test_without_libseccomp_no_warm_tier_works_and_the_package_is_named(tmp_path):
    code = (
        "import ctypes\nreal = ctypes.CDLL\n"
        "def missing(name, *words, **more):\n"
        "    if name and 'seccomp' in name: raise OSError('no such library')\n"
        "    return real(name, *words, **more)\n"
        "ctypes.CDLL = missing\n"
        "from labkit.sandbox import probe\nprint(probe.main(['namespaces']), probe.main(['landlock']))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.count("apt-get install libseccomp2") == 2 and ran.stdout.endswith("1 1\n")


def _nowhere(monkeypatch) -> None:
    monkeypatch.setattr(tiers, "trouble", lambda tier: f"{tier.name} is broken")


def test_where_no_tier_works_each_reason_is_given(monkeypatch):
    _nowhere(monkeypatch)

    with pytest.raises(SandboxUnavailable, match=r"namespaces: namespaces is broken landlock: landlock is broken"):
        tiers.best()
    with pytest.raises(SandboxUnavailable, match="bubblewrap: bubblewrap is broken"):
        tiers.best(warm=False)


def test_a_tier_that_execs_is_tried_in_its_own_way(monkeypatch):
    def refuse() -> None:
        raise SandboxUnavailable("bwrap: no.", instead="Nothing untrusted is run.")

    monkeypatch.setattr(bubblewrap, "probe", refuse)

    assert "bwrap: no." in tiers.trouble(bubblewrap.TIER)
    assert not bubblewrap.TIER.warm and Tier("x", (), ()).enter is None
    assert probe.main(["chroot"]) == 1


def test_the_command_says_what_is_reached_and_what_it_covers(capsys):
    assert command.sandbox([]) == 0
    said = capsys.readouterr().out

    for words in ("warm children of the grader:  namespaces", "servers of learners:          bubblewrap", "Landlock:"):
        assert words in said
    for tier in tiers.TIERS:
        assert all(f"    {sentence}\n" in said + "\n" for sentence in (*tier.covers, *tier.does_not_cover))


@pytest.mark.parametrize("name", [*WARM, "bubblewrap"])
def test_the_command_tries_one_tier_for_programs(capsys, name):
    assert command.sandbox(["--json", "--tier", name]) == 0
    told = json.loads(capsys.readouterr().out)

    assert [(one["name"], one["works"]) for one in told["tiers"]] == [(name, True)]
    assert list(told["reached"].values()) == [name] and "seccomp" in told["mechanisms"]


@pytest.mark.parametrize("words", [[], ["--json"], ["--tier", "landlock"]])
def test_the_command_ends_with_3_and_the_reasons_where_none_works(monkeypatch, capsys, words):
    _nowhere(monkeypatch)

    assert command.sandbox(words) == 3
    assert "landlock: landlock is broken" in capsys.readouterr().err

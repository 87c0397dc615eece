from itertools import pairwise
from pathlib import Path

import pytest

from labkit.errors import SandboxUnavailable
from labkit.sandbox import Bind, Limits, Sandbox, bubblewrap


def pairs(words: list[str]) -> list[tuple[str, str]]:
    return list(pairwise(words))


def test_as_root_no_user_namespace_is_made_and_the_child_is_dropped():
    words = bubblewrap.argv(Sandbox(uid=77), ["python3"], root=True)

    assert "--unshare-user" not in words
    assert ("--reuid", "77") in pairs(words)
    assert words.index("--") < words.index("--reuid") < words.index("python3")


def test_as_an_ordinary_account_a_user_namespace_is_made():
    words = bubblewrap.argv(Sandbox(), ["python3"], root=False)

    assert ("--unshare-user", "--uid") in pairs(words)
    assert "--reuid" not in words


@pytest.mark.parametrize(("network", "unshared"), [(False, True), (True, False)])
def test_the_network_is_shared_only_where_asked(network, unshared):
    words = bubblewrap.argv(Sandbox(network=network), ["python3"], root=False)

    assert ("--unshare-net" in words) is unshared
    assert ("/etc/resolv.conf" in words) is network


def test_limits_are_on_the_command_line_and_the_environment_is_not():
    sandbox = Sandbox(limits=Limits(cpu_seconds=3, data_mb=2), env={"TOKEN": "a-secret"}, cwd="/tmp")
    words = bubblewrap.argv(sandbox, ["python3"], root=False)

    assert {"--cpu=3", f"--data={2 << 20}", "--core=0"} <= set(words)
    assert not any("a-secret" in word for word in words)
    assert sandbox.environment()["TOKEN"] == "a-secret"
    assert ("-C", "/tmp") in pairs(words)


def test_who_yields_starts_with_a_lower_rank():
    words = bubblewrap.argv(Sandbox(limits=Limits(nice=10, yields_memory=True)), ["python3"], root=False)

    assert ("-n", "10") in pairs(words) and ("-n", "500") in pairs(words)


def test_a_door_joins_one_port_of_the_loopback_inside_to_one_socket():
    words = bubblewrap.argv(Sandbox(door=(8000, "/run/labkit/door")), ["python3", "x.py"], root=False)

    assert "--unshare-net" in words
    assert "TCP-LISTEN:8000,bind=127.0.0.1" in " ".join(words) and "UNIX-CONNECT:/run/labkit/door" in " ".join(words)
    assert words[-2:] == ["python3", "x.py"]


def test_a_bind_makes_the_folders_it_stands_in_open_to_all():
    words = bubblewrap.argv(Sandbox(binds=(Bind(Path("/srv/ana"), "/a/b/home", writable=True),)), ["x"], root=True)
    at = words.index("--bind")

    assert words[at : at + 3] == ["--bind", "/srv/ana", "/a/b/home"]
    assert words[at - 8 : at] == ["--perms", "0755", "--dir", "/a", "--perms", "0755", "--dir", "/a/b"]


def test_where_bubblewrap_is_missing_it_refuses_and_names_the_package(monkeypatch):
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda *_args, **_words: None)
    bubblewrap.probe.cache_clear()
    try:
        with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
            Sandbox().argv(["python3"])
    finally:
        bubblewrap.probe.cache_clear()


def test_where_bubblewrap_cannot_work_it_refuses_in_its_words(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "_program", lambda name: str(broken))
    bubblewrap.probe.cache_clear()
    try:
        with pytest.raises(SandboxUnavailable, match="No permissions to create new namespace"):
            Sandbox().argv(["python3"])
    finally:
        bubblewrap.probe.cache_clear()

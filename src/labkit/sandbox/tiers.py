"""The tiers there are, strongest first, and which of them work here. A new tier is a file and a line in this one."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import labkit
from labkit.errors import OperatorError, SandboxUnavailable
from labkit.sandbox import bubblewrap, landlocked, namespaces
from labkit.sandbox.tier import Tier

TIERS = (namespaces.TIER, landlocked.TIER, bubblewrap.TIER)
_SECONDS = 60


def named(name: str) -> Tier:
    """The tier of that name, whether or not it works here."""
    for tier in TIERS:
        if tier.name == name:
            return tier
    known = ", ".join(tier.name for tier in TIERS)
    raise OperatorError(f"There is no sandbox tier named {name!r}.", instead=f"Name one of: {known}.")


def trouble(tier: Tier) -> str:
    """Why the tier does not work here; empty where it does. A throwaway child enters it and tries to get out."""
    if not tier.warm:
        try:
            bubblewrap.probe()
        except SandboxUnavailable as why:
            return str(why)
        return ""
    # A process of its own: whoever asks may have threads, and those cannot be forked into a sandbox.
    try:
        tried = subprocess.run(
            [sys.executable, "-P", "-m", "labkit.sandbox.probe", tier.name],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            cwd="/",
            env={
                "PATH": os.defpath,
                "PYTHONPATH": str(Path(labkit.__file__).parent.parent),
                "TMPDIR": tempfile.gettempdir(),
            },
        )
    except subprocess.TimeoutExpired:
        return f"The trial did not end within {_SECONDS} seconds."
    said = [line for line in (tried.stdout + tried.stderr).splitlines() if line.strip()]
    return (said or [f"The trial ended with {tried.returncode}."])[-1] if tried.returncode else ""


@functools.cache
def best(*, warm: bool = True) -> Tier:
    """The strongest tier that works here, for forked children or (`warm=False`) for servers.

    Refuses (`SandboxUnavailable`) where there is none, with the reason of each.
    """
    reasons = []
    for tier in TIERS:
        if tier.warm == warm:
            why = trouble(tier)
            if not why:
                return tier
            reasons.append(f"{tier.name}: {why}")
    what = "a warm child" if warm else "a server"
    raise SandboxUnavailable(
        f"No sandbox for {what} works here. " + " ".join(reasons),
        instead="Nothing untrusted is run. `labkit sandbox` says what was tried.",
    )

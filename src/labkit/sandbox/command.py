"""`labkit sandbox`: which tiers work on this machine, and what each covers and does not. 3 where one is missing."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from labkit.errors import SandboxUnavailable
from labkit.sandbox import landlock, tiers
from labkit.sandbox.seccomp import Filter, program
from labkit.sandbox.tier import Tier

NO_TIER = 3
_PURPOSES = {"warm": "warm children of the grader", "servers": "servers of learners"}


@dataclass(frozen=True)
class _Tried:
    name: str
    purpose: str
    works: bool
    reason: str
    covers: tuple[str, ...]
    does_not_cover: tuple[str, ...]


def sandbox(argv: list[str]) -> int:
    """Tries the tiers; 3 where none works for a purpose (or the one named does not), with the reasons on stderr."""
    parser = argparse.ArgumentParser(
        "labkit sandbox", description="Which sandbox this machine gives untrusted code.", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--tier", metavar="NAME", help="try this one alone: " + ", ".join(one.name for one in tiers.TIERS)
    )
    given = parser.parse_args(argv)
    tried = [_try(one) for one in ([tiers.named(given.tier)] if given.tier else tiers.TIERS)]
    reached = {purpose: _first(tried, purpose) for purpose in _PURPOSES if any(one.purpose == purpose for one in tried)}
    if given.json:
        told = {"mechanisms": mechanisms(), "reached": reached, "tiers": [asdict(one) for one in tried]}
        print(json.dumps(told, indent=2))
    else:
        print("\n".join(_lines(tried, reached)))
    for purpose in (purpose for purpose, name in reached.items() if not name):
        reasons = " ".join(f"{one.name}: {one.reason}" for one in tried if one.purpose == purpose)
        print(f"labkit: no sandbox for {_PURPOSES[purpose]} works here. {reasons}", file=sys.stderr)
    return 0 if all(reached.values()) else NO_TIER


def mechanisms() -> dict[str, str]:
    """What the machine has, whether or not a tier uses it."""
    namespaces = Path("/proc/sys/user/max_user_namespaces")
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "started as": "root" if os.geteuid() == 0 else "an ordinary account",
        "Landlock": f"version {landlock.version()}" if landlock.version() else "none",
        "seccomp": _filter(),
        "user namespaces": f"up to {namespaces.read_text().strip()}" if namespaces.exists() else "none",
        "pidfd": "there" if hasattr(os, "pidfd_open") else "none",
    }


def _filter() -> str:
    try:
        size = len(program(Filter())) // 8
    except SandboxUnavailable as why:
        return str(why)
    version = ctypes.CDLL("libseccomp.so.2").seccomp_version
    version.restype = ctypes.POINTER(ctypes.c_uint)
    return f"libseccomp {'.'.join(map(str, version()[:3]))}, a filter of {size} instructions"


def _try(tier: Tier) -> _Tried:
    why = tiers.trouble(tier)
    purpose = "warm" if tier.warm else "servers"
    return _Tried(tier.name, purpose, not why, why, tier.covers, tier.does_not_cover)


def _first(tried: Sequence[_Tried], purpose: str) -> str:
    return next((one.name for one in tried if one.purpose == purpose and one.works), "")


def _lines(tried: Sequence[_Tried], reached: dict[str, str]) -> list[str]:
    lines = [f"{name + ':':<18}{what}" for name, what in mechanisms().items()]
    lines += ["", *(f"{_PURPOSES[purpose] + ':':<30}{name or 'NONE'}" for purpose, name in reached.items())]
    for one in tried:
        lines += ["", f"{one.name} ({_PURPOSES[one.purpose]}): {'works' if one.works else 'does not work'}"]
        lines += [f"  {one.reason}"] if one.reason else []
        lines += ["  covers", *(f"    {what}" for what in one.covers)]
        lines += ["  does not cover", *(f"    {what}" for what in one.does_not_cover)]
    return lines

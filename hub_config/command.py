"""`labkit up` and `labkit reset`."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
import time

from hub_config.demonstration import LEARNERS
from hub_config.holder.held import Places
from hub_config.preparation import check_machine, prepare, sign_in_links
from hub_config.processes import processes
from hub_config.settings import UNSANDBOXED, Settings, read
from hub_config.state import State
from hub_config.supervision import Supervision


def up(argv: list[str]) -> int:
    """Starts the platform and keeps it running until Ctrl-C."""
    argparse.ArgumentParser(prog="labkit up", description=up.__doc__, allow_abbrev=False).parse_args(argv)
    settings = read()
    os.environ |= settings.environment()  # what we start works in another folder
    check_machine(settings)
    state = State(settings.home)
    _make_private(state)
    supervision = Supervision(state)
    supervision.claim()
    if settings.servers == "unsandboxed":
        _tell(f"LABKIT_SERVERS=unsandboxed: {UNSANDBOXED}")
    began = time.monotonic()
    prepare(settings, state, _tell)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    try:
        _tell("Starting the processes")
        supervision.start(processes(settings, state))
        supervision.wait_until_ready(lambda name: _tell(f"  {name} answers"), stop, warm=False)
        if not stop.is_set():
            _welcome(settings, time.monotonic() - began)
        supervision.wait_until_ready(lambda name: _tell(f"  {name} is warm"), stop, warm=True)
        if not stop.is_set():
            _tell("Everything is warm.")
        while not stop.wait(1):
            if not supervision.alive():
                supervision.revive()
    finally:
        print("\nEnding every process of labkit ...", file=sys.stderr)
        supervision.stop()
        _sweep(state)
    return 0


def _sweep(state: State) -> None:
    """Ends learners' servers the holder had no time to end: an orderly end leaves nothing running."""
    for held in Places(state.folder("run", "servers", mode=0o700), state.sockets).known():
        held.end()
    shutil.rmtree(state.sockets, ignore_errors=True)


def reset(argv: list[str]) -> int:
    """Deletes LABKIT_HOME with everything in it."""
    parser = argparse.ArgumentParser(prog="labkit reset", description=reset.__doc__, allow_abbrev=False)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    arguments = parser.parse_args(argv)
    settings = read()
    if not settings.home.exists():
        print(f"There is nothing at {settings.home}.")
        return 0
    Supervision(State(settings.home)).claim()
    if not arguments.yes and not _agreed(settings):
        print("Nothing was deleted.")
        return 1
    shutil.rmtree(settings.home)
    shutil.rmtree(State(settings.home).sockets, ignore_errors=True)
    print(f"Deleted {settings.home}.")
    return 0


def _agreed(settings: Settings) -> bool:
    print(f"This deletes every account, submission and score in {settings.home}.")
    return sys.stdin.isatty() and input("Type DELETE to go on: ") == "DELETE"


def _make_private(state: State) -> None:
    os.umask(0o022)
    state.folder("secrets", mode=0o700)


def _tell(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _welcome(settings: Settings, seconds: float) -> None:
    print(f"\nlabkit is ready: {settings.url}   ({seconds:.0f} s)\n", flush=True)
    if settings.demo:
        print("Sign in as (each link works once; start again for new ones):")
        for role, link in sign_in_links(settings).items():
            print(f"  {role:<11} {link}")
        others = ", ".join(one.username for one in LEARNERS[1:])
        print(f"There are more learners, such as {others}: `labkit people link NAME` makes a link for anybody.")
    print("\nThe model and the grader may still be warming up. Ctrl-C ends everything.\n", flush=True)

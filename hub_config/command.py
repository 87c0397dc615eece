"""`labkit up` and `labkit reset`."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
import time

from hub_config.preparation import check_machine, prepare, sign_in_links
from hub_config.processes import processes
from hub_config.settings import Settings, read
from hub_config.state import State
from hub_config.supervision import Supervision
from labkit.errors import OperatorError


def up(argv: list[str]) -> int:
    """Starts the platform and keeps it running until Ctrl-C."""
    argparse.ArgumentParser(prog="labkit up", description=up.__doc__).parse_args(argv)
    settings = read()
    check_machine(settings)
    state = State(settings.home)
    _make_private(state)
    supervision = Supervision(state)
    supervision.claim()
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
                raise OperatorError("The supervisor ended.", instead=f"Its log is {state.log / 'supervisord.log'}.")
    finally:
        print("\nEnding every process of labkit ...", file=sys.stderr)
        supervision.stop()
    return 0


def reset(argv: list[str]) -> int:
    """Deletes LABKIT_HOME with everything in it."""
    parser = argparse.ArgumentParser(prog="labkit reset", description=reset.__doc__)
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
    print("\nThe model and the grader may still be warming up. Ctrl-C ends everything.\n", flush=True)

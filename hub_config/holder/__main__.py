"""Composition root of the holder: `python -m hub_config.holder CONFIG.json`.

SIGTERM and SIGINT end every server it holds; killed, it leaves them running for the next holder.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from hub_config.holder.app import Holder, application
from hub_config.holder.held import Places
from labkit.strict import read_json, strict


@dataclass(frozen=True)
class Config:
    """`targets` maps the beginnings of paths a notebook may ask for to where they lead, or to "" for nowhere."""

    socket: str
    folder: str
    sockets: str
    targets: dict[str, str]
    unsandboxed: bool


def main() -> None:
    config = strict(Config, read_json(Path(sys.argv[1])), sys.argv[1])
    # Each learner may hold 64 connections open, and each takes two descriptors here.
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    holder = Holder(Places(Path(config.folder), Path(config.sockets)), config.targets, unsandboxed=config.unsandboxed)
    path = Path(config.socket)
    path.unlink(missing_ok=True)
    old = os.umask(0o177)  # ours alone, from its first moment
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    os.umask(old)
    web.run_app(application(holder), sock=listener, print=None, access_log=None, handle_signals=True)


if __name__ == "__main__":
    main()

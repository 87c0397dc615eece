"""The entry point of both sandboxed processes: `python -m autograder.child learner|tests CONTROL PEER`."""

from __future__ import annotations

import socket
import sys


def main(argv: list[str]) -> int:
    role, control, peer = argv[0], socket.socket(fileno=int(argv[1])), socket.socket(fileno=int(argv[2]))
    if role == "learner":
        from autograder.learner_process import serve

        serve(control, peer)
    else:
        from autograder.test_process import judge

        judge(control, peer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

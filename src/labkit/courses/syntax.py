"""Parsing Python in a process with threads.

CPython before 3.11.8 and 3.12.1 counts the depth of a syntax tree under construction in one place for all threads
(gh-106905): two trees built at once can end in SystemError. So one is built at a time. What this does not cover: other
packages of the same process that parse.
"""

from __future__ import annotations

import ast
import threading

_one_at_a_time = threading.Lock()


def parse(source: str) -> ast.Module:
    """As `ast.parse`, from any number of threads."""
    with _one_at_a_time:
        return ast.parse(source)

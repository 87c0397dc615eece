"""Adapters in memory: those used last, so many and so many bytes of them; one that answers now never leaves."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch comes with the first question
    from labkit.training.lora import Adapter

_MOST_KEPT = 64
MOST_BYTES = 512 * 2**20


class Kept:
    """`load` reads one by its hash. What is in use is kept past `most_bytes`: it would be in memory all the same."""

    def __init__(self, load: Callable[[str], Adapter], most_bytes: int = MOST_BYTES) -> None:
        self._load, self._most = load, most_bytes
        self._lock = threading.Lock()
        self._adapters: dict[str, Adapter] = {}  # the least recently used first
        self._used: Counter[str] = Counter()

    def get(self, digest: str) -> Adapter:
        """Raises what `load` raises."""
        with self._lock:
            found = self._adapters.pop(digest, None)
            if found is not None:
                self._adapters[digest] = found
                return found
        loaded = self._load(digest)
        with self._lock:
            found = self._adapters.pop(digest, loaded)  # another may have read it meanwhile: one of them is enough
            self._adapters[digest] = found
            self._let_go()
        return found

    @contextmanager
    def in_use(self, digest: str) -> Iterator[None]:
        """From before it is read until its last word."""
        with self._lock:
            self._used[digest] += 1
        try:
            yield
        finally:
            with self._lock:
                self._used[digest] -= 1
                if not self._used[digest]:
                    del self._used[digest]
                self._let_go()

    def clear(self) -> None:
        with self._lock:
            self._adapters.clear()

    def _let_go(self) -> None:
        held = sum(one.nbytes for one in self._adapters.values())
        for digest in [one for one in self._adapters if one not in self._used]:
            if held <= self._most and len(self._adapters) <= _MOST_KEPT:
                return
            held -= self._adapters.pop(digest).nbytes

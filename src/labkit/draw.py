"""Each learner's own hidden items: so many of every kind, out of a pool that all learners share.

    UNSEEN = draw(POOL, each=8, by=("kind", "language"))

Every item has a number that HMAC-SHA256 makes of it and of a key, and the lowest of each kind are drawn. The key is
made of a secret of the site, the lab and the learner: she gets the same items whenever she is graded, nobody can tell
which without the secret, although the pool may be known to all; and an item added to the pool changes at most one in
a draw.

What this does not cover: whoever hands in again and again can find out a little by what her score does; `attempts` in
course.toml bounds that.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item", bound=Mapping[str, Any])

# What an author is graded by, and everybody where a site has no secret.
OPEN = "an author's draw"
# With this key everything is drawn: for whoever measures a lab.
WHOLE = "the whole pool"
_key = OPEN


def key_for(secret: bytes, course: str, lab: str, learner: str) -> str:
    """The key of one learner in one lab."""
    whole = "\0".join((course, lab, learner))
    return hmac.new(secret, whole.encode(), hashlib.sha256).hexdigest()


def settle(key: str) -> None:
    """From now on `draw` gives what belongs to `key`."""
    global _key  # noqa: PLW0603 - one learner is judged in a process
    _key = key


def draw(pool: Sequence[Item], each: int, by: Sequence[str]) -> list[Item]:
    """`each` items of every combination of the values that the fields `by` have, in an order of their own.

    Raises ValueError where a combination has fewer, or an item stands in the pool twice.
    """
    kinds: dict[tuple[Any, ...], list[tuple[str, Item]]] = {}
    for item in pool:
        kinds.setdefault(tuple(item[name] for name in by), []).append((_number(item), item))
    numbers = [number for ones in kinds.values() for number, _ in ones]
    if len(set(numbers)) < len(numbers):
        raise ValueError("an item stands in the pool twice")
    for kind, ones in kinds.items():
        if len(ones) < each:
            raise ValueError(f"the pool has {len(ones)} items of {kind}, and {each} are drawn")
    most = len(pool) if _key == WHOLE else each
    drawn = [one for ones in kinds.values() for one in sorted(ones, key=_by_number)[:most]]
    return [item for _, item in sorted(drawn, key=_by_number)]


def name_of(item: Mapping[str, Any]) -> str:
    """A short name of an item that follows from all it says."""
    return hashlib.sha256(_text(item)).hexdigest()[:16]


def _number(item: Mapping[str, Any]) -> str:
    return hmac.new(_key.encode(), _text(item), hashlib.sha256).hexdigest()


def _text(item: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(item), sort_keys=True, ensure_ascii=False).encode()


def _by_number(one: tuple[str, Any]) -> str:
    return one[0]

"""One cell header: `# %%`, `# %% [markdown] answer="reflect" points=10`, `# %% test="clip-bounds" points=3 hidden`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from labkit.errors import AuthorError

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_START = re.compile(r"#\s*%%")
_ESCAPED = re.compile(r"(#\s*)\\(\\*%%)")
_LIKE_ESCAPED = re.compile(r"(#\s*)(\\*%%)")
_WORD = re.compile(r'\s+(?:(?P<key>[^\s="]+)=(?P<value>"[^"]*"|[^\s"]+)|(?P<flag>[^\s="]+))(?=\s|$)')
_KNOWN = 'one of solution="NAME", test="NAME", answer="NAME", points=N, hidden, demo, [markdown]'
_EXAMPLE = {
    "solution": '# %% solution="clip"' + " (and `points=5` after it, if a person grades it)",
    "test": '# %% test="clip-examples" points=2 (and `hidden` after it, if it is)',
    "answer": '# %% [markdown] answer="reflect" points=10',
    "demo": "# %% demo",
    "prose": "# %% [markdown]",
    "code": "# %%",
}


@dataclass(frozen=True)
class Header:
    kind: str  # prose | code | demo | solution | test | answer
    name: str = ""
    points: float = 0
    hidden: bool = False


def looks_like_header(line: str) -> bool:
    return bool(_START.match(line))


def escaped(line: str) -> str:
    """A line of a cell as a lab's text holds it: one that would be taken for a header, `# %%`, is written `# \\%%`.

    A line that is written so already gets one more backslash, so that nothing is lost.
    """
    return _LIKE_ESCAPED.sub(r"\1\\\2", line, count=1) if _LIKE_ESCAPED.match(line) else line


def unescaped(line: str) -> str:
    """What `escaped` was given."""
    return _ESCAPED.sub(r"\1\2", line, count=1) if _ESCAPED.match(line) else line


def parse_header(line: str, file: str, number: int, *, points_needed: bool = True) -> Header:
    """Refuses every word it does not know. A file of `submissions/` gives no points (`points_needed=False`)."""
    if not re.match(r"# %%(?=\s|$)", line):
        raise AuthorError(file, number, f"a cell begins with {line.split(maxsplit=1)[0]!r}", instead="Write `# %%`.")
    words = _words(line[4:].rstrip(), file, number)
    markdown = "[markdown]" in words
    words.pop("[markdown]", None)
    kind = _kind(words, markdown, file, number)
    name = words.pop(kind, "") or ""
    if kind in ("solution", "test", "answer") and not NAME.fullmatch(name):
        found = f"{name!r} cannot be a cell's name"
        raise AuthorError(file, number, found, instead="Use a-z, 0-9 and hyphens, 63 characters at most.")
    points = _points(words.pop("points", None), file, number)
    header = Header(kind, name, points or 0, words.pop("hidden", "no") is None)
    if words:
        word = next(iter(words))
        raise AuthorError(file, number, f"`{word}` does not belong here", instead=f"Write {_EXAMPLE[kind]}.")
    wants_points = kind in ("test", "answer")
    may_have_points = wants_points or kind == "solution"  # a solution with points is graded by a person
    if (points is not None and not may_have_points) or (points is None and wants_points and points_needed):
        found = f"a {kind} cell {'has no' if wants_points else 'cannot have'} points"
        raise AuthorError(file, number, found, instead=f"Write {_EXAMPLE[kind]}.")
    if header.hidden and kind != "test":
        raise AuthorError(file, number, f"a {kind} cell cannot be hidden", instead="Only a test can be.")
    return header


def _words(rest: str, file: str, number: int) -> dict[str, str | None]:
    words: dict[str, str | None] = {}
    at = 0
    while at < len(rest):
        match = _WORD.match(rest, at)
        if match is None:
            raise AuthorError(file, number, f"cannot read {rest[at:].strip()!r}", instead=f"Write {_KNOWN}.")
        word = match["key"] or match["flag"]
        if match["key"] and word in ("hidden", "demo", "[markdown]"):
            raise AuthorError(file, number, f"`{word}` takes no value", instead=f"Write `{word}` alone.")
        if not match["key"] and word in ("solution", "test", "answer", "points"):
            raise AuthorError(file, number, f"`{word}` has no value", instead=f"Write {_KNOWN}.")
        if word not in ("solution", "test", "answer", "points", "hidden", "demo", "[markdown]"):
            raise AuthorError(file, number, f"unknown word {word!r} in a cell's header", instead=f"Write {_KNOWN}.")
        if word in words:
            raise AuthorError(file, number, f"`{word}` is there twice", instead="Write it once.")
        words[word] = match["value"].strip('"') if match["key"] else None
        at = match.end()
    return words


def _kind(words: dict[str, str | None], markdown: bool, file: str, number: int) -> str:
    kinds = [word for word in ("solution", "test", "answer", "demo") if word in words]
    if len(kinds) > 1:
        found = f"a cell cannot be both {kinds[0]} and {kinds[1]}"
        raise AuthorError(file, number, found, instead="Make two cells of it.")
    kind = kinds[0] if kinds else ("prose" if markdown else "code")
    if markdown != (kind in ("answer", "prose")):
        found = f"{'a [markdown]' if markdown else 'a code'} cell cannot be {kind}"
        raise AuthorError(file, number, found, instead=f"Write {_EXAMPLE[kind]}.")
    return kind


def _points(text: str | None, file: str, number: int) -> float | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", text) or float(text) == 0:
        raise AuthorError(file, number, f"points={text}", instead="Write a number above 0, such as points=3.")
    points = float(text)
    return int(points) if points.is_integer() else points

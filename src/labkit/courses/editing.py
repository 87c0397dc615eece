"""A lab's text as a notebook to edit, and back: what was not changed keeps its very bytes.

A code cell shows its header as its first line where the header says more than `# %%`; a Markdown cell shows one as
`<!-- answer="reflect" points=10 -->`. So every word of a lab can be seen, changed and copied in the notebook. What else
the text says (blank lines, how a comment is written) is kept beside each cell, in its metadata: a cell that is as it
was is written as it was.

Jupytext's percent format moves the words of our headers (`points=3 hidden` becomes `hidden ... points=3`) and adds a
YAML header, so the text is split here. Not kept: outputs, attachments and whatever else is not text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.courses.header import looks_like_header

_KEY = "labkit_text"
_COMMENT = re.compile(r"<!--\s*(?P<words>\S.*?)\s*-->")


class NotALab(ValueError):
    """A text or a notebook that is no lab's; the message is for the person who opened it."""


def to_notebook(text: str) -> dict[str, Any]:
    """The text as a notebook. Raises NotALab where something stands before the first header."""
    before, pieces = _split(text)
    if before.strip():
        raise NotALab("There is text before the first `# %%` line. Open the file with the text editor and move it.")
    cells = [_cell(number, raw) for number, raw in enumerate(pieces)]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, _KEY: {"before": before}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def to_text(notebook: Mapping[str, Any]) -> str:
    """The notebook as a lab's text. Raises NotALab for a cell that is neither code nor Markdown."""
    about = notebook.get("metadata", {}).get(_KEY)
    before = about.get("before") if isinstance(about, Mapping) else ""
    raws = [_raw(cell) for cell in notebook["cells"]]
    return (before if isinstance(before, str) and not before.strip() else "") + "".join(_apart(raws))


def _split(text: str) -> tuple[str, list[str]]:
    """What stands before the first header, and each cell from its header on, line ends included."""
    before, pieces = "", list[list[str]]()
    for line in text.splitlines(keepends=True):
        if looks_like_header(line):
            pieces.append([line])
        elif pieces:
            pieces[-1].append(line)
        else:
            before += line
    return before, ["".join(piece) for piece in pieces]


def _cell(number: int, raw: str) -> dict[str, Any]:
    kind, source = _shown(raw)
    cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {_KEY: {"raw": raw}}, "source": source}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _shown(raw: str) -> tuple[str, str]:
    """Cell type and source of a piece of text."""
    header, *body = raw.splitlines()
    words = header.partition("%%")[2].strip()
    markdown = "[markdown]" in words.split()
    lines = [_uncommented(line) for line in body] if markdown else body
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    said = " ".join(words.replace("[markdown]", "").split()) if markdown else words
    if said:
        lines.insert(0, f"<!-- {said} -->" if markdown else header.rstrip())
    return "markdown" if markdown else "code", "\n".join(lines)


def _raw(cell: Mapping[str, Any]) -> str:
    """What stands for the cell in the text: as it was, where it shows what it showed."""
    kind, source = cell["cell_type"], cell["source"]
    source = "".join(source) if isinstance(source, list) else str(source)
    if kind not in ("code", "markdown"):
        raise NotALab("A raw cell cannot be kept in a lab's text: make it a Markdown or a code cell, then save.")
    about = cell.get("metadata", {}).get(_KEY)
    raw = about.get("raw") if isinstance(about, Mapping) else None
    if isinstance(raw, str) and looks_like_header(raw) and _shown(raw) == (kind, source):
        return raw
    known = raw if isinstance(raw, str) else ""
    end = "\r\n" if known.endswith("\r\n") else "\n"
    lines = source.split("\n")
    written = _markdown(lines) if kind == "markdown" else _code(lines)
    return end.join([*written, *_blank(known)]) + end


def _code(lines: Sequence[str]) -> list[str]:
    return list(lines) if looks_like_header(lines[0]) else ["# %%", *lines]


def _markdown(lines: Sequence[str]) -> list[str]:
    said = _COMMENT.fullmatch(lines[0].strip())
    header = f"# %% [markdown] {said['words']}" if said and "=" in said["words"] else "# %% [markdown]"
    body = lines[1:] if header != "# %% [markdown]" else lines
    return [header, *(f"# {line}".rstrip() for line in body)]


def _blank(raw: str) -> list[str]:
    """The blank lines that stood before the next header; of a new cell one."""
    lines = raw.splitlines()
    last = next((at for at, line in enumerate(reversed(lines)) if line.strip()), 0)
    return [""] * (last if raw else 1)


def _apart(raws: Sequence[str]) -> list[str]:
    """Each piece ends its last line, but the last one may not: a cell can have been moved from there."""
    return [raw if raw.endswith("\n") or at == len(raws) - 1 else f"{raw}\n" for at, raw in enumerate(raws)]


def _uncommented(line: str) -> str:
    if line.startswith("# "):
        return line[2:].rstrip()
    return "" if line.strip() in ("", "#") else line

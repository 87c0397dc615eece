"""A preview as one page that can be opened anywhere: no script, nothing loaded, readable by ear and on a telephone.

Every text is escaped; prose and tables a cell gives are reduced to harmless tags; pictures are those of the lab's
`data/` and those a cell made. Not covered: formulas, which stand as they are written.
"""

from __future__ import annotations

import base64
import functools
import html
import re
from dataclasses import replace
from pathlib import Path

import mistune
import nh3
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from autograder.feedback import GONE, TAGS
from autograder.preview import Output, Preview, SeenCell, secrets
from autograder.words import say
from labkit.courses import Lab, load_text
from labkit.courses.marks import TELLING
from labkit.errors import AuthorError

_PICTURES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".svg": "svg+xml", ".webp": "webp"}
_MOST_PICTURE = 4 * 2**20
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_rendered = mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])
_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(lab: Lab, seen: Preview, *, ran: bool = True) -> str:
    """The whole page. Raises AuthorError where a line of an answer or of a hidden test would stand on it."""
    language = seen.language
    clean = functools.partial(_clean, lab.path)
    shown = {
        "seen": seen,
        "ran": ran,
        "failed": [(cell.id, sentence) for cell in seen.cells for sentence in cell.failed],
        "cells": [(cell, clean(str(_rendered(cell.source)))) for cell in _safe(seen)],
        "clean": clean,
        "say": lambda key, **more: say(key, language, **more),
    }
    made = _pages.get_template("preview.html").render(**shown)
    _refuse_answers(lab, seen, made)
    return made


def _safe(seen: Preview) -> list[SeenCell]:
    """Without pictures that are none."""
    return [replace(cell, outputs=tuple(one for one in cell.outputs if _is_whole(one))) for cell in seen.cells]


def _is_whole(output: Output) -> bool:
    return output.kind != "png" or bool(_BASE64.fullmatch(output.text))


def _clean(folder: Path, markup: str) -> Markup:
    """Reduced as on feedback pages, with pictures of the lab's own `data/` put into the page."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        if (tag, name) == ("img", "src"):
            return _picture(folder, value)
        return None if value.strip().lower().startswith("data:") else value

    reduced = nh3.clean(
        markup,
        tags=TAGS | {"img"},
        clean_content_tags=GONE,
        attributes={"a": {"href"}, "img": {"src", "alt"}, "th": {"scope"}},
        url_schemes={"http", "https", "mailto", "data"},
        attribute_filter=attribute,
    )
    return Markup(reduced)  # noqa: S704 - cleaned just now


def _picture(folder: Path, name: str) -> str | None:
    data = (folder / "data").resolve()
    try:
        file = (folder / html.unescape(name)).resolve(strict=True)
        kind = _PICTURES[file.suffix.lower()]
        if not file.is_relative_to(data) or file.stat().st_size > _MOST_PICTURE:
            return None
        return f"data:image/{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
    except (OSError, ValueError, KeyError):
        return None


def _refuse_answers(lab: Lab, seen: Preview, made: str) -> None:
    """What is on the page comes from her side alone; this is said once more of the page itself."""
    shown = html.unescape(made)
    for line in sorted(secrets(load_text(lab, seen.language))):
        if len(line) >= TELLING and line in shown:
            found = f"a line of an answer or of a hidden test would be shown: {line[:60]!r}"
            raise AuthorError(seen.file, 1, found, instead="Look for it in data/ and in what your cells print.")

"""What an author would be sorry to find out from learners: things that build and grade well and are still wrong.

Looked at: checks that do not say why, English that asks for too many years of school, an answer that stands in a cell
learners see, files without a licence, pictures without words, headings out of order or without words, links to nothing,
languages that have drifted apart, and points for no outcome in a course that says what one learns.

Not covered: whether a reason helps, whether a translation says the same, links to other sites, and an answer that is
retold in other words.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from labkit.courses import reading
from labkit.courses.course import Lab
from labkit.courses.marks import is_telling
from labkit.courses.sums import is_check, static_checks
from labkit.courses.syntax import parse
from labkit.courses.text import Cell, LabText, load_text
from labkit.errors import AuthorError

_LICENCES = "LICENSES.toml"
_KEYS = {"licence", "source"}
_FEWEST_WORDS = 3
# The highest grade of prose, and how many words tell it.
_GRADE, _ENOUGH_WORDS = 9, 100
_HEADING = re.compile(r"^(#{1,6})(?:[ \t]+(?P<words>.*?)[ \t#]*)?$", re.MULTILINE)
_PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<to>[^)\s]+)[^)]*\)|<img\b(?P<tag>[^>]*)>")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<to>[^)\s]+)[^)]*\)")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#|//", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    file: str
    line: int
    found: str
    instead: str

    def __str__(self) -> str:
        return str(AuthorError(self.file, self.line, self.found, instead=self.instead))


def lint(lab: Lab) -> list[Finding]:
    """Everything found in a lab that can be built, in every language of it."""
    texts = [load_text(lab, language) for language in lab.languages]
    found = [*_licences(lab), *_without_outcome(lab, texts[0])]
    for text in texts:
        file = str(lab.text_file(text.language))
        found += [*_reasons(file, text), *_answers(file, text), *_headings(file, text), *_references(lab, file, text)]
    found += _hard(str(lab.text_file()), texts[0])
    for text in texts[1:]:
        found += _drifted(str(lab.text_file(text.language)), texts[0], text)
    return found


def _without_outcome(lab: Lab, text: LabText) -> Iterator[Finding]:
    for cell in text.cells:
        if lab.outcomes and cell.points and not cell.outcome:
            instead = f'Write outcome="ID" in its header: one of {", ".join(lab.outcomes)}.'
            yield Finding(str(lab.text_file()), cell.line, f"the points of {cell.id!r} count for no outcome", instead)


def _licences(lab: Lab) -> Iterator[Finding]:
    for folder in (lab.path / "data", lab.path / "hidden"):
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {_LICENCES}
        if not names:
            continue
        file = folder / _LICENCES
        try:
            told = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            yield Finding(str(file), 1, f"this is not TOML ({error})", "Mend it; text goes in quotes.")
            continue
        instead = '["FILE"], then licence = "SPDX name" and source = "where it is from".'
        for name in sorted(names - told.keys()):
            yield Finding(str(file), 1, f"{name} has no licence", f"Write {instead}")
        for name, table in told.items():
            if name not in names:
                yield Finding(str(file), 1, f"there is no file {name!r}", "Remove its table.")
            elif not _says_both(table):
                yield Finding(
                    str(file), 1, f"{name} does not say licence and source, and nothing else", f"Write {instead}"
                )


def _says_both(table: Any) -> bool:
    return isinstance(table, dict) and table.keys() == _KEYS and all(str(value).strip() for value in table.values())


def _reasons(file: str, text: LabText) -> Iterator[Finding]:
    for cell in text.of("test"):
        for node in ast.walk(parse(cell.source)):
            if not (isinstance(node, ast.Call) and is_check(node)):
                continue
            given = {word.arg: word.value for word in node.keywords}
            reason = node.args[0] if node.args else given.get("reason")
            if len(node.args) + len(given.keys() & {"reason", "condition"}) < 2 and None not in given:
                instead = 'Write check("what must hold", condition).'
                yield Finding(file, cell.line + node.lineno, "a check without a reason or a condition", instead)
            elif isinstance(reason, ast.Constant) and len(str(reason.value).split()) < _FEWEST_WORDS:
                found = f"a check whose reason is {str(reason.value)!r}"
                yield Finding(file, cell.line + node.lineno, found, "Say in a few words what must hold.")


def _answers(file: str, text: LabText) -> Iterator[Finding]:
    secret = {
        line: cell.id for cell in text.of("solution") for line in _telling(cell.reference) - _telling(cell.starter)
    }
    for cell in text.cells:
        if cell.kind == "solution" or (cell.kind == "test" and cell.hidden):
            continue
        for offset, line in enumerate(cell.source.splitlines(), 1):
            if line.strip() in secret:
                found = f"a line of the answer {secret[line.strip()]!r} stands here: {line.strip()[:60]!r}"
                yield Finding(file, cell.line + offset, found, "Learners see this cell; show something else.")


def _points(source: str) -> list[float] | None:
    checks = static_checks(source)
    return None if checks is None else [check.points for check in checks]


def _telling(source: str) -> set[str]:
    lines = {line.strip() for line in source.splitlines()}
    return {line for line in lines if is_telling(line) and not line.startswith('"""')}


def _hard(file: str, english: LabText) -> Iterator[Finding]:
    prose = "\n\n".join(cell.source for cell in english.of("prose", "answer"))
    years = reading.grade(prose)
    if years > _GRADE and len(reading.words(prose)) >= _ENOUGH_WORDS:
        found = f"its English asks for {years:.0f} years of school (Coleman and Liau)"
        yield Finding(file, 1, found, f"Shorter words and sentences: {_GRADE} at most.")


def _headings(file: str, text: LabText) -> Iterator[Finding]:
    last = 0
    for cell in text.of("prose", "answer"):
        for match in _HEADING.finditer(_without_code(cell.source)):
            level, line = len(match[1]), _line(cell, match)
            if not (match["words"] or "").strip():
                yield Finding(file, line, "a heading without words", "Write the words, or take the line out.")
            if last == 0 and level != 1:
                yield Finding(file, line, "the first heading is not the lab's title", "Begin with `# ` and the title.")
            elif level == 1 and last:
                yield Finding(file, line, "a second title", "Use `## ` for parts of the lab.")
            elif level > last + 1 and last:
                yield Finding(file, line, f"a heading of level {level} after one of {last}", f"Use {'#' * (last + 1)}.")
            last = level
    if last == 0:
        yield Finding(file, 1, "the lab has no title", "Begin with `# %% [markdown]` and `# # The title`.")


def _references(lab: Lab, file: str, text: LabText) -> Iterator[Finding]:
    parts = {
        anchor
        for cell in text.of("prose", "answer")
        for match in _HEADING.finditer(_without_code(cell.source))
        for anchor in _anchors(match["words"] or "")
    }
    for cell in text.of("prose", "answer"):
        source = _without_code(cell.source)
        for match in _PICTURE.finditer(source):
            alt = match["alt"] if match["to"] else (re.search(r'alt="([^"]*)"', match["tag"]) or ["", ""])[1]
            if not alt.strip():
                yield Finding(file, _line(cell, match), "a picture without words", "Say between [ and ] what it shows.")
        for match in _LINK.finditer(source):
            if match["to"].startswith("#") and unquote(match["to"][1:]).lower() not in parts:
                found = f"a link to {match['to']!r}, which is no heading of this lab"
                yield Finding(file, _line(cell, match), found, f"Headings: {', '.join(sorted(parts)) or 'none'}.")
        for match in (*_PICTURE.finditer(source), *_LINK.finditer(source)):
            to = match["to"]
            if to and not _ELSEWHERE.match(to) and not _is_there(lab.path, to):
                found = f"a link to {to!r}, which learners do not have"
                yield Finding(file, _line(cell, match), found, "Put it into data/, or mend the link.")


def _anchors(words: str) -> set[str]:
    """The names a heading may be linked by: JupyterLab's has hyphens for spaces; letters' case is nobody's matter."""
    plain = re.sub(r"[`*_]|\[|\]\([^)]*\)", "", words).strip().lower()
    return {plain.replace(" ", "-"), re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")} - {""}


def _is_there(folder: Path, to: str) -> bool:
    path = to.split("#", maxsplit=1)[0].split("?", maxsplit=1)[0]
    return path.startswith("data/") and ".." not in path and (folder / path).exists()


def _line(cell: Cell, match: re.Match[str]) -> int:
    return cell.line + 1 + cell.source[: match.start()].count("\n")


def _without_code(source: str) -> str:
    """The prose with its fenced code blanked, so that places stay."""
    return re.sub(r"```.*?```", lambda found: re.sub(r"[^\n]", " ", found[0]), source, flags=re.DOTALL)


def _drifted(file: str, english: LabText, other: LabText) -> Iterator[Finding]:
    """Named cells and points are compared when the text is loaded; here the rest."""
    for one, two in zip(english.of("test"), other.of("test"), strict=False):
        sums = [_points(cell.source) for cell in (one, two)]
        if None not in sums and sums[0] != sums[1]:
            said = [" + ".join(f"{part:g}" for part in parts or ()) for parts in sums]
            found = f"the checks of {two.id!r} give {said[1]} points, those of lab.py {said[0]}"
            yield Finding(file, two.line, found, "Give both the same checks: leave this cell empty to take lab.py's.")
    ours, theirs = ([cell.kind for cell in text.cells] for text in (english, other))
    if ours == theirs:
        return
    here = next(
        (at for at, (one, two) in enumerate(zip(ours, theirs, strict=False)) if one != two), min(len(ours), len(theirs))
    )
    counts = Counter(ours)
    counts.subtract(Counter(theirs))
    missing = ", ".join(
        f"{abs(number)} {kind} {'less' if number > 0 else 'more'}" for kind, number in counts.items() if number
    )
    line = other.cells[min(here, len(theirs) - 1)].line
    found = f"from here on its cells are not those of lab.py ({missing or 'another order'})"
    yield Finding(file, line, found, "Give both languages the same cells in the same order.")

"""A TOML file an author wrote, table by table; what is refused is refused by file and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labkit.courses.course import LANGUAGES
from labkit.errors import AuthorError

_HEADER = re.compile(r"\[\[(?P<name>[A-Za-z0-9_-]+)\]\]")


class Table:
    """The whole file, or the `place`-th of its [[name]] tables: the values, and the line each key was written on."""

    def __init__(self, file: Path, lines: list[str], values: Mapping[str, Any], name: str = "", place: int = 0) -> None:
        self.file, self.values = file, values
        self._lines, self._name, self._place = lines, name, place

    @classmethod
    def read(cls, file: Path) -> Table:
        lines = file.read_text("utf-8").splitlines()
        try:
            return cls(file, lines, tomllib.loads("\n".join(lines)))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            line = re.search(r"at line (\d+)", str(error))
            found = f"this is not TOML ({error})"
            number = int(line[1]) if line else len(lines)
            raise AuthorError(str(file), number, found, instead="Mend it; text goes in quotes.") from None

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def tables(self, name: str) -> tuple[Table, ...]:
        """The [[name]] tables, in order; none where there is none."""
        found = self.get(name, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self.refuse(name, f"`{name}` is not a list of tables", f"write [[{name}]] on a line of its own")
        return tuple(Table(self.file, self._lines, one, name, place) for place, one in enumerate(found))

    def refuse(self, key: str, found: str, instead: str) -> AuthorError:
        return AuthorError(str(self.file), self.line(key), found, instead=f"{instead[0].upper()}{instead[1:]}.")

    def line(self, key: str) -> int:
        """The line `key` is written on in this table (the table's header if not found)."""
        name, counts, header = "", dict[str, int](), 1
        for number, line in enumerate(self._lines, 1):
            begun = _HEADER.fullmatch(line.strip())
            if begun:
                name = begun["name"]
                counts[name] = counts.get(name, -1) + 1
            here = name == self._name and counts.get(name, 0) == self._place
            header = number if here and begun else header
            if here and key and re.search(rf"(?:^|[\s{{,.\[\"']){re.escape(key)}[\"']?\s*[=\],]", line):
                return number
        return header

    def known(self, keys: Iterable[str]) -> None:
        for key in self.values:
            if key not in keys:
                raise self.refuse(key, f"unknown key {key!r}", f"write one of {', '.join(keys)}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.refuse(key, f"`{key}` is missing or is not text", f'write {key} = "..."')
        return value

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        value = self.text(key, known[0])
        if value not in known:
            raise self.refuse(key, f"{key} = {value!r}", f"write one of {', '.join(known)}")
        return value

    def whole(self, key: str) -> int | None:
        """A whole number above 0, or None where there is none."""
        value = self.get(key)
        if value is not None and (type(value) is not int or value < 1):
            raise self.refuse(key, f"{key} = {value!r}", "write a whole number above 0")
        return value

    def names(self, key: str, default: tuple[str, ...] = (), example: str = "...") -> tuple[str, ...]:
        """A list of texts, none of them empty."""
        value = self.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
            raise self.refuse(key, f"{key} = {value!r}", f'write a list of names: ["{example}"]')
        return tuple(value)

    def inner(self, key: str, keys: tuple[str, ...]) -> dict[str, Any]:
        value = self.get(key, {})
        if not isinstance(value, dict):
            raise self.refuse(key, f"`{key}` is not a table", f"write {key} = {{{keys[0]} = ...}}")
        for name in value:
            if name not in keys:
                raise self.refuse(name, f"unknown key {name!r} in `{key}`", f"write one of {', '.join(keys)}")
        return value

    def texts(self, key: str) -> dict[str, str]:
        """The same text in other languages, by language."""
        texts = self.get(key, {})
        if not isinstance(texts, dict) or not all(isinstance(value, str) for value in texts.values()):
            raise self.refuse(key, f"`{key}` is not a table of texts", f'write {key} = {{fil = "..."}}')
        for language in texts:
            if language not in LANGUAGES:
                raise self.refuse(language, f"unknown language {language!r}", f"write one of {', '.join(LANGUAGES)}")
        return texts

"""What a model's work costs: a table of prices that whoever runs the platform writes.

    currency = "PHP"                      # ISO 4217; one for the whole file

    [models."smollm2-135m-instruct"]
    per_million_prompt_tokens = 2.5
    per_million_answer_tokens = 10
    per_hour = 40                         # of the time a model was at work

A call costs its tokens and its time together. A model that is not in the table has no price: its calls are counted,
and never shown as free.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from babel.numbers import list_currencies
from sqlalchemy import ColumnElement, Float, case, cast, literal, null

from labkit.database.tables import calls
from labkit.errors import OperatorError

_MOST = 1e9


@dataclass(frozen=True)
class Price:
    """In the file's currency."""

    per_million_prompt_tokens: float = 0.0
    per_million_answer_tokens: float = 0.0
    per_hour: float = 0.0

    def of(self, prompt_tokens: int, answer_tokens: int, seconds: float) -> float:
        """What one call costs."""
        tokens = prompt_tokens * self.per_million_prompt_tokens + answer_tokens * self.per_million_answer_tokens
        return tokens / 1e6 + seconds * self.per_hour / 3600

    def counted(self) -> ColumnElement[float]:
        """The same, of a row of `calls`, counted by the database."""
        rates = (self.per_million_prompt_tokens / 1e6, self.per_million_answer_tokens / 1e6, self.per_hour / 3600)
        prompt, answer, hour = (literal(rate, Float) for rate in rates)
        return calls.c.prompt_tokens * prompt + calls.c.answer_tokens * answer + calls.c.seconds * hour


_KEYS = tuple(one.name for one in fields(Price))


@dataclass(frozen=True)
class Prices:
    """By model. Without a table there is no currency, and no call has a price."""

    currency: str = ""
    models: Mapping[str, Price] = field(default_factory=dict)

    def counted(self) -> ColumnElement[Any]:
        """What a row of `calls` costs; NULL where its model has no price."""
        if not self.models:
            return cast(null(), Float)
        return case(*((calls.c.model == name, price.counted()) for name, price in self.models.items()), else_=null())

    def of(self, model: str, prompt_tokens: int, answer_tokens: int, seconds: float) -> float | None:
        price = self.models.get(model)
        return price.of(prompt_tokens, answer_tokens, seconds) if price else None


def read_prices(path: Path | None) -> Prices:
    """The table in a file; without one, no prices. Raises OperatorError that names file and line."""
    if path is None:
        return Prices()
    return _File(path).prices()


class _File:
    """One table of prices, and the line a key stands on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._lines = path.read_text("utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise OperatorError(f"{path} cannot be read ({error}).", instead="Name a TOML file of prices.") from None
        try:
            self._table = tomllib.loads("\n".join(self._lines))
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"at line (\d+)", str(error))
            number = int(line[1]) if line else len(self._lines)
            raise self._refuse(number, f"this is not TOML ({error})", 'Write currency = "PHP" and tables.') from None

    def prices(self) -> Prices:
        self._known(self._table, ("currency", "models"), "")
        currency = self._table.get("currency")
        if not isinstance(currency, str) or currency not in list_currencies():
            instead = 'Write currency = "PHP" (a code of ISO 4217, in capitals).'
            raise self._refuse(self._line("currency"), f"currency is {currency!r}", instead)
        tables = self._table.get("models", {})
        if not isinstance(tables, dict) or not tables:
            raise self._refuse(self._line("models"), "there is no model in it", 'Add a table [models."NAME"].')
        return Prices(currency, {name: self._price(name, table) for name, table in tables.items()})

    def _price(self, model: str, table: object) -> Price:
        if not isinstance(table, dict) or not table:
            raise self._refuse(self._line("", model), f"{model!r} has no price", f"Give one of {', '.join(_KEYS)}.")
        self._known(table, _KEYS, model)
        for name, value in table.items():
            if type(value) not in (int, float) or not 0 <= value <= _MOST:
                found = f"{name} is {value!r}"
                raise self._refuse(self._line(name, model), found, "Write an amount of money, 0 or more.")
        return Price(**{name: float(value) for name, value in table.items()})

    def _known(self, table: Mapping[str, Any], keys: tuple[str, ...], model: str) -> None:
        for name in table:
            if name not in keys:
                found = f"unknown key {name!r}"
                raise self._refuse(self._line(name, model), found, f"Known keys: {', '.join(keys)}.")

    def _refuse(self, line: int, found: str, instead: str) -> OperatorError:
        return OperatorError(f"{self._path}:{line}: {found}.", instead=instead)

    def _line(self, key: str, model: str = "") -> int:
        """Where `key` stands: at the top, or in a model's table (its header if it is not found there)."""
        here, header = "", 1
        for number, text in enumerate(self._lines, 1):
            if found := re.match(r"\s*\[\s*models\s*\.\s*[\"']?(.*?)[\"']?\s*\]", text):
                here = found[1]
                header = number if here == model else header
            if here == model and key and re.match(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]", text):
                return number
        return header

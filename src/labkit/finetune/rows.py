"""What a training learns from, row by row: looked at where it is written, so that a mistake is told by row and field.

On the wire a row is OpenAI's: {"messages": [...]} for supervised training, {"input": {"messages": [...]},
"preferred_output": [...], "non_preferred_output": [...]} for preferences. A notebook may write it shorter:

    {"prompt": "...", "completion": "..."}               one question and its answer
    {"prompt": "...", "chosen": "...", "rejected": "..."}  one question, the better and the worse answer
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labkit.errors import RequestRefused

Row = dict[str, Any]
_SHAPES = '{"prompt": ..., "completion": ...}, (question, answer) or {"messages": [...]}'
_PREFERENCES = '{"prompt": ..., "chosen": ..., "rejected": ...}'
ROLES = ("system", "user", "assistant")
MOST_ROWS = 10_000
MOST_MESSAGES = 64  # in one row: each answer is read with all that was said before it
LONGEST_TEXT = 100_000
_FORMS = {
    frozenset({"messages"}): "sft",
    frozenset({"prompt", "completion"}): "sft",
    frozenset({"input", "preferred_output", "non_preferred_output"}): "dpo",
    frozenset({"prompt", "chosen", "rejected"}): "dpo",
}


def rows(data: object) -> list[Row]:
    """A notebook's data as rows of the wire: a list of dicts, of (question, answer) pairs, or a DataFrame.

    Raises RequestRefused, by row (from 1) and field, for what cannot be learned from.
    """
    given = _listed(data)
    if not given:
        raise RequestRefused("There are no rows to learn from.", instead=f"Give a list of {_SHAPES}.")
    if len(given) > MOST_ROWS:
        raise RequestRefused(f"There are {len(given):,} rows.", instead=f"Give at most {MOST_ROWS:,}.")
    found = [row(one, f"row {number}") for number, one in enumerate(given, start=1)]
    method_of(found)
    return found


def parse(content: bytes) -> list[Row]:
    """A file of JSON lines as rows; raises RequestRefused by line (from 1) and field."""
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError as error:
        raise RequestRefused(f"The file is not UTF-8 text ({error.reason}).", instead="Save it as UTF-8.") from error
    found: list[Row] = []
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        if len(found) >= MOST_ROWS:
            raise RequestRefused(f"The file has more than {MOST_ROWS:,} rows.", instead="Send fewer.")
        try:
            one = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RequestRefused(
                f"line {number}: it is not JSON.", instead="Write one JSON object on each line."
            ) from error
        found.append(row(one, f"line {number}"))
    if not found:
        raise RequestRefused("The file has no rows.", instead="Write one JSON object on each line.")
    method_of(found)
    return found


def written(given: Iterable[Row]) -> bytes:
    """Rows as JSON lines."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in given).encode()


def method_of(given: Sequence[Row]) -> str:
    """ "sft" or "dpo", as every row says."""
    first = "dpo" if "input" in given[0] else "sft"
    for number, one in enumerate(given, start=1):
        if ("input" in one) != (first == "dpo"):
            raise RequestRefused(
                f"row {number}: it is of another kind than row 1.",
                instead="Give answers in every row, or a better and a worse answer in every row.",
            )
    return first


def row(one: object, where: str) -> Row:
    """One row as it goes over the wire."""
    if isinstance(one, tuple | list) and len(one) == 2:
        one = {"prompt": one[0], "completion": one[1]}
    if not isinstance(one, Mapping):
        size = f" of {len(one)}" if isinstance(one, tuple | list) else ""
        raise RequestRefused(f"{where}: it is {_kind(one)}{size}.", instead=f"Write {_SHAPES}.")
    if frozenset(map(str, one)) not in _FORMS:
        raise _unknown([str(key) for key in one], where)
    if "completion" in one:
        return {"messages": _question(one["prompt"], where) + _answer(one["completion"], f"{where}, completion")}
    if "messages" in one:
        return {"messages": _conversation(one["messages"], f"{where}, messages", answered=True)}
    if "chosen" in one:
        asked = _question(one["prompt"], where)
        better, worse = (_answer(one[name], f"{where}, {name}") for name in ("chosen", "rejected"))
    else:
        inner = one["input"]
        if not isinstance(inner, Mapping) or inner.keys() != {"messages"}:
            raise RequestRefused(f"{where}, input: it has no messages alone.", instead='Write {"messages": [...]}.')
        asked = _conversation(inner["messages"], f"{where}, input", answered=False)
        better, worse = (_only_answer(one[name], f"{where}, {name}") for name in _OUTPUTS)
    if better == worse:
        raise RequestRefused(f"{where}: both answers are the same.", instead="Leave this row out.")
    return {"input": {"messages": asked}, "preferred_output": better, "non_preferred_output": worse}


def _unknown(names: Sequence[str], where: str) -> RequestRefused:
    """What is wrong with fields of these names, and what they should be."""
    form = frozenset(names)
    near = max(_FORMS, key=lambda known: len(known & form) - len(known ^ form))
    lacks, odd = sorted(near - form), [name for name in names if name not in near]
    if near & form and lacks:
        what = f"{lacks[0]} is missing"
    else:
        what = f"{' and '.join(map(repr, odd[:3]))} {'is' if len(odd) == 1 else 'are'} unknown"
    shapes = _PREFERENCES if _FORMS[near] == "dpo" and near & form else _SHAPES
    return RequestRefused(f"{where}: {what}."[:200], instead=f"Name its fields as in {shapes}.")


_OUTPUTS = ("preferred_output", "non_preferred_output")


def _listed(data: object) -> list[Any]:
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        names = [str(name) for name in data.columns]
        if frozenset(names) not in _FORMS:
            raise _unknown(names, "the table's columns")
        return list(data.to_dict("records"))
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise RequestRefused(f"labkit.finetune takes rows, not {_kind(data)}.", instead=f"Give a list of {_SHAPES}.")
    return list(data)


def _question(given: object, where: str) -> list[dict[str, str]]:
    if isinstance(given, list):
        return _conversation(given, f"{where}, prompt", answered=False)
    return [{"role": "user", "content": _text(given, f"{where}, prompt")}]


def _answer(given: object, where: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": _text(given, where)}]


def _only_answer(given: object, where: str) -> list[dict[str, str]]:
    found = _conversation(given, where, answered=True)
    if len(found) != 1:
        raise RequestRefused(f"{where}: it has {len(found)} messages.", instead="Give one, of the assistant.")
    return found


def _conversation(given: object, where: str, *, answered: bool) -> list[dict[str, str]]:
    if not isinstance(given, list) or not given:
        raise RequestRefused(
            f"{where}: it is {_kind(given)}.", instead='Write a list of {"role": ..., "content": ...}.'
        )
    if len(given) > MOST_MESSAGES:
        raise RequestRefused(f"{where}: it has {len(given):,} messages.", instead=f"Give at most {MOST_MESSAGES}.")
    found = []
    for number, one in enumerate(given, start=1):
        here = f"{where}, message {number}"
        if not isinstance(one, Mapping) or one.keys() != {"role", "content"}:
            raise RequestRefused(f"{here}: it has not role and content alone.", instead='Write {"role", "content"}.')
        if one["role"] not in ROLES:
            raise RequestRefused(f"{here}: the role is {one['role']!r}."[:200], instead=f"Use {', '.join(ROLES)}.")
        found.append({"role": str(one["role"]), "content": _text(one["content"], f"{here}, content")})
    last = found[-1]["role"]
    if answered and last != "assistant":
        raise RequestRefused(f"{where}: the last message is of the {last}.", instead="End with the assistant's answer.")
    if not answered and last == "assistant":
        raise RequestRefused(f"{where}: the last message is an answer.", instead="End with what the user says.")
    return found


def _text(given: object, where: str) -> str:
    if not isinstance(given, str):
        raise RequestRefused(f"{where}: it is {_kind(given)}, not a text.", instead="Fill it in, or leave the row out.")
    if not given.strip():
        raise RequestRefused(f"{where}: it is empty.", instead="Fill it in, or leave the row out.")
    if len(given) > LONGEST_TEXT:
        raise RequestRefused(f"{where}: it has {len(given):,} characters.", instead="Shorten it.")
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise RequestRefused(f"{where}: it holds half a character.", instead="Write it again.") from error
    return given


def _kind(one: object) -> str:
    names = {"NoneType": "empty", "float": "a number", "int": "a number", "str": "a text", "list": "a list"}
    names |= {"tuple": "a tuple", "dict": "a single dict"}
    return names.get(type(one).__name__, f"of the type {type(one).__name__}")

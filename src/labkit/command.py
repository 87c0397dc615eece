"""The `labkit` command. Subcommands come from the entry-point group `labkit.commands`, so every room adds its own.

An entry point is named `verb` or `noun.verb` and loads a function `(argv: list[str]) -> int`, the exit code.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points

from labkit.errors import LabkitError

_ROOM_EXTRAS = {"labkit": "courses", "autograder": "autograder", "hub_config": "hub"}


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    commands = {point.name: point for point in entry_points(group="labkit.commands")}
    name, rest = _find(words, commands)
    if name is None:
        return _explain(words, commands)
    try:
        command = commands[name].load()
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] in _ROOM_EXTRAS:
            raise  # a file of ours is gone: no extra brings it back
        print(_missing(commands[name], missing), file=sys.stderr)
        return 1
    try:
        return int(command(rest))
    except LabkitError as error:
        print(f"labkit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _find(words: list[str], commands: Mapping[str, EntryPoint]) -> tuple[str | None, list[str]]:
    for length in (2, 1):
        name = ".".join(words[:length])
        if len(words) >= length and name in commands:
            return name, words[length:]
    return None, words


def _explain(words: list[str], commands: Mapping[str, EntryPoint]) -> int:
    names = [name.replace(".", " ") for name in sorted(commands)]
    if words and words[0] not in ("-h", "--help", "help"):
        verbs = [name for name in names if name.startswith(f"{words[0]} ")]
        if verbs and words[1:2] in ([], ["-h"], ["--help"]):
            print("usage:\n" + "\n".join(f"  labkit {name}" for name in verbs))
            return 0 if words[1:] else 2
        asked = " ".join(word for word in words[:2] if not word.startswith("-"))
        near = difflib.get_close_matches(asked, names, 1) or verbs
        hint = f" Did you mean `labkit {near[0]}`?" if near else ""
        print(f"labkit: there is no command `{asked}`.{hint} `labkit --help` lists them.", file=sys.stderr)
        return 2
    print("usage: labkit COMMAND [--help]\n\n" + "\n".join(f"  labkit {name}" for name in names))
    return 0


def _missing(point: EntryPoint, missing: ModuleNotFoundError) -> str:
    extra = _ROOM_EXTRAS.get(point.module.split(".")[0], "dev")
    return (
        f"labkit: `{point.name.replace('.', ' ')}` needs the package {missing.name!r}. "
        f'Install the extra from the project\'s folder: pip install -c constraints.txt -e ".[{extra}]"'
    )


if __name__ == "__main__":
    sys.exit(main())

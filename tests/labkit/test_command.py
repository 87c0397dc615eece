"""The `labkit` command: finds a room's verb, and says what to do when it cannot."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from labkit import command
from labkit.errors import OperatorError

calls: list[list[str]] = []


def verb(argv: list[str]) -> int:
    calls.append(argv)
    return 7


def refuses(argv: list[str]) -> int:
    raise OperatorError("The disk is full.", instead="Make room.")


def interrupted(argv: list[str]) -> int:
    raise KeyboardInterrupt


def lacks(argv: list[str]) -> int:
    raise ModuleNotFoundError("no torch", name="torch")


@pytest.fixture(autouse=True)
def points(monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    found = {
        "courses.build": "labkit.nowhere:verb",
        "grade": f"{__name__}:verb",
        "roster.plan": f"{__name__}:verb",
        "stop": f"{__name__}:refuses",
        "wait": f"{__name__}:interrupted",
        "torch": "torch_that_is_not_there:verb",
    }
    entries = [EntryPoint(name, value, "labkit.commands") for name, value in found.items()]
    monkeypatch.setattr(command, "entry_points", lambda group: entries)
    monkeypatch.setattr(EntryPoint, "load", lambda self: load(self.value))


def load(value: str):
    module, _, name = value.partition(":")
    if module == "torch_that_is_not_there":
        raise ModuleNotFoundError("No module named 'torch'", name="torch")
    if module == "labkit.nowhere":
        raise ModuleNotFoundError("No module named 'labkit.nowhere'", name="labkit.nowhere")
    return globals()[name]


def test_a_verb_gets_the_words_after_it():
    assert command.main(["grade", "prompting", "--json"]) == 7
    assert calls == [["prompting", "--json"]]


def test_a_noun_and_a_verb_are_two_words():
    assert command.main(["roster", "plan", "people.csv"]) == 7
    assert calls == [["people.csv"]]


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["grad"], "labkit grade"), (["roster", "paln"], "labkit roster plan"), (["roster", "x"], "labkit roster plan")],
)
def test_a_misspelt_command_is_answered_with_the_near_one(words: list[str], hint: str, capsys):
    assert command.main(words) == 2
    assert f"Did you mean `{hint}`?" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_help_lists_every_command(words: list[str], capsys):
    assert command.main(words) == 0
    shown = capsys.readouterr().out
    assert "labkit grade" in shown
    assert "labkit roster plan" in shown


@pytest.mark.parametrize(("words", "code"), [(["roster"], 2), (["roster", "--help"], 0)])
def test_a_noun_alone_lists_its_verbs(words: list[str], code: int, capsys):
    assert command.main(words) == code
    assert "labkit roster plan" in capsys.readouterr().out


def test_an_error_of_ours_is_a_sentence_and_no_traceback(capsys):
    assert command.main(["stop"]) == 1
    assert capsys.readouterr().err == "labkit: The disk is full. Make room.\n"


def test_ctrl_c_is_no_error_message(capsys):
    assert command.main(["wait"]) == 130
    assert capsys.readouterr().err == ""


def test_a_missing_package_is_named_with_the_extra_that_brings_it(capsys):
    assert command.main(["torch"]) == 1
    assert "'torch'" in capsys.readouterr().err


def test_a_file_of_ours_that_is_gone_is_not_blamed_on_an_extra():
    with pytest.raises(ModuleNotFoundError):
        command.main(["courses", "build"])

"""Points follow from skill: a learner's share of the way from the starter to the lab's own answer, on her own items."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from labkit import calibration, checks
from labkit.calibration import (
    FILE,
    Calibration,
    Measured,
    gain,
    read_calibrations,
    refuse_unfit,
    write_calibration,
)
from labkit.draw import name_of
from labkit.errors import OperatorError, PlatformFault

EASY, HARD, ODD = ({"text": text} for text in ("easy", "hard", "odd"))
MADE = Calibration(
    weights="ab" * 32,
    engine="torch",
    draws=2,
    figures={
        "accuracy": Measured(
            base=0.25,
            reference=0.75,
            base_spread=0.1,
            reference_spread=0.05,
            items={name_of(EASY): [0.5, 1.0], name_of(HARD): [0.0, 0.5]},
        )
    },
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    write_calibration(tmp_path, "small", MADE)
    calibration.settle("small")
    yield tmp_path
    calibration.settle("")


@pytest.mark.parametrize(
    ("items", "reached", "share"),
    [
        ([EASY, HARD], [1, 0.5], 1.0),
        ([EASY, HARD], [0.5, 0], 0.0),
        ([EASY, HARD], [1, 0], 0.5),
        ([EASY], [1], 1.0),
        ([HARD], [0.5], 1.0),
        ([HARD], [1], 2.0),
        ([EASY], [0], -1.0),
        ([EASY, HARD], [], -0.5),
    ],
)
def test_the_share_is_of_the_way_on_the_very_items_she_drew(
    items: list[dict[str, str]], reached: Sequence[float], share: float, folder: Path
) -> None:
    assert gain("accuracy", items, reached, folder) == pytest.approx(share)


@pytest.mark.parametrize(
    ("name", "items", "model"), [("accuracy", [ODD], "small"), ("f1", [EASY], "small"), ("accuracy", [EASY], "large")]
)
def test_nobody_is_graded_by_what_was_not_measured(
    name: str, items: list[dict[str, str]], model: str, folder: Path
) -> None:
    calibration.settle(model)
    with pytest.raises(PlatformFault, match="labkit courses calibrate"):
        gain(name, items, [1], folder)


def test_while_a_lab_is_measured_its_figures_are_told_and_no_calibration_is_needed(tmp_path: Path) -> None:
    calibration.settle("")
    with checks.collected() as told:
        assert gain("accuracy", [EASY, HARD], [True, False], tmp_path) == 0.0
    assert told == [checks.Figure("accuracy", {name_of(EASY): 1.0, name_of(HARD): 0.0})]


def test_what_was_measured_is_read_as_it_was_written_and_other_models_stay(folder: Path) -> None:
    write_calibration(folder, "large", MADE)
    assert read_calibrations(folder) == {"small": MADE, "large": MADE}
    assert f'"{name_of(EASY)}": [0.5, 1.0]' in (folder / FILE).read_text()


def test_a_lab_without_a_file_was_measured_with_nothing(tmp_path: Path) -> None:
    assert read_calibrations(tmp_path) == {}


@pytest.mark.parametrize("changed", [{"model": "x"}, {"draws": "2"}, {"figures": {"accuracy": {"base": 1}}}])
def test_a_file_with_something_unknown_is_refused(changed: dict[str, Any], folder: Path) -> None:
    table = json.loads((folder / FILE).read_text())
    table["small"] |= changed
    (folder / FILE).write_text(json.dumps(table))
    with pytest.raises(OperatorError, match="small"):
        read_calibrations(folder)


def test_a_model_on_which_starter_and_answer_are_too_near_is_refused() -> None:
    refuse_unfit(MADE, "the lab")
    near = Measured(0.6, 0.74, 0, 0, {})
    with pytest.raises(OperatorError, match=r"accuracy goes from 0\.60 \(starter\) to 0\.74"):
        refuse_unfit(Calibration("", "", 1, {"accuracy": near}), "the lab")

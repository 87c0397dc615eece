"""What was measured of a lab that a model grades, so that points follow from skill and not from luck.

`calibration.json` beside a lab holds, for each model, what the starter and the lab's own answer reach on every hidden
item. A test turns what a learner reached on her items into her share of the way from the one to the other, on those
very items: whoever drew harder ones is not worse off.

    share = gain("accuracy", UNSEEN, [answer == item["kind"] for answer, item in zip(answers, UNSEEN)])

`labkit courses calibrate` writes the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from labkit.checks import measure
from labkit.draw import name_of
from labkit.durable import write
from labkit.errors import OperatorError, PlatformFault
from labkit.strict import read_json, strict

FILE = "calibration.json"
# With less between starter and reference, chance decides more of the points than skill does.
HEADROOM = 0.15
_model = ""


@dataclass(frozen=True)
class Measured:
    """One figure of a lab. `items` has, by an item's name, what the starter and what the lab's own answer reach.

    The other numbers are means and standard deviations over learners' draws, for whoever reads the file.
    """

    base: float
    reference: float
    base_spread: float
    reference_spread: float
    items: Mapping[str, Sequence[float]]

    @property
    def headroom(self) -> float:
        return self.reference - self.base


@dataclass(frozen=True)
class Calibration:
    """One lab with one model, whose weights have the SHA-256 `weights`."""

    weights: str
    engine: str
    draws: int
    figures: Mapping[str, Measured]


def settle(model: str) -> None:
    """From now on `gain` goes by what was measured of this model; of "" where it is just being measured."""
    global _model  # noqa: PLW0603 - a process judges by one model
    _model = model


def gain(name: str, items: Sequence[Mapping[str, Any]], reached: Sequence[float], folder: Path = Path()) -> float:
    """The share of the way from starter (0) to the lab's own answer (1) that was gone; also below 0 and above 1.

    `reached` says for each item what was reached on it, from 0 to 1; no items reached at all is 0. Raises
    PlatformFault for a model, or an item, that was not measured: nobody is graded by a guess.
    """
    if len(reached) != len(items):
        reached = [0.0] * len(items)
    names = [name_of(item) for item in items]
    measure(name, dict(zip(names, map(float, reached), strict=True)))
    if not _model:
        return 0.0
    known = read_calibrations(folder).get(_model)
    figure = known.figures.get(name) if known else None
    if figure is None or any(one not in figure.items for one in names):
        raise PlatformFault(
            f"This lab's {name} was not measured with the model {_model!r} on every item.",
            instead="Run `labkit courses calibrate`.",
        )
    base, best = (fmean(figure.items[one][place] for one in names) for place in (0, 1))
    return (fmean(map(float, reached)) - base) / (best - base) if best > base else 0.0


def read_calibrations(folder: Path) -> dict[str, Calibration]:
    """By model, what the lab in `folder` was measured with; none where it was with none."""
    file = folder / FILE
    if not file.is_file():
        return {}
    return {model: _read(table, f"{file}: {model}") for model, table in read_json(file).items()}


def write_calibration(folder: Path, model: str, calibration: Calibration) -> None:
    """Puts it into the lab's file; those of other models stay."""
    known = {**read_calibrations(folder), model: calibration}
    text = json.dumps({name: asdict(one) for name, one in known.items()}, indent=1)
    # An item to a line: two numbers do not need four.
    write(folder / FILE, (_joined(text) + "\n").encode())


def refuse_unfit(calibration: Calibration, where: str) -> None:
    """Raises OperatorError for a model on which this lab cannot be graded."""
    for name, one in calibration.figures.items():
        if one.headroom < HEADROOM:
            raise OperatorError(
                f"{where}: {name} goes from {one.base:.2f} (starter) to {one.reference:.2f} (the lab's own answer).",
                instead=f"There must be {HEADROOM} between them: write harder items or a better answer.",
            )


def _read(table: Mapping[str, Any], where: str) -> Calibration:
    made = strict(Calibration, table, where)
    figures = {name: strict(Measured, dict(one), f"{where}: {name}") for name, one in dict(table["figures"]).items()}
    return Calibration(made.weights, made.engine, made.draws, figures)


def _joined(text: str) -> str:
    return re.sub(r"\[\s+([\d.]+),\s+([\d.]+)\s+\]", r"[\1, \2]", text)

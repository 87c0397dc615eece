"""Measures a lab that a model grades: what the starter and the lab's own answer reach, over many learners' draws."""

from __future__ import annotations

import importlib.metadata
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from autograder.bounds import built
from autograder.grade import grade_repaired
from autograder.lane import Lane
from autograder.warm import Warm
from labkit.calibration import Calibration, Measured
from labkit.courses import Lab, load_text
from labkit.draw import WHOLE, key_for
from labkit.errors import OperatorError

_FACES = ("learner", "reference")
_RERUNS = 3
Figures = Mapping[str, Mapping[str, float]]


@dataclass
class Remembering:
    """A lane that scores each prompt once: twenty draws from one pool have most of their items in common.

    What prompts share at their beginning is cut elsewhere then, which moves a score by less than 0.0001.
    """

    lane: Lane
    _known: dict[tuple[str, tuple[str, ...], str | None], list[float]] = field(default_factory=dict)

    def score(self, prompts: list[str], choices: list[str], model: str | None) -> list[list[float]]:
        keys = [(prompt, tuple(choices), model) for prompt in prompts]
        new = list(dict.fromkeys(key for key in keys if key not in self._known))
        if new:
            rows = self.lane.score([prompt for prompt, _, _ in new], choices, model)
            self._known |= dict(zip(new, rows, strict=True))
        return [list(self._known[key]) for key in keys]

    def chat(self, messages: list[dict[str, object]], **options: object) -> str:
        return self.lane.chat(messages, **options)


def calls_gain(lab: Lab) -> bool:
    """Whether a model grades the lab: one of its tests goes by what was measured."""
    return any("labkit.calibration" in cell.source for cell in load_text(lab).of("test"))


def engine() -> str:
    """What scores choices here."""
    torch, transformers = (importlib.metadata.version(name) for name in ("torch", "transformers"))
    return f"torch {torch}, transformers {transformers}, float32, one thread"


def calibrate(
    lab: Lab, lane: Callable[[], Lane], warm: Warm, draws: int, about: tuple[str, str], progress: Callable[[str], None]
) -> Calibration:
    """`lane` opens the model anew, with nothing remembered; `about` is its weights' SHA-256 and its engine.

    Raises OperatorError where the lab measures nothing, or the model says something else when it is asked again.
    """
    remembering, weights, engine = Remembering(lane()), *about
    whole: dict[str, Figures] = {}
    for face in _FACES:
        progress(f"{lab.course}/{lab.id}: {face}, every item")
        whole[face] = _figures(lab, face, WHOLE, remembering, warm)
    if not whole["reference"]:
        raise OperatorError(
            f"No test of {lab.course}/{lab.id} measures anything.", instead="Call gain(...) in a hidden test."
        )
    means = {face: [_means(lab, face, number, remembering, warm) for number in range(draws)] for face in _FACES}
    _refuse_another_answer(lab, lane, warm, progress)
    return Calibration(weights, engine, draws, {name: _measured(name, whole, means) for name in whole["reference"]})


def _measured(name: str, whole: Mapping[str, Figures], means: Mapping[str, Sequence[Mapping[str, float]]]) -> Measured:
    base, best = ([one.get(name, 0.0) for one in means[face]] for face in _FACES)
    reached = (whole["learner"].get(name, {}), whole["reference"][name])
    items = {one: [round(reached[0].get(one, 0.0), 4), round(value, 4)] for one, value in sorted(reached[1].items())}
    return Measured(_mean(base), _mean(best), _spread(base), _spread(best), items)


def _refuse_another_answer(lab: Lab, lane: Callable[[], Lane], warm: Warm, progress: Callable[[str], None]) -> None:
    again = []
    for number in range(_RERUNS):
        progress(f"{lab.course}/{lab.id}: the same once more ({number + 1} of {_RERUNS})")
        again.append(_figures(lab, "reference", _key(lab, 0), lane(), warm))
    if any(one != again[0] for one in again):
        raise OperatorError(
            f"{lab.course}/{lab.id}: the model answers differently when it is asked again.",
            instead="Grade by choice scoring, or with another engine.",
        )


def _means(lab: Lab, face: str, number: int, lane: Lane, warm: Warm) -> dict[str, float]:
    found = _figures(lab, face, _key(lab, number), lane, warm)
    return {name: statistics.fmean(items.values()) for name, items in found.items()}


def _figures(lab: Lab, face: str, key: str, lane: Lane, warm: Warm) -> Figures:
    mine = built(lab, face, "en")
    report = grade_repaired(lab, mine, learner=face, lane=lane, warm=warm, key=key, for_author=True, measuring=True)
    if report.fault:
        raise OperatorError(f"{lab.course}/{lab.id}: {face}: {report.fault}", instead="Mend the lab, or the machine.")
    return report.figures


def _mean(values: Sequence[float]) -> float:
    return round(statistics.fmean(values), 4)


def _spread(values: Sequence[float]) -> float:
    return round(statistics.stdev(values), 4) if len(values) > 1 else 0.0


def _key(lab: Lab, number: int) -> str:
    return key_for(b"calibration", lab.course, lab.id, str(number))

"""A lab that is graded by a model says what was measured on it; this measures again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import client
from labkit.courses import Lab, load_course, load_text
from labkit.models import prepared
from labkit.models.scoring import ChoiceScorer

pytestmark = pytest.mark.model
COURSES = Path(__file__).parents[3] / "courses"


class Scorer:
    """A transport that scores in this process."""

    def __init__(self, folder: Path) -> None:
        self._scorer = ChoiceScorer(folder)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert path == "/v1/score"
        return {"scores": self._scorer.score(body["prompts"], body["choices"])}

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        raise AssertionError("no lab measures by chatting")

    def get(self, path: str) -> dict[str, Any]:
        raise AssertionError("nothing is charged here")


@pytest.fixture(scope="module")
def triage() -> Lab:
    return load_course(COURSES, "prompting").lab("message-triage")


@pytest.fixture(scope="module")
def notebook(triage: Lab, prepared_models: Path) -> Iterator[dict[str, Any]]:
    """The lab's own code, run beside its data, before the real model."""
    client.use(Scorer(prepared(prepared_models).safetensors))
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(triage.path)
        for cell in load_text(triage).of("code"):
            exec(cell.source, names)
        yield names
    client.use(None)


@pytest.mark.parametrize("measured", ["base", "reference"])
def test_the_calibration_is_what_the_model_gives_today(
    measured: str, triage: Lab, notebook: dict[str, Any], prepared_models: Path
) -> None:
    record = json.loads((triage.path / "calibration.json").read_text())
    items = json.loads((triage.path / "hidden" / "items.json").read_text())["items"]
    (solution,) = load_text(triage).of("solution")
    cell: dict[str, Any] = {}
    exec(solution.starter if measured == "base" else solution.reference, cell)
    answers = notebook["sort_messages"](cell["TEMPLATE"], [item["text"] for item in items])
    right = notebook["count_right"](answers, items)
    assert record["model_sha256"] == prepared(prepared_models).sha256
    assert record["items"] == len(items)
    # One item either way: another processor may round a near tie differently.
    assert abs(right - record[measured] * len(items)) <= 1


def test_the_headroom_is_enough_to_grade_by(triage: Lab) -> None:
    record = json.loads((triage.path / "calibration.json").read_text())
    headroom = record["reference"] - record["base"]
    assert headroom >= 0.15 and headroom * record["items"] >= 4

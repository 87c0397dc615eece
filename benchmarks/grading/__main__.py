"""`python -m benchmarks.grading`: exit code 0 whatever is found; the figures say which goals were held."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder.lane import Lane, ModelLane
from autograder.warm import Warm
from benchmarks import grading
from benchmarks.grading import classroom, figures, otter
from benchmarks.grading.plan import Plan
from benchmarks.grading.subject import subject
from benchmarks.grading.ways import compare


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.grading", description=grading.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="few submissions, and without what is slowest")
    parser.add_argument("--only", choices=("light", "train", "prompt"), action="append", help="may be given twice")
    parser.add_argument("--model-home", type=Path, default=Path(".labkit/models"), metavar="DIR")
    arguments = parser.parse_args(argv)
    # Ended from outside, it still ends what it started and removes its folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore", module="nbgrader")
    warnings.filterwarnings("ignore", message="Object of type")  # nbgrader's own way with SQLAlchemy's sessions
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="labkit-grading-") as folder, Warm() as warm:
        found = _measure(arguments, Path(folder), warm)
    found["seconds"] = round(time.monotonic() - began)
    print(json.dumps(found) if arguments.json else json.dumps(found, indent=2))
    return 0


def _measure(arguments: argparse.Namespace, folder: Path, warm: Warm) -> dict[str, Any]:
    plan = Plan.quick() if arguments.quick else Plan()
    left_out = list(plan.left_out)
    only = arguments.only or ("light", "train", "prompt")
    try:
        python, version = otter.install(may_download=not arguments.quick), otter.VERSION
    except otter.NoOtter as error:
        python, version = None, str(error)
        left_out.append(version)
    labs, classes = {}, {}
    for name in ("light", "train", "prompt"):
        if name not in only or name not in plan.labs:
            left_out += [f"the {name} lab"] if name in plan.labs else []
            continue
        one = subject(name, folder / "built" / name)
        if name != "prompt":
            _tell(f"{name}: every way")
            labs[name] = compare(one, plan.labs[name], folder / name, warm, python)
            _tell(json.dumps(labs[name]))
        _tell(f"{name}: a class of {plan.labs[name].learners}")
        lane = _lane(arguments.model_home) if name == "prompt" else None
        classes[name] = classroom.hand_in(one, folder / "class" / name, warm, plan.labs[name].learners, lane=lane)
        _tell(json.dumps(classes[name]))
    told = {"quick": arguments.quick, "left_out": left_out, "otter": version, "labs": labs, "class": classes}
    return told | {"goals": figures.goals(labs)}


def _lane(home: Path) -> Lane:
    """The model, loaded before anybody waits for it."""
    lane = ModelLane(home, _tell)
    lane.score(["Message: hello\nType:"], [" praise"], None)
    return lane


def _tell(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

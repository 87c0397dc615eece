"""Every course that is taught keeps its bounds on the real model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.mark.soak
@pytest.mark.model
@pytest.mark.sandbox
@pytest.mark.timeout(1800)
def test_references_starters_and_kept_answers_get_what_they_must(prepared_models: Path):
    labkit = str(Path(sys.executable).parent / "labkit")
    command = [labkit, "courses", "check", "--all", "--json", "--model-home", str(prepared_models)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    broken = [
        (lab["lab"], bound["name"], bound["score"], bound["limit"])
        for lab in json.loads(done.stdout)["labs"]
        for bound in lab["bounds"]
        if not bound["ok"]
    ]
    assert not broken
    assert done.returncode == 0

"""In a workspace the tests of a lab can be run; a learner's kernel has no name it did not ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from hub_config import author_kernel


@pytest.mark.parametrize(("folder", "there"), [("Workshop/testing/clip", True), ("testing/clip", False)])
def test_check_is_there_in_a_workspace_alone(tmp_path: Path, monkeypatch, capsys, folder: str, there: bool):
    (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / folder)
    shell = InteractiveShell()
    author_kernel.load_ipython_extension(shell)
    shell.run_cell("check('is told here', 1 == 1)")
    assert ("✓ is told here" in capsys.readouterr().out) is there

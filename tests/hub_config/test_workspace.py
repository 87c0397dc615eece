"""What a workspace shows is text, and JupyterLab is told to open a lab's text as a notebook."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub_config import workspace
from labkit.workshop.checkout import Changes


def test_the_layout_names_the_notebook_to_open(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("JUPYTERLAB_WORKSPACES_DIR", str(tmp_path))
    for path in ("Workshop/testing/clip/lab.py", "Workshop/testing/clip/lab.fil.py"):
        workspace.prepare_layout(path)
        (file,) = tmp_path.iterdir()
        data = json.loads(file.read_text())["data"]
        opened = data["layout-restorer:data"]["main"]["current"]
        assert data[opened] == {"data": {"path": path, "factory": "Notebook"}}


def test_names_of_files_are_text_on_the_page():
    listed = workspace._listed(Changes(("clip/data/<b>x</b>.csv",), ("clip/lab.py",), ()))
    assert "&lt;b&gt;" in listed
    assert listed.index("New") < listed.index("Changed")
    assert "Gone" not in listed


@pytest.mark.parametrize("course", ["../x", "a/b", "A", "", "a_b", "x" * 64])
def test_only_a_courses_id_is_an_address(course: str):
    import re

    assert re.fullmatch(workspace._ID, course) is None

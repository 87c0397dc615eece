"""In a workspace a lab's text opens as a notebook; saved, it is the same bytes but for what was edited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tornado.web import HTTPError

from hub_config.lab_contents import LabContents

CLIP = Path(__file__).parents[2] / "courses/testing/clip"


@pytest.fixture
def contents(tmp_path: Path) -> LabContents:
    for folder in ("Workshop/testing/clip", "testing/clip"):
        (tmp_path / folder).mkdir(parents=True)
        for name in ("lab.py", "lab.fil.py"):
            (tmp_path / folder / name).write_bytes((CLIP / name).read_bytes())
    return LabContents(root_dir=str(tmp_path))


async def test_opening_and_saving_as_a_notebook_changes_no_byte(contents, tmp_path):
    for name in ("lab.py", "lab.fil.py"):
        path = f"Workshop/testing/clip/{name}"
        opened = await contents.get(path, type="notebook", require_hash=True)
        assert (opened["type"], opened["format"]) == ("notebook", "json")
        saved = await contents.save({"type": "notebook", "format": "json", "content": opened["content"]}, path)
        assert (saved["type"], saved["content"]) == ("notebook", None)
        assert (tmp_path / path).read_bytes() == (CLIP / name).read_bytes()


async def test_one_edited_cell_is_one_changed_line(contents, tmp_path):
    path = "Workshop/testing/clip/lab.py"
    notebook = json.loads(json.dumps((await contents.get(path, type="notebook"))["content"]))
    demo = next(cell for cell in notebook["cells"] if cell["source"] == "# %% demo\nclip(5, 0, 3)")
    demo["source"] = "# %% demo\nclip(7, 0, 3)"
    demo["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "secret"}]
    await contents.save({"type": "notebook", "content": notebook}, path)
    assert (tmp_path / path).read_text() == (CLIP / "lab.py").read_text().replace(
        "clip(5, 0, 3)\n", "clip(7, 0, 3)\n", 1
    )


async def test_it_is_still_a_text_for_the_text_editor_and_elsewhere(contents):
    text = (CLIP / "lab.py").read_text()
    assert (await contents.get("Workshop/testing/clip/lab.py", type="file", format="text"))["content"] == text
    assert (await contents.get("Workshop/testing/clip/lab.py"))["type"] == "file"
    with pytest.raises(HTTPError):
        await contents.get("testing/clip/lab.py", type="notebook")


@pytest.mark.parametrize(
    "content", [{}, {"cells": [{}]}, {"cells": [{"cell_type": "raw", "source": ""}]}, {"cells": 3}, 3]
)
async def test_what_is_no_lab_is_refused_and_the_text_stays(contents, tmp_path, content):
    path = "Workshop/testing/clip/lab.py"
    with pytest.raises(HTTPError) as refused:
        await contents.save({"type": "notebook", "content": content}, path)
    assert refused.value.status_code == 400
    assert (tmp_path / path).read_bytes() == (CLIP / "lab.py").read_bytes()


async def test_a_text_that_is_no_lab_says_how_to_mend_it(contents, tmp_path):
    (tmp_path / "Workshop/testing/clip/lab.py").write_text("import os\n")
    with pytest.raises(HTTPError, match="text editor"):
        await contents.get("Workshop/testing/clip/lab.py", type="notebook")


async def test_a_link_out_of_the_workspace_is_not_followed_by_a_pattern(contents, tmp_path):
    with pytest.raises(HTTPError):
        await contents.get("Workshop/testing/../../testing/clip/lab.py", type="notebook")

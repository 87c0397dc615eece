"""The address that opens a lab knows a telephone when it sees one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub_config.open_lab import is_handheld, make_room, prepare_telephone


@pytest.mark.parametrize(
    ("headers", "handheld"),
    [
        ({"Sec-CH-UA-Mobile": "?1"}, True),
        ({"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit Mobile/15E148"}, True),
        ({"User-Agent": "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"}, True),
        ({"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0", "Sec-CH-UA-Mobile": "?0"}, False),
        ({}, False),
    ],
)
def test_a_telephone_says_what_it_is(headers, handheld):
    assert is_handheld(headers) is handheld


@pytest.mark.parametrize("before", [None, "", "{torn", '{"data": {}, "metadata": {"id": "telephone"}}'])
def test_a_telephone_gets_folded_side_bars_however_its_workspace_was_left(tmp_path: Path, monkeypatch, before):
    monkeypatch.setenv("JUPYTERLAB_WORKSPACES_DIR", str(tmp_path))
    prepare_telephone()
    (file,) = tmp_path.iterdir()
    if before is not None:
        file.write_text(before)
        prepare_telephone()

    assert json.loads(file.read_text())["data"]["layout-restorer:data"]["left"]["collapsed"] is True


def test_what_she_changed_in_it_stays(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("JUPYTERLAB_WORKSPACES_DIR", str(tmp_path))
    prepare_telephone()
    (file,) = tmp_path.iterdir()
    hers = file.read_text().replace('"collapsed": true', '"collapsed": false')
    file.write_text(hers)
    prepare_telephone()

    assert file.read_text() == hers


@pytest.mark.parametrize("content", ["", "{torn", "[1]", '{"cells": 3}', "\x00\x01"])
def test_what_is_no_notebook_any_more_makes_room_and_stays_beside_it(tmp_path: Path, content):
    notebook = tmp_path / "clip.ipynb"
    notebook.write_text(content)
    kept = make_room(notebook, fresh=False)

    assert not notebook.exists()
    assert kept is not None and kept.parent == tmp_path and kept.read_text() == content


@pytest.mark.parametrize("content", ['{"cells": []}', '\ufeff{"cells": []}', '{"worksheets": []}'])
def test_a_notebook_stays_unless_a_fresh_one_is_wanted(tmp_path: Path, content):
    notebook = tmp_path / "clip.ipynb"
    notebook.write_text(content)

    assert make_room(notebook, fresh=False) is None
    kept = make_room(notebook, fresh=True)
    assert kept is not None and kept.read_text() == content
    assert make_room(notebook, fresh=True) is None  # nothing is there

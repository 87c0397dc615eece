"""A kernel that was ended for what it used does not die unexplained."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from hub_config import notice


@pytest.mark.parametrize(("why", "said"), [("memory", "used more than 2048 MB"), ("disk", "files take more than 2048")])
def test_the_reason_is_said_with_what_to_do_in_both_languages(tmp_path: Path, why: str, said: str):
    left = tmp_path / "notice"
    left.write_text(json.dumps({"at": time.time(), "why": why, "mb": 2048}))

    assert said in notice.news(left)
    assert "lumampas sa 2048 MB" in notice.news(left)


@pytest.mark.parametrize(
    "content",
    [
        '{"at": 1, "why": "memory", "mb": 1}',
        '{"at": 9e99, "why": "memory", "mb": 1}',
        '{"why": "memory"}',
        '{"at": "x", "why": "memory", "mb": 1}',
        "[]",
        "",
        "{torn",
    ],
)
def test_what_is_old_or_makes_no_sense_is_not_said(tmp_path: Path, content: str):
    (tmp_path / "notice").write_text(content)

    assert notice.news(tmp_path / "notice") == ""


def test_it_is_said_once_by_the_first_cell(tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "notice").write_text(json.dumps({"at": time.time(), "why": "memory", "mb": 7}))
    monkeypatch.setattr(notice.news, "__defaults__", (tmp_path / "notice",))
    shell = InteractiveShell()
    notice.load_ipython_extension(shell)
    shell.run_cell("1")
    shell.run_cell("2")

    assert capsys.readouterr().out.count("more than 7 MB") == 1

"""Who follows docs/write-a-lab.md word by word, at a terminal, ends with a lab that holds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "write-a-lab.md"
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.S) for line in block.splitlines()]


@pytest.mark.sandbox
def test_every_command_of_the_page_works_in_its_order(tmp_path: Path):
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    assert [command.split()[2] for command in COMMANDS] == ["new", "check", "preview", "check", "build"]
    for command in COMMANDS:
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env={"PATH": path}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    # What the page says is there.
    for name in re.findall(r"`((?:courses|seen|built)/[^` ]+)`", PAGE.read_text()):
        assert (tmp_path / name).exists(), name
    assert (tmp_path / "built/learner/ratings/ratings.ipynb").is_file()


def test_the_page_says_every_button_as_the_platform_does():
    pages = Path(__file__).parents[1] / "src/labkit/pages/templates"
    said = "".join(path.read_text() for path in pages.glob("*.html"))
    for words in ("Write the labs", "Send your version", "Fetch the newest version"):
        assert words in PAGE.read_text()
        assert f'_("{words}")' in said

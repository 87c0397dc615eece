from pathlib import Path

import pytest

TOML = 'title = "T"\n[[labs]]\nid = "one"\ntitle = "One"\n'
CLIP = """\
# %% [markdown]
# # Clip
# %% solution="clip"
def clip(x, low, high):
    ### BEGIN SOLUTION
    return max(low, min(high, x))
    ### END SOLUTION
# %% test="clip-examples" points=2
assert clip(5, 0, 3) == 3
# %% test="clip-properties" points=3 hidden
check("never leaves the bounds", all(0 <= clip(x, 0, 1) <= 1 for x in range(-5, 5)), points=2)
check("keeps what is inside", clip(0.5, 0, 1) == 0.5, points=1, hint="look at the middle case")
# %% [markdown] answer="reflect" points=10
# Where would you not use this?
"""


@pytest.fixture
def write(tmp_path: Path):
    """Writes a course `c` with one lab `one` and gives back the folder of courses."""

    def _write(lab: str = CLIP, toml: str = TOML, **files: str) -> Path:
        folder = tmp_path / "c" / "one"
        folder.mkdir(parents=True, exist_ok=True)
        (tmp_path / "c" / "course.toml").write_text(toml, "utf-8")
        (folder / "lab.py").write_text(lab, "utf-8")
        for name, text in files.items():
            path = folder / {"fil": "lab.fil.py", "attempt": "submissions/attempt.py"}.get(name, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        return tmp_path

    return _write

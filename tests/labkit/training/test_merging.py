"""A whole model is packed, one at a time, and whatever happens the temporary folder is left as it was."""

from __future__ import annotations

import asyncio
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

import numpy  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from labkit.errors import RequestRefused  # noqa: E402
from labkit.training import merging as room  # noqa: E402
from labkit.training import peft  # noqa: E402
from labkit.training.export import merged  # noqa: E402
from labkit.training.export.gguf_lora import NAMES, permute  # noqa: E402
from labkit.training.lora import Adapter  # noqa: E402
from labkit.training.merging import Merging  # noqa: E402
from labkit.training.places import Places  # noqa: E402
from labkit.training.resident import Resident, line  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402

SPEC = Spec("base", rank=4, targets=("q_proj", "down_proj"))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "training")


@pytest.fixture
def adapter(tiny: Any) -> Adapter:
    """One that was trained."""
    made = Adapter(tiny.shapes(SPEC.targets), SPEC.rank, SPEC.alpha, seed=1)
    made.weights.add_(torch.randn(made.weights.shape, generator=torch.Generator().manual_seed(1)) * 0.2)
    return made


@pytest.fixture
def digest(tiny: Any, places: Places, adapter: Adapter) -> str:
    return places.keep_adapter(peft.write(adapter, SPEC, tiny.layers))


@pytest.fixture
def merging(small: Callable[[str], Path], places: Places, scratch: Path) -> Merging:
    return Merging(small("llama"), None, places)


def unpacked(file: Path, target: Path) -> Path:
    with zipfile.ZipFile(file) as whole:
        assert whole.testzip() is None
        whole.extractall(target)
    return target


async def test_it_holds_base_and_adapter_in_one_and_speaks_as_both(merging, tiny, adapter, digest, tmp_path):
    whole = Resident(unpacked(await merging.zipped(digest, "safetensors", {}), tmp_path / "whole"))
    ids = list(range(40, 60))
    with torch.no_grad():
        given = line([(ids, None)])
        hers = line([(ids, adapter)])
        spoken = whole.run(given, whole.embed(given))
        expected, base = (tiny.run(one, tiny.embed(one)) for one in (hers, given))

    assert torch.allclose(spoken, expected, atol=1e-4)
    assert not torch.allclose(spoken, base, atol=1e-2)


async def test_only_what_the_adapter_changes_is_changed_and_the_base_stays_as_it_was(
    merging, small, tiny, digest, tmp_path
):
    before = {path.name: path.read_bytes() for path in small("llama").iterdir()}
    found = load_file(unpacked(await merging.zipped(digest, "safetensors", {}), tmp_path / "whole") / merged.WEIGHTS)
    weights = load_file(small("llama") / "model.safetensors")

    assert found.keys() == weights.keys()
    changed = {name.removesuffix(".weight") for name, one in found.items() if not torch.equal(one, weights[name])}
    assert changed == set(tiny.shapes(SPEC.targets))
    assert {path.name: path.read_bytes() for path in small("llama").iterdir()} == before


async def test_texts_go_with_it_under_their_names_alone(merging, digest, scratch, tmp_path):
    beside = {"README.md": "# Hers: ñ", "../../Modelfile": "FROM ./model"}
    file = await merging.zipped(digest, "safetensors", beside)

    assert list(scratch.iterdir()) == [file]
    folder = unpacked(file, tmp_path / "whole")
    assert (folder / "README.md").read_text(encoding="utf-8") == "# Hers: ñ"
    assert (folder / "Modelfile").read_text() == "FROM ./model"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scratch", "training", "whole"]


async def test_weights_are_put_behind_one_another_and_not_compressed(merging, digest):
    with zipfile.ZipFile(await merging.zipped(digest, "safetensors", {})) as whole:
        assert {one.compress_type for one in whole.infolist()} == {zipfile.ZIP_STORED}


@pytest.fixture
def gguf_base(small: Callable[[str], Path], tmp_path: Path) -> Path:
    """What llama.cpp would have of the small base, as far as an adapter touches it."""
    import gguf

    writer = gguf.GGUFWriter(tmp_path / "base.gguf", "llama")
    writer.add_block_count(3)
    weights = load_file(small("llama") / "model.safetensors")
    for layer in range(3):
        for own, name in NAMES.items():
            values = weights[f"model.layers.{layer}.{own}.weight"].numpy()
            heads = {"self_attn.q_proj": 4, "self_attn.k_proj": 2}.get(own)
            writer.add_tensor(f"blk.{layer}.{name}.weight", permute(values, heads) if heads else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tmp_path / "base.gguf"


async def test_for_llama_cpp_it_is_one_file_with_the_adapter_in_it(
    small, places, scratch, gguf_base, adapter, digest, tmp_path
):
    import gguf

    merging = Merging(small("llama"), gguf_base, places)
    folder = unpacked(await merging.zipped(digest, "gguf", {"Modelfile": "FROM ./model.gguf"}), tmp_path / "whole")
    assert {path.name for path in folder.iterdir()} == {"model.gguf", "Modelfile"}
    before, after = (
        {one.name: numpy.array(one.data) for one in gguf.GGUFReader(path).tensors}
        for path in (gguf_base, folder / "model.gguf")
    )
    changed = {name for name in after if not numpy.array_equal(after[name], before[name])}
    parts = {name: merged.scale_of(adapter, a, b).numpy() for name, a, b in adapter.tensors()}

    assert before.keys() == after.keys()
    assert changed == {f"blk.{layer}.{name}.weight" for layer in range(3) for name in ("attn_q", "ffn_down")}
    down = after["blk.1.ffn_down.weight"] - before["blk.1.ffn_down.weight"]
    query = after["blk.1.attn_q.weight"] - before["blk.1.attn_q.weight"]
    assert numpy.allclose(down, parts["model.layers.1.mlp.down_proj"], atol=5e-3)
    assert numpy.allclose(query, permute(parts["model.layers.1.self_attn.q_proj"], 4), atol=5e-3)


@pytest.mark.parametrize("form", ["gguf", "pickle", "", "x" * 1000])
async def test_a_form_that_is_not_here_is_refused_with_another(merging, digest, scratch, form):
    with pytest.raises(RequestRefused, match=r"The base is not here as .{0,30}\. Take safetensors\."):
        await merging.zipped(digest, form, {})
    assert not list(scratch.iterdir())


async def test_an_adapter_of_another_base_is_refused_and_nothing_is_left(merging, places, scratch):
    other = Adapter({"model.layers.0.self_attn.q_proj": (32, 32)}, 4, 8.0, seed=1)
    digest = places.keep_adapter(peft.write(other, Spec("other"), 1))
    with pytest.raises(RequestRefused, match="This adapter cannot be used"):
        await merging.zipped(digest, "safetensors", {})
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(("name", "kind"), [("f" * 64, FileNotFoundError), ("../../etc", ValueError)])
async def test_an_adapter_that_is_not_there_leaves_nothing(merging, scratch, digest, name, kind):
    with pytest.raises(kind):
        await merging.zipped(name, "safetensors", {})
    assert not list(scratch.iterdir())


def full(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("where", ["shutil.copyfile", "pathlib.Path.write_text", "zipfile.ZipFile.write"])
async def test_a_disk_that_is_full_leaves_nothing_in_the_temporary_folder_and_the_next_is_whole(
    merging, digest, scratch, tmp_path, where
):
    """Behind the weights, at a text, and while it is packed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, full)
        with pytest.raises(OSError, match="No space left"):
            await merging.zipped(digest, "safetensors", {"README.md": "# Hers"})
    assert not list(scratch.iterdir())

    folder = unpacked(await merging.zipped(digest, "safetensors", {"README.md": "# Hers"}), tmp_path / "whole")
    assert (folder / "README.md").read_text() == "# Hers"


async def test_one_is_merged_after_another(merging, digest, monkeypatch):
    """Each is as large as the base: two at once never meet."""
    meet, met, pack = threading.Barrier(2), list[bool](), room._packed

    def packed(folder: Path, piece: Callable[[], None]) -> Path:
        try:
            meet.wait(0.1)
            met.append(True)
        except threading.BrokenBarrierError:
            meet.reset()
        return pack(folder, piece)

    monkeypatch.setattr(room, "_packed", packed)
    files = await asyncio.gather(*(merging.zipped(digest, "safetensors", {}) for _ in range(3)))

    assert met == []
    assert len({file.name for file in files}) == 3


async def test_a_merge_that_is_cancelled_leaves_nothing_behind(merging, digest, scratch, monkeypatch):
    begun, done, pack = threading.Event(), threading.Event(), room._packed

    def packed(folder: Path, piece: Callable[[], None]) -> Path:
        begun.set()
        try:
            return pack(folder, piece)
        finally:
            done.set()

    monkeypatch.setattr(room, "_packed", packed)
    task = asyncio.create_task(merging.zipped(digest, "safetensors", {}))
    assert await asyncio.to_thread(begun.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(done.wait, 60)
    for _ in range(100):
        await asyncio.sleep(0.02)  # the loop hears of the thread's end a moment later
        if not list(scratch.glob("*.zip")):
            break
    assert not list(scratch.glob("*.zip"))


class Halted:
    """In place of a function: says that it was begun, and waits to be let go; how often it was called."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self.real, self.calls = real, 0
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, *given: Any) -> Any:
        self.calls += 1
        self.begun.set()
        assert self.go.wait(60)
        return self.real(*given)


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_leaves_while_she_waits_takes_no_turn(merging, digest, scratch, monkeypatch):
    read = Halted(peft.read)
    monkeypatch.setattr(peft, "read", read)
    first, *left, last = [asyncio.create_task(merging.zipped(digest, "safetensors", {})) for _ in range(12)]
    assert await asyncio.to_thread(read.begun.wait, 60)
    for task in left:
        await cancelled(task)
    read.go.set()

    assert {await first, await last} == set(scratch.iterdir())
    assert read.calls == 2


async def test_what_is_being_made_ends_at_its_next_piece_and_the_next_is_whole(
    merging, digest, scratch, tmp_path, monkeypatch
):
    read, saves = Halted(peft.read), list[int]()
    save = merged.save_file
    monkeypatch.setattr(peft, "read", read)
    monkeypatch.setattr(merged, "save_file", lambda *given, **more: (saves.append(1), save(*given, **more)))
    task = asyncio.create_task(merging.zipped(digest, "safetensors", {}))
    assert await asyncio.to_thread(read.begun.wait, 60)
    next_one = asyncio.create_task(merging.zipped(digest, "safetensors", {}))
    await cancelled(task)
    assert read.calls == 1, "two would be in memory at once"
    read.go.set()
    file = await next_one

    assert saves == [1]
    assert list(scratch.iterdir()) == [file]
    assert (unpacked(file, tmp_path / "whole") / merged.WEIGHTS).is_file()


@pytest.mark.parametrize("form", ["safetensors", "gguf"])
@pytest.mark.parametrize("last", [1, 4, 12])
def test_what_is_told_to_end_at_a_piece_writes_no_weights(tiny, small, gguf_base, adapter, tmp_path, form, last):
    pieces: list[int] = []

    def piece() -> None:
        pieces.append(1)
        if len(pieces) == last:
            raise InterruptedError

    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(InterruptedError):
        if form == "gguf":
            merged.write_gguf(adapter, gguf_base, tiny.config, target / "model.gguf", piece)
        else:
            merged.write_safetensors(adapter, small("llama"), target, piece)
    assert len(pieces) == last
    assert not list(target.iterdir())

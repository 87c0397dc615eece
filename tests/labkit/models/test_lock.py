import json
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models.lock import LOCK, Locked, Pinned, compare, pin, read_lock, revision
from labkit.models.record import Model, Origin

MODEL = Model("m", "M", "Apache-2.0")
HERE = Origin("huggingface", "A/M", "main")
THERE = Origin("modelscope", "A/M", "master")
FILES = {"m.gguf": "w", "README.md": "r"}
LOCKED = Locked("w", "l", "t", {"m.gguf": "w"}, {"huggingface": Pinned("A/M", "main", "c1", FILES)})


def test_what_is_pinned_is_read_again_and_another_source_is_added(tmp_path: Path):
    assert read_lock(tmp_path) == {}
    pin(tmp_path, "m", LOCKED)
    pin(tmp_path, "n", LOCKED)
    other = Pinned("A/M", "master", "c2", {"m.gguf": "w"})
    pin(tmp_path, "m", replace(LOCKED, sources={"modelscope": other}))
    assert read_lock(tmp_path) == {
        "m": replace(LOCKED, sources={**LOCKED.sources, "modelscope": other}),
        "n": LOCKED,
    }


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "holds no object"),
        ('{"m": 1}', "m is damaged"),
        ('{"m": {"sources": {}}}', "'sha256' is missing"),
        ('{"m": {"sources": {"wheel": {"repo": "p"}}}}', "wheel: 'asked' is missing"),
    ],
)
def test_a_damaged_lock_is_never_guessed_at(content, complaint, tmp_path: Path):
    (tmp_path / LOCK).write_text(content)
    with pytest.raises(OperatorError, match=complaint):
        read_lock(tmp_path)


def test_a_lock_with_an_unknown_key_is_refused(tmp_path: Path):
    pin(tmp_path, "m", LOCKED)
    content = json.loads((tmp_path / LOCK).read_text())
    content["m"]["colour"] = "red"
    (tmp_path / LOCK).write_text(json.dumps(content))
    with pytest.raises(OperatorError, match="unknown key 'colour'"):
        read_lock(tmp_path)


@pytest.mark.parametrize(
    ("origin", "locked", "asked"),
    [
        (HERE, None, "main"),
        (replace(HERE, resolved="c0"), None, "c0"),
        (HERE, LOCKED, "c1"),
        (replace(HERE, revision="v2"), LOCKED, "v2"),
        (replace(HERE, repo="B/M"), LOCKED, "main"),
        (THERE, LOCKED, "master"),
    ],
)
def test_the_commit_that_is_known_is_asked_for(origin, locked, asked):
    assert revision(MODEL, origin, locked) == asked


@pytest.mark.parametrize(
    ("origin", "found", "complaint"),
    [
        (HERE, {"m.gguf": "x"}, r"m\.gguf of huggingface A/M has another hash than before \(x, not w\)"),
        (HERE, {"README.md": "x"}, "another hash"),
        (THERE, {"m.gguf": "x"}, r"m\.gguf of modelscope A/M has another hash"),
        (HERE, {"m.gguf": "w", "n.gguf": "x"}, r"has weights n\.gguf, which the lock does not know"),
    ],
)
def test_another_hash_than_the_locks_is_refused(origin, found, complaint):
    with pytest.raises(OperatorError, match=complaint):
        compare(MODEL, origin, found, LOCKED, whole=False)


@pytest.mark.parametrize(
    ("origin", "found"),
    [
        (HERE, FILES),
        (HERE, {**FILES, "NEW.md": "n"}),
        (THERE, {**FILES, "README.md": "the other hub's own"}),
        (replace(HERE, repo="mirror/M"), {**FILES, "README.md": "the mirror's own"}),
    ],
)
def test_the_same_weights_are_taken_from_anywhere(origin, found):
    compare(MODEL, origin, found, LOCKED, whole=True)


def test_a_record_that_lists_its_files_wants_them_all():
    listed = replace(MODEL, files={"m.gguf": "w", "TERMS.html": "t"})
    compare(listed, HERE, {"m.gguf": "w"}, None, whole=False)
    with pytest.raises(OperatorError, match=r"A/M lacks TERMS\.html"):
        compare(listed, HERE, {"m.gguf": "w"}, None, whole=True)
    with pytest.raises(OperatorError, match=r"A/M lacks m\.gguf"):
        compare(MODEL, HERE, {"README.md": "r"}, LOCKED, whole=True)

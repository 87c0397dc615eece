import hashlib
import json
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models.contents import inspect, licence_sha256, template_sha256, weights_sha256
from labkit.models.record import Model

MODEL = Model("m", "M", "Apache-2.0")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.gguf", b"GGUF\x03\x00"),
        ("m.safetensors", (2).to_bytes(8, "little") + b"{}1234"),
        ("config.json", b'{"auto_map": {}}'),
        ("vocab.json", b"[]"),
        ("README.md", b"# No front matter\nlicense: mit\n"),
        ("README.md", b"---\nlanguage: en\n---\nlicense: mit\n"),
        ("README.md", b"---\nlicense: other\nlicense_name: x\n---\n"),
        ("README.md", b"---\nlicense: Apache License 2.0\n---\n"),
        ("README.md", b"---\nlicense: 'apache-2.0'\n---\n\xff"),
    ],
)
def test_a_file_that_is_what_its_name_says_passes(name, content, tmp_path: Path):
    (tmp_path / name).write_bytes(content)
    inspect(MODEL, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("m.gguf", b"\x80\x04pickle", "is called gguf and is not"),
        ("m.gguf", b"", "is called gguf and is not"),
        ("m.safetensors", b"\x80\x04\x95\x00\x00\x00\x00\x00{", "is called safetensors and is not"),
        ("m.safetensors", (2).to_bytes(8, "little") + b"[]", "is called safetensors and is not"),
        ("m.safetensors", (99).to_bytes(8, "little") + b"{}", "is called safetensors and is not"),
        ("config.json", b"{", r"config\.json is no JSON"),
        ("config.json", b"\xff", r"config\.json is no JSON"),
        ("config.json", b"[" * 100_000, r"config\.json is no JSON"),
        ("tokenizer_config.json", b'{"auto_map": {"AutoTokenizer": ["t.py", null]}}', "none is ever run"),
        ("README.md", b"---\r\nlicense: gpl-3.0\r\n---\r\n", "states the licence 'gpl-3.0'"),
        ("README.upstream.md", b"---\nlicense: gemma\n---\n", "states the licence 'gemma', the catalogue Apache-2.0"),
    ],
)
def test_a_file_that_is_something_else_is_refused(name, content, complaint, tmp_path: Path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OperatorError, match=complaint):
        inspect(MODEL, tmp_path)


def test_a_licence_of_ones_own_is_known_by_its_name(tmp_path: Path):
    (tmp_path / "README.md").write_text("---\nlicense: gemma\n---\n")
    inspect(Model("m", "M", "LicenseRef-Gemma"), tmp_path)


def test_weights_of_one_file_are_named_by_its_hash_and_of_several_by_them_all():
    assert weights_sha256({"m.gguf": "a" * 64, "README.md": "b" * 64}) == "a" * 64
    both = {"2.safetensors": "b" * 64, "1.safetensors": "a" * 64, "config.json": "c" * 64}
    assert weights_sha256(both) == sha256(f"{'a' * 64}  1.safetensors\n{'b' * 64}  2.safetensors\n")


def test_the_licence_is_its_terms_or_its_file_or_the_card_that_states_it():
    hashes = {"README.md": "1", "LICENSE": "2", "TERMS.html": "3"}
    assert licence_sha256(Model("m", "M", "LicenseRef-X", terms="TERMS.html"), hashes) == "3"
    assert licence_sha256(MODEL, hashes) == "2"
    assert licence_sha256(MODEL, {"README.md": "1"}) == "1"
    assert licence_sha256(MODEL, {}) == ""


@pytest.mark.parametrize(
    ("files", "template"),
    [
        ({"tokenizer_config.json": {"chat_template": "T"}}, "T"),
        ({"chat_template.json": {"chat_template": "C"}, "tokenizer_config.json": {"chat_template": "T"}}, "C"),
        ({"chat_template.jinja": "J", "tokenizer_config.json": {"chat_template": "T"}}, "J"),
        ({"tokenizer_config.json": {"chat_template": [{"name": "a"}]}}, '[{"name": "a"}]'),
    ],
)
def test_the_template_is_found_where_the_model_keeps_it(files, template, tmp_path: Path):
    for name, content in files.items():
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    assert template_sha256(tmp_path, []) == sha256(template)


def test_a_model_without_a_template_has_no_hash_of_one(tmp_path: Path):
    (tmp_path / "tokenizer_config.json").write_text("[]")
    assert template_sha256(tmp_path, ["m.safetensors"]) == ""


def test_a_gguf_has_its_template_inside(tmp_path: Path):
    gguf = pytest.importorskip("gguf")
    for name, template in (("with.gguf", "{{ messages }}"), ("without.gguf", "")):
        writer = gguf.GGUFWriter(tmp_path / name, "llama")
        if template:
            writer.add_chat_template(template)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        assert template_sha256(tmp_path, [name]) == (sha256(template) if template else "")

import pytest

from labkit.errors import OperatorError
from labkit.models.record import Model
from labkit.models.sources import Entry
from labkit.models.wanted import choose

MODEL = Model("m", "M", "Apache-2.0")


def chosen(*paths: str, model: Model = MODEL) -> set[str]:
    return {entry.path for entry in choose(model, map(Entry, paths), "hub A/M").entries}


@pytest.mark.parametrize(
    "path",
    [
        *("LICENSE", "LICENSE.txt", "licence.md", "NOTICE", "USE_POLICY.md", "GEMMA_TERMS.html", "README.md"),
        *("config.json", "model.safetensors.index.json", "merges.txt", "chat_template.jinja"),
        "model-00002-of-00005.safetensors",
    ],
)
def test_weights_and_the_texts_that_go_with_them_are_fetched(path):
    assert chosen("model.safetensors", path) == {"model.safetensors", path}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("pytorch_model.bin", "a pickle"),
        ("training_args.BIN", "a pickle"),
        ("model.pt", "a pickle"),
        ("model.pth", "a pickle"),
        ("vocab.pkl", "a pickle"),
        ("data.npy", "a pickle"),
        ("last.ckpt", "a pickle"),
        ("modeling_evil.py", "a program"),
        ("LICENSE.py", "a program"),
        ("sub/folder/custom.py", "a program"),
        ("run.sh", "a program"),
        ("weights.h5", "an archive that may hold a program"),
    ],
)
def test_what_runs_when_it_is_loaded_is_refused_by_name(path, kind):
    wanted = choose(MODEL, [Entry("model.safetensors"), Entry(path)], "hub A/M")
    assert wanted.refused == {path: kind}
    assert [entry.path for entry in wanted.entries] == ["model.safetensors"]


@pytest.mark.parametrize("path", [".gitattributes", "onnx/model.onnx", "runs/events.out", "sub/config.json", "a.png"])
def test_what_is_not_needed_is_left_out(path):
    wanted = choose(MODEL, [Entry("model.gguf"), Entry(path)], "hub A/M")
    assert wanted.left_out == (path,) and not wanted.refused


@pytest.mark.parametrize("path", ["../evil.json", "/etc/evil.json", "a/../../evil.json", "..\\evil.json", "a\0.json"])
def test_a_name_that_leads_elsewhere_condemns_the_source(path):
    with pytest.raises(OperatorError, match="Do not use this source"):
        chosen("model.gguf", path)


def test_safetensors_are_taken_before_the_same_in_gguf():
    assert chosen("model.safetensors", "model.gguf") == {"model.safetensors"}
    assert chosen("a.gguf", "b.gguf") == {"a.gguf", "b.gguf"}


def test_a_record_that_names_its_weights_takes_them_alone():
    one = Model("m", "M", "Apache-2.0", file="q4.gguf")
    assert chosen("q4.gguf", "q8.gguf", "model.safetensors", "README.md", model=one) == {"q4.gguf", "README.md"}
    with pytest.raises(OperatorError, match=r"hub A/M has no q4\.gguf"):
        chosen("q8.gguf", model=one)

"""What may be passed on is passed on with its card, licence and consent; what may not is refused and sent nowhere."""

from __future__ import annotations

import json

import numpy
import pytest
from safetensors.numpy import save

from labkit.errors import OperatorError, PlatformFault
from labkit.models import catalogue
from labkit.training.publishing.command import publish
from labkit.training.publishing.package import Consent, prepare

SAID = ["--data-licence", "CC-BY-4.0", "--people", "none", "--by", "Ana Cruz"]
CONSENT = Consent("CC-BY-4.0", "none", "Ana Cruz")


def test_a_folder_is_ready_for_either_hub(taken_home, tmp_path, capsys):
    target = tmp_path / "repository"
    assert publish([str(taken_home()), *SAID, "--out", str(target)]) == 0

    assert {path.name for path in target.iterdir()} == {
        *("README.md", "adapter_config.json", "adapter_model.safetensors", "configuration.json"),
    }
    card = (target / "README.md").read_text()
    for said in ("license: apache-2.0", "CC-BY-4.0", "there are none", "Ana Cruz"):
        assert said in card
    assert json.loads((target / "configuration.json").read_text())["task"] == "text-generation"
    assert "modelscope upload" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"])
def test_what_is_published_names_its_base_as_the_hubs_do(taken_home, tmp_path, name: str):
    config = {"peft_type": "LORA", "base_model_name_or_path": name, "r": 2}
    file = taken_home(**{"adapter_config.json": json.dumps(config).encode()})

    assert prepare(file, CONSENT, tmp_path / "repository") == "smollm2-135m-instruct"
    found = json.loads((tmp_path / "repository" / "adapter_config.json").read_text())
    assert found == config | {"base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct"}


def test_it_is_sent_in_one_commit_and_only_she_sees_it(taken_home, writable_hub, capsys):
    assert publish([str(taken_home()), *SAID, "--to", "ana/mine", "--endpoint", writable_hub.url]) == 0

    assert writable_hub.private == {"ana/mine": True}
    assert writable_hub.commits == 1
    assert {"README.md", "adapter_model.safetensors"} <= writable_hub.files.keys()
    assert "for you alone" in capsys.readouterr().out


def test_everybody_sees_it_where_she_says_so(taken_home, writable_hub):
    publish([str(taken_home()), *SAID, "--to", "ana/mine", "--public", "--endpoint", writable_hub.url])

    assert writable_hub.private == {"ana/mine": False}


def test_a_token_that_may_not_write_is_told(taken_home, writable_hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "b" * 20)
    with pytest.raises(OperatorError, match="does not let this token write"):
        publish([str(taken_home()), *SAID, "--to", "ana/mine", "--endpoint", writable_hub.url])
    assert not writable_hub.files


def test_a_hub_that_breaks_keeps_nothing(taken_home, writable_hub):
    writable_hub.broken = True
    with pytest.raises(PlatformFault, match="did not take it"):
        publish([str(taken_home()), *SAID, "--to", "ana/mine", "--endpoint", writable_hub.url])
    assert not writable_hub.files


@pytest.mark.parametrize("where", [[], ["--out", "x", "--to", "ana/mine"]])
def test_where_it_goes_is_said_once(taken_home, where):
    with pytest.raises(OperatorError, match="Nothing says where it goes"):
        publish([str(taken_home()), *SAID, *where])


CONSENTS = {
    "an unknown licence": (Consent("mine", "none", "Ana"), "licence is 'mine'"),
    "no word of people": (Consent("CC0-1.0", "", "Ana"), "Nothing is said of the people"),
    "nobody": (Consent("CC0-1.0", "none", " "), "Nobody is named"),
}


@pytest.mark.parametrize("case", CONSENTS)
def test_without_licence_and_consent_nothing_is_prepared(taken_home, tmp_path, case):
    consent, said = CONSENTS[case]
    with pytest.raises(OperatorError, match=said):
        prepare(taken_home(), consent, tmp_path / "repository")
    assert not (tmp_path / "repository").exists()


FILES = {
    "a pickle": ({"adapter_model.bin": b"x"}, "adapter_model.bin"),
    "a way out": ({"../README.md": b"x"}, "README.md"),
    "code": ({"modeling.py": b"x"}, "modeling.py"),
    "no card": ({"README.md": None}, "no README.md"),
    "no weights": ({"adapter_model.safetensors": None}, "no weights"),
    "weights that are none": ({"adapter_model.safetensors": b"x" * 100}, "no safetensors file"),
    "more than an adapter": (
        {"adapter_model.safetensors": save({"lm_head.weight": numpy.ones((2, 2), dtype=numpy.float32)})},
        "more than an adapter",
    ),
    "a base nobody knows": ({"adapter_config.json": b'{"base_model_name_or_path": "secret"}'}, "secret"),
}


@pytest.mark.parametrize("case", FILES)
def test_what_is_no_learners_model_is_refused(taken_home, tmp_path, case):
    changed, said = FILES[case]
    with pytest.raises(OperatorError, match=said):
        prepare(taken_home(**changed), CONSENT, tmp_path / "repository")


def test_a_base_whose_licence_does_not_let_it_be_passed_on_is_refused(taken_home, tmp_path):
    closed = next(one for one in catalogue().values() if one.licence not in ("Apache-2.0", "MIT"))
    config = json.dumps({"base_model_name_or_path": closed.id}).encode()
    with pytest.raises(OperatorError, match="may not let what is made from it be passed on"):
        prepare(taken_home(**{"adapter_config.json": config}), CONSENT, tmp_path / "repository")


def test_a_file_that_is_no_zip_is_told(tmp_path):
    (tmp_path / "mine.zip").write_text("hello")
    with pytest.raises(OperatorError, match="is no zip file"):
        prepare(tmp_path / "mine.zip", CONSENT, tmp_path / "repository")

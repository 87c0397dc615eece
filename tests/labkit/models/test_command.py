import json
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models import command
from labkit.models.catalogue import catalogue


@pytest.fixture
def run(tiny, models, monkeypatch, capsys):
    """Runs a verb on a catalogue of two models: `tiny`, and `bound` with terms of its own."""
    bound = replace(
        tiny,
        id="bound",
        title="Bound",
        licence="LicenseRef-X",
        terms="T",
        terms_sha256="a" * 64,
        terms_url="https://x/t",
    )
    both = {"tiny": tiny, "bound": bound}
    monkeypatch.setattr(command, "catalogue", lambda: both)
    monkeypatch.setattr(command, "find", both.__getitem__)

    def run(verb: str, *argv: str) -> tuple[int, str]:
        code = getattr(command, verb)(argv, lambda: models.parent)
        return code, capsys.readouterr().out

    return run


def test_the_list_shows_what_each_model_is_and_whether_it_is_here(run, hub):
    code, text = run("list_models")
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert code == 0
    assert rows["tiny"].split() == ["tiny", "1M", "Apache-2.0", "en", "0.0", "GB", "–", "–"]
    assert "terms first" in rows["bound"]
    run("fetch", "tiny", "--endpoint", hub.url)
    assert "locked" in run("list_models")[1]


def test_the_list_for_programs_has_the_whole_record_and_how_it_stands(run, hub):
    run("fetch", "tiny", "--endpoint", hub.url)
    first, second = json.loads(run("list_models", "--json")[1])
    assert (first["id"], first["verified"], first["gradable"], first["good_at"]) == ("tiny", False, False, "a")
    assert first["here"]["fetched"] and first["here"]["hashes"] == "lock"
    assert first["here"]["sha256"] == first["here"]["lock"]["sha256"]
    assert second["here"] == {"fetched": False, "hashes": "", "sha256": "", "lock": None, "terms_accepted": None}
    assert json.loads(run("show", "tiny", "--json")[1]) == first


def test_a_models_page_says_what_it_is_bad_at_and_where_it_comes_from(run, hub):
    text = run("show", "tiny")[1]
    for said in ("good at       a", "bad at        b", "estimated", "unknown until somebody fetches it", "nobody yet"):
        assert said in text
    assert "modelscope: Acme/Tiny master\n" in text
    run("fetch", "tiny", "--from", "modelscope", "--endpoint", hub.url)
    text = run("show", "tiny")[1]
    assert f"modelscope: Acme/Tiny master = {'c' * 40}" in text
    assert "this machine's lock" in text


def test_terms_are_accepted_once_and_shown_with_who_and_when(run, hub, models):
    with pytest.raises(OperatorError, match="--accept-terms"):
        run("fetch", "bound", "--endpoint", hub.url)
    with pytest.raises(OperatorError):  # the hub's model has no terms in it, but that is found later
        run("fetch", "bound", "--endpoint", hub.url, "--accept-terms")
    accepted = json.loads((models / "terms.json").read_text())
    assert [one["model"] for one in accepted] == ["bound"]
    assert f"by {accepted[0]['account']} at {accepted[0]['at']}" in run("show", "bound")[1]
    with pytest.raises(OperatorError, match="Tiny has no terms to accept"):
        run("fetch", "tiny", "--accept-terms")


def test_a_folder_or_a_source_of_the_record_can_be_named(run, hub, models, tmp_path: Path):
    assert run("fetch", "tiny", "--endpoint", hub.url) == (0, f"{models / 'tiny'}\n")
    other = tmp_path / "other"
    code, text = run("fetch", "tiny", "--from", str(models / "tiny"), "--home", str(other))
    assert (code, text) == (0, f"{other / 'models' / 'tiny'}\n")
    with pytest.raises(OperatorError, match=r"no source 'wheel'.*huggingface, modelscope; or name a folder"):
        run("fetch", "tiny", "--from", "wheel")


def test_an_address_that_is_none_is_refused(run):
    with pytest.raises(OperatorError, match="'hub' is no address"):
        run("fetch", "tiny", "--endpoint", "hub")


def test_verify_reads_every_fetched_model_and_fails_where_one_is_damaged(run, hub, models):
    assert run("verify") == (0, f"No model is in {models}.\n")
    run("fetch", "tiny", "--endpoint", hub.url)
    assert run("verify") == (0, "tiny: every byte is what was fetched\n")
    path = models / "tiny" / "config.json"
    path.write_bytes(path.read_bytes().replace(b"llama", b"lemma"))
    code, text = run("verify", "tiny")
    assert code == 1
    assert text.startswith("tiny: config.json is not what was fetched.\n") and "labkit models fetch tiny" in text


def test_progress_without_a_terminal_is_a_line_for_each_tenth(hub, capsys):
    with command._Shown() as shown:
        for done in range(0, 20_000_001, 1_000_000):
            shown.moved("m.gguf", done, 20_000_000)
        shown.moved("config.json", 10, 10)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11 and lines[-1] == "  m.gguf: 20 of 20 MB"


def test_every_model_of_the_catalogue_is_listed_and_shown(models, capsys):
    assert command.list_models([], lambda: models.parent) == 0
    listed = capsys.readouterr().out
    for model in catalogue().values():
        assert f"{model.id} " in listed
        command.show([model.id], lambda: models.parent)
        assert model.bad_at in capsys.readouterr().out

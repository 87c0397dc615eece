"""LABKIT_SERVING: what it may say, and how what it may not is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub_config.serving import Serving, read_serving
from labkit.allowance import Share
from labkit.errors import OperatorError

EMBEDDED = [{"kind": "llamacpp"}]
SERVER = '[[backends]]\nkind = "openai"\nurl = "http://10.0.0.5:8000"\nmodels = {big = {upstream = "B"}}\n'


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        (tmp_path / "words").write_text("bad\n")
        (tmp_path / "key").write_text("k" * 20)
        (tmp_path / "serving.toml").write_text(text)
        return tmp_path / "serving.toml"

    return write


def test_without_a_file_this_machines_own_model_answers_and_nobody_is_bounded_across_labs() -> None:
    found = read_serving(None)
    assert found == Serving()
    assert found.gateway(EMBEDDED)["backends"] == EMBEDDED
    assert found.share == Share()


def test_a_file_adds_servers_bounds_and_moderation_with_paths_from_its_own_folder(written) -> None:
    file = written(
        f'person = {{tokens = 500}}\nmoderation = {{kind = "words", file = "words"}}\n{SERVER}key_file = "key"\n'
    )
    found = read_serving(file)
    told = found.gateway(EMBEDDED)
    assert [one["kind"] for one in told["backends"]] == ["llamacpp", "openai"]
    assert told["backends"][1]["key_file"] == str(file.parent / "key")
    assert (told["person_tokens"], told["person_requests"]) == (500, 0)
    assert told["moderation"]["file"] == str(file.parent / "words")
    assert found.share == Share(500)


def test_a_site_without_the_embedded_model_has_its_servers_only(written) -> None:
    told = read_serving(written("embedded = false\n" + SERVER)).gateway(EMBEDDED)
    assert [one["kind"] for one in told["backends"]] == ["openai"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("backend = 1", "unknown key 'backend'"),
        ("person = {token = 5}", "person: unknown key 'token'"),
        ("person = {tokens = 0}", "person.tokens is 0"),
        ("person = {tokens = true}", "person.tokens is True"),
        ("at_once = 0", "at_once is 0"),
        ('strict = "yes"', "strict is 'yes'"),
        ("embedded = false", "no model is left"),
        ('[[backends]]\nkind = "oracle"', "no model backend 'oracle'"),
        ('[[backends]]\nkind = "openai"', "'url' is missing"),
        (f'{SERVER}key_file = "nowhere"', "cannot be read"),
        ('moderation = {kind = "words", file = "nowhere"}', "cannot be read"),
        ("person = {", "cannot be read"),
        ("person = 5", "person is 5"),
        ('moderation = "words"', "moderation is 'words'"),
        ("backends = [1]", "no list of tables"),
        ("backends = 1", "backends is 1"),
        ("training = 5", "training is 5"),
    ],
)
def test_what_it_may_not_say_is_refused_with_the_files_name(written, text: str, complaint: str) -> None:
    with pytest.raises(OperatorError, match=complaint) as refused:
        read_serving(written(text))
    assert "serving.toml" in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="LABKIT_SERVING"):
        read_serving(tmp_path / "none.toml")

"""The table `training` of LABKIT_SERVING: what it may say, whom it tells, and how what it may not is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub_config.serving import read_serving
from hub_config.training import EMBEDDED
from labkit.errors import OperatorError
from labkit.strict import strict
from labkit.training.__main__ import Settings, checked

SERVER = """
[[backends]]
kind = "openai"
url = "http://10.0.0.5:8000"
models = {big = {upstream = "B"}}
adapters = {big = {upstream = "B"}}
"""
CLUSTER = 'kind = "kubernetes", namespace = "l", queue = "q", image = "i", secret = "s", claim = "c", models = "m"'
TABLE = f"""
[training]
bases = {{big = "big"}}
dtype = "bfloat16"
memory_mb = 900
idle_seconds = 5
backend = {{{CLUSTER}}}
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        (tmp_path / "big").mkdir()
        (tmp_path / "big" / "config.json").write_text("{}")
        (tmp_path / "serving.toml").write_text(text)
        return tmp_path / "serving.toml"

    return write


def test_without_a_table_this_machines_own_model_is_trained_as_the_worker_has_it_by_default():
    found = read_serving(None).trained()
    told = strict(Settings, {"database_url": "", "folder": "", **found.worker(Path("/m"))}, "here")
    assert found.names == [EMBEDDED]
    assert told == Settings("", "", {EMBEDDED: "/m"})


def test_a_table_adds_bases_from_its_own_folder_and_says_how_they_are_trained(written):
    file = written(SERVER + TABLE)
    found = read_serving(file).trained()
    told: dict[str, Any] = found.worker(Path("/m"))
    assert found.names == [EMBEDDED, "big"]
    assert told["bases"] == {EMBEDDED: "/m", "big": str(file.parent / "big")}
    settings = strict(Settings, {"database_url": "", "folder": "", **told}, "here")
    assert (settings.dtype, settings.memory_mb, settings.idle_seconds) == ("bfloat16", 900, 5)
    assert checked(settings, "here")[1].queue == "q"


def test_what_does_not_answer_here_is_not_trained_here(written):
    file = written(f'embedded = false\n{SERVER}\n[training]\nbases = {{big = "big"}}')
    assert read_serving(file).trained().names == ["big"]


def test_nothing_may_be_trained(written):
    found = read_serving(written("training = {embedded = false}")).trained()
    assert (found.names, found.worker(Path("/m"))["bases"]) == ([], {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("training = {base = 1}", "training: unknown key 'base'"),
        ('training = {dtype = "int4"}', "training: dtype is 'int4'"),
        ("training = {memory_mb = -1}", "training: memory_mb is -1"),
        ("training = {adapters_mb = -1}", "training: adapters_mb is -1"),
        ("training = {idle_seconds = -0.5}", "training: idle_seconds is -0.5"),
        ('training = {backend = {kind = "slurm"}}', "training: backend is 'slurm'.*worker, kubernetes"),
        ('training = {backend = {kind = "worker", gpus = 2}}', "training: backend worker: unknown key 'gpus'"),
        ('training = {backend = {kind = "kubernetes"}}', "training: backend kubernetes: 'namespace' is missing"),
        ("training = {bases = {big = 5}}", "training: big is no model's folder"),
        ('training = {bases = {big = "small"}}', "training: big is no model's folder"),
        ('training = {bases = {big = "big"}}', "nobody answers for what is trained from big.*adapters = {big"),
        (f'training = {{bases = {{"{EMBEDDED}" = "big"}}}}', "stands in bases"),
        (f"embedded = false\ntraining = {{embedded = true}}\n{SERVER}", "does not answer here"),
    ],
)
def test_what_it_may_not_say_is_refused_with_the_files_name(written, text: str, complaint: str):
    with pytest.raises(OperatorError, match=complaint) as refused:
        read_serving(written(text))
    assert "serving.toml" in str(refused.value)

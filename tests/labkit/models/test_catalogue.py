from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models import catalogue, find
from labkit.models.catalogue import load_catalogue

TABLE = """
[[models]]
id = "m"
title = "M"
licence = "Apache-2.0"
package = "p"
file = "f"
sha256 = "0"
context = 8
good_at = "a"
bad_at = "b"
"""


def test_every_model_names_its_licence_hash_and_what_it_is_bad_at() -> None:
    assert "smollm2-135m-instruct" in catalogue()
    for model in catalogue().values():
        assert model.licence and model.bad_at and len(model.sha256) == (64 if model.verified else 0)


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(OperatorError, match=r"Known: .*smollm2-135m-instruct"):
        find("gpt-9")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (TABLE + 'colour = "red"\n', r"model 1 \(m\): unknown key 'colour'.*Known keys: id, title"),
        (TABLE.replace('licence = "Apache-2.0"\n', ""), "'licence' is missing"),
        (TABLE.replace("context = 8", 'context = "8"'), "context is '8'.*type int"),
        (TABLE.replace('id = "m"', "id = 3"), "id is 3.*type str"),
        (TABLE + TABLE, "two models share an id"),
        ("[model]\n", "unknown table 'model'"),
    ],
)
def test_what_the_catalogue_does_not_know_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(text)
    with pytest.raises(OperatorError, match=complaint):
        load_catalogue(file)

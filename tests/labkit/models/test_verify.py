import json
from pathlib import Path

import pytest

from labkit.errors import OperatorError
from labkit.models import embedded
from labkit.models.catalogue import find
from labkit.models.fetch import fetch
from labkit.models.verify import verify


def silent(_line: str) -> None:
    pass


@pytest.fixture
def there(hub, tiny, models):
    return fetch(tiny, models, endpoint=hub.url, progress=silent)


def test_a_model_that_is_as_it_was_fetched_has_nothing_wrong(there, models):
    said: list[str] = []
    assert verify(there.model, models, said.append) == []
    assert said == ["Reading Tiny: 6 files."]


def test_a_changed_byte_is_found_and_named(there, models):
    path = there.folder / "model-1.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert verify(there.model, models, silent) == [
        "model-1.safetensors is not what was fetched.",
        "The weights are not what the lock names.",
    ]


def test_a_manifest_that_was_forged_with_the_weights_is_told_by_the_lock(there, models):
    path, manifest = there.folder / "model-1.safetensors", there.folder / "manifest.json"
    path.write_bytes(b"\0" * path.stat().st_size)
    content = json.loads(manifest.read_text())
    content["files"]["model-1.safetensors"]["sha256"] = embedded._digest(path)
    manifest.write_text(json.dumps(content))
    assert verify(there.model, models, silent) == ["The weights are not what the lock names."]


def test_a_file_of_somebody_else_is_told(there, models):
    (there.folder / "sub").mkdir()
    (there.folder / "sub" / "modeling.py").write_text("print()")
    assert verify(there.model, models, silent) == ["sub/modeling.py was not fetched: it is of somebody else."]


def test_a_model_without_its_lock_is_told(there, models):
    (models / "lock.json").unlink()
    assert verify(there.model, models, silent) == ["The lock does not know it."]


def test_a_model_that_is_not_there_is_no_question_of_hashes(tiny, models):
    with pytest.raises(OperatorError, match="labkit models fetch tiny"):
        verify(tiny, models, silent)


@pytest.mark.model
def test_the_embedded_model_is_verified_like_any_other(prepared_models: Path):
    model = find(embedded.MODEL_ID)
    assert verify(model, prepared_models, silent) == []
    assert fetch(model, prepared_models, progress=silent).sha256 == model.sha256

"""A model that was fetched once is held to its lock, whichever hub it comes from next."""

import pytest

from labkit.errors import OperatorError
from labkit.models.fetch import fetch
from labkit.models.lock import read_lock
from tests.labkit.models.conftest import HUBS, hub_weights, nothing_half, origin, remove


def test_the_commit_of_the_first_fetch_is_asked_for_again(get, hub, models):
    first = get()
    hub.change("model-1.safetensors", b"other")
    remove(models / "tiny")
    assert get().files == first.files


def test_other_weights_than_the_lock_are_refused_before_a_byte_is_fetched(get, hub, models):
    get()
    remove(models / "tiny")
    hub.repo.commits["c" * 40]["model-1.safetensors"] = hub_weights(500)
    hub.asked.clear()
    with pytest.raises(OperatorError, match=r"another hash than before.*a record of its own"):
        get()
    assert hub.asked == [] and nothing_half(models)


def test_another_template_from_the_same_source_is_refused(get, hub, models):
    """Hugging Face tells no SHA-256 of small files: they are compared once they are here."""
    get()
    remove(models / "tiny")
    hub.repo.commits["c" * 40]["tokenizer_config.json"] = b'{"chat_template": "{{ evil }}"}'
    with pytest.raises(OperatorError, match=r"tokenizer_config\.json .* has another hash than before"):
        get()
    assert nothing_half(models)


def test_more_weights_than_the_lock_knows_are_refused(get, hub, models):
    get()
    remove(models / "tiny")
    hub.repo.commits["c" * 40]["model-3.safetensors"] = hub_weights(10)
    with pytest.raises(OperatorError, match=r"weights model-3\.safetensors, which the lock does not know"):
        get()


def test_fewer_weights_than_the_lock_knows_are_refused(get, hub, models):
    get()
    remove(models / "tiny")
    del hub.repo.commits["c" * 40]["model-2.safetensors"]
    with pytest.raises(OperatorError, match=r"lacks model-2\.safetensors"):
        get()
    assert nothing_half(models)


@pytest.mark.parametrize(("first", "second"), [HUBS, HUBS[::-1]])
def test_hubs_are_interchangeable_when_the_weights_agree(hub, tiny, models, first, second):
    def get(kind):
        return fetch(tiny, models, origin(tiny, kind), endpoint=hub.url, progress=lambda line: None)

    one = get(first)
    remove(models / "tiny")
    hub.repo.commits["c" * 40]["README.md"] = b"---\nlicense: Apache License 2.0\n---\nThe other hub's own card.\n"
    assert get(second).sha256 == one.sha256
    assert read_lock(models)["tiny"].sources.keys() == set(HUBS)
    remove(models / "tiny")
    hub.repo.commits["c" * 40]["model-2.safetensors"] = hub_weights(300)
    with pytest.raises(OperatorError, match="another hash than before"):
        get(second)

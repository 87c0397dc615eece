"""A plot comes with words, once."""

import pytest

import labkit
from labkit.client import pictures
from labkit.errors import RequestRefused


@pytest.fixture
def figure():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    drawn, axes = pyplot.subplots()
    axes.plot([1, 2])
    yield drawn
    pyplot.close("all")


@pytest.fixture
def shown(monkeypatch):
    seen = []
    monkeypatch.setattr("labkit.client.pictures._in_a_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: seen.append(data))
    return seen


def test_words_go_with_the_picture_and_nothing_of_them_is_markup(figure, shown):
    labkit.show(figure, 'Rising <b>"fast"</b>.')

    (data,) = shown
    assert data["text/plain"] == 'Rising <b>"fast"</b>.'
    assert '<img alt="Rising &lt;b&gt;&quot;fast&quot;&lt;/b&gt;." src="data:image/png;base64,' in data["text/html"]


def test_it_is_not_shown_again_at_the_end_of_the_cell(figure, shown):
    from matplotlib import pyplot

    labkit.show(figure, "Rising.")
    assert not pyplot.get_fignums()


@pytest.mark.parametrize("words", ["", "  ", None, 3])
def test_a_picture_without_words_is_refused_and_says_what_to_write(figure, shown, words):
    with pytest.raises(RequestRefused, match=r"labkit\.show\(figure"):
        labkit.show(figure, words)
    assert shown == []


@pytest.mark.parametrize("thing", [None, "plot.png", [1, 2]])
def test_anything_else_than_a_figure_is_refused(shown, thing):
    with pytest.raises(RequestRefused, match=r"plt\.subplots"):
        pictures.show(thing, "Rising.")


def test_where_no_picture_can_be_seen_its_words_are_printed(figure, capsys):
    labkit.show(figure, "Rising.")

    assert capsys.readouterr().out == "Rising.\n"

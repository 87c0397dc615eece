"""Plain English is told from English that only lawyers read."""

import pytest

from labkit.courses import load_course
from labkit.courses.lint import lint
from labkit.courses.reading import grade, words

PLAIN = "The cat sat on the mat. It was warm there. A dog came in and the cat ran out of the room. "
LEGAL = (
    "Notwithstanding anything contained hereinbefore, administrative determinations concerning institutional "
    "accreditation requirements necessitate comprehensive interdepartmental consultation preceding implementation. "
)


def test_longer_words_and_sentences_ask_for_more_years():
    assert grade(PLAIN) < 4
    assert grade(LEGAL) > 18
    assert grade(PLAIN.replace(". It", ", and it").replace(". A", ", and a")) > grade(PLAIN)


def test_the_formula_is_the_published_one():
    text = "Four words stand here. Three more do."  # 7 words of 29 letters in 2 sentences
    assert grade(text) == pytest.approx(0.0588 * 2900 / 7 - 0.296 * 200 / 7 - 15.8)


@pytest.mark.parametrize(
    "apart",
    [
        *("`institutionalisation()`", "```\nincomprehensibilities\n```", "| internationalisation |"),
        *("https://example.org/administration", "privacy.gov.ph/advisories"),
    ],
)
def test_what_is_no_prose_does_not_count(apart):
    assert words(f"{PLAIN}\n{apart}\n") == words(PLAIN)


@pytest.mark.parametrize("text", ["", "1 2 3", "`x`", "|||"])
def test_a_text_without_words_is_no_trouble(text):
    assert grade(text) == 0


@pytest.mark.parametrize(("prose", "count"), [(PLAIN * 6, 0), (LEGAL * 8, 1), (LEGAL, 0)])
def test_a_lab_in_hard_english_is_named_where_it_has_enough_words_to_tell(write, prose, count):
    root = write(
        f"# %% [markdown]\n# # Title\n# %% [markdown]\n# {prose}\n"
        '# %% solution="f"\n### BEGIN SOLUTION\nf = 1\n### END SOLUTION\n'
    )
    found = [one for one in lint(load_course(root, "c").labs[0]) if "years of school" in one.found]

    assert len(found) == count


def test_our_own_labs_are_plain(pytestconfig):
    for lab in load_course(pytestconfig.rootpath / "courses", "prompting").labs:
        assert not [one for one in lint(lab) if "years of school" in one.found], lab.id

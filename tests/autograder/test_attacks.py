"""Attacks that need a lab of their own; those on one small lab are kept by name in hostile/."""

import pytest

pytestmark = pytest.mark.sandbox


def test_a_later_cell_cannot_tell_what_an_earlier_hidden_test_asked(submit):
    text = (
        '# %% solution="first"\n### BEGIN SOLUTION\ndef first(x): return x\n### END SOLUTION\n'
        '# %% test="t" points=1 hidden\nassert first(31415926) == 31415926\n'
        '# %% solution="second"\n### BEGIN SOLUTION\nsecond = 1\n### END SOLUTION\n'
        '# %% test="u" points=1\nassert second == 1\n'
    )
    answers = {
        "first": "seen = []\ndef first(x):\n    seen.append(x)\n    return x",
        "second": "raise ValueError(f'they asked {seen}')",
    }
    graded = submit(answers, text)

    assert "31415926" not in graded.text
    assert "second stopped with ValueError." in graded.text
    assert "on line" not in graded.text  # a number is as good as a word
    assert graded.points == {"t": 1, "u": 0}


def test_a_check_made_in_the_learners_process_counts_nothing(submit):
    graded = submit("from labkit.checks import check\ncheck('never leaves the bounds', True, points=5)\nclip = None")

    assert graded.score == 0


@pytest.mark.parametrize(
    "trick", ["math.isclose = lambda *a, **k: True", "import math as m; m.isclose = m.sqrt = bool"]
)
def test_a_patched_library_is_the_learners_alone(submit, trick):
    text = (
        '# %%\nimport math\n# %% solution="root"\nimport math\n### BEGIN SOLUTION\nroot = math.sqrt\n### END SOLUTION\n'
        '# %% test="t" points=1\nassert math.isclose(root(2.0), 1.4142135, rel_tol=1e-5)\n'
    )
    assert submit({"root": f"import math\n{trick}\nroot = lambda x: 0.0"}, text).score == 0
    assert submit({"root": "import math\nroot = math.sqrt"}, text).score == 1


def test_the_authors_own_functions_cannot_be_replaced(submit):
    text = """\
# %%
import statistics
def metric(given, wanted):
    return statistics.mean(g == w for g, w in zip(given, wanted))
ITEMS = [1, 2, 3]
# %% solution="double"
### BEGIN SOLUTION
def double(x): return 2 * x
### END SOLUTION
# %%
results = [double(x) for x in ITEMS]
def again():
    return metric([double(x) for x in ITEMS], [2, 4, 6])
# %% test="t" points=3
check("on the items", metric([double(x) for x in ITEMS], [2, 4, 6]) == 1)
check("as computed above", results == [2, 4, 6])
check("again", again() == 1)
"""
    cheat = "metric = again = lambda *a: 1\nITEMS = []\nstatistics = None\ndef double(x): return 0"

    assert submit({"double": cheat}, text).score == 0
    assert submit({"double": "def double(x): return x + x"}, text).score == 3


def test_files_of_the_lab_that_are_hidden_are_the_tests_alone(submit):
    text = (
        '# %% solution="peek"\n### BEGIN SOLUTION\npeek = lambda: 0\n### END SOLUTION\n'
        '# %% test="t" points=2 hidden\nimport os\n'
        'check("sees the data alone", peek() == ["data"])\n'
        'check("both read it", open("data/open.txt").read() and open("hidden/secret.txt").read() == "s")\n'
    )
    files = {"data/open.txt": "o", "hidden/secret.txt": "s"}
    graded = submit(
        {"peek": "import os\npeek = lambda: sorted(n for n in os.listdir('.') if n[0] != '.')"}, text, **files
    )

    assert graded.score == 2, graded.text

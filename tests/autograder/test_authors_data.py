"""What the author defined stays the author's, and is as it was when the next test begins."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(120)]


def lab(reference: str, tests: str, before: str = "") -> str:
    start = f"# %%\n{before}\n" if before else ""
    return f'{start}# %% solution="s"\n### BEGIN SOLUTION\n{reference}\n### END SOLUTION\n{tests}'


STOLEN = {
    "a name both import": (
        "import numpy as np\nA = np.array([1.0, 2.0])\nWANT = np.array([5.0, 6.0])",
        "import numpy as np\ndef solve(a):\n    ### BEGIN SOLUTION\n    return a + 4\n    ### END SOLUTION",
        'check("close", solve(A.copy()).shape == WANT.shape and np.allclose(solve(A.copy()), WANT))',
        "import numpy as np\nWANT = np.zeros(2)\ndef solve(a): return np.zeros(2)",
    ),
    "a name both loop over": (
        "CASES = []\nfor i in range(3):\n    CASES.append((i, i + 7))",
        "def seven(x):\n    ### BEGIN SOLUTION\n    return x + 7\n    ### END SOLUTION\n"
        "for i in range(2):\n    seven(i)",
        'check("all", all(seven(x) == y for x, y in CASES))',
        "CASES = [(0, 0)]\ndef seven(x): return 0\nfor i in range(2):\n    seven(i)",
    ),
    "a class that uses what is hers": (
        "class Judge:\n    def right(self, x): return step(x) == x + 1",
        "def step(x):\n    ### BEGIN SOLUTION\n    return x + 1\n    ### END SOLUTION",
        'check("right", Judge().right(3))',
        "class Judge:\n    def right(self, x): return True\nimport builtins\nmake = builtins.__build_class__\n"
        "def build(f, name, *a, **k):\n    return Judge if name == 'Judge' else make(f, name, *a, **k)\n"
        "builtins.__build_class__ = build\ndef step(x): return None",
    ),
}


@pytest.mark.parametrize("which", STOLEN)
def test_what_the_author_defined_stays_the_authors(submit, which):
    code, solution, test, answer = STOLEN[which]
    text = f'# %% solution="s"\n{solution}\n# %%\n{code}\n# %% test="t" points=1\n{test}\n'
    graded = submit({"s": answer}, text)

    assert (graded.fault, graded.score) == (None, 0), graded.text
    honest = solution.replace("    ### BEGIN SOLUTION\n", "").replace("    ### END SOLUTION\n", "")
    assert submit({"s": honest.replace("    ### END SOLUTION", "")}, text).score == 1


VIEWED = """\
# %% test="t" points=1
check("seen", total(X[0]) == 3 and total(BOX["a"].held) == 6 and total(list(D.values())[0]) == 5)
# %% test="h" points=3 hidden
check("row", total(X[0].copy()) == X[0].sum() and X[0].sum() == 3)
check("held", BOX["a"].held == [1, 2, 3])
check("values", D["x"] == [2, 3])
"""


def test_views_and_what_objects_hold_are_put_back_too(submit):
    code = (
        "import numpy as np\nX = np.array([[1.0, 2.0], [3.0, 4.0]])\nD = {'x': [2, 3]}\n"
        "class Box:\n    def __init__(self, held): self.held = held\nBOX = {'a': Box([1, 2, 3])}"
    )
    spoiling = (
        "def total(x):\n    got = sum(x)\n    if isinstance(x, list): x.clear()\n    else: x[:] = 0\n    return got"
    )
    graded = submit({"s": spoiling}, lab("def total(x): return sum(x)", VIEWED, code))

    assert graded.points == {"t": 1, "h": 3}, graded.text


SHARED = lab(
    "def largest(x): return max(x)\ndef total(hero): return sum(hero.scores)",
    """\
# %% test="t" points=1
largest(HERO.scores)
total(HERO)
check("seen", largest(SCORES) == 9)
# %% test="h" points=2 hidden
want = max(SCORES, default=0)
check("of all", largest(list(SCORES)) == want, points=1)
check("deep", sum(TABLE["a"]) == 6 and HEIGHTS.sum() == 3 and HERO.scores == [3, 9, 4], points=1)
""",
    "import numpy as np\nfrom dataclasses import dataclass\n@dataclass\nclass Hero:\n    scores: list\n"
    "HERO = Hero([3, 9, 4])\n"
    'SCORES = [3, 9, 4]\nTABLE = {"a": [1, 2, 3]}\nHEIGHTS = np.array([1.0, 2.0])',
)


def test_what_a_call_changed_of_the_authors_data_is_put_back_for_the_next_test(submit):
    """She answers right where she is seen, and empties what the hidden test works out its values from."""
    spoiling = (
        "def largest(x):\n    got = max(x, default=0)\n    x.clear()\n    return got\n"
        "def total(hero):\n    hero.scores = [1]\n    return 1"
    )
    graded = submit({"s": spoiling}, SHARED)

    assert graded.points == {"t": 1, "h": 2}

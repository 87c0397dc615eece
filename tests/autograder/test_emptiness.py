"""What is empty where the lab's own answer has something to give holds nothing, in whatever it is wrapped."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(120)]


def lab(reference: str, tests: str, before: str = "") -> str:
    start = f"# %%\n{before}\n" if before else ""
    return f'{start}# %% solution="s"\n### BEGIN SOLUTION\n{reference}\n### END SOLUTION\n{tests}'


EMPTY = {
    "an array": (
        "def standardise(x):\n    return (x - x.mean()) / x.std()",
        "x = np.array([2.0, 4.0, 9.0, 1.0])\nwant = (x - x.mean()) / x.std()\ngot = standardise(x.copy())\n"
        'check("close", np.allclose(got, want) and (np.abs(got - want) < 1e-9).all())',
        "def standardise(x):\n    return np.empty((0, 1))",
    ),
    "an array in a number's place": (
        "def mean(x):\n    return x.mean()",
        'check("close", np.allclose(mean(np.array([1.0, 3.0])), 2.0))',
        "def mean(x):\n    return np.empty(0)",
    ),
    "a column": (
        "def scale(s):\n    return s / s.max()",
        'out = scale(pd.Series([1.0, 2.0]))\ncheck("close", (out - pd.Series([0.5, 1.0])).abs().sum() < 1e-9)',
        "def scale(s):\n    return pd.Series([], dtype=float)",
    ),
    "arrays in a tuple": (
        "def parts(x):\n    return x[:2], x[2:]",
        'a, b = parts(np.arange(4.0))\ncheck("close", np.allclose(a, [0, 1]) and np.allclose(b, [2, 3]))',
        "def parts(x):\n    return np.empty((0, 1)), np.empty((0, 1))",
    ),
    "a range in a list's place": (
        "def squares(n):\n    return [i * i for i in range(1, n)]",
        'check("positive", all(x > 0 for x in squares(9)))',
        "def squares(n):\n    return range(0)",
    ),
    "an iterator that ends at once": (
        "def squares(n):\n    return [i * i for i in range(1, n)]",
        'check("positive", all(x > 0 for x in squares(9)))',
        "def squares(n):\n    return iter(())",
    ),
    "a generator that gives nothing": (
        "def squares(n):\n    return [i * i for i in range(1, n)]",
        'check("positive", all(x > 0 for x in squares(9)))',
        "def squares(n):\n    yield from ()",
    ),
    "a view of an empty dict": (
        "def squares(n):\n    return [i * i for i in range(1, n)]",
        'check("positive", all(x > 0 for x in squares(9)))',
        "def squares(n):\n    return {}.values()",
    ),
    "a named tuple of empty arrays": (
        "def parts(x):\n    return x[:2], x[2:]",
        'a, b = parts(np.arange(4.0))\ncheck("close", np.allclose(a, [0, 1]) and np.allclose(b, [2, 3]))',
        "from collections import namedtuple\nP = namedtuple('P', 'a b')\n"
        "def parts(x):\n    return P(np.empty((0, 1)), np.empty((0, 1)))",
    ),
    "a list": (
        "def words(text):\n    return text.split()",
        'check("known", all(word in ("ulan", "araw") for word in words("ulan araw")))',
        "def words(text):\n    return []",
    ),
}


@pytest.mark.parametrize("which", EMPTY)
def test_what_is_empty_where_the_labs_own_answer_has_something_holds_nothing(submit, which):
    reference, test, answer = EMPTY[which]
    text = lab(reference, f'# %% test="t" points=1 hidden\n{test}\n', "import numpy as np\nimport pandas as pd")
    graded = submit({"s": answer}, text)

    assert (graded.fault, graded.score) == (None, 0), graded.text
    assert "empty" in graded.text
    assert submit({"s": reference}, text).score == 1


def test_what_is_empty_where_the_labs_own_answer_is_too_is_right(submit):
    text = lab(
        "def words(text):\n    return text.split()",
        '# %% test="t" points=2\ncheck("some", words("a b") == ["a", "b"])\ncheck("none", words("") == [])\n',
    )

    assert submit({"s": "def words(t):\n    return [one for one in t.split(' ') if one]"}, text).score == 2

"""An object is believed only where the lab's own answer gives one: the same tests, honest and lying answers."""

from __future__ import annotations

import pytest

from autograder import observe
from autograder.bounds import measure

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(120)]


def lab(reference: str, tests: str, before: str = "") -> str:
    start = f"# %%\n{before}\n" if before else ""
    return f'{start}# %% solution="s"\n### BEGIN SOLUTION\n{reference}\n### END SOLUTION\n{tests}'


SOFTMAX = lab(
    "def softmax(x):\n    e = np.exp(x - x.max(axis=1, keepdims=True))\n    return e / e.sum(axis=1, keepdims=True)",
    """\
# %% test="t" points=4
X = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
out = softmax(X.copy())
check("shape", out.shape == (2, 3))
check("rows sum to one", np.allclose(out.sum(axis=1), 1))
check("no negative", out.min() >= 0)
check("largest first", out.argmax() == 2)
""",
    "import numpy as np",
)
TABLE = lab(
    'def per_city(df):\n    return df.groupby("city", as_index=False)["sold"].sum()',
    """\
# %% test="t" points=3 hidden
df = pd.DataFrame({"city": ["a", "b", "a", "c"], "sold": [7, 2, 3, 9]})
want = pd.DataFrame({"city": ["a", "b", "c"], "sold": [10, 2, 9]})
out = per_city(df.copy())
check("equal", out.equals(want))
check("unique", out["city"].is_unique)
check("no gaps", not out.isna().any().any())
""",
    "import pandas as pd",
)
TEXT = lab(
    'def slug(title):\n    return "-".join(title.lower().split())\ndef letters(text):\n    return set(text) - {" "}',
    """\
# %% test="t" points=4 hidden
check("small letters", slug("Hello World").islower())
check("starts", slug("Hello World").startswith("hello"))
check("one dash", slug("a b").count("-") == 1)
check("only letters", letters("a bc").issubset({"a", "b", "c"}) and letters("ab").issuperset({"a"}))
""",
)
VARIABLE = lab(
    "clean = raw.dropna()",
    """\
# %% test="t" points=3
check("two rows", clean.shape == (2, 2))
check("length", len(clean) == 2)
check("mean", clean["age"].mean() == 4)
""",
    'import pandas as pd\nraw = pd.DataFrame({"age": [3.0, None, 5.0], "name": ["a", "b", "c"]})',
)
SORTING = lab(
    "def order(x):\n    return sorted(x)",
    """\
# %% test="t" points=4 hidden
x = [3, 1, 2, 9, 4]
out = order(list(x))
check("in order", all(out[i] <= out[i + 1] for i in range(4)))
check("in order, walked", all(a <= b for a, b in zip(list(out), list(out)[1:])))
check("the same", sorted(out) == sorted(x))
check("length", len(list(out)) == 5)
""",
)
SCRIPTED = lab(
    'def ask(model):\n    return model.chat("Ibuod: ulan sa Baguio")',
    """\
# %% test="t" points=3 hidden
class Model:
    def __init__(self):
        self.seen = []
    def chat(self, text):
        self.seen.append(("Baguio" in text, len(text) <= 80, text.startswith("Ibuod")))
        return "ulan"
model = Model()
ask(model)
check("names the place", model.seen[0][0])
check("is short", model.seen[0][1])
check("asks for a summary", model.seen[0][2])
""",
)
LIARS = {
    "a class in a function's place": (
        SOFTMAX,
        "class softmax:\n    def __init__(self, x):\n        self.shape, self.n = x.shape, len(x)\n"
        "    def sum(self, axis=None): return np.ones(self.n)\n    def min(self): return 0.0\n"
        "    def argmax(self): return 2",
    ),
    "methods of a table": (
        TABLE,
        "class Yes:\n    is_unique = True\n    def equals(self, other): return True\n"
        "    def __getitem__(self, key): return self\n    def isna(self): return pd.DataFrame({'a': [False]})\n"
        "def per_city(df): return Yes()",
    ),
    "methods of text and sets": (
        TEXT,
        "class Yes:\n    def islower(self): return True\n"
        "    startswith = endswith = issubset = issuperset = lambda self, other: True\n"
        "    def count(self, x): return 1\ndef slug(t): return Yes()\ndef letters(t): return Yes()",
    ),
    "a variable": (
        VARIABLE,
        "class S:\n    def mean(self): return 4.0\nclass C:\n    shape = (2, 2)\n    def __len__(self): return 2\n"
        "    def __getitem__(self, key): return S()\nclean = C()",
    ),
    "items that are not what is walked": (
        SORTING,
        "class L:\n    def __init__(self, x): self.x, self.walks = x, 0\n    def __getitem__(self, k): return k\n"
        "    def __iter__(self):\n        self.walks += 1\n"
        "        return iter(self.x if self.walks % 2 else [0] * 5)\ndef order(x): return L(x)",
    ),
    "a tuple that is walked as it likes": (
        lab(
            "def order(x):\n    return tuple(sorted(x))",
            '# %% test="t" points=2 hidden\nout = order([3, 1, 2])\n'
            'check("the same", sorted(out) == [1, 2, 3])\ncheck("no neighbours fall", list(out) == sorted(out))\n',
        ),
        "class T(tuple):\n    _fields = ('a', 'b', 'c')\n    walks = 0\n"
        "    def __iter__(self):\n        T.walks += 1\n"
        "        return iter([3, 1, 2] if T.walks % 2 else [0, 0, 0])\ndef order(x): return T((3, 1, 2))",
    ),
    "what a function that was made gives": (
        lab(
            "def make(v):\n    return lambda text: [one for one in text.split() if one in v]",
            '# %% test="t" points=2 hidden\ncut = make({"a", "b"})\n'
            'check("a", "a" in cut("a c"))\ncheck("long", len(cut("a b c")) == 2)\n',
        ),
        "class All:\n    def __contains__(self, x): return True\n    def __len__(self): return 2\n"
        "def make(v): return lambda text: All()",
    ),
    "a part of a tuple beside an object": (
        lab(
            "class Stats:\n    steps = 3\ndef search(n):\n    return [1, 2, n], Stats()",
            '# %% test="t" points=2 hidden\npath, stats = search(8)\n'
            'check("ends", path[-1] == 8 and len(path) == 3)\ncheck("steps", path[0] == 1 and stats.steps == 3)\n',
        ),
        "class Path:\n    def __getitem__(self, k): return 8 if k else 1\n    def __len__(self): return 3\n"
        "class Stats:\n    steps = 3\ndef search(n): return Path(), Stats()",
    ),
    "what a callback is called with": (
        SCRIPTED,
        "class T:\n    def __contains__(self, x): return True\n    def __len__(self): return 3\n"
        "    def startswith(self, x): return True\ndef ask(model):\n    return model.chat(T())",
    ),
}


# What is walked gives numbers, as any answer may: these hold what they hold.
ITS_ITEMS_ARE_DATA = {"items that are not what is walked": 2, "a tuple that is walked as it likes": 1}


@pytest.mark.parametrize("which", LIARS)
def test_an_object_where_the_labs_own_answer_gives_data_is_not_believed(submit, which):
    text, answer = LIARS[which]
    graded = submit({"s": answer}, text)

    assert graded.fault is None
    assert graded.score <= ITS_ITEMS_ARE_DATA.get(which, 0), graded.text


@pytest.mark.parametrize("text", {text for text, _ in LIARS.values()})
def test_the_same_labs_are_sound_for_their_own_answers(make_lab, warm, text):
    assert measure(make_lab(text), None, warm, lambda _: None).bounds[0].ok


OBJECTS = {
    "a class of hers": (
        "class Stack:\n    def __init__(self): self.items = []\n    def push(self, x):\n        self.items.append(x)\n"
        "        return self\n    def __len__(self): return len(self.items)\n"
        "    def __contains__(self, x): return x in self.items",
        'one = Stack().push(1).push(2)\ncheck("held", len(one) == 2 and 1 in one and one.items == [1, 2])',
        "class Stack:\n    def __init__(self): self.items = []\n"
        "    def push(self, x):\n        self.items = [*self.items, x]\n        return self\n"
        "    def __len__(self): return sum(1 for _ in self.items)\n"
        "    def __contains__(self, x): return self.items.count(x) > 0",
    ),
    "an object a function makes": (
        "class C:\n    n = 0\n    def up(self): self.n += 1\ndef counter(): return C()",
        'c = counter()\nc.up()\nc.up()\ncheck("held", c.n == 2)',
        "from types import SimpleNamespace\ndef counter():\n    it = SimpleNamespace(n=0)\n"
        "    def up(): it.n += 1\n    it.up = up\n    return it",
    ),
    "operators that give objects": (
        "class V:\n    def __init__(self, x): self.x = x\n    def __add__(self, o): return V(self.x + o.x)",
        'check("held", (V(1) + V(2)).x == 3)',
        "class V:\n    def __init__(self, x): self.x = x\n    def __add__(self, other):\n        made = V(0)\n"
        "        made.x = self.x + other.x\n        return made",
    ),
    "a generator in a list's place": (
        "def squares(n): return [i * i for i in range(n)]",
        'out = squares(4)\ncheck("held", list(out) == [0, 1, 4, 9] and sum(out) == 14)',
        "def squares(n):\n    for i in range(n):\n        yield i * i",
    ),
    "a named tuple in a tuple's place": (
        "def ends(x): return (x[0], x[-1])",
        'first, last = ends([1, 2, 3])\ncheck("held", first == 1 and ends([4, 5])[1] == 5 and ends([1]) == (1, 1))',
        "from collections import namedtuple\nEnds = namedtuple('Ends', 'first last')\n"
        "def ends(x): return Ends(x[0], x[-1])",
    ),
    "an array in a list's place": (
        "def twice(x): return [2 * one for one in x]",
        'check("held", list(twice([1, 2])) == [2, 4])',
        "import numpy\ndef twice(x): return numpy.array(x) * 2",
    ),
}


@pytest.mark.parametrize("which", OBJECTS)
def test_an_honest_answer_of_another_make_keeps_its_points(submit, which):
    reference, test, answer = OBJECTS[which]
    graded = submit({"s": answer}, lab(reference, f'# %% test="t" points=1\n{test}\n'))

    assert (graded.fault, graded.score) == (None, 1), graded.text


TREE = """\
# %% test="t" points=2
def keys(node):
    return [] if node is None else keys(node.left) + [node.key] + keys(node.right)
root = None
for key in (5, 2, 8, 1, 9, 3):
    root = insert(root, key)
check("in order", keys(root) == [1, 2, 3, 5, 8, 9])
check("six", len(keys(root)) == 6)
"""


def test_a_tree_of_another_shape_is_as_good_as_the_labs_own(submit):
    node = "class Node:\n    def __init__(self, key):\n        self.key, self.left, self.right = key, None, None\n"
    own = (
        f"{node}def insert(node, key):\n    if node is None: return Node(key)\n"
        "    if key < node.key: node.left = insert(node.left, key)\n"
        "    else: node.right = insert(node.right, key)\n    return node"
    )
    other = (
        f"{node}def insert(node, key):\n    def walk(n): return walk(n.left) + [n.key] + walk(n.right) if n else []\n"
        "    root = None\n    for one in sorted(walk(node) + [key]):\n        made = Node(one)\n"
        "        made.left, root = root, made\n    return root"
    )

    assert submit({"s": other}, lab(own, TREE)).score == 2


def test_a_long_way_from_object_to_object_is_one_place(submit):
    chain = (
        "class Node:\n    def __init__(self, value, next=None):\n        self.value, self.next = value, next\n"
        "def chain(n):\n    head = None\n    for one in reversed(range(n)):\n        head = Node(one, head)\n"
        "    return head"
    )
    test = """\
# %% test="t" points=1
node, seen = chain(3000), []
while node is not None:
    seen.append(node.value)
    node = node.next
check("all", seen == list(range(3000)))
"""
    assert submit({"s": chain}, lab(chain, test)).score == 1


def test_a_name_of_hers_means_one_thing_until_she_is_called(names):
    learner, there = names
    learner.update(g=[1], f=lambda: learner["g"].append(2))

    assert there["g"] is there["g"]
    there["f"]()
    assert there["g"] == [1, 2]


def test_a_record_without_fields_is_equal_to_nothing(submit):
    text = lab(
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 0\n    y: int = 0\n"
        "def move(p, x, y): return P(p.x + x, p.y + y)",
        '# %% test="t" points=1 hidden\ncheck("moved", move(P(1, 2), 3, 4) == P(4, 6))\n',
    )
    empty = (
        "from dataclasses import dataclass\n@dataclass(init=False)\nclass P:\n    def __init__(self, *a): pass\n"
        "def move(p, x, y): return P()"
    )

    assert submit({"s": empty}, text).score == 0


def test_an_attribute_that_only_a_hidden_test_asks_for_is_not_told(submit):
    text = lab(
        "class Stack:\n    def peek_under_the_top(self): return 1",
        '# %% test="t" points=1 hidden\ncheck("peeks", Stack().peek_under_the_top() == 1)\n',
    )
    graded = submit({"s": "class Stack: pass"}, text)

    assert "peek" not in graded.text.replace("peeks", "")
    assert "Stack" in graded.text


def test_what_was_seen_is_kept_for_a_release(make_lab, warm):
    observe.forget()
    measure(make_lab(SORTING), None, warm, lambda _: None)

    assert len(observe._kept) == 1

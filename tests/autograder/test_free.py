"""What a text uses and does not bind."""

import pytest

from autograder import free as room
from autograder.free import free
from autograder.names import body


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("math.floor(x)", {"math", "x"}),
        ("x = 1\nprint(x, sum([]))", set()),
        ("def f(x, *more, y=low, **named: Kind) -> Kind:\n    z = x\n    return z, more, y, named", {"low", "Kind"}),
        ("def f():\n    return helper(1)", {"helper"}),
        ("def f(helper):\n    pass\ndef g():\n    return helper(1)", {"helper"}),
        ("def f():\n    def g():\n        return x\n    x = 1", set()),
        ("def f():\n    def g():\n        x = 1\n    return x", {"x"}),
        ("def f():\n    global count\n    count += 1", {"count"}),
        ("def f():\n    n = 0\n    def g():\n        nonlocal n\n        n = 1", set()),
        ("@cached\ndef f(): pass", {"cached"}),
        ("class A(Base, metaclass=Meta):\n    size = 1\n    half = size / 2", {"Base", "Meta"}),
        ("class A:\n    size = 1\n    def f(self):\n        return size", {"size"}),
        ("class A:\n    def sigmoid(self, x):\n        return sigmoid(x)", {"sigmoid"}),
        ("class A:\n    @property\n    def v(self): pass\n    @v.setter\n    def v(self, x): pass", set()),
        ("[a * k for a in rows if a for b in a]", {"k", "rows"}),
        ("[row for row in row]", {"row"}),
        ("{k: v for k, v in pairs}\n(k for _ in [])", {"pairs", "k"}),
        ("f = lambda x, y=z: x + y + w", {"z", "w"}),
        ("import os.path, sys as system\nfrom a import b as c\n(os, system, c, b)", {"b"}),
        ("try:\n    pass\nexcept OSError as e:\n    print(e)", set()),
        ("match got:\n    case [a, *b]: print(a, b)\n    case {'x': 1, **c}: print(c)\n    case _ as d: d", {"got"}),
        ("if (n := 1) > limit:\n    n", {"limit"}),
        ("async def f():\n    async with opened() as one:\n        return one", {"opened"}),
    ],
)
def test_a_name_is_free_where_python_would_look_for_it_among_the_notebooks(source, expected):
    assert free(body(source)) == expected


def test_what_is_nested_deep_is_met_once(monkeypatch):
    deep = "x"
    for _ in range(80):
        deep = f"(lambda a: [{deep} for b in c])"
    met = []
    read = room._read
    monkeypatch.setattr(room, "_read", lambda scope: met.append(scope) or read(scope))

    assert free(body(f"{deep}\n")) == {"x", "c"}
    assert len(met) == 1 + 2 * 80

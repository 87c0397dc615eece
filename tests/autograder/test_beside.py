"""What an answer uses from cells of the learner's own is taken along; what only runs there is not."""

import json
from types import SimpleNamespace

import pytest

from autograder import beside, definitions, names
from autograder.answers import MOST_OWN_TEXT
from autograder.beside import MOST_TAKEN
from autograder.grade import grade, grader_notebook
from autograder.repair import repair

LAB = """\
# %%
import statistics
SCALE = 2
# %% demo
import cmath
# %% solution="clip"
def clip(x):
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION
# %% test="clips" points=1
import fractions
assert clip(1) == 1
# %% solution="twice"
def twice(x):
    ### BEGIN SOLUTION
    return clip(x)
    ### END SOLUTION
# %% test="doubles" points=1
assert twice(1) == 1
"""
USES = "def clip(x):\n    return low(x)"
LOW = "def low(x):\n    return x"


def sent(*cells) -> bytes:
    """Texts of her own cells, and (name, text) of answers, in order."""
    made = []
    for cell in cells:
        name, text = cell if isinstance(cell, tuple) else (None, cell)
        metadata = {"nbgrader": {"grade_id": name}} if name else {}
        made.append({"cell_type": "code", "metadata": metadata, "source": text})
    return json.dumps({"cells": made}, ensure_ascii=False).encode()


@pytest.fixture
def repaired(make_lab):
    """Her answers' text by name, and the notes about what was taken along."""

    def _repaired(*cells, language="en"):
        trusted = grader_notebook(make_lab(LAB))
        trusted["metadata"]["labkit"]["language"] = language
        found = repair(trusted, sent(*cells))
        text = {cell["id"]: "".join(cell["source"]) for cell in found.notebook["cells"]}
        told = [note for note in found.notes if "taken along" in note or "Isinama" in note]
        return SimpleNamespace(**{name: text[name] for name in ("clip", "twice")}, told=told, done=found)

    return _repaired


@pytest.fixture
def parsed(monkeypatch):
    read = list[str]()
    parse = names.parse
    monkeypatch.setattr(names, "parse", lambda source: read.append(source) or parse(source))
    return read


@pytest.mark.parametrize(
    ("own", "answer", "taken"),
    [
        (["import math"], "def clip(x):\n    return math.floor(x)", ["import math"]),
        (["import os.path as low"], USES, ["import os.path as low"]),
        (["from math import floor as low, ceil"], USES, ["from math import floor as low, ceil"]),
        ([LOW], USES, [LOW]),
        (["class low:\n    # Mine.\n    size = 1"], USES, ["class low:\n    # Mine.\n    size = 1"]),
        (["async def low(x): return x"], USES, ["async def low(x): return x"]),
        (["low = abs"], USES, ["low = abs"]),
        (["low: object = abs"], USES, ["low: object = abs"]),
        (["low, high = abs, max"], USES, ["low, high = abs, max"]),
        (["a = 1; low = 'é', 2; b = 3"], USES, ["low = 'é', 2"]),
        (["low = '''é\n  x'''  # mine\nprint(low)"], USES, ["low = '''é\n  x'''"]),
        ([f"import functools\n\n@functools.cache\n{LOW}"], USES, ["import functools", f"@functools.cache\n{LOW}"]),
        (["K = 1", "def low(x):\n    return x + K"], USES, ["K = 1", "def low(x):\n    return x + K"]),
        (["def low(x):\n    return x + K", "K = 1"], USES, ["def low(x):\n    return x + K", "K = 1"]),
        (["low = min", "low = max"], USES, ["low = max"]),
        (["low = min\nlow = max"], USES, ["low = max"]),
        (["low = 1", "low += 1", "low = low * 2"], USES, ["low = 1", "low += 1", "low = low * 2"]),
        (["K = 1", "low = K", "K = 2"], USES, ["K = 1", "low = K"]),
        (["K = 1", "low = K", "K = 2"], f"{USES} + K", ["K = 1", "low = K", "K = 2"]),
        (["def low(x):\n    return low(x - 1)"], USES, ["def low(x):\n    return low(x - 1)"]),
        (["def low(x):\n    return b(x)\ndef b(x):\n    return low(x)"], USES, None),
        (["%matplotlib inline\n!ls\nlow = abs"], USES, ["low = abs"]),
        (["%%time\nlow = abs"], USES, ["low = abs"]),
        (["low = abs"], "low = low or abs\ndef clip(x): return low(x)", ["low = abs"]),
        (["low = abs"], "clip = low", ["low = abs"]),
        (["count = 0"], "def clip(x):\n    global count\n    count += 1", ["count = 0"]),
        (["def ﬁt(x): return x"], "def clip(x): return fit(x)", ["def ﬁt(x): return x"]),
    ],
)
@pytest.mark.parametrize("above", [True, False])
def test_just_the_statements_an_answer_uses_stand_above_it_in_her_order(repaired, own, answer, taken, above):
    cells = [*own, ("clip", answer)] if above else [("clip", answer), *own]
    found = repaired(*cells)
    taken = taken or ["def low(x):\n    return b(x)", "def b(x):\n    return low(x)"]

    assert found.clip == "\n\n".join([*taken, answer])
    assert "What your answer to clip uses" in found.told[0]
    assert found.done.repaired


@pytest.mark.parametrize(
    ("own", "answer"),
    [
        (["print(low)", "low(1)", "1/0"], USES),
        (["for low in range(9): pass", "if True:\n    low = 1", "with open('x') as low: pass"], USES),
        (["try:\n    low = 1\nexcept OSError:\n    low = 2"], USES),
        (["low.size = 1\nlow[0] = 2"], USES),
        (["low: int"], USES),
        (["def low(x)\n    return x"], USES),
        (["%%bash\nlow=1", "%%writefile low.py\nlow = 1"], USES),
        (["statistics = None", "SCALE = 3"], "def clip(x):\n    return statistics.mean([SCALE])"),
        (["def twice(x): return 9"], "def clip(x):\n    return twice(x)"),
        (["max = min"], "def clip(x):\n    return max(x, 1)"),
        (["x = 1", "clip = 2"], "def clip(x):\n    return clip(x)"),
        (["low = 1"], "def clip(low):\n    return low"),
        (["low = 1"], "def low(x): return x\n" + USES),
        (["low = 1"], "def clip(x)\n    return low"),
        (["import cmath"], "def clip(x): return cmaths"),
        (["from __future__ import annotations"], "def clip(x): return annotations"),
    ],
)
def test_what_only_runs_or_is_bound_already_is_not_taken(repaired, own, answer):
    found = repaired(*own, ("clip", answer))

    assert found.clip == answer
    assert found.told == []


def test_what_the_lab_only_shows_or_tests_with_is_not_there_for_her(repaired):
    """A demo cell and a test are not run in her process; an import of her own is."""
    answer = "def clip(x):\n    return cmath.phase(x), fractions.Fraction(x)"
    own = ["import cmath  # mine", "import fractions  # mine"]

    assert repaired(*own, ("clip", answer)).clip == f"import cmath\n\nimport fractions\n\n{answer}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("from __future__ import annotations\n{}", "from __future__ import annotations\n{low}\n\n{}"),
        ("'''Doc.'''\nfrom __future__ import annotations\n\n{}", None),
        ("%%time\n{}", "%%time\n{low}\n\n{}"),
        ("\n%%time\n{}", "\n%%time\n{low}\n\n{}"),
        ("%matplotlib inline\n{}", "{low}\n\n%matplotlib inline\n{}"),
    ],
)
def test_what_has_to_stay_first_in_a_cell_stays_first(repaired, answer, expected):
    expected = expected or "'''Doc.'''\nfrom __future__ import annotations\n{low}\n\n\n{}"

    assert repaired(LOW, ("clip", answer.format(USES))).clip == expected.format(USES, low=LOW)


@pytest.mark.parametrize(
    "answer",
    [
        ">>> def clip(x):\n...     return low(x)",
        "    def clip(x):\n        return low(x)",
        "def clip(x):\r\n    return low(x)",
        "\n  def clip(x):\n      return low(x)",
    ],
)
def test_a_cell_pasted_with_prompts_or_indented_as_a_whole_is_still_one_text(repaired, answer):
    assert repaired(LOW, ("clip", answer)).clip.replace("\n\n\n", "\n\n") == f"{LOW}\n\n{USES}"


def test_what_two_answers_use_is_taken_with_the_first_and_told_once(repaired):
    found = repaired(LOW, ("clip", USES), ("twice", "def twice(x):\n    return low(x)"))

    assert (found.clip, found.twice) == (f"{LOW}\n\n{USES}", "def twice(x):\n    return low(x)")
    assert len(found.told) == 1


def test_what_an_answer_above_binds_is_not_taken_again(repaired):
    found = repaired("low = 7", ("clip", f"{LOW}\n{USES}"), ("twice", "def twice(x):\n    return low(x)"))

    assert (found.twice, found.told) == ("def twice(x):\n    return low(x)", [])


def test_an_answer_found_in_a_cell_of_her_own_takes_along_what_it_uses(repaired):
    assert repaired(LOW, USES).clip == f"{LOW}\n\n{USES}"


def test_a_cell_of_the_labs_that_she_changed_is_none_of_her_own(repaired):
    assert repaired(("code_1", LOW), ("clips", LOW), ("clip", USES)).clip == USES


def test_it_is_told_in_the_labs_language_and_in_a_sentence_of_ordinary_length(repaired):
    many = [f"{'n' * 5_000}{n} = 1" for n in range(9)]
    found = repaired(
        *many, ("clip", "def clip(x):\n    return " + " + ".join(one[:-4] for one in many)), language="fil"
    )

    assert "Isinama ang ginagamit ng sagot mo sa clip" in found.told[0]
    assert len(found.told[0]) < 700


@pytest.mark.parametrize(
    "answer",
    ["def clip(x):\n    return max(x, 1)", "def clip(x):\n    return statistics.mean([x, SCALE])"],
)
def test_an_answer_that_needs_nothing_has_no_other_cell_read(repaired, parsed, answer):
    own = "statistics = SCALE = max = 1"
    repaired(own, ("clip", answer), ("twice", "def twice(x):\n    return clip(x)"))

    assert own not in parsed


@pytest.mark.parametrize(
    "own",
    [
        [f"low{n} = low{n + 1}" for n in range(20_000)],
        ["low = low + 1"] + [f"low = low + {n}" for n in range(20_000)],
        [f"low0 = {n}" for n in range(20_000)],
        ["low0 = " + "[" * 80 + "1" + "]" * 80 + "\n"] * 20_000,
        [f"low0 = {n}\n" + "low0\n" * 12_000 for n in range(200)],
        ["low0 = low0\n" * 5_000 + f"{n}" for n in range(200)],
        [f"é{n} = low0" for n in range(20_000)],
        ["low0 = " + " + ".join(f"a{n}_{m}" for m in range(9_000)) for n in range(20)],
    ],
    ids=lambda own: own[-1][:12],
)
def test_little_is_read_of_what_a_hostile_notebook_stands_beside_its_answers(repaired, parsed, monkeypatch, own):
    looked = []
    last = beside.Beside._binding
    monkeypatch.setattr(beside.Beside, "_binding", lambda self, name: looked.append(name) or last(self, name))
    uses = f"[{', '.join(['low', 'low0', *(f'u{n}' for n in range(3_000))])}]"
    found = repaired(*own, ("clip", f"def clip(x):\n    return {uses}"), ("twice", f"def twice(x):\n    return {uses}"))
    hers = [one for one in parsed if "NotImplementedError" not in one]

    assert sum(len(one.encode()) for one in hers) <= definitions.MOST + 1_000
    assert len(set(hers)) == len(hers)
    assert len(looked) <= 2 * 3_002 + definitions.MOST
    assert found.clip.count("\n\n") <= MOST_TAKEN


def test_of_her_cells_the_last_are_looked_at_up_to_a_size(repaired, parsed):
    filler = [f"# {n}\n" + "x\n" * 30_000 for n in range(MOST_OWN_TEXT // 60_000 + 1)]

    assert repaired(LOW, *filler, ("clip", USES)).clip == USES
    assert repaired(*filler, LOW, ("clip", USES)).clip == f"{LOW}\n\n{USES}"
    assert not [one for one in parsed if one in filler]


def test_an_answer_that_would_take_too_much_takes_nothing(repaired):
    most = [f"low = {'low' if n else 1} + {n}" if n else "low = 1" for n in range(MOST_TAKEN)]

    assert repaired(*most, ("clip", USES)).clip == "\n\n".join([*most, USES])
    assert repaired(*most, "low = low + 'more'", ("clip", USES)).clip == USES


@pytest.mark.sandbox
def test_an_answer_with_helpers_beside_it_earns_its_points_and_nothing_else_of_hers_is_run(make_lab, warm):
    own = ["print('trained')\n1/0", f"import math\n{LOW}\nlow(1/0)\nraise SystemExit"]
    answers = ("clip", "def clip(x):\n    return math.floor(low(x))"), ("twice", "def twice(x):\n    return low(x)")
    report = grade(make_lab(LAB), sent(*own, *answers), learner="ana", lane=None, warm=warm)

    assert (report.score, report.fault) == (2, None), report

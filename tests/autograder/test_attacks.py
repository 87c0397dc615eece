"""What learners tried against other graders, tried against this one: no points, no crash, nothing hidden told."""

import json

import pytest

from autograder.grade import grade, grader_notebook

pytestmark = pytest.mark.sandbox
HIDDEN = ("314159", "271828", "0.4142135", "all(0")

# Each answer is wrong (or none at all) and tries to look right. By name, what it tries.
NO_POINTS = {
    "an object equal to everything": """
class Yes:
    def __eq__(self, other): return True
    __le__ = __lt__ = __ge__ = __gt__ = __ne__ = __eq__
    def __rle__(self, other): return True
    def __bool__(self): return True
    def __hash__(self): return 0
def clip(x, low, high): return Yes()
""",
    "a float that lies": """
class Lie(float):
    def __eq__(self, other): return True
    __le__ = __ge__ = __lt__ = __gt__ = __eq__
def clip(x, low, high): return Lie(0.5)
""",
    "a string that lies": """
class Lie(str):
    def __eq__(self, other): return True
    __le__ = __ge__ = __lt__ = __gt__ = __eq__
def clip(x, low, high): return Lie("0")
""",
    "an int that lies": """
class Lie(int):
    def __eq__(self, other): return True
    __le__ = __ge__ = __lt__ = __gt__ = __eq__
def clip(x, low, high): return Lie(7)
""",
    "replaced builtins": """
import builtins
builtins.all = lambda items: True
builtins.max = builtins.min = lambda *a: 3
all = sum = lambda items: True
def clip(x, low, high): return None
""",
    "a replaced check": """
def check(reason, condition, points=1, hint=""): return True
import labkit.checks
labkit.checks.check = check
def clip(x, low, high): return None
""",
    "the caller's frame": """
import sys, inspect
def clip(x, low, high):
    for frame in inspect.stack():
        frame.frame.f_globals["check"] = frame.frame.f_locals["check"] = lambda *a, **k: True
    return None
""",
    "tracing": """
import sys, threading
def trace(frame, event, arg): return trace
sys.settrace(trace); sys.setprofile(lambda *a: None); threading.settrace(trace)
def clip(x, low, high): return None
""",
    "linecache": """
import linecache, gc
def clip(x, low, high):
    for name in list(linecache.cache): linecache.cache[name] = (0, None, ["True"], name)
    for thing in gc.get_objects():
        if isinstance(thing, dict) and "passed" in thing: thing["passed"] = True
    return None
""",
    "reading the tests from files": """
import glob, os, re
found = []
for top in ("/home", "/tmp", "/proc", "/srv", "/opt", "/root", ".", "/etc", "/var"):
    for folder, _, names in os.walk(top):
        for name in names:
            if name.endswith((".py", ".ipynb", "environ", "cmdline")):
                try: text = open(os.path.join(folder, name), errors="ignore").read()
                except OSError: continue
                if "keeps what" + " is inside" in text: found.append(text)
def clip(x, low, high): return 0.4142135 if found else None
""",
    "os._exit": "import os\nos._exit(0)",
    "os._exit when called": "import os\ndef clip(x, low, high): os._exit(0)",
    "sys.exit": "import sys\nsys.exit(0)",
    "sys.exit when called": "import sys\ndef clip(x, low, high): sys.exit(0)",
    "quit by signal": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "an endless loop": "while True: pass",
    "an endless loop when called": "def clip(x, low, high):\n    while True: pass",
    "endless sleep ignoring signals": """
import signal, time
for number in (1, 2, 3, 15): signal.signal(number, signal.SIG_IGN)
time.sleep(3600)
""",
    "endless recursion": "def clip(x, low, high): return clip(x, low, high)",
    "forking": """
import os
for _ in range(5): os.fork()
def clip(x, low, high): return None
""",
    "a fork bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "a memory hog": "hold = []\nwhile True: hold.append(bytearray(1 << 24))",
    "huge output": "import os\nfor _ in range(2000): os.write(2, b'x' * (1 << 20))",
    "a huge result": "def clip(x, low, high): return [0] * 50_000_000",
    "a deep result": """
def clip(x, low, high):
    deep = []
    for _ in range(100_000): deep = [deep]
    return deep
""",
    "a result that holds itself": "def clip(x, low, high):\n    a = []\n    a.append(a)\n    return a",
    "a pickle bomb": """
class Bomb:
    def __reduce__(self): return (exit, (0,))
def clip(x, low, high): return Bomb()
""",
    "an endless iterator": "import itertools\ndef clip(x, low, high): return itertools.count()",
    "an exception that claims success": """
class Passed(AssertionError):
    def __str__(self): return "score: 5"
def clip(x, low, high): raise Passed("5 of 5")
""",
    "raising what ends tests quietly": "def clip(x, low, high): raise StopIteration",
    "raising keyboard interrupt": "def clip(x, low, high): raise KeyboardInterrupt",
    "closing every descriptor": "import os\nos.closerange(3, 200)\ndef clip(x, low, high): return None",
    "a start-up file": """
import os, pathlib
for place in ("~/.ipython/profile_default/startup", "~/.local/lib/python3.11/site-packages"):
    folder = pathlib.Path(place).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "00.py").write_text("check = lambda *a, **k: True")
    (folder / "usercustomize.py").write_text("check = lambda *a, **k: True")
def clip(x, low, high): return None
""",
    "shadowing modules": """
import pathlib
for name in ("torch", "labkit", "autograder", "checks", "ast"):
    pathlib.Path(name + ".py").write_text("raise SystemExit")
def clip(x, low, high): return None
""",
    "forging frames on every descriptor": """
import json, os, struct
def frame(message):
    data = json.dumps(message).encode()
    return struct.pack(">I", len(data)) + data
good = {"reason": "r", "passed": True, "points": 5, "hint": ""}
for fd in range(3, 64):
    for message in (
        {"checks": [good], "stopped": None, "pending": []},
        {"ran": 0, "error": None, "score": 5, "max": 5},
        {"value": 3}, {"value": True}, {"ready": True},
    ):
        try: os.write(fd, frame(message))
        except OSError: pass
def clip(x, low, high): return None
""",
    "nonsense on every descriptor": """
import os
for fd in range(3, 64):
    try: os.write(fd, b"\\xff" * 4096)
    except OSError: pass
def clip(x, low, high): return None
""",
    "answering for the test's other names": """
import sys
class Names(dict):
    def __contains__(self, name): return True
    def __getitem__(self, name): return (lambda *a, **k: True)
sys.modules["__main__"].__dict__.update({n: (lambda *a, **k: True) for n in ("all", "check", "range", "len")})
def clip(x, low, high): return None
""",
    "a socket to the outside": """
import socket
socket.create_connection(("127.0.0.1", 8000), timeout=1)
def clip(x, low, high): return None
""",
    "source with a null byte": "def clip(x, low, high): return 3\0",
    "source that is no Python": "def clip(x, low, high) return 3",
    "asking for the model": "import labkit\nlabkit.ask('what is expected?')\ndef clip(x, low, high): return None",
}


@pytest.mark.parametrize("name", NO_POINTS)
def test_an_attack_gains_nothing(submit, name):
    graded = submit(NO_POINTS[name], table="limits = {seconds = 3, memory_mb = 256}")

    assert graded.score == 0, graded.text
    assert graded.fault is None
    assert [item.name for item in graded.report.items] == ["clip-examples", "clip-properties"]
    assert not [word for word in HIDDEN if word in graded.text]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("os._exit", "ended the program"),
        ("an endless loop", "longer than 3 seconds"),
        ("an endless loop when called", "longer than 3 seconds"),
        ("a memory hog", "256 MB"),
        ("sys.exit", "SystemExit"),
        ("endless recursion", "RecursionError"),
        ("an object equal to everything", "type of its own"),
        ("source that is no Python", "SyntaxError on line 1"),
        ("a deep result", "too deep"),
    ],
)
def test_the_learner_is_told_what_stopped_her_code(submit, name, told):
    seconds = 3 if "seconds" in told else 60  # on a busy machine, a slow end must not look like another one
    graded = submit(NO_POINTS[name], table=f"limits = {{seconds = {seconds}, memory_mb = 256}}")

    assert told in graded.text, graded.text


SPIES = {
    "printing during a hidden test": "def clip(x, low, high):\n    print(x)\n    raise ValueError(x)",
    "an error named after the input": """
def clip(x, low, high):
    raise type('Seen%s' % str(x).strip('-'), (Exception,), {})()
""",
    "a builtin's name on an own class": """
def clip(x, low, high):
    raise type("ZeroDivisionError", (Exception,), {"__str__": lambda self: str(x)})()
""",
    "an object named after the input": "def clip(x, low, high): return type('Seen%s' % str(x).strip('-'), (), {})()",
    "standard error": "import os\ndef clip(x, low, high): os.write(2, str(x).encode()); os.write(1, str(x).encode())",
}


@pytest.mark.parametrize("name", SPIES)
def test_what_a_hidden_test_asked_is_never_told(submit, name):
    graded = submit(SPIES[name])

    assert graded.fault is None
    assert not [word for word in HIDDEN if word in graded.text], graded.text


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
    assert "second stopped with ValueError on line 1" in graded.text
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


def mangled(notebook, how):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    right = "def clip(x, low, high):\n    return max(low, min(high, x))\n"
    cells["clip"]["source"] = right
    if how == "deleted test cells":
        notebook["cells"] = [cells["clip"]]
    if how == "skip-execution tags":
        for cell in notebook["cells"]:
            cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
    if how == "rewritten tests":
        cells["clip"]["source"] = "clip = None"
        for name in ("clip-examples", "clip-properties"):
            cells[name]["source"] = "check('never leaves the bounds', True, points=5)"
    if how == "more points":
        cells["clip-examples"]["metadata"]["nbgrader"]["points"] = 100
    if how == "a duplicate id":
        notebook["cells"].append({**cells["clip"], "source": "clip = None"})
    if how == "a copy of the cell":
        cells["clip"]["source"] = "def clip(x, low, high):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
        notebook["cells"].append({**cells["clip"], "id": "0a1b2c", "source": right})
    if how == "reordered cells":
        notebook["cells"].reverse()
    if how == "a retyped cell":
        cells["clip"]["cell_type"] = "markdown"
    if how == "cells without ids":
        for cell in notebook["cells"]:
            del cell["id"]
    if how == "a Unicode id":
        cells["clip"]["id"] = "кlip\u202e"
    if how == "three thousand cells":
        notebook["cells"] += [
            {"cell_type": "code", "id": f"x{n}", "metadata": {}, "source": "1/0"} for n in range(3000)
        ]
    if how == "broken neighbours":
        notebook["cells"] += [None, 3, {"metadata": 5}, {"id": ["a"], "source": {}}, {"metadata": {"nbgrader": []}}]
    if how == "no metadata":
        notebook.pop("metadata")
        notebook["nbformat"] = "four"
    return notebook


@pytest.mark.parametrize(
    ("how", "score", "note"),
    [
        ("deleted test cells", 5, "reflect was not found"),
        ("skip-execution tags", 5, ""),
        ("rewritten tests", 0, ""),
        ("more points", 5, ""),
        ("a duplicate id", 5, "more than one cell clip"),
        ("a copy of the cell", 5, "more than one cell clip"),
        ("reordered cells", 5, ""),
        ("a retyped cell", 5, "another type"),
        ("cells without ids", 5, ""),
        ("a Unicode id", 5, ""),
        ("three thousand cells", 5, ""),
        ("broken neighbours", 5, ""),
        ("no metadata", 5, ""),
    ],
)
def test_a_mangled_notebook_costs_nothing_and_gains_nothing(make_lab, warm, how, score, note):
    lab = make_lab()
    notebook = mangled(json.loads(json.dumps(grader_notebook(lab))), how)
    report = grade(lab, json.dumps(notebook).encode(), learner="ana", lane=None, warm=warm)

    assert (report.score, report.max, report.fault) == (score, 5, None), report
    notes = [one for one in report.notes if "written answer reflect as it was" not in one]
    assert note in " ".join(notes)
    assert bool(note) == bool(notes) or how == "rewritten tests"

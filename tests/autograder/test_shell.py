"""Cells as the notebook understands them."""

import textwrap

import pytest

from autograder.shell import Shell

AREA = "def area(w, h):\n    return w * h\n"


@pytest.fixture
def ran():
    """Runs cells one after another; gives what they leave behind."""

    def _ran(*cells: str) -> dict:
        names: dict = {}
        shell = Shell(names)
        for number, cell in enumerate(cells):
            shell.carry_out(cell, f"<{number}>")
        return names

    return _ran


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\n" + AREA,
        "!pip install pandas\n" + AREA,
        "!ls \\\n  -l\n" + AREA,
        "%pip install \\\n    pandas \\\n    numpy\n" + AREA,
        "if True:\n    !ls\n    %cd ..\n" + AREA,
        AREA + "area?",
        AREA + "?area",
        AREA + "area??\n%timeit area(2, 3)",
        "%%time\n" + AREA,
        "\n\n%%time\n" + AREA,
        "%%timeit -n 1\n" + AREA,
        "%%capture\n" + AREA,
        "%%capture --no-stderr said\n" + AREA,
        "%%time\n!ls\n%matplotlib inline\n" + AREA,
        "%%capture\n%%time\n" + AREA,
        textwrap.indent(AREA, "    "),
        ">>> def area(w, h):\n...     return w * h\n",
        "In [3]: def area(w, h):\n   ...:     return w * h\n",
        "%time\n" + AREA,
        "%load_ext nobody_has_it\n%nobody_knows_it 1 2\n" + AREA,
        "get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().magic('pwd')\n" + AREA,
        "get_ipython().system('ls')\n" + AREA,
        "import asyncio\n%matplotlib inline\nawait asyncio.sleep(0)\n" + AREA,
    ],
)
def test_what_a_notebook_allows_keeps_nothing_from_being_defined(ran, cell):
    assert ran(cell)["area"](2, 3) == 6


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("x = !ls", []),
        ("x = %ls", None),
        ("x = %time 40 + 2", 42),
        ("f = lambda: 42\nx = %time f()", 42),
        ("%time x = 42", 42),
        ("def g(n):\n    x = %time n + 1\n    return x\nx = g(41)", 42),
        ("x = 1\n%time x = 2", 2),
        ("%%capture said\nprint('a')", None),
    ],
)
def test_a_magic_gives_what_it_gives_in_a_notebook(ran, cell, expected):
    assert ran(cell).get("x") == expected


@pytest.mark.parametrize("kind", ["bash", "html", "writefile notes.txt", "javascript", "python2", "sql"])
def test_a_cell_in_another_language_is_not_run(ran, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ran(f"%%{kind}\nx = 1")

    assert "x" not in names
    assert list(tmp_path.iterdir()) == []


def test_what_was_captured_can_be_read(ran, capsys):
    names = ran("%%capture said\nprint('hello')", "text = said.stdout")

    assert names["text"] == "hello\n"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("magic", ["%matplotlib inline", "!ls", "x = !ls", "print?", "%%time"])
def test_a_text_with_lines_that_look_like_magics_is_left_as_it_is(ran, magic):
    text = "!not a command\n%not a magic\n  %%time\nwhat?\n"
    names = ran(f"{magic}\ntext = '''{text}'''\nshown = (\"%d\"\n % 5)\nsize = (\"%d x %d\"\n  % (3, 4))")

    assert (names["text"], names["shown"], names["size"]) == (text, "5", "3 x 4")


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("x = 1\nx = = 2", 2),
        ("%matplotlib inline\nx = = 2", 2),
        ("\n\n%matplotlib inline\nx = = 2", 4),
        ("%%time\nx = 1\nx = = 2", 3),
        ("\n%%time\n%matplotlib inline\nx = = 2", 4),
        ("x = 1\n%time x = = 2", 2),
        ("%ls\n" * 600 + "x = 1", 1),
    ],
)
def test_what_is_no_python_even_so_is_told_with_its_own_line(ran, cell, line):
    with pytest.raises(SyntaxError) as raised:
        ran(cell)

    assert raised.value.lineno == line


@pytest.mark.parametrize(
    ("cell", "line"),
    [("%ls\n1 / 0", 2), ("\n\n%ls\n1 / 0", 4), ("%%time\n\n1 / 0", 3), ("x = 1\nx = %time 1 / 0", 2)],
)
def test_what_a_cell_with_magics_raises_is_told_with_its_own_line(ran, cell, line):
    with pytest.raises(ZeroDivisionError) as raised:
        ran(cell)
    trace, lines = raised.value.__traceback__, []
    while trace is not None:
        lines += [trace.tb_lineno] if trace.tb_frame.f_code.co_filename == "<0>" else []
        trace = trace.tb_next

    assert lines[-1] == line


def test_annotations_are_what_they_are_in_a_notebook(ran):
    assert ran("def f(x: int): pass")["f"].__annotations__ == {"x": int}
    assert ran("from __future__ import annotations", "def f(x: Later): pass")["f"].__annotations__ == {"x": "Later"}


def test_a_cell_of_plain_python_never_meets_the_notebooks_reader(ran, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "IPython.core.inputtransformer2", None)

    assert ran(AREA)["area"](2, 3) == 6


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "answer",
    [
        "%matplotlib inline\n!ls\n{right}\nclip?",
        "%%time\n{right}",
        "%%capture\n{right}",
        "import builtins\n{right}\nx = %time clip(1, 2, 3)\nfiles = !ls",
        ">>> n = 0\n>>> def clip(x, low, high):\n...     return max(low, min(high, x))",
        "from __future__ import annotations\n%ls\n{right}",
    ],
)
def test_an_answer_with_magics_gets_its_points_in_the_sandbox(submit, answer):
    result = submit(answer.replace("{right}", "def clip(x, low, high):\n    return max(low, min(high, x))\n"))

    assert (result.score, result.fault) == (5, None), result.text


@pytest.mark.sandbox
def test_an_error_below_a_magic_is_told_with_its_line(submit):
    assert "on line 3" in submit("%matplotlib inline\n!ls\n1 / 0").text

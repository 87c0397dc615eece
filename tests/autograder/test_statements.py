"""A test is run statement by statement, and what stopped it is named."""

import pytest

from autograder.blame import NotPlain, kind_of, raised
from autograder.test_process import run_test


def test_a_test_is_run_statement_by_statement(names):
    learner, there = names
    learner["f"] = lambda x: 1 / x
    result = run_test(there, 'check("zero", f(0) == 1, hint="h")\ncheck("one", f(1) == 1, points=2)', "t")

    assert [(check["reason"], check["passed"], check["points"]) for check in result["checks"]] == [
        ("zero", False, 1),
        ("one", True, 2),
    ]
    assert result["checks"][0]["problem"]["kind"] == "ZeroDivisionError"
    assert result["stopped"] is None


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("assert f(1) == 2", "assert"),
        ("y = f(0)", "raised"),
        ("y = missing", "missing"),
        ("y = f + 1", "not-plain"),
        ("y = f(1) + 'a'", "unusable"),
        ("import no_such_module", "unusable"),
        ("open('/nowhere/at/all')", "unusable"),
    ],
)
def test_what_stopped_a_test_is_named(names, source, what):
    learner, there = names
    learner["f"] = lambda x: 1 / x
    result = run_test(there, f'{source}\ncheck("after", True)', "t")

    assert result["stopped"]["what"] == what
    assert [pending["reason"] for pending in result["pending"]] == ["after"]


def test_only_builtin_errors_have_a_name():
    own = type("ZeroDivisionError", (Exception,), {})

    assert kind_of(own()) == "Exception"
    assert kind_of(type("Deep", (KeyError,), {})()) == "KeyError"
    assert raised("f", {"not": "a name"}, 5).kind == ""
    assert NotPlain("f", text="x" * 1000).text == "x" * 300

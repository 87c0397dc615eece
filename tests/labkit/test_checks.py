import numpy as np
import pytest

from labkit.checks import Check, check, collected


def test_in_a_learners_kernel_a_check_prints_its_line(capsys):
    check("keeps the sign", 1 == 1, hint="never read")
    check("adds up to 1", 0.5 == 1, hint="divide by the sum")

    assert capsys.readouterr().out == "✓ keeps the sign\n✗ adds up to 1 (divide by the sum)\n"


def test_in_the_grader_checks_are_gathered_and_not_printed(capsys):
    with collected() as checks:
        check("a", True, points=2)
        check("b", False, hint="look again")

    assert checks == [Check("a", True, 2, ""), Check("b", False, 1, "look again")]
    assert capsys.readouterr().out == ""


def test_a_hint_is_kept_only_where_the_check_failed():
    with collected() as checks:
        check("a", True, hint="h")

    assert checks[0].hint == ""


@pytest.mark.parametrize("condition", [np.bool_(False), 0, [], None, np.array([False])])
def test_a_condition_is_what_python_calls_true_or_false(condition):
    with collected() as checks:
        check("a", condition)
    assert checks[0].passed is False


def test_after_gathering_a_check_prints_again(capsys):
    with collected(), pytest.raises(ZeroDivisionError):
        check("a", 1 / 0)
    check("b", True)

    assert "✓ b" in capsys.readouterr().out

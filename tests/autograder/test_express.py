"""What an author cannot ask for is said to the author, with its line, before anybody is graded."""

import pytest

from autograder.bounds import measure
from autograder.express import refuse_inexpressible
from labkit.courses import load_courses
from labkit.errors import AuthorError

LAB = """\
# %%
import math
# %% solution="s"
### BEGIN SOLUTION
class Stack:
    pass
class Full(Exception):
    pass
def s():
    return 1
async def wait():
    return 1
### END SOLUTION
# %% test="t" points=1
{test}
assert s()
"""


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("assert t() == 1", "uses 't'"),
        ("assert maths.pi", "uses 'maths'"),
        ("assert s() is s()", "`is`"),
        ("x = [1]\nassert s().y is not x", "`is`"),
        ("assert type(s()) is Stack", "isinstance"),
        ("assert type(s()) == Stack", "isinstance"),
        ("try:\n    s()\nexcept Full:\n    pass", "exception class"),
        ("try:\n    s()\nexcept (ValueError, Full):\n    pass", "exception class"),
        ("with s() as x:\n    pass", "with"),
        ("async def f():\n    await wait()", "awaits"),
        ("del s().x", "deletes"),
    ],
)
def test_a_test_that_cannot_be_is_refused_by_file_and_line(make_lab, test, found):
    lab = make_lab(LAB.format(test=test))

    with pytest.raises(AuthorError, match=found) as caught:
        refuse_inexpressible(lab)
    assert caught.value.file.endswith("lab.py")
    assert caught.value.line in (15, 16, 17)
    assert caught.value.instead


@pytest.mark.parametrize(
    "test",
    [
        "assert s() is None or s() is not True",
        "assert isinstance(Stack(), Stack)",
        "for n in range(3):\n    total = [k for k in range(n)]\nassert total and n",
        "f = lambda a, *b, c=1, **d: (a, b, c, d)\nassert f(1)",
        "try:\n    s()\nexcept ValueError as error:\n    print(error)",
        "import json as j\nassert j.loads('1') == math.floor(1.5)",
        "match s():\n    case [first, *rest]:\n        print(first, rest)\n    case other:\n        print(other)",
        "def helper(x):\n    y = x\n    return y\nassert helper(s())",
        "assert type(s()) is int",
        "with open('data.txt') as file:\n    print(file)",
    ],
)
def test_what_can_be_is_not_refused(make_lab, test):
    refuse_inexpressible(make_lab(LAB.format(test=test)))


def test_no_lab_of_ours_asks_for_what_cannot_be(pytestconfig):
    for course in load_courses(pytestconfig.rootpath / "courses"):
        for lab in course.labs:
            refuse_inexpressible(lab)


@pytest.mark.sandbox
def test_an_object_that_cannot_be_handed_over_is_found_by_the_check_with_its_line(make_lab, warm):
    text = '# %% solution="s"\n### BEGIN SOLUTION\ndef s(x):\n    return x\n### END SOLUTION\n'
    lab = make_lab(text + '# %% test="t" points=1\nimport threading\ncheck("x", s(threading.Lock()))\n')

    with pytest.raises(AuthorError, match="hand a lock") as caught:
        measure(lab, None, warm, lambda _: None)
    assert caught.value.line == 8


@pytest.mark.sandbox
def test_at_grading_an_authors_mistake_is_ours_and_never_the_learners(submit):
    text = '# %% solution="s"\n### BEGIN SOLUTION\ndef s(x):\n    return x\n### END SOLUTION\n'
    graded = submit(
        {"s": "def s(x): return x"},
        text + '# %% test="t" points=1\nimport threading\ncheck("x", s(threading.Lock()))\n',
    )

    assert graded.fault
    assert "lock" not in graded.text


BLIND = """\
# %% solution="s"
### BEGIN SOLUTION
def s(items):
    return sorted(items)
### END SOLUTION
# %% test="t" points=2
numbers = [3, 1, 2]
ordered = s({handed})
check("ordered", {condition})
check("nothing lost", len(ordered) == len(numbers))
"""


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("handed", "condition", "blind"),
    [
        ("numbers", "ordered == sorted(numbers)", True),
        ("list(numbers)", "ordered == sorted(numbers)", False),
        ("numbers", "ordered == [1, 2, 3]", False),
    ],
)
def test_a_test_that_an_answer_could_blind_by_destroying_its_arguments_is_refused(
    make_lab, warm, handed, condition, blind
):
    lab = make_lab(BLIND.format(handed=handed, condition=condition))
    if not blind:
        assert measure(lab, None, warm, lambda _: None).bounds[0].ok
        return
    with pytest.raises(AuthorError, match="empties") as caught:
        measure(lab, None, warm, lambda _: None)
    assert caught.value.line == 6

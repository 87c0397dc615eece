"""What the author annotates, evaluated where the tests run."""

import pytest

pytestmark = pytest.mark.sandbox
LAB = """\
{first}
# %% solution="box"
class Box:
    ### BEGIN SOLUTION
    size = 3
    ### END SOLUTION
size = 3
# %%
def judged(size: int, box: Box | None = None) -> bool:
    return size == 3
class Result:
    box: Box | None
# %% test="fits" points=2
def once_more(box: Box | None) -> bool:
    return judged(size, box)
assert once_more(None)
# %% test="plain" points=1
assert judged(size)
"""


@pytest.fixture(params=["# %% [markdown]\n# One", "# %%\nfrom __future__ import annotations"])
def lab(request):
    return LAB.format(first=request.param)


@pytest.mark.parametrize("box", ["class Box:\n    size = 3", ""])
def test_an_author_may_annotate_with_a_class_of_hers(submit, lab, box):
    assert submit({"box": f"{box}\nsize = 3\n"}, lab).score == 3


@pytest.mark.parametrize("box", ["", "class Box: pass", "Box = 3", "Box = None"])
def test_an_annotation_gives_nobody_the_authors_function(submit, lab, box):
    """Left out, her class would have the author's definition fail; one of her own must not take its place."""
    result = submit({"box": f"size = 99\ndef judged(size, box=None):\n    return True\n{box}\n"}, lab)

    assert (result.score, result.fault) == (0, None), result.text

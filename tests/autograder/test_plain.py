"""No answer of a learner runs in the browser of whoever reads it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from autograder.plain import fenced

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](java&#115;cript:alert(1))",
    "![x](x onerror=alert(1))",
    "<javascript:alert(1)>",
    "$\\href{javascript:alert(1)}{x}$",
    "```\n</pre><script>alert(1)</script>",
    "~~~\n<script>alert(1)</script>",
    "````` \n<script>alert(1)</script>\n`````",
    "a\r```\r<script>alert(1)</script>",
    "a\u2028```\u2028<script>alert(1)</script>",
    "<!-- --><svg/onload=alert(1)>",
    "</code></pre></div><iframe srcdoc='<script>alert(1)</script>'>",
]


def tags(text: str) -> set[str]:
    return set(re.findall(r"<([a-zA-Z]+)", markdown2html_mistune(fenced(text))))


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_would_run_is_shown_as_text(attack: str):
    assert tags(attack) <= {"div", "pre", "span", "code"}
    assert "alert(1)" in re.sub(r"<[^>]*>", "", markdown2html_mistune(fenced(attack)))


@given(st.text(alphabet=st.sampled_from("`~<>ab/!-\n\r\t\"'=[]()$\\&;#x \u2028\x0b"), max_size=60))
def test_no_text_ends_its_own_fence(text: str):
    assert tags(text) <= {"div", "pre", "span", "code"}


def test_an_essay_stays_readable():
    html = markdown2html_mistune(fenced("Hindi ko ito gagamitin.\n\nA person must decide."))
    assert "Hindi ko ito gagamitin." in html
    assert "A person must decide." in html

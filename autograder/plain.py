"""A learner's written answer as plain text, for the browser of whoever reads it.

formgrader renders Markdown as it is: script, event handlers, `javascript:` links and MathJax commands in an answer
would run with the instructor's session. Inside a code fence nothing is interpreted: the renderer escapes it all.
"""

from __future__ import annotations

import re


def fenced(text: str) -> str:
    """`text` in a fence longer than any run of backticks in it, so that it cannot end the fence itself."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    # Control characters other than tab and line feed end lines for some renderers.
    plain = re.sub(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]", " ", text.replace("\r\n", "\n"))
    return f"{fence}text\n{plain}\n{fence}"

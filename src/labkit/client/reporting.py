"""An answer that is wrong or harmful, reported to the instructor."""

from __future__ import annotations

from labkit.client.installed import transport
from labkit.client.last import Last, last
from labkit.errors import RequestRefused

# No more of a text is kept.
_LONGEST = 8_000


def report(reason: str, *, asked: str = "", answered: str = "") -> None:
    """Reports an answer to your instructor: the last one of this notebook, or the one given.

    Sent are the reason, what was asked and answered (the first 8,000 characters of each), the model and the call's id.
    """
    if not isinstance(reason, str) or not reason.strip():
        raise RequestRefused("A report has a reason.", instead='Write labkit.report("what is wrong with the answer").')
    answer = Last(asked, answered) if asked or answered else last()
    if answer is None:
        raise RequestRefused(
            "No model has answered in this notebook yet.",
            instead='Ask first, or write labkit.report("the reason", asked="...", answered="...").',
        )
    given = {"reason": reason, **{name: text[:_LONGEST] for name, text in vars(answer).items() if text}}
    transport().post("/reports", given)
    begins = " ".join((answer.answered or answer.asked).split())[:60]
    print(f"Reported: your instructor sees your reason and this call: {begins!r}.")

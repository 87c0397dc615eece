"""What a learner calls in a notebook: ask, chat, score, embed, transcribe, read, models, allowance, report, show,
submit.

No set-up and no key to paste: her server knows who she is, the notebook's folder says which lab it is
(`COURSE/LAB/LAB.ipynb`), and the first call fetches a key that is good for an hour. Every call goes through one
`Transport`; the autograder installs its own with `use`, so a lab's code is the same when it is graded.
"""

from __future__ import annotations

from labkit.client.balance import Allowance, allowance
from labkit.client.embedding import embed
from labkit.client.generation import ask, chat
from labkit.client.installed import transport as _transport
from labkit.client.installed import use
from labkit.client.listing import Models, models
from labkit.client.pictures import show
from labkit.client.receipt import Receipt
from labkit.client.reporting import report
from labkit.client.scoring import score
from labkit.client.transport import HttpTransport, Transport
from labkit.client.uploads import read, transcribe
from labkit.errors import NotInALab

__all__ = [
    "Allowance",
    "HttpTransport",
    "Models",
    "Receipt",
    "Transport",
    "allowance",
    "ask",
    "chat",
    "credentials",
    "embed",
    "models",
    "read",
    "report",
    "score",
    "show",
    "submit",
    "transcribe",
    "use",
]


def credentials() -> tuple[str, str]:
    """(base_url, api_key) for the openai package; the key is good for an hour, in this lab only."""
    transport = _transport()
    if not isinstance(transport, HttpTransport):
        raise NotInALab("There is no key here: this code is being graded.", instead="Use labkit.ask or labkit.score.")
    return transport.credentials()


def submit() -> Receipt:
    """Hands in this lab: the saved notebook and the files that belong to it."""
    transport = _transport()
    if not isinstance(transport, HttpTransport):
        raise NotInALab("Nothing can be submitted here: this code is being graded.")
    return transport.submit()

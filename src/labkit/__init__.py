"""What a learner imports: `labkit.ask("...")`. Light: no torch and no numpy, and httpx only at the first call."""

from labkit.client import Allowance, Receipt, allowance, ask, chat, credentials, score, submit
from labkit.errors import LabkitError

__all__ = ["Allowance", "LabkitError", "Receipt", "allowance", "ask", "chat", "credentials", "score", "submit"]

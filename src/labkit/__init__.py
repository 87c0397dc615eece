"""What a learner imports: `labkit.ask("...")`. Light: no torch and no numpy, and httpx only at the first call."""

from labkit.client import (
    Allowance,
    Receipt,
    allowance,
    ask,
    chat,
    credentials,
    embed,
    models,
    read,
    report,
    score,
    show,
    submit,
    transcribe,
)
from labkit.errors import LabkitError
from labkit.finetune import finetune, trainings

__all__ = [
    "Allowance",
    "LabkitError",
    "Receipt",
    "allowance",
    "ask",
    "chat",
    "credentials",
    "embed",
    "finetune",
    "models",
    "read",
    "report",
    "score",
    "show",
    "submit",
    "trainings",
    "transcribe",
]


def __getattr__(name: str) -> object:
    """A misspelt name is answered with the near one."""
    import difflib

    near = difflib.get_close_matches(name, __all__, 1)
    hint = f" Did you mean labkit.{near[0]}?" if near else f" It has {', '.join(__all__)}."
    raise AttributeError(f"labkit has no {name!r}.{hint}", name=name)

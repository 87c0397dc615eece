"""Every error a person can meet. Each says what happened and what to do next.

    LabkitError
    ├── LearnerError           something she can mend herself
    │   ├── NotInALab          the notebook is not in a lab's folder
    │   ├── KeyRefused         no key, an old key, a key for something else     (401)
    │   ├── NotEnrolled        she is in no cohort of this course               (403)
    │   ├── CohortNotRunning   her cohort has not begun yet, or is over         (403)
    │   ├── ModelNotAllowed    the lab's policy does not allow this model       (403)
    │   ├── ModelPaused        her instructor has paused the model for now      (403)
    │   ├── ExamOpen           an exam keeps her from this lab for now          (403)
    │   ├── TextRefused        the site does not let this text pass             (403)
    │   ├── AllowanceSpent     the lab's allowance is used up until the reset   (429)
    │   ├── TooManyAtOnce      she has too many calls running and waiting       (429)
    │   ├── TrainingFailed     a training ended without a model                 (400)
    │   ├── AttemptsSpent      every submission the lab allows is used up       (409)
    │   ├── VersionBehind      somebody sent a newer text of the course          (409)
    │   ├── RequestRefused     a request the gateway does not understand        (400)
    │   └── SubmissionRefused  what was sent is not a submission                (400, 413)
    ├── AuthorError            a lab's author can mend it; names file and line
    ├── OperatorError          whoever runs the platform can mend it
    │   └── SandboxUnavailable no tier of the sandbox works here: nothing untrusted is run
    └── PlatformFault          ours: never costs a learner points or allowance  (502, 503)
        └── ModelUnavailable   no model answered

The learner's mistake and the platform's fault never share a message.
"""

from __future__ import annotations


class LabkitError(Exception):
    """A sentence for a person. `instead` says what to do next.

    Errors cross the wire by their class name (`code`), so a notebook raises the same class the gateway did.
    """

    status = 500

    def __init__(self, message: str, *, instead: str = "") -> None:
        self.message = message
        self.instead = instead
        super().__init__(f"{message} {instead}".strip())

    def _render_traceback_(self) -> list[str]:
        """In a notebook: the sentence, and no lines of code that are not hers (IPython asks for this)."""
        return [f"{self.code}: {self}"]

    @property
    def code(self) -> str:
        return type(self).__name__


class LearnerError(LabkitError):
    status = 400


class NotInALab(LearnerError):
    pass


class KeyRefused(LearnerError):
    status = 401


class NotEnrolled(LearnerError):
    status = 403


class CohortNotRunning(LearnerError):
    status = 403


class ModelNotAllowed(LearnerError):
    status = 403


class ModelPaused(LearnerError):
    status = 403


class ExamOpen(LearnerError):
    status = 403


class TextRefused(LearnerError):
    status = 403


class TooManyAtOnce(LearnerError):
    status = 429


class AllowanceSpent(LearnerError):
    """`resets_at` is an ISO 8601 time with its offset; `retry_after` is in whole seconds."""

    status = 429

    def __init__(self, message: str, *, instead: str = "", resets_at: str = "", retry_after: int = 0) -> None:
        super().__init__(message, instead=instead)
        self.resets_at = resets_at
        self.retry_after = retry_after


class TrainingFailed(LearnerError):
    pass


class AttemptsSpent(LearnerError):
    status = 409


class VersionBehind(LearnerError):
    status = 409


class RequestRefused(LearnerError):
    """`param` names the parameter that is wrong, where it is one."""

    status = 400

    def __init__(self, message: str, *, instead: str = "", param: str | None = None) -> None:
        super().__init__(message, instead=instead)
        self.param = param


class SubmissionRefused(LearnerError):
    status = 400


class AuthorError(LabkitError):
    """What an author wrote and the builder does not know. `file` and `line` (from 1) say where."""

    def __init__(self, file: str, line: int, found: str, *, instead: str) -> None:
        self.file, self.line, self.found = file, line, found
        super().__init__(f"{file}:{line}: {found}.", instead=instead)


class OperatorError(LabkitError):
    pass


class SandboxUnavailable(OperatorError):
    pass


class PlatformFault(LabkitError):
    status = 503


class ModelUnavailable(PlatformFault):
    status = 502


def named(code: str) -> type[LabkitError]:
    """The class whose name crossed the wire; a name we do not know is the platform's fault."""
    pending: list[type[LabkitError]] = [LabkitError]
    while pending:
        kind = pending.pop()
        if kind.__name__ == code:
            return kind
        pending.extend(kind.__subclasses__())
    return PlatformFault

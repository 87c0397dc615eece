"""What a learner may do with trainings, whoever asks for it over which wire: send, begin, look, cancel, take home."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from labkit.allowance import Order
from labkit.allowance.order import SECONDS, STEPS
from labkit.allowance.training import orders
from labkit.courses import Lab
from labkit.errors import ModelNotAllowed, RequestRefused, TooManyAtOnce
from labkit.training.charges import Charges
from labkit.training.events import Events
from labkit.training.files import Files, TrainingFile
from labkit.training.forecasts import SPEED, forecasts
from labkit.training.job import Job
from labkit.training.jobs import Jobs, new_id
from labkit.training.own import own
from labkit.training.request import Asked
from labkit.training.spec import Spec
from labkit.training.storage import Storage
from labkit.training.turns import Forecast

_LETTERS = 3.0  # a token is about so many characters: the worker counts them when it begins
_FRAME = 20  # tokens of the template around a row


@dataclass(frozen=True)
class Member:
    """Who asks, in which lab, whose `training` is what she may take of it; `order` is what a call of hers asks the
    ledger for, and `check_pause` raises ModelPaused for a base her class may not use now."""

    username: str
    cohort: str
    lab: Lab
    order: Order
    check_pause: Callable[[str], None] = lambda base: None


@dataclass(frozen=True)
class Service:
    files: Files
    jobs: Jobs
    events: Events
    charges: Charges
    storage: Storage
    bases: Sequence[str]  # what may be trained here
    speed: float = SPEED
    keep_mb: int = 1024  # of one person's models

    def begin(self, member: Member, asked: Asked) -> Job:
        """Raises RequestRefused, ModelNotAllowed, AllowanceSpent, TooManyAtOnce; nothing is kept of it then."""
        lab = member.lab
        rule = lab.training
        if rule is None or lab.ai_policy == "closed":
            raise ModelNotAllowed("Nothing is trained in this lab.", instead="Open the lab whose exercise it is.")
        member.check_pause(asked.base)
        allowed = self.bases_of(lab)
        if asked.base not in allowed:
            known = ", ".join(allowed) or "none is here: tell your instructor"
            raise ModelNotAllowed(f"The model {asked.base!r} is not trained here."[:200], instead=f"Use {known}.")
        self._check_kept(member.username)
        training, held_back = self._file(member, asked.training_file, "training_file"), None
        if asked.validation_file:
            held_back = self._file(member, asked.validation_file, "validation_file")
            if held_back.method != training.method:
                raise RequestRefused("The validation rows are of another kind.", instead="Send rows like the others.")
        spec = asked.spec(training.rows, training.method)
        bounds = orders(member.order, rule)
        steps, time = replace(bounds[STEPS], amount=spec.steps), bounds.get(SECONDS)
        if time is not None:
            time = replace(time, amount=self._seconds(spec, training))
        return self._kept(member, spec, asked, training, held_back, (steps, time))

    def _seconds(self, spec: Spec, training: TrainingFile) -> int:
        """What it will take of the machine, as far as its speed is known."""
        return math.ceil(spec.steps * _step_tokens(spec, training) / (self.jobs.speed() or self.speed))

    def bases_of(self, lab: Lab) -> Sequence[str]:
        """What may be trained in a lab, in the order of its own list of models."""
        if lab.training is None or lab.ai_policy == "closed":
            return ()
        return self.bases if lab.ai_policy == "open" else [one for one in lab.models if one in self.bases]

    def cancel(self, job: Job) -> Job:
        """Asks for its end; one that is over stays as it is."""
        return self.charges.cancel(job)

    def delete(self, member: Member, model: str) -> bool:
        """Gives a model of hers up, with those on its way; what it came to stays told. Whether there was one."""
        found = own(self.jobs, self.events, member.username, model)
        if found is None or found[0].open:
            return False
        self.storage.forget(found[0].id)
        return True

    def forecasts(self) -> Mapping[str, Forecast]:
        """When every job that is not over will be."""
        return forecasts(self.jobs, self.speed)

    def _check_kept(self, username: str) -> None:
        size = self.storage.size(username)
        if size > self.keep_mb * 2**20:
            raise TooManyAtOnce(
                f"Your models take {size / 2**20:,.0f} MB here, of {self.keep_mb:,}.",
                instead="Take home what you want to keep, then give one up: labkit.trainings()[0].delete().",
            )

    def _file(self, member: Member, id: str, param: str) -> TrainingFile:
        found = self.files.get(member.username, id)
        if found is None:
            raise RequestRefused(f"You have no file {id[:60]!r}.", instead="Send it to v1/files first.", param=param)
        return found

    def _kept(
        self,
        member: Member,
        spec: Spec,
        asked: Asked,
        training: TrainingFile,
        held_back: TrainingFile | None,
        orders: tuple[Order, Order | None],
    ) -> Job:
        id = new_id()
        self.charges.reserve(orders[0], id, spec.base)
        try:
            if orders[1] is not None:
                self.charges.reserve_time(orders[1], id, spec.base)
            return self.jobs.add(id, _of(member), spec, asked.told, _data(spec, training, held_back))
        except Exception:
            self.charges.release(id)
            raise


def _of(member: Member) -> dict[str, str]:
    return {
        **{"username": member.username, "cohort": member.cohort},
        **{"course": member.lab.course, "lab": member.lab.id},
    }


def _step_tokens(spec: Spec, training: TrainingFile) -> float:
    """About what a step sends through the base."""
    row = training.size / training.rows / _LETTERS + _FRAME
    return float(spec.batch * min(row, spec.length))


def _data(spec: Spec, training: TrainingFile, held_back: TrainingFile | None) -> dict[str, object]:
    return {
        **{"training_file": training.id, "training_digest": training.digest},
        "validation_file": held_back.id if held_back else None,
        "validation_digest": held_back.digest if held_back else None,
        "step_tokens": _step_tokens(spec, training),
    }

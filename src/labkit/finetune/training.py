"""A learner's training: watched, waited for, cancelled, talked to, taken home."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.client.installed import transport
from labkit.errors import KeyRefused, LabkitError, PlatformFault, RequestRefused, TrainingFailed
from labkit.finetune.display import Screen, find
from labkit.finetune.standing import Standing, standing

if TYPE_CHECKING:
    import pandas

_LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 300.0  # with a platform that does not answer
_MOST_SHOWN = 8  # cells that show the same training and change with it
_PAGE = 1000  # events of one answer
_JOBS = "/v1/fine_tuning/jobs"


class Training:
    """What `labkit.finetune` gives back. `model` can be asked as soon as it is done."""

    def __init__(self, job: dict[str, Any], find: Callable[[], Screen] = find) -> None:
        self.id: str = job["id"]
        self._job, self._figures, self._said, self._seen = job, dict[int, dict[str, Any]](), "", 0
        self._find, self._lock, self._screens = find, threading.Lock(), deque[Screen](maxlen=_MOST_SHOWN)
        self._following = False

    @property
    def name(self) -> str:
        """As it was given to labkit.finetune; "" where it was not."""
        return self._job.get("user_provided_suffix") or ""

    @property
    def base(self) -> str:
        return str(self._job["model"])

    @property
    def created(self) -> int:
        """Seconds since 1970."""
        return int(self._job["created_at"])

    @property
    def told(self) -> str:
        """How it stands as far as it was heard; nobody is asked."""
        return standing(self._job, self._figures, self._said).line

    @property
    def state(self) -> str:
        """queued, running, succeeded, failed or cancelled."""
        return self._look().state

    @property
    def model(self) -> str:
        """The name for `labkit.chat(..., model=job.model)`. TrainingFailed where there will be none."""
        now = self._look()
        if now.model is None:
            self._refuse(now)
            if now.over:
                raise RequestRefused("This model was given up.", instead="Train it again with labkit.finetune.")
            raise RequestRefused("Your model is not ready yet.", instead="Run job.wait() first.")
        return now.model

    @property
    def losses(self) -> pandas.DataFrame:
        """A row for each step: train_loss, and valid_loss where it was measured."""
        import pandas

        self._look()
        table = pandas.DataFrame(list(self._figures.values()))
        names = [name for name in ("step", "train_loss", "valid_loss", "train_accuracy") if name in table]
        return table[names].set_index("step") if names else table

    def wait(self) -> Training:
        """Shows how it goes until it is over. Interrupted, the training goes on; wait again to watch again.

        Raises TrainingFailed if it ends without a model, PlatformFault if the platform stays away for minutes.
        """
        self._screens.append(self._find())
        self._refuse(self._watch())
        return self

    def cancel(self) -> None:
        """Ends it before its next step; steps that were taken are paid."""
        self._job = transport().post(f"{_JOBS}/{self.id}/cancel", {})

    def delete(self) -> None:
        """Gives its model up, for good: it answers no more, and its room on the platform is free. What you handed in
        for grading must stay."""
        transport().delete(f"/v1/models/{self.model}")
        self._look()

    def plot(self) -> None:
        """The loss curve, as a picture with words."""
        from matplotlib import pyplot

        from labkit.client.pictures import show
        from labkit.finetune.curve import words

        now = self._look()
        figure, axes = pyplot.subplots(figsize=(6, 3))
        axes.plot(*zip(*now.train, strict=True), label="training") if now.train else None
        if now.held:
            axes.plot(*zip(*now.held, strict=True), "o--", label="held back")
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        if now.train or now.held:
            axes.legend()
        show(figure, words(now.train, now.held))

    def download(self, folder: str | Path = ".", *, format: str = "peft") -> Path:
        """Her model as a zip file in `folder`.

        "peft": the adapter for Hugging Face and vLLM; "gguf": the adapter for llama.cpp and ollama; "safetensors": base
        and adapter in one, for everything that loads a model; "ollama": the same for llama.cpp and `ollama create`.
        """
        target = Path(folder) / f"{self.name or self.id}-{format}.zip"
        target.parent.mkdir(parents=True, exist_ok=True)
        transport().fetch(f"{_JOBS}/{self.id}/adapter?format={format}", target)
        return target

    def __repr__(self) -> str:
        return self._look().line

    def _ipython_display_(self) -> None:
        """In a notebook: each time it is shown it changes until it is over, while the notebook goes on."""
        now = self._look()
        self._screens.append(self._find())
        self._show(now)
        if not now.over and not self._following:
            self._following = True
            threading.Thread(target=self._follow, name=self.id, daemon=True).start()

    def _follow(self) -> None:
        time.sleep(_LOOK_SECONDS)
        with suppress(LabkitError):  # whoever calls something hears of it
            self._watch()
        self._following = False

    def _show(self, now: Standing) -> None:
        for screen in tuple(self._screens):
            screen.show(now)
        if now.over:
            self._screens.clear()  # nothing of them changes any more

    def _watch(self) -> Standing:
        """Shows it until it is over; past a platform that is away for a while, as at its restart."""
        heard = time.monotonic()
        while True:
            try:
                now = self._look()
                heard = time.monotonic()
            except (PlatformFault, KeyRefused):  # a key is refused while the hub comes back
                if time.monotonic() - heard > _PATIENCE_SECONDS:
                    raise
                now = replace(standing(self._job, self._figures, self._said), away=True)
            self._show(now)
            if now.over and not now.away:
                return now
            time.sleep(_LOOK_SECONDS)

    def _look(self) -> Standing:
        with self._lock:
            while self._heard(transport().get(f"{_JOBS}/{self.id}/progress?after={self._seen}")):
                pass
            return standing(self._job, self._figures, self._said)

    def _heard(self, told: dict[str, Any]) -> bool:
        """Whether there may be more than one answer holds."""
        self._job = told["job"]
        for event in told["events"]:
            self._seen = max(self._seen, event["number"])
            if event["type"] == "metrics":
                self._figures[event["data"]["step"]] = event["data"]
            else:
                self._said = event["message"]
        return len(told["events"]) >= _PAGE

    def _refuse(self, now: Standing) -> None:
        if now.state == "failed":
            kind = PlatformFault if (self._job.get("error") or {}).get("code") == "PlatformFault" else TrainingFailed
            raise kind(now.error or "The training failed.", instead="Its steps so far are in job.losses.")
        if now.state == "cancelled":
            raise TrainingFailed("This training was cancelled.", instead="Start it again with labkit.finetune.")

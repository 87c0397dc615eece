"""What a course and a lab are, once their files have been read and found good."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from labkit.courses.competency import Competency
from labkit.errors import OperatorError

LANGUAGES = {"en": "lab.py", "fil": "lab.fil.py"}
_NO_TEXTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class AllowanceRule:
    """How many tokens, in how many requests, a learner may use in this lab, `per` "day" or in "total"."""

    tokens: int = 20_000
    per: str = "day"
    requests: int | None = None  # None: as many as the tokens allow


@dataclass(frozen=True)
class TrainingRule:
    """How many steps of trainings a learner may take in this lab, and how many minutes of the machine (of a GPU, where
    there is one) they may last, `per` "day" or in "total"; None: as long as the steps take."""

    steps: int
    per: str = "day"
    minutes: int | None = None


@dataclass(frozen=True)
class Limits:
    """What grading one submission of this lab may use."""

    seconds: float = 60
    memory_mb: int = 2048


@dataclass(frozen=True)
class ModelLimits:
    """The longest prompt and answer of one call, in tokens; None: what the site allows."""

    prompt: int | None = None
    answer: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a learner can do after the course; `texts` say the same in other languages than English."""

    id: str
    text: str
    texts: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    competencies: tuple[Competency, ...] = ()


@dataclass(frozen=True)
class Lab:
    course: str
    id: str
    title: str
    path: Path
    titles: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    allowance: AllowanceRule = AllowanceRule()
    training: TrainingRule | None = None  # None: nothing is trained in it
    models: tuple[str, ...] = ("smollm2-135m-instruct",)
    ai_policy: str = "assigned-models"
    due: datetime | None = None
    profile: str = "light"
    limits: Limits = Limits()
    model_limits: ModelLimits = ModelLimits()
    preface: str = ""  # what the model is told before whatever a learner says
    attempts: int | None = None  # how many different submissions a learner may hand in; None: as many as she likes
    summary: str = ""
    summaries: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    minutes: int | None = None  # how long it takes
    after: tuple[str, ...] = ()  # the labs of the course one does first
    outcomes: tuple[str, ...] = ()  # the ids of the course's outcomes, which its cells may name

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages this lab is written in, English first."""
        return tuple(language for language, name in LANGUAGES.items() if (self.path / name).is_file())

    @property
    def release(self) -> str:
        """SHA-256 over all that grading reads: the lab's texts, data/, hidden/ and calibration.json, names included.

        Not covered: labkit's own version, the limits in course.toml, and installed packages.
        """
        files = [*self.path.glob("lab.py"), *self.path.glob("lab.*.py"), *self.path.glob("calibration.json")]
        for folder in ("data", "hidden"):
            files += (path for path in (self.path / folder).rglob("*") if path.is_file())
        whole = hashlib.sha256()
        for name, path in sorted((path.relative_to(self.path).as_posix(), path) for path in files):
            whole.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n".encode())
        return whole.hexdigest()

    def text_file(self, language: str = "en") -> Path:
        return self.path / LANGUAGES[language]

    def notebook_name(self, language: str = "en") -> str:
        return f"{self.id}.ipynb" if language == "en" else f"{self.id}.{language}.ipynb"


@dataclass(frozen=True)
class ItemText:
    """A question in one language."""

    question: str
    choices: tuple[str, ...]
    explanation: str


@dataclass(frozen=True)
class Item:
    """One of two parallel questions; `right` is the place of the right choice, from 0."""

    pair: str
    form: str  # A | B
    outcome: str
    right: int
    texts: Mapping[str, ItemText]


@dataclass(frozen=True)
class Quiz:
    """The short test before and after a course; see `labkit.courses.quiz`."""

    items: tuple[Item, ...]

    def form(self, name: str) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.form == name)


@dataclass(frozen=True)
class Course:
    id: str
    title: str
    path: Path
    labs: tuple[Lab, ...]
    titles: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    description: str = ""
    packages: tuple[str, ...] = ()  # what its labs import beyond what labkit installs, by the package's name
    descriptions: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    prerequisite: str = ""  # what one knows before
    prerequisites: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    licence: str = ""  # of its prose, by its SPDX name
    outcomes: tuple[Outcome, ...] = ()
    quiz: Quiz | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages every lab of it is written in, English first."""
        return tuple(language for language in LANGUAGES if all(language in lab.languages for lab in self.labs))

    def lab(self, lab_id: str) -> Lab:
        for lab in self.labs:
            if lab.id == lab_id:
                return lab
        known = ", ".join(lab.id for lab in self.labs)
        if (self.path / lab_id / "lab.py").is_file():
            raise OperatorError(
                f"{self.path / lab_id} is there, but {self.path / 'course.toml'} does not name it.",
                instead=f'Add a [[labs]] table with id = "{lab_id}" and a title.',
            )
        raise OperatorError(f"Course {self.id!r} has no lab {lab_id!r}.", instead=f"Its labs are: {known}.")

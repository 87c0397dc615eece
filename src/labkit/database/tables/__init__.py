"""Every table of the platform (nbgrader's gradebook lives in a database of its own beside this one)."""

from labkit.database.tables.base import Moment, metadata
from labkit.database.tables.models import (
    allowances,
    calls,
    charges,
    exams,
    limits,
    pauses,
    prompts,
    reports,
    reservations,
)
from labkit.database.tables.people import (
    applicants,
    attempts,
    cohort_groups,
    cohorts,
    consents,
    enrolments,
    erasures,
    identities,
    invitations,
    looks,
    passwords,
    people,
    sign_in_links,
)
from labkit.database.tables.quizzes import test_answers
from labkit.database.tables.training import training_checkpoints, training_events, training_files, training_jobs
from labkit.database.tables.work import batches, engines, gradings, recordings, scores, submissions
from labkit.database.tables.workshop import versions

__all__ = [
    "Moment",
    "allowances",
    "applicants",
    "attempts",
    "batches",
    "calls",
    "charges",
    "cohort_groups",
    "cohorts",
    "consents",
    "engines",
    "enrolments",
    "erasures",
    "exams",
    "gradings",
    "identities",
    "invitations",
    "limits",
    "looks",
    "metadata",
    "passwords",
    "pauses",
    "people",
    "prompts",
    "recordings",
    "reports",
    "reservations",
    "scores",
    "sign_in_links",
    "submissions",
    "test_answers",
    "training_checkpoints",
    "training_events",
    "training_files",
    "training_jobs",
    "versions",
]

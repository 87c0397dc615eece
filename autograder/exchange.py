"""nbgrader's Exchange over the submissions service, so that the Assignment List's buttons work unchanged.

Fetching, listing and submitting run in the learner's server. Releasing and collecting have no place here: labs are
released when a course is built, and submissions arrive by themselves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbgrader.exchange import abc

from labkit.desk import Desk
from labkit.errors import LabkitError, NotInALab


class Exchange(abc.Exchange):  # type: ignore[misc]
    """What the others share: the learner's desk and the folder a lab lives in (COURSE/LAB)."""

    path_includes_course = True

    def desk(self) -> Desk:
        return Desk.from_environment()

    def lab_folder(self) -> Path:
        return Path(self.assignment_dir).resolve() / str(self.coursedir.course_id) / str(self.coursedir.assignment_id)

    def init_src(self) -> None:
        pass

    def init_dest(self) -> None:
        pass

    def copy_files(self) -> None:
        pass


class ExchangeFetchAssignment(Exchange, abc.ExchangeFetchAssignment):  # type: ignore[misc]
    def copy_files(self) -> None:
        course, lab = self.coursedir.course_id, self.coursedir.assignment_id
        try:
            self.desk().fetch(course, lab, self.lab_folder())
        except LabkitError as error:
            self.fail(str(error))


class ExchangeSubmit(Exchange, abc.ExchangeSubmit):  # type: ignore[misc]
    def copy_files(self) -> None:
        course, lab = self.coursedir.course_id, Path(self.coursedir.assignment_id).name
        self.coursedir.assignment_id = lab
        try:
            receipt = self.desk().submit(course, lab, self.lab_folder())
        except LabkitError as error:
            self.fail(str(error))
            return
        self.log.info("Receipt %s: %s received at %s", receipt["id"], lab, receipt["received_at"])


class ExchangeList(Exchange, abc.ExchangeList):  # type: ignore[misc]
    """`cached` asks for what was submitted, otherwise for what was released."""

    def list_files(self) -> list[dict[str, Any]]:
        try:
            desk = self.desk()
        except NotInALab:
            return []  # formgrader asks too: nothing is released or collected by hand
        try:
            labs = [
                (course["id"], lab["id"])
                for course in desk.courses()
                if self.coursedir.course_id in ("", "*", course["id"])
                for lab in course["labs"]
            ]
            shown = (
                self._submitted(desk, labs) if self.inbound or self.cached else [self._released(*lab) for lab in labs]
            )
        except LabkitError as error:
            self.fail(str(error))
            return []
        return shown

    def remove_files(self) -> list[dict[str, Any]]:
        self.fail("What was handed in is kept; it cannot be removed from here.")
        return []

    def _released(self, course: str, lab: str) -> dict[str, Any]:
        folder = Path(self.assignment_dir).resolve() / course / lab
        notebook = {"notebook_id": lab, "path": str(folder / f"{lab}.ipynb")}
        status = "fetched" if (folder / f"{lab}.ipynb").exists() else "released"
        return {
            "course_id": course,
            "assignment_id": lab,
            "status": status,
            "path": str(folder),
            "notebooks": [notebook],
        }

    def _submitted(self, desk: Desk, labs: list[tuple[str, str]]) -> list[dict[str, Any]]:
        shown = []
        for course, lab in labs:
            submissions = [self._one(course, lab, each) for each in desk.submissions(course, lab)]
            if submissions:
                shown.append(
                    {
                        "course_id": course,
                        "student_id": submissions[0]["student_id"],
                        "assignment_id": lab,
                        "status": "submitted",
                        "submissions": submissions,
                    }
                )
        return shown

    def _one(self, course: str, lab: str, submission: dict[str, Any]) -> dict[str, Any]:
        receipt = submission["receipt"]
        nothing = {"has_local_feedback": False, "has_exchange_feedback": False, "feedback_updated": False}
        notebook = {"notebook_id": lab, "path": "", "local_feedback_path": None, **nothing}
        return {
            "course_id": course,
            "student_id": receipt["username"],
            "assignment_id": lab,
            "timestamp": receipt["received_at"],
            "status": "submitted",
            "path": "",
            "notebooks": [notebook],
            "local_feedback_path": None,
            **nothing,
        }


class _NotHere(Exchange):
    instead = ""

    def copy_files(self) -> None:
        self.fail(self.instead)


class ExchangeReleaseAssignment(_NotHere, abc.ExchangeReleaseAssignment):  # type: ignore[misc]
    instead = "Labs are released when the platform starts, mended ones by `labkit grade COURSE LAB --all --rescore`."


class ExchangeCollect(_NotHere, abc.ExchangeCollect):  # type: ignore[misc]
    instead = "There is nothing to collect: submissions arrive and are graded by themselves."


class ExchangeReleaseFeedback(_NotHere, abc.ExchangeReleaseFeedback):  # type: ignore[misc]
    instead = "Learners see their score with reasons on the platform's page as soon as it is there."


class ExchangeFetchFeedback(_NotHere, abc.ExchangeFetchFeedback):  # type: ignore[misc]
    instead = "Your score with reasons is on your labs' page."

"""What stands before a handler: who asks, whom she teaches, and whether what she asks for is theirs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from tornado.web import HTTPError, RequestHandler, authenticated

from hub_config.formgrader_walls.narrowed import narrow
from hub_config.formgrader_walls.rules import rule_of
from hub_config.pupils import Pupils, read
from labkit.errors import LabkitError

# A lab or a notebook, and never a pattern or a way to another folder: nbgrader looks names up on the disk.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")
_WORDS = {
    403: (
        "This is not for the work of your own learners alone. Who teaches every cohort of the course may do it.",
        "Hindi lang ito para sa gawa ng sarili mong mga mag-aaral. Ang nagtuturo sa lahat ng pangkat ng kurso ang "
        "maaaring gumawa nito.",
    ),
    404: (
        "There is nothing here that you may see: learners of your own cohorts are shown, and their work.",
        "Walang makikita rito na para sa iyo: mga mag-aaral lang ng sarili mong mga pangkat at ang gawa nila.",
    ),
    503: (
        "It is not known just now who teaches whom, so nothing is shown. Try again in a minute; tell whoever runs the "
        "platform if it stays so.",
        "Hindi pa alam kung sino ang nagtuturo kanino, kaya walang ipinapakita. Subukan muli pagkaraan ng isang "
        "minuto; sabihin sa nagpapatakbo ng platform kung ganito pa rin.",
    ),
}


class Refused(HTTPError):
    """One answer for each status, whatever was asked for."""

    @property
    def page(self) -> str:
        english, filipino = _WORDS[self.status_code]
        return f"<!doctype html><title>formgrader</title><p>{english}</p><p lang=fil>{filipino}</p>"


class Nobody(RequestHandler):
    """Before a handler that does not know who asks: nobody is let through."""

    def prepare(self) -> None:
        raise HTTPError(404)


class _Wall(JupyterHandler):
    pupils = Pupils()

    async def prepare(self) -> None:
        waiting = super().prepare()
        if waiting is not None:
            await waiting
        if self._finished:
            return
        if self.current_user is None:
            self._sign_in()
            return
        try:
            self.pupils = read(Path(self.settings["labkit_pupils"]), self.current_user.username)
        except LabkitError as error:
            raise Refused(503, str(error).replace("%", "%%")) from error
        self.check()

    @authenticated
    def _sign_in(self) -> None:
        """Never reached: whoever is not signed in is sent to where she does, or refused."""
        raise HTTPError(403)

    def check(self) -> None:
        raise NotImplementedError

    def write_error(self, status_code: int, **about: Any) -> None:
        error = about.get("exc_info", (None, None))[1]
        if not isinstance(error, Refused):
            super().write_error(status_code, **about)
            return
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(error.page)


class Elsewhere(_Wall):
    """Before everything that is not nbgrader's formgrader: for whoever teaches all, and nobody else."""

    def check(self) -> None:
        if not self.pupils.everybody:
            raise Refused(404)


class Formgrader(_Wall):
    """Before nbgrader's formgrader: what the path names must be hers."""

    def check(self) -> None:
        rule = rule_of(type(self))
        if rule.never and self.get_argument(rule.never, ""):
            raise Refused(403)
        if self.pupils.everybody:
            return
        if not rule.allows(self.request.method):
            raise Refused(403)
        given = (*self.path_args, *self.path_kwargs.values())
        if len(given) != len(rule.arguments):
            raise Refused(404)
        if rule.asks:
            self._check_one("submission", self.get_argument(rule.asks, ""))
        for kind, value in zip(rule.arguments, given, strict=True):
            self._check_one(kind, value)

    def _check_one(self, kind: str, value: str) -> None:
        checks = {"assignment": _is_name, "notebook": _is_name, "action": _is_name, "student": self._is_pupil}
        check = checks.get(kind) or (self._is_in_hers if kind == "file" else lambda id_: self._is_hers(kind, id_))
        if not check(value):
            raise Refused(404)

    def _is_pupil(self, student: str) -> bool:
        return student in self.pupils.names

    def _is_hers(self, kind: str, id_: str) -> bool:
        """Whether the gradebook has it, and of whom."""
        book = self.gradebook
        find = {
            "submission": book.find_submission_notebook_by_id,
            "grade": book.find_grade_by_id,
            "comment": book.find_comment_by_id,
        }[kind]
        try:
            return find(id_).student.id in self.pupils.names
        except ValueError:  # nbgrader's MissingEntry is one
            return False

    def _is_in_hers(self, path: str) -> bool:
        """ID/FILE, and the file is below: nbgrader would follow it to anywhere in the course."""
        submission, _, file = path.lstrip("/").partition("/")
        below = file.isprintable() and not file.startswith("/") and ".." not in file.split("/")
        return below and self._is_hers("submission", submission)

    @property
    def api(self) -> Any:
        whole = super().api
        return whole if self.pupils.everybody else narrow(whole, self.pupils.names)


def _is_name(value: str) -> bool:
    return _NAME.fullmatch(value) is not None

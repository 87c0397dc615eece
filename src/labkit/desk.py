"""The learner's desk: fetches a lab from the submissions service and hands it in. Used by the notebook's `labkit`, by
nbgrader's Assignment List and by the link that opens a lab."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import NotInALab, PlatformFault, SubmissionRefused, named

if TYPE_CHECKING:
    import httpx

# Nothing larger belongs in a submission; such a file is a checkpoint or a data set.
_MOST_BYTES_A_FILE = 5 * 2**20
# The header in which the service tells, beside a receipt, which written answers are as they were released.
UNWRITTEN = "X-Labkit-Unwritten"


@dataclass(frozen=True)
class Desk:
    """`url` is the platform's address and `token` the hub token of the learner's server."""

    url: str
    token: str
    client: httpx.Client | None = None

    @classmethod
    def from_environment(cls) -> Desk:
        """In a notebook server of the platform; raises NotInALab elsewhere."""
        url, token = os.environ.get("LABKIT_URL"), os.environ.get("JUPYTERHUB_API_TOKEN")
        if not url or not token:
            raise NotInALab("This notebook runs outside the platform.", instead="Open the lab from its page.")
        return cls(url, token)

    def courses(self) -> list[dict[str, Any]]:
        """Her courses: id, title, role and labs."""
        return list(self._ask("GET", "/courses")["courses"])

    def fetch(self, course: str, lab: str, folder: Path) -> list[Path]:
        """Puts the lab's files that are missing into `folder`; what is there already is hers and stays."""
        files = self._ask("GET", f"/courses/{course}/labs/{lab}/release")["files"]
        written = []
        for name, content in files.items():
            path = folder / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(base64.b64decode(content))
                written.append(path)
        return written

    def submit(self, course: str, lab: str, folder: Path) -> dict[str, Any]:
        """Hands in `folder`; gives the receipt as JSON, and beside it as `unwritten` what is not written yet."""
        notebook = folder / f"{lab}.ipynb"
        if not notebook.is_file():
            raise SubmissionRefused(
                f"There is no {lab}.ipynb in {folder.name}/ yet.",
                instead="Save the notebook first (Ctrl-S), under its own name, then submit.",
            )
        files = {name: base64.b64encode(content).decode() for name, content in _gather(folder).items()}
        return self._ask("POST", f"/courses/{course}/labs/{lab}/submissions", {"files": files})

    def submissions(self, course: str, lab: str) -> list[dict[str, Any]]:
        """What she handed in before, newest first: receipt, state and score."""
        return list(self._ask("GET", f"/courses/{course}/labs/{lab}/submissions")["submissions"])

    def text(self, course: str) -> dict[str, Any]:
        """For an instructor: the newest version of her course's text: number, commit, and a git bundle in base64."""
        return self._ask("GET", f"/workshop/{course}")

    def send_text(self, course: str, base: str, files: dict[str, str]) -> dict[str, Any]:
        """Sends `{name: base64}` as the version after the commit `base`; gives what `text` gives of it."""
        return self._ask("POST", f"/workshop/{course}", {"base": base, "files": files})

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import httpx

        url = f"{self.url.rstrip('/')}/services/submissions{path}"
        headers = {"Authorization": f"token {self.token}"}
        try:
            ask = self.client.request if self.client else httpx.request
            answer = ask(method, url, json=body, headers=headers, timeout=60)
            content = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise PlatformFault(
                "The platform did not answer; nothing of yours is lost.", instead="Try again in a minute."
            ) from error
        if answer.is_error:
            told = content.get("error", {})
            raise named(told.get("code", ""))(told.get("message", "The platform refused."))
        if left := answer.headers.get(UNWRITTEN):
            content["unwritten"] = json.loads(left)
        return dict(content)


def _gather(folder: Path) -> dict[str, bytes]:
    """The files of a lab's folder: no hidden ones, no links out of it, none that is very large."""
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith((".", "__pycache__")) for part in relative.parts)
        if hidden or path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_BYTES_A_FILE:
            continue
        found[relative.as_posix()] = path.read_bytes()
    return found

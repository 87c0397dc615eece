"""A server extension of notebook servers: an instructor's workspace of her course's text.

`.../labkit/write/COURSE/LAB` fetches the text where it is missing and opens the lab as a notebook;
`.../labkit/begin/COURSE` adds a small whole lab to write over (`labkit.courses.new`);
`.../labkit/send/COURSE` shows what she changed and sends it as a version; `.../labkit/renew/COURSE` lays hers aside and
fetches the newest. A link from anywhere changes nothing: sending and renewing ask first. Releasing is not here
(`labkit.workshop.app` says why). Whose course it is, the workshop judges by her token.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from jupyterlab.commands import get_workspaces_dir
from jupyterlab_server.workspaces_handler import WorkspacesManager
from tornado.web import authenticated

from hub_config.author_kernel import FOLDER
from hub_config.open_lab import page
from labkit.courses import Lab
from labkit.courses.course import LANGUAGES
from labkit.courses.header import NAME
from labkit.courses.new import new_lab
from labkit.desk import Desk
from labkit.errors import LabkitError
from labkit.workshop import files
from labkit.workshop.checkout import Changes, Checkout

_LAYOUT = "write"
_ID = f"({NAME.pattern})"


class _Workspace(JupyterHandler):
    def checkout(self, course: str) -> Checkout:
        return Checkout(Path(self.settings["server_root_dir"]).expanduser() / FOLDER / course)

    async def told(self, title: str, act: Callable[[], Any], course: str = "") -> Any:
        """What `act` gives; where it is refused, the page says so (with a way to a fresh workspace of `course`), and
        None."""
        try:
            return await asyncio.to_thread(act)
        except LabkitError as error:
            self.set_status(error.status)
            fresh = url_path_join(self.base_url, "labkit/renew", course)
            way = f'<p><a href="{escape(fresh)}">Fetch the newest / Kunin ang pinakabago</a></p>' if course else ""
            self.finish(page(title, f"<p>{escape(str(error))}</p>{way}"))
            return None

    def form(self, english: str, filipino: str) -> str:
        return f'<form method="post">{self.xsrf_form_html()}<button>{english} / {filipino}</button></form>'


class Write(_Workspace):
    @authenticated
    async def get(self, course: str, lab: str) -> None:
        checkout = self.checkout(course)

        def fetch() -> str:
            newest = Desk.from_environment().text(course)
            checkout.open(base64.b64decode(newest["bundle"]), newest["commit"])
            return str(newest["commit"])

        if await self.told("The workspace could not be opened", fetch, course):
            language = self.get_query_argument("language", "en")
            name = LANGUAGES.get(language, LANGUAGES["en"])
            if not (checkout.folder / lab / name).is_file():
                self.redirect(url_path_join(self.base_url, "lab/tree", FOLDER, course))
                return
            await asyncio.to_thread(prepare_layout, f"{FOLDER}/{course}/{lab}/{name}")
            self.redirect(url_path_join(self.base_url, "lab/workspaces", _LAYOUT))


class Begin(_Workspace):
    @authenticated
    async def get(self, course: str) -> None:
        fields = (
            ("lab", "Name of its folder: a-z, 0-9 and hyphens / Pangalan ng folder", "[a-z0-9]+(-[a-z0-9]+)*"),
            ("title", "Title / Pamagat", ".*[^ ].*"),
        )
        asked = "".join(
            f'<p><label for="{name}">{said}</label><br>'
            f'<input id="{name}" name="{name}" required maxlength="63" pattern="{pattern}"></p>'
            for name, said, pattern in fields
        )
        button = "<button>Begin / Simulan</button>"
        self.finish(page("A new lab", f'<form method="post">{self.xsrf_form_html()}{asked}{button}</form>'))

    @authenticated
    async def post(self, course: str) -> None:
        checkout = self.checkout(course)
        lab, title = self.get_body_argument("lab", ""), self.get_body_argument("title", "")

        def begin() -> Lab:
            newest = Desk.from_environment().text(course)
            checkout.open(base64.b64decode(newest["bundle"]), newest["commit"])
            return new_lab(checkout.folder.parent, course, lab, title)

        made = await self.told("The lab was not begun", begin)
        if made:
            self.redirect(url_path_join(self.base_url, "labkit/write", course, made.id))


class Send(_Workspace):
    @authenticated
    async def get(self, course: str) -> None:
        changes = await self.told("Nothing can be sent", self.checkout(course).changes, course)
        if changes is None:
            return
        if not changes:
            self.finish(page("Nothing to send", _nothing(course)))
            return
        english = "What differs from the version you began with. Save what is open in JupyterLab first."
        filipino = "Ang naiiba sa bersiyong sinimulan mo. I-save muna ang bukas sa JupyterLab."
        asks = f"<p>{english}</p><p lang=fil>{filipino}</p>{_listed(changes)}{self.form('Send', 'Ipadala')}"
        self.finish(page(f"Send your version of {course}", asks))

    @authenticated
    async def post(self, course: str) -> None:
        checkout = self.checkout(course)

        def send() -> dict[str, Any]:
            made = Desk.from_environment().send_text(course, checkout.base(), files.encode(checkout.text()))
            checkout.sent(base64.b64decode(made["bundle"]), made["commit"])
            return made

        made = await self.told("Your version was not sent", send, course)
        if made:
            self.redirect(f"{_workshop(course)}#version-{made['number']}")


class Renew(_Workspace):
    @authenticated
    async def get(self, course: str) -> None:
        english = "Your folder is renamed and stays; the newest version is fetched. Bring your changes over, then send."
        filipino = "Papalitan ang pangalan ng folder mo at mananatili; kukunin ang pinakabago. Ilipat ang binago mo."
        form = self.form("Fetch the newest", "Kunin ang pinakabago")
        self.finish(page("Fetch the newest version", f"<p>{english}</p><p lang=fil>{filipino}</p>{form}"))

    @authenticated
    async def post(self, course: str) -> None:
        checkout = self.checkout(course)

        def renew() -> str:
            newest = Desk.from_environment().text(course)
            checkout.renew(base64.b64decode(newest["bundle"]), newest["commit"])
            return str(newest["commit"])

        if await self.told("The newest version could not be fetched", renew):
            self.redirect(url_path_join(self.base_url, "lab/tree", FOLDER, course))


def prepare_layout(path: str) -> None:
    """Writes a layout of JupyterLab that opens the text at `path` as a notebook: an address cannot say so, and by its
    name alone the text would open in the text editor."""
    opened = f"notebook:{path}"
    dock = {"type": "tab-area", "currentIndex": 0, "widgets": [opened]}
    left = {"collapsed": False, "visible": True, "current": "filebrowser", "widgets": ["filebrowser"]}
    layout: dict[str, Any] = {"main": {"current": opened, "dock": dock}, "down": {"size": 0, "widgets": []}}
    layout |= {"left": left, "right": {"collapsed": True, "visible": True, "widgets": []}}
    data = {
        "layout-restorer:data": layout | {"relativeSizes": [0.2, 0.8, 0], "top": {"simpleVisibility": True}},
        opened: {"data": {"path": path, "factory": "Notebook"}},
        "file-browser-filebrowser:cwd": {"path": str(Path(path).parent)},
    }
    saved = {"data": data, "metadata": {"id": _LAYOUT}}
    WorkspacesManager(get_workspaces_dir()).save(_LAYOUT, json.dumps(saved))


def _listed(changes: Changes) -> str:
    kinds = (("New", changes.added), ("Changed", changes.changed), ("Gone", changes.removed))
    lines = [f"<li>{kind}: <code>{escape(name)}</code></li>" for kind, names in kinds for name in names]
    return f"<ul>{''.join(lines)}</ul>"


def _nothing(course: str) -> str:
    english = "Your workspace is the version you began with. Save in JupyterLab (Ctrl + S) and come back."
    filipino = "Walang nabago sa bersiyong sinimulan mo. Mag-save sa JupyterLab (Ctrl + S) at bumalik dito."
    back = f'<p><a href="{escape(_workshop(course))}">Back to the course\'s versions</a></p>'
    return f"<p>{english}</p><p lang=fil>{filipino}</p>{back}"


def _workshop(course: str) -> str:
    return f"{os.environ.get('JUPYTERHUB_HOST', '')}/services/labkit/courses/{course}/versions"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "hub_config.workspace"}]


def _load_jupyter_server_extension(server: Any) -> None:
    base = server.web_app.settings["base_url"]
    verbs = {f"write/{_ID}/{_ID}": Write, f"begin/{_ID}": Begin, f"send/{_ID}": Send, f"renew/{_ID}": Renew}
    server.web_app.add_handlers(".*$", [(url_path_join(base, f"labkit/{path}"), kind) for path, kind in verbs.items()])

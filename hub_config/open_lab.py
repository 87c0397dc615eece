"""A server extension of learners' JupyterLab: one address fetches a lab if needed and lands in its notebook.

`.../labkit/open/COURSE/LAB` works from any link: a stopped server is started by the hub on the way here. A notebook
that is no notebook any more is laid beside the fresh one. `.../labkit/fresh/COURSE/LAB` asks, then does so with any.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from jupyterlab.commands import get_workspaces_dir
from jupyterlab_server.workspaces_handler import WorkspacesManager
from tornado.web import HTTPError, authenticated

from labkit.desk import Desk
from labkit.errors import LabkitError

_TELEPHONE = "telephone"
_NAME = r"([A-Za-z0-9][A-Za-z0-9_-]{0,63})"


class OpenLab(JupyterHandler):
    @authenticated
    async def get(self, course: str, lab: str) -> None:
        await self.open(course, lab, fresh=False)

    async def open(self, course: str, lab: str, *, fresh: bool) -> None:
        """Fetches what is missing and goes to the notebook; what it has to make room for stays beside it."""
        folder = Path(self.settings["server_root_dir"]).expanduser() / course / lab
        try:
            desk = Desk.from_environment()
            await asyncio.to_thread(make_room, folder / f"{lab}.ipynb", fresh=fresh)
            await asyncio.to_thread(desk.fetch, course, lab, folder)
        except LabkitError as error:
            self.set_status(error.status)
            self.finish(page("This lab could not be opened", f"<p>{escape(str(error))}</p>"))
            return
        mode = "lab/tree"
        if is_handheld(self.request.headers):
            # One notebook fills the screen: single-document mode, in a workspace whose side bars are folded.
            await asyncio.to_thread(prepare_telephone)
            mode = f"doc/workspaces/{_TELEPHONE}/tree"
        self.redirect(url_path_join(self.base_url, mode, course, lab, f"{lab}.ipynb"))


class FreshLab(OpenLab):
    """Asks first: a link from anywhere changes nothing."""

    @authenticated
    async def get(self, course: str, lab: str) -> None:
        button = "<button>Get a fresh copy / Kumuha ng bagong kopya</button>"
        form = f'<form method="post">{self.xsrf_form_html()}{button}</form>'
        english = (
            f"Your notebook {lab}.ipynb is renamed and stays in the same folder; the lab opens as it was released."
        )
        filipino = f"Papalitan ang pangalan ng {lab}.ipynb mo at mananatili sa folder; bubukas ang lab na parang bago."
        self.finish(page("A fresh copy", f"<p>{english}</p><p lang=fil>{filipino}</p>{form}"))

    @authenticated
    async def post(self, course: str, lab: str) -> None:
        await self.open(course, lab, fresh=True)


_VERBS = {"open": OpenLab, "fresh": FreshLab}


def make_room(notebook: Path, *, fresh: bool) -> Path | None:
    """Renames `notebook` where it cannot be read as one, or where a `fresh` one is wanted; gives its new name."""
    if not notebook.is_file() or (not fresh and _is_notebook(notebook)):
        return None
    kept = notebook.with_name(f"{notebook.stem}.before-{datetime.now().astimezone():%Y%m%d-%H%M%S}.ipynb")
    notebook.rename(kept)
    return kept


def _is_notebook(path: Path) -> bool:
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and isinstance(content.get("cells", content.get("worksheets")), list)


def prepare_telephone() -> None:
    """Writes the telephone's workspace where there is none; what she changes in it later is hers."""
    manager = WorkspacesManager(get_workspaces_dir())
    with contextlib.suppress(ValueError, OSError, HTTPError):  # one that cannot be read is written anew
        if manager.load(_TELEPHONE)["data"]:
            return
    folded = {"collapsed": True, "visible": True, "widgets": []}
    layout: dict[str, Any] = {"main": None, "down": {"size": 0, "widgets": []}, "left": folded, "right": folded}
    layout |= {"relativeSizes": [0, 1, 0], "top": {"simpleVisibility": True}}
    saved = {"data": {"layout-restorer:data": layout}, "metadata": {"id": _TELEPHONE}}
    manager.save(_TELEPHONE, json.dumps(saved))


def is_handheld(headers: Mapping[str, str]) -> bool:
    """As the browser says it: Chromium in a header of its own, the others in their name."""
    return headers.get("Sec-CH-UA-Mobile") == "?1" or "Mobi" in headers.get("User-Agent", "")


def page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
        f"<title>{title} · labkit</title>"
        '<body style="font: 1rem/1.5 system-ui; max-width: 40rem; margin: 3rem auto; padding: 0 1rem">'
        f"<main><h1>{title}</h1>{body}"
        f'<p><a href="{escape(os.environ.get("JUPYTERHUB_HOST", ""))}/services/labkit/">Go to your labs</a></p></main>'
    )


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "hub_config.open_lab"}]


def _load_jupyter_server_extension(server: Any) -> None:
    base = server.web_app.settings["base_url"]
    handlers = [(url_path_join(base, f"labkit/{verb}/{_NAME}/{_NAME}"), kind) for verb, kind in _VERBS.items()]
    server.web_app.add_handlers(".*$", handlers)

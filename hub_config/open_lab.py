"""A server extension of learners' JupyterLab: one address fetches a lab if needed and lands in its notebook.

`.../labkit/open/COURSE/LAB` works from any link: a stopped server is started by the hub on the way here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
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
        root = Path(self.settings["server_root_dir"]).expanduser()
        try:
            desk = Desk.from_environment()
            await asyncio.to_thread(desk.fetch, course, lab, root / course / lab)
        except LabkitError as error:
            self.set_status(error.status)
            self.finish(_page(str(error)))
            return
        mode = "lab/tree"
        if is_handheld(self.request.headers):
            # One notebook fills the screen: single-document mode, in a workspace whose side bars are folded.
            await asyncio.to_thread(prepare_telephone)
            mode = f"doc/workspaces/{_TELEPHONE}/tree"
        self.redirect(url_path_join(self.base_url, mode, course, lab, f"{lab}.ipynb"))


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


def _page(message: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>labkit</title>'
        '<body style="font: 1rem/1.5 system-ui; max-width: 40rem; margin: 3rem auto; padding: 0 1rem">'
        f"<h1>This lab could not be opened</h1><p>{escape(message)}</p>"
        f'<p><a href="{escape(os.environ.get("JUPYTERHUB_HOST", ""))}/services/labkit/">Go to your labs</a></p>'
    )


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "hub_config.open_lab"}]


def _load_jupyter_server_extension(server: Any) -> None:
    pattern = url_path_join(server.web_app.settings["base_url"], f"labkit/open/{_NAME}/{_NAME}")
    server.web_app.add_handlers(".*$", [(pattern, OpenLab)])

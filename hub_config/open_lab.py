"""A server extension of learners' JupyterLab: one address fetches a lab if needed and lands in its notebook.

`.../labkit/open/COURSE/LAB` works from any link: a stopped server is started by the hub on the way here.
"""

from __future__ import annotations

import asyncio
from html import escape
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.web import authenticated

from labkit.desk import Desk
from labkit.errors import LabkitError

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
        self.redirect(url_path_join(self.base_url, "lab/tree", course, lab, f"{lab}.ipynb"))


def _page(message: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>labkit</title>'
        '<body style="font: 1rem/1.5 system-ui; max-width: 40rem; margin: 3rem auto; padding: 0 1rem">'
        f"<h1>This lab could not be opened</h1><p>{escape(message)}</p>"
        '<p><a href="/services/labkit/">Go to your labs</a></p>'
    )


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "hub_config.open_lab"}]


def _load_jupyter_server_extension(server: Any) -> None:
    pattern = url_path_join(server.web_app.settings["base_url"], f"labkit/open/{_NAME}/{_NAME}")
    server.web_app.add_handlers(".*$", [(pattern, OpenLab)])

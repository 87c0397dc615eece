"""The files of a notebook server, with the texts of labs in an instructor's workspace shown as notebooks.

`Workshop/COURSE/LAB/lab.py` (and lab.fil.py) asked for as a notebook is one, made by `labkit.courses.editing`, and is
saved as the text it is. Asked for as a file it is the text. Every other path is the notebook server's own.
"""

from __future__ import annotations

import re
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

from hub_config.author_kernel import FOLDER
from labkit.courses.course import LANGUAGES
from labkit.courses.editing import NotALab, to_notebook, to_text

_TEXT = re.compile(rf"/?{FOLDER}/[a-z0-9-]+/[a-z0-9-]+/(?:{'|'.join(map(re.escape, LANGUAGES.values()))})/?")


class LabContents(AsyncLargeFileManager):
    async def get(
        self, path: str, content: bool = True, type: str | None = None, format: str | None = None, **more: Any
    ) -> dict[str, Any]:
        if type != "notebook" or not _TEXT.fullmatch(path):
            return await super().get(path, content, type, format, **more)
        model: dict[str, Any] = await super().get(path, content, "file", "text", **more)
        if content:
            try:
                model["content"] = to_notebook(model["content"])
            except NotALab as error:
                raise HTTPError(400, str(error), reason="not a lab") from None
        return _as_notebook(model)

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        if model.get("type") != "notebook" or not _TEXT.fullmatch(path) or "content" not in model:
            return await super().save(model, path)
        try:
            text = to_text(model["content"])
        except (NotALab, KeyError, TypeError, AttributeError, IndexError) as error:
            said = str(error) if isinstance(error, NotALab) else "This is not a notebook."
            raise HTTPError(400, said, reason="not a lab") from None
        saved = await super().save({"type": "file", "format": "text", "content": text}, path)
        return _as_notebook(saved)


def _as_notebook(model: dict[str, Any]) -> dict[str, Any]:
    return {**model, "type": "notebook", "mimetype": None, "format": "json" if model.get("content") else None}

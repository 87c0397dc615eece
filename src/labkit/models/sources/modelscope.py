"""ModelScope's hub, or a mirror that speaks its protocol.

GET /api/v1/models/REPO/repo/files?Revision=REVISION&Recursive=true  {"Success", "Message", "Data": {"Files": [...],
    "LatestCommitter": {"Id", "ShortId"}}}; a file is {"Path", "Type": "blob" | "tree", "Size", "Sha256", "Revision"}
GET /api/v1/models/REPO/repo?Revision=REVISION&FilePath=PATH          the file, also in pieces (Range)

Read from modelscope-hub 0.5.1, whose five packages we do not need for two requests. Known there: a revision that does
not exist is answered with success and no files, and a listing ends silently after 3,000 entries (refused here).
The account is MODELSCOPE_API_TOKEN's; a mirror given by its address is never told of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx

from labkit.errors import OperatorError
from labkit.models.record import Model, Origin
from labkit.models.sources import Access, Entry, Listing, Moved
from labkit.models.sources.ranged import client, download, refuse, unreachable

ENDPOINT = "https://www.modelscope.cn"
_MOST = 3000


class ModelScope:
    def __init__(self, origin: Origin, endpoint: str) -> None:
        self._repo, self._revision = origin.repo, origin.revision or "master"
        self._endpoint = (endpoint or ENDPOINT).rstrip("/")
        token = "" if endpoint else os.environ.get("MODELSCOPE_API_TOKEN", "")
        # Its older routes know the cookie, its newer ones the header.
        self._http = client({"Authorization": f"Bearer {token}"}) if token else client()
        if token:
            self._http.cookies.set("m_session_id", token, domain=httpx.URL(self._endpoint).host)
        self._sign_in = f"Ask for access at {self._endpoint}/models/{origin.repo}, then set MODELSCOPE_API_TOKEN."

    def listing(self) -> Listing:
        url = f"{self._endpoint}/api/v1/models/{self._repo}/repo/files"
        try:
            answer = self._http.get(url, params={"Revision": self._revision, "Recursive": "true"})
        except httpx.HTTPError as error:
            raise unreachable(url, error) from error
        refuse(answer, self._repo, self._sign_in)
        try:
            data = answer.json()["Data"] or {}
            files: list[dict[str, Any]] | None = data["Files"]
            if files is None:
                raise OperatorError(
                    f"{self._repo} has no revision {self._revision!r}.", instead="Correct the record's revision."
                )
            entries = tuple(
                Entry(one["Path"], int(one.get("Size", -1)), (one.get("Sha256") or "").lower())
                for one in files
                if one.get("Type") != "tree"
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OperatorError(
                f"{httpx.URL(url).host} answered something else than a list of files.", instead="Check --endpoint."
            ) from error
        if len(files) >= _MOST:
            raise OperatorError(f"{self._repo} has more files than ModelScope lists.", instead="Use another source.")
        return Listing(_commit(data, files) or self._revision, entries)

    def copy(self, entry: Entry, target: Path, moved: Moved) -> None:
        where = f"Revision={quote_plus(self._revision)}&FilePath={quote_plus(entry.path)}"
        download(
            self._http, f"{self._endpoint}/api/v1/models/{self._repo}/repo?{where}", entry, target, moved, self._sign_in
        )

    def close(self) -> None:
        self._http.close()


def _commit(data: dict[str, Any], files: list[dict[str, Any]]) -> str:
    """The whole hash of the newest commit, which the listing abbreviates and some file's own revision completes."""
    latest = data.get("LatestCommitter") or {}
    short = latest.get("ShortId") or ""
    whole = (one.get("Revision") or "" for one in files)
    return latest.get("Id") or next((one for one in whole if short and one.startswith(short)), "")


def open_source(model: Model, origin: Origin, access: Access) -> ModelScope:
    del model
    return ModelScope(origin, access.endpoint)

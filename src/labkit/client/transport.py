"""How a notebook reaches the platform: a small protocol, and the one that goes over HTTP with a key it fetches."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from labkit.client import wire
from labkit.client.receipt import Receipt
from labkit.desk import Desk
from labkit.errors import KeyRefused, ModelUnavailable, NotInALab

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
# A busy small machine reads a long prompt slowly; the gateway gives up before we do.
_PATIENCE_SECONDS = 200.0
# Ten minutes of speech take longer than any text.
_FILE_SECONDS = 320.0
# A key this close to its end is exchanged before it is used.
_RENEW_SECONDS = 60.0
_QUEUE = ": labkit-queue "


class Transport(Protocol):
    """How a model is reached. Paths are "/v1/chat/completions", "/v1/score", "/v1/ocr", "/allowance", "/reports" ...

    What the platform says beside the model's answer stands below the key "labkit", where a transport knows it: `call`,
    the id of the call, and in a stream, while it waits, `queue`: {"place": from 1, "seconds": until it begins}.
    """

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]: ...

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]: ...

    def get(self, path: str) -> dict[str, Any]: ...

    def upload(self, path: str, fields: Mapping[str, str], file: Path) -> dict[str, Any]: ...

    def send(self, path: str, fields: Mapping[str, str], name: str, content: bytes) -> dict[str, Any]: ...

    def fetch(self, path: str, target: Path) -> None: ...

    def delete(self, path: str) -> None: ...


@dataclass(frozen=True)
class Place:
    """Which lab a notebook belongs to, and where it lies."""

    course: str
    lab: str
    folder: Path

    @classmethod
    def here(cls) -> Place:
        """From the notebook's path, which its server tells us, else from the working directory."""
        session = os.environ.get("JPY_SESSION_NAME", "")
        folder = (Path.cwd() / session).parent if session.endswith(".ipynb") else Path.cwd()
        if not folder.name or not folder.parent.name:
            raise NotInALab("This notebook is in no lab's folder.", instead="Open the lab from its page.")
        return cls(folder.parent.name, folder.name, folder)


class HttpTransport:
    """To the gateway, with a key fetched when it is needed and again when it has expired."""

    def __init__(self, url: str, hub_token: str, place: Place, client: httpx.Client | None = None) -> None:
        import httpx

        self._place = place
        self._gateway = f"{url.rstrip('/')}/services/gateway/labs/{place.course}/{place.lab}"
        self._hub = {"Authorization": f"token {hub_token}"}
        self._client = client or httpx.Client(timeout=_PATIENCE_SECONDS, trust_env=False)
        self._desk = Desk(url, hub_token, self._client)
        self._key, self._expires = "", 0.0

    @classmethod
    def of_this_notebook(cls) -> HttpTransport:
        desk = Desk.from_environment()
        return cls(desk.url, desk.token, Place.here())

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._with_key("POST", path, **wire.written(body))

    def get(self, path: str) -> dict[str, Any]:
        return self._with_key("GET", path)

    def upload(self, path: str, fields: Mapping[str, str], file: Path) -> dict[str, Any]:
        """Sends the file whole; it was looked at before, so it fits into memory."""
        return self.send(path, fields, file.name, file.read_bytes())

    def send(self, path: str, fields: Mapping[str, str], name: str, content: bytes) -> dict[str, Any]:
        """Sends bytes as a file of that name."""
        files = {"file": (name, content)}
        return self._with_key("POST", path, data=dict(fields), files=files, timeout=_FILE_SECONDS)

    def fetch(self, path: str, target: Path) -> None:
        """What lies there becomes the file `target`, whole or not at all; larger than memory, if it is."""
        beside = target.with_name(f".{target.name}.part")
        try:
            self._keyed(lambda: self._fetched(path, beside))
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)

    def delete(self, path: str) -> None:
        self._with_key("DELETE", path)

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for again in (True, False):
            try:
                yield from self._events(path, body)
                return
            except KeyRefused:  # refused before the first event, so nothing has been printed yet
                if not again:
                    raise
                self._key = ""

    def credentials(self) -> tuple[str, str]:
        if not self._key or self._expires - time.time() < _RENEW_SECONDS:
            given = self._send("POST", f"{self._gateway}/key", headers=self._hub)
            self._key = given["key"]
            self._expires = datetime.fromisoformat(given["expires_at"]).timestamp()
        return f"{self._gateway}/v1", self._key

    def submit(self) -> Receipt:
        course, lab, folder = self._place.course, self._place.lab, self._place.folder
        given = self._desk.submit(course, lab, folder)
        saved_at = datetime.fromtimestamp((folder / f"{lab}.ipynb").stat().st_mtime).astimezone()
        return Receipt(
            id=given["id"],
            course=given["course"],
            lab=given["lab"],
            received_at=given["received_at"],
            files=given["files"],
            missing=tuple(given.get("missing", ())),
            extra=tuple(given.get("extra", ())),
            signature=given.get("signature", ""),
            saved_at=saved_at,
            attempts_left=given.get("attempts_left"),
            unwritten=tuple((one["begins"], one["points"]) for one in given.get("unwritten", ())),
        )

    def _with_key(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **content: Any
    ) -> dict[str, Any]:
        def send() -> dict[str, Any]:
            whole = {**(headers or {}), **self._bearer()}
            return self._send(method, self._gateway + path, headers=whole, **content)

        return self._keyed(send)

    def _keyed(self, call: Callable[[], T]) -> T:
        """What the call gives; once more with a new key where the old one was refused."""
        try:
            return call()
        except KeyRefused:
            self._key = ""
            return call()

    def _bearer(self) -> dict[str, str]:
        """With the key goes the wish that a mistyped parameter is refused, not left out."""
        return {"Authorization": f"Bearer {self.credentials()[1]}", "X-Labkit-Strict": "1"}

    def _send(self, method: str, url: str, **content: Any) -> dict[str, Any]:
        answer = self._asked(method, url, **content)
        given: dict[str, Any] = answer.json()
        return {**given, **wire.call(answer)}

    def _asked(self, method: str, url: str, **content: Any) -> httpx.Response:
        import httpx

        try:
            answer = self._client.request(method, url, **content)
        except httpx.HTTPError as error:
            raise wire.silent(url, error) from error
        if answer.is_error:
            raise wire.error(answer.status_code, answer.content)
        return answer

    def _fetched(self, path: str, target: Path) -> None:
        import httpx

        url = self._gateway + path
        try:
            with self._client.stream("GET", url, headers=self._bearer(), timeout=_FILE_SECONDS) as answer:
                if answer.is_error:
                    raise wire.error(answer.status_code, answer.read())
                with target.open("wb") as file:
                    for piece in answer.iter_bytes():
                        file.write(piece)
        except httpx.HTTPError as error:
            raise wire.silent(url, error) from error

    def _events(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        import httpx

        written, ended = wire.written(body), False
        headers = {**written["headers"], **self._bearer(), "X-Labkit-Queue": "1"}
        try:
            with self._client.stream(
                "POST", self._gateway + path, headers=headers, content=written["content"]
            ) as answer:
                if answer.is_error:
                    raise wire.error(answer.status_code, answer.read())
                yield wire.call(answer)
                for line in wire.lines(answer.iter_bytes()):
                    ended = ended or line == "data: [DONE]"
                    if line.startswith(_QUEUE):
                        yield {"labkit": {"queue": json.loads(line.removeprefix(_QUEUE))}}
                    elif line.startswith("data: ") and not ended:
                        yield wire.event(line.removeprefix("data: "))
        except httpx.HTTPError as error:
            raise wire.silent(self._gateway, error) from error
        if not ended:
            raise ModelUnavailable("The answer broke off before its end.", instead="Run the cell again.")

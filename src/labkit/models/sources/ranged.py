"""One file over HTTP that goes on where it was (Range, RFC 9110 section 14), for every hub.

`huggingface_hub` 2 downloads to a name of the process's own and deletes it when it fails, so a killed download of
it begins again: hence this. What it does not cover: bytes a server changed between two tries; the hash tells.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from labkit.errors import OperatorError
from labkit.models.sources import Entry, Moved

_TRIES = 5
PAUSE = 1.0  # seconds before the first new try; each further one waits twice as long
# Compressed text has no length one could go on after.
_PLAIN = {"Accept-Encoding": "identity"}
GO_ON = "Run the same command again: it goes on where it was."


def client(headers: Mapping[str, str] | None = None, cookies: Mapping[str, str] | None = None) -> httpx.Client:
    """For a hub: follows redirects to its storage, and sends no credential there."""
    return httpx.Client(
        headers={**_PLAIN, **(headers or {})}, cookies=dict(cookies or {}), follow_redirects=True, timeout=30
    )


def download(http: httpx.Client, url: str, entry: Entry, target: Path, moved: Moved, sign_in: str = GO_ON) -> None:
    """Puts `url` at `target`. Raises OperatorError when the connection breaks again and again, or the hub refuses;
    `sign_in` then says how to be let in."""
    failed, had = 0, -1
    while True:
        have = target.stat().st_size if target.exists() else 0
        failed = 0 if have > had else failed
        had = have
        try:
            _go_on(http, url, entry, target, have, moved, sign_in)
            return
        except httpx.TransportError as error:
            failed += 1
            if failed >= _TRIES or isinstance(error, httpx.UnsupportedProtocol):
                raise unreachable(url, error) from error
            time.sleep(PAUSE * 2 ** (failed - 1))


def unreachable(url: str, error: Exception) -> OperatorError:
    """No answer from the host of `url`: the network's fault, or there is none."""
    host = httpx.URL(url).host or url
    return OperatorError(
        f"{host} does not answer ({str(error) or type(error).__name__}).",
        instead=f"{GO_ON} Without the internet, bring the model's folder on a disk and name it: --from FOLDER.",
    )


def refuse(response: httpx.Response, what: str, how_to_sign_in: str) -> None:
    """Raises OperatorError where a hub refused; `what` is the repository as the hub calls it."""
    if response.is_success:
        return
    host, status = response.url.host, response.status_code
    if status in (401, 403):
        raise OperatorError(
            f"{what} is private or gated at {host}, and this account may not read it.", instead=how_to_sign_in
        )
    if status == 404:
        raise OperatorError(
            f"{host} has no {what}, or shows it to its members only.",
            instead=f"Check repo and revision of the record. {how_to_sign_in}",
        )
    if status == 429:
        raise OperatorError(f"{host} answers too many requests at the moment.", instead=f"Wait a while. {GO_ON}")
    raise OperatorError(f"{host} answered {status} to {what}.", instead=f"Try later. {GO_ON}")


def _go_on(http: httpx.Client, url: str, entry: Entry, target: Path, have: int, moved: Moved, sign_in: str) -> None:
    if 0 <= entry.size < have:
        target.unlink()  # of another file
        have = 0
    moved(have)
    if have == entry.size:
        target.touch()
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    with http.stream("GET", url, headers=headers) as response:
        if response.status_code == 416:
            target.unlink()  # what is there is not of this file: begin again
            raise httpx.ReadError("the range does not exist")
        refuse(response, entry.path, sign_in)
        goes_on = response.status_code == 206
        done = have if goes_on else 0
        with target.open("ab" if goes_on else "wb") as file:
            # As it comes: what is gathered into larger blocks is lost when the connection breaks.
            for block in response.iter_bytes():
                file.write(block)
                done += len(block)
                if 0 <= entry.size < done:
                    raise OperatorError(f"{entry.path} is longer than its hub says.", instead="Use another source.")
                moved(done)
    if 0 <= entry.size != done:
        raise httpx.ReadError(f"{entry.path} ended after {done} of {entry.size} bytes")

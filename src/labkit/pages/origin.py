"""Whether a form was posted from a page of ours.

The browser says so in Sec-Fetch-Site (Fetch Metadata, W3C); one that does not send it names the page's origin in
Origin. A host beside ours, such as a learner's own, is foreign. Does not cover: a browser that sends neither is
refused, so nobody can sign in with one; script running on our own origin, which the pages' policy forbids.
"""

from __future__ import annotations

from collections.abc import Mapping


def is_ours(headers: Mapping[str, str], origin: str) -> bool:
    """`origin` is ours, such as `http://localhost:8000`; `headers` compares names without case."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        # `none`: the person herself, by reloading a page she had sent.
        return site in ("same-origin", "none")
    return headers.get("Origin") == origin

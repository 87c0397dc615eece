"""JupyterHub's pages whose place is taken by ours: they lead there, and nothing is lost."""

from __future__ import annotations

from jupyterhub.handlers import BaseHandler


class Elsewhere(BaseHandler):
    def initialize(self, to: str) -> None:
        self._to = to

    def get(self, *_parts: str) -> None:
        self.redirect(f"{self.authenticator.pages}{self._to}")


def handlers() -> list[tuple[str, type[Elsewhere], dict[str, str]]]:
    places = {r"/home": "", r"/admin": "", r"/token": "account", r"/accept-share": ""}
    return [(path, Elsewhere, {"to": to}) for path, to in places.items()]

"""Which host serves what: hub and pages share one, every learner and every formgrader has another (design D15).

Covers: a page of a learner's server has another origin than hub, pages, formgraders and every other learner, so script
on it reads none of their pages and gets none of their host-only cookies. On `localhost` each is a site of its own too.
Does NOT cover: below a site's own name (ana.labs.example.org) browsers call these hosts one *site*, so SameSite alone
holds nothing there: `__Host-` cookies (https) and the checks of Origin and Sec-Fetch-Site do.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

# A label that stands as it is. Two hyphens in a row never occur in one, so what we make of other names is apart.
_PLAIN = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){0,38}[a-z0-9]|[a-z0-9]")


@dataclass(frozen=True)
class Hosts:
    """`host` is the name people type, such as `localhost`; `port` is 0 where it is the scheme's own."""

    scheme: str
    host: str
    port: int = 0

    @classmethod
    def of(cls, url: str) -> Hosts:
        """From the public address, such as `https://labs.example.org`."""
        parts = urlsplit(url)
        return cls(parts.scheme, parts.hostname or "", parts.port or 0)

    @property
    def main(self) -> str:
        """The origin of hub and pages, such as `http://localhost:8000`."""
        return self._origin(self.host)

    def user(self, name: str) -> str:
        """The address of a learner's server, such as `http://ana.localhost:8000/user/ana/`."""
        return f"{self._origin(subdomain(name, self.host, 'user'))}/user/{name}/"

    def formgrader(self, course: str) -> str:
        """The address of a course's formgrader, such as `http://formgrader-prompting--service.localhost:8000/...`."""
        name = f"formgrader-{course}"
        return f"{self._origin(subdomain(name, self.host, 'service'))}/services/{name}/"

    def _origin(self, host: str) -> str:
        return f"{self.scheme}://{host}{f':{self.port}' if self.port else ''}"


def subdomain(name: str, domain: str, kind: str) -> str:
    """The host of a user's server or of a service: JupyterHub's `subdomain_hook`.

    Services that show nothing of a learner's making stay on the hub's host. No two names share a host: a name that is
    no plain label carries a part of its SHA-256.
    """
    if kind == "service" and not name.startswith("formgrader-"):
        return domain
    label = name
    if not _PLAIN.fullmatch(name):
        readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:20].strip("-") or "x"
        label = f"{readable}--{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return f"{label}{'' if kind == 'user' else '--service'}.{domain}"

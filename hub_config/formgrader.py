"""Starts one course's formgrader: `python -m hub_config.formgrader CONFIG.json`.

nbgrader's formgrader is an extension of a notebook server. This one runs in a sandbox, as an unprivileged account
where the platform runs as root, with no terminal and no kernel: it shows and saves grades and nothing else. Whose work
it shows to whom, `hub_config.formgrader_walls` decides.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

import autograder
import hub_config
from hub_config.learner_server import INSIDE
from hub_config.pupils import folder_of
from labkit.sandbox import Bind, Limits, Sandbox
from labkit.strict import read_json, strict

# The unprivileged account of the host that keeps gradebooks where the platform runs as root.
UID = 1_799_999


@dataclass(frozen=True)
class Config:
    course: str
    folder: str
    build: str
    url: str
    public_url: str
    hub_host: str
    secure: bool
    hub_api_url: str
    token_file: str
    grader_url: str
    grader_key_file: str


# What the notebook server is told. No kernel can be chosen and there is no terminal, so nothing is run here.
_SERVER = """\
c = get_config()
c.ServerApp.jpserver_extensions = {
    "nbgrader.server_extensions.formgrader": True,
    "nbgrader.server_extensions.validate_assignment": False,
    "nbgrader.server_extensions.assignment_list": False,
    "nbgrader.server_extensions.course_list": False,
    "jupyterlab_jupytext": False,
    "jupyter_lsp": False,
    "jupyter_server_terminals": False,
    "jupyterlab": False,
    "notebook": True,
    "hub_config.formgrader_walls": True,
}
# Without its walls it would show everybody's work: then rather nothing.
c.ServerApp.reraise_server_extension_failures = True
c.ServerApp.terminals_enabled = False
c.HubOAuth.cache_max_age = 30
# Grades and comments are small; a body is kept whole in memory before anybody is asked who sent it.
c.ServerApp.max_body_size = c.ServerApp.max_buffer_size = 2**20
c.ServerApp.tornado_settings = {
    "labkit_pupils": "/etc/jupyter/pupils.json",
    "headers": {
        # nbgrader's pages bring script of their own within them; nothing comes from, or is told to, another site.
        # They ask a public server for MathJax, and do without.
        "Content-Security-Policy": "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    },
}
c.KernelSpecManager.allowed_kernelspecs = {"none"}
c.KernelSpecManager.ensure_native_kernel = False
"""


def server_config(config: Config) -> str:
    """jupyter_server_config.py"""
    return f"{_SERVER}c.ServerApp.root_dir = {config.folder!r}\n"


def nbgrader_config(config: Config) -> str:
    """nbgrader_config.py: the worker's own, so that the Autograde button gives the same score."""
    return (
        "from pathlib import Path\n"
        "from autograder.configuration import config\n"
        "c = get_config()\n"
        f"c.merge(config(Path({config.folder!r}), {config.course!r}))\n"
        f"c.LabkitExecute.grader_url = {config.grader_url!r}\n"
        f"c.LabkitExecute.grader_key_file = {INSIDE + '/grader.key'!r}\n"
    )


def environment(config: Config) -> dict[str, str]:
    """What JupyterHub gives a service it starts itself; this one is external, so we give it."""
    name = f"formgrader-{config.course}"
    prefix = f"/services/{name}/"
    scopes = json.dumps([f"access:services!service={name}"])
    return {
        "JUPYTERHUB_SERVICE_NAME": name,
        "JUPYTERHUB_SERVICE_PREFIX": prefix,
        "JUPYTERHUB_SERVICE_URL": config.url + prefix,
        "JUPYTERHUB_API_TOKEN": Path(config.token_file).read_text(),
        "JUPYTERHUB_API_URL": config.hub_api_url,
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_HOST": config.hub_host,
        "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": str(int(config.secure)),
        # The hub tells this to the servers it starts itself; without it not every browser keeps them from other sites.
        "JUPYTERHUB_COOKIE_OPTIONS": json.dumps({"samesite": "Lax"}),
        "JUPYTERHUB_PUBLIC_URL": config.public_url,
        "JUPYTERHUB_PUBLIC_HUB_URL": f"{config.hub_host}/hub/",
        "JUPYTERHUB_CLIENT_ID": f"service-{name}",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{config.public_url}oauth_callback",
        "JUPYTERHUB_OAUTH_SCOPES": scopes,
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": scopes,
        "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": "[]",
        "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def sandbox(config: Config, files: Path) -> Sandbox:
    folder = Path(config.folder)
    packages = (Bind(Path(str(package.__file__)).parent) for package in (autograder, hub_config))
    return Sandbox(
        binds=(Bind(folder, writable=True), Bind(files, INSIDE), *packages),
        env=environment(config),
        limits=Limits(processes=256, files=4096, file_mb=256),
        uid=folder.stat().st_uid or UID,
        cwd=INSIDE,
        network=True,
    )


def prepare(config: Config) -> Path:
    """Writes the files bound as /etc/jupyter and gives them, and the course's folder, to the formgrader's account."""
    files = folder_of(Path(config.folder).parent, config.course)
    files.mkdir(exist_ok=True, mode=0o700)
    contents = {
        "jupyter_server_config.py": server_config(config),
        "nbgrader_config.py": nbgrader_config(config),
        "grader.key": Path(config.grader_key_file).read_text(),
    }
    for name, content in contents.items():
        path = files / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o400), "w") as file:
            file.write(content)
    if os.geteuid() == 0:
        # Not whatever is there: the file of pupils is replaced by another process.
        for path in (files, *(files / name for name in contents), Path(config.folder), *Path(config.folder).rglob("*")):
            os.chown(path, UID, UID, follow_symlinks=False)
    return files


def _wait_for_hub(api_url: str, seconds: float = 120) -> None:
    """All processes start at once, and a notebook server gives up where its hub is not there yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            httpx.get(f"{api_url}/", timeout=2)
            return
        except httpx.HTTPError:
            time.sleep(0.2)


def main() -> None:
    config = strict(Config, read_json(Path(sys.argv[1])), sys.argv[1])
    _wait_for_hub(config.hub_api_url)
    inside = sandbox(config, prepare(config))
    command = inside.argv([str(Path(sys.executable).parent / "jupyterhub-singleuser")])
    os.execve(command[0], command, inside.environment())  # noqa: S606 - replaced by the sandbox, which starts the server


if __name__ == "__main__":
    main()

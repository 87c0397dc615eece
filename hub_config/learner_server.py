"""What a learner's JupyterLab is told: her course and nothing of the instructor's.

The files are written once per run and bound read-only into every learner's sandbox as /etc/jupyter.
"""

from __future__ import annotations

import json
from pathlib import Path

INSIDE = "/etc/jupyter"
# Where IPython looks for what every kernel is told: the same folder again.
INSIDE_IPYTHON = "/etc/ipython"

_SERVER = """\
import os

c = get_config()
# A value here wins over what packages switch on for themselves.
c.ServerApp.jpserver_extensions = {
    "nbgrader.server_extensions.formgrader": False,
    "nbgrader.server_extensions.validate_assignment": False,
    "nbgrader.server_extensions.course_list": False,
    "nbgrader.server_extensions.assignment_list": True,
    "jupyterlab_jupytext": False,
    "jupyter_lsp": False,
    "notebook": False,
    "jupyter_server_terminals": False,
    "jupyterlab": True,
    "hub_config.open_lab": True,
    "hub_config.listening": True,
    "hub_config.workspace": True,
}
c.ServerApp.terminals_enabled = False
c.ServerApp.root_dir = os.environ["HOME"]
c.ServerApp.contents_manager_class = "hub_config.lab_contents.LabContents"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.ConnectionFileMixin.transport = "ipc"
c.FileContentsManager.delete_to_trash = False
# So long an ended session still opens what it had open.
c.HubOAuth.cache_max_age = 30
# A notebook is saved in one piece, larger files come in pieces. A stranger's body is kept whole before it is refused.
c.ServerApp.max_body_size = c.ServerApp.max_buffer_size = 32 * 2**20
c.ServerApp.tornado_settings = {
    # A slow line gets a quarter of the bytes.
    "compress_response": True,
    "headers": {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"},
}
"""

_NBGRADER = """\
import os

c = get_config()
c.ExchangeFactory.exchange = "autograder.exchange.Exchange"
c.ExchangeFactory.list = "autograder.exchange.ExchangeList"
c.ExchangeFactory.submit = "autograder.exchange.ExchangeSubmit"
c.ExchangeFactory.fetch_assignment = "autograder.exchange.ExchangeFetchAssignment"
c.ExchangeFactory.fetch_feedback = "autograder.exchange.ExchangeFetchFeedback"
c.ExchangeFactory.release_assignment = "autograder.exchange.ExchangeReleaseAssignment"
c.ExchangeFactory.release_feedback = "autograder.exchange.ExchangeReleaseFeedback"
c.ExchangeFactory.collect = "autograder.exchange.ExchangeCollect"
c.Exchange.assignment_dir = os.environ["HOME"]
"""

_KERNEL = """\
c = get_config()
c.IPKernelApp.extensions = ["hub_config.notice", "hub_config.author_kernel"]
"""

_PAGE = {
    "disabledExtensions": {
        "@jupyter/nbgrader:create-assignment": True,
        "@jupyter/nbgrader:formgrader": True,
        "@jupyter/nbgrader:course-list": True,
        "@jupyter/nbgrader:validate-assignment": True,
        "@jupyterlab/apputils-extension:announcements": True,
        "@jupyterlab/extensionmanager-extension:plugin": True,
        "@jupyterlab/launcher-extension:plugin": True,
        "@jupyterlab/terminal-extension": True,
        # What a lab never needs and a slow line or a narrow screen would pay for.
        "@jupyter-notebook/lab-extension": True,
        "@jupyterlab/celltags-extension": True,
        "@jupyterlab/debugger-extension": True,
        "@jupyterlab/htmlviewer-extension": True,
        "@jupyterlab/json-extension": True,
        "@jupyterlab/logconsole-extension": True,
        "@jupyterlab/metadataform-extension": True,
        "@jupyterlab/notebook-extension:tools": True,
        "@jupyterlab/notebook-extension:update-raw-mimetype": True,
        "@jupyterlab/pdf-extension": True,
        "@jupyterlab/vega5-extension": True,
        # It asks "restart your server?" when the line is lost; JupyterLab's own message says that it goes on trying.
        "@jupyterlab/hub-extension:connectionlost": True,
        "@jupyterlab/lsp-extension": True,
        "@jupyterlab/notebook-extension:language-server": True,
        "@jupyterlab/fileeditor-extension:language-server": True,
        "jupyterlab-jupytext": True,
    }
}

_OVERRIDES = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 15},
    # Every cell is in the page: found by the browser's search and by a screen reader, not only what is scrolled to.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "defer"},
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
}


def write(folder: Path) -> Path:
    """Writes the files into `folder` and returns it."""
    (folder / "labconfig").mkdir(parents=True, exist_ok=True)
    files = {
        "jupyter_server_config.py": _SERVER,
        "nbgrader_config.py": _NBGRADER,
        "ipython_kernel_config.py": _KERNEL,
        "labconfig/page_config.json": json.dumps(_PAGE),
        "labconfig/default_setting_overrides.json": json.dumps(_OVERRIDES),
    }
    for name, content in files.items():
        path = folder / name
        path.write_text(content)
        path.chmod(0o644)
    return folder

"""An IPython extension of learners' kernels: a kernel that was ended for what it used says so in its successor.

The holder leaves the reason beside the door; the first cell of the next kernel shows it once. Without this a learner
would read only that "the kernel appears to have died".
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

LEFT = Path("/run/labkit/notice")
# A kernel is started again within seconds; an older reason is no longer news.
_NEWS_SECONDS = 120
# Both languages at once: a kernel does not know whose it is, and has no catalogue.
_WORDS = {
    "memory": (
        "Your last kernel was ended: your notebooks together used more than {mb} MB of memory. Its variables are gone, "
        "your files are not. Load less at once, or shut down notebooks you do not need (the square in the left bar).\n"
        "Itinigil ang huli mong kernel: lumampas sa {mb} MB na memory ang lahat ng notebook mo. Nawala ang mga "
        "variable, pero nariyan pa ang mga file. Bawasan ang sabay-sabay na nilo-load, o isara ang mga notebook na "
        "hindi kailangan."
    ),
    "disk": (
        "Your kernels were ended: your files take more than {mb} MB. Delete some in the file browser, then go on.\n"
        "Itinigil ang mga kernel mo: lumampas sa {mb} MB ang mga file mo. Magbura ng ilan sa file browser, saka "
        "magpatuloy."
    ),
}


def news(left: Path = LEFT) -> str:
    """What to say, or "" if there is nothing new."""
    try:
        told = json.loads(left.read_text())
        fresh = 0 <= time.time() - told["at"] < _NEWS_SECONDS
        return _WORDS[told["why"]].format(mb=told["mb"]) if fresh else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def load_ipython_extension(shell: Any) -> None:
    def tell(_info: Any) -> None:
        shell.events.unregister("pre_run_cell", tell)
        if said := news():
            print(said)

    shell.events.register("pre_run_cell", tell)

"""Which packages a notebook imports that labkit does not install, by the name one installs them under."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from labkit.courses.imports import python

# What the `learner` extra brings under these names, and torch, which the profile of that name has.
_THERE = {
    "numpy",
    "pandas",
    "IPython",
    "ipykernel",
    "notebook",
    "jupyterlab",
    "nbgrader",
    "httpx",
    "labkit",
    "torch",
} | {
    *("matplotlib", "mpl_toolkits", "pylab"),
}
# nose has no release for a Python that labkit runs on.
GONE = {"nose": "nose runs on no Python labkit runs on: write asserts"}
_INSTALLED_AS = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}


def imports(sources: Iterable[str]) -> set[str]:
    """The top names imported anywhere in the code cells."""
    trees = (python.tree(python.without_commands(source)[0]) for source in sources)
    return {name for tree in trees if tree is not None for name in python.imported(tree)}


def to_install(names: Iterable[str], beside: Iterable[str] = ()) -> tuple[str, ...]:
    """Without the standard library, what is there already, and the modules `beside` the notebook."""
    missing = set(names) - sys.stdlib_module_names - _THERE - GONE.keys() - set(beside)
    # A name that no package can have (`_private`, `größe`) comes with another one.
    return tuple(
        sorted({_INSTALLED_AS.get(name, name) for name in missing if name.isascii() and name.strip("_") == name})
    )

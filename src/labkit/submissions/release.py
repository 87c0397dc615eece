"""What a learner fetches: the built notebook in her language, and the lab's files."""

from __future__ import annotations

from pathlib import Path


class Releases:
    """`root` holds COURSE/learner/LAB/, as `labkit courses build` writes it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self, course: str, lab: str, language: str = "en") -> dict[str, bytes]:
        """Every file of the released lab; the notebook is LAB.ipynb whatever its language."""
        paths = self._paths(course, lab)
        found = {name: path for name, path in paths.items() if not _is_translation(name, lab)}
        if translated := paths.get(f"{lab}.{language}.ipynb"):
            found[f"{lab}.ipynb"] = translated
        return {name: path.read_bytes() for name, path in found.items()}

    def notebooks(self, course: str, lab: str) -> list[bytes]:
        """The released notebook in every language of it."""
        paths = self._paths(course, lab)
        own = (name for name in paths if name == f"{lab}.ipynb" or _is_translation(name, lab))
        return [paths[name].read_bytes() for name in own]

    def names(self, course: str, lab: str) -> list[str]:
        """Of the files a learner has, in order."""
        return sorted(name for name in self._paths(course, lab) if not _is_translation(name, lab))

    def _paths(self, course: str, lab: str) -> dict[str, Path]:
        folder = self._root / course / "learner" / lab
        return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def _is_translation(name: str, lab: str) -> bool:
    return name.startswith(f"{lab}.") and name.endswith(".ipynb") and name != f"{lab}.ipynb"

"""What a learner fetches: the built notebook in her language, and the lab's files."""

from __future__ import annotations

from pathlib import Path


class Releases:
    """`root` holds COURSE/learner/LAB/, as `labkit courses build` writes it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self, course: str, lab: str, language: str = "en") -> dict[str, bytes]:
        """Every file of the released lab; the notebook is LAB.ipynb whatever its language."""
        folder = self._root / course / "learner" / lab
        found = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        translated = {name: found.pop(name) for name in list(found) if _is_translation(name, lab)}
        if (notebook := f"{lab}.{language}.ipynb") in translated:
            found[f"{lab}.ipynb"] = translated[notebook]
        return found

    def notebooks(self, course: str, lab: str) -> list[bytes]:
        """The released notebook in every language of it."""
        folder = self._root / course / "learner" / lab
        own = (
            path
            for path in sorted(folder.glob("*.ipynb"))
            if path.name == f"{lab}.ipynb" or _is_translation(path.name, lab)
        )
        return [path.read_bytes() for path in own]

    def names(self, course: str, lab: str) -> list[str]:
        return sorted(self.files(course, lab))


def _is_translation(name: str, lab: str) -> bool:
    return name.startswith(f"{lab}.") and name.endswith(".ipynb") and name != f"{lab}.ipynb"

"""Reads an nbgrader course as a whole: what its labs, its people and its settings become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from labkit.courses.header import NAME
from labkit.courses.imports import packages
from labkit.courses.imports.cells import convert
from labkit.courses.imports.configuration import FILE, Settings
from labkit.courses.imports.files import Files, beside
from labkit.courses.imports.find import Assignment, Found, find, inside
from labkit.courses.imports.history import History, read_history
from labkit.courses.imports.made import Converted
from labkit.courses.imports.names import Taken, slug
from labkit.courses.imports.notebook import Given, Notebook, is_python, read_notebook
from labkit.courses.imports.report import Notes, printable
from labkit.courses.imports.solution import released
from labkit.errors import OperatorError


@dataclass(frozen=True)
class ImportedLab:
    id: str
    title: str
    notebook: str
    converted: Converted
    files: Files
    notes: Notes
    points: float = 0  # in nbgrader
    profile: str = ""
    due: datetime | None = None


@dataclass(frozen=True)
class ImportedCourse:
    id: str
    title: str
    origin: str
    labs: tuple[ImportedLab, ...]
    notes: tuple[Notes, ...]
    packages: tuple[str, ...]
    history: History


def read_course(path: Path, name: str = "", *, gradebook: bool = True) -> ImportedCourse:
    """Raises OperatorError where nothing of it can be imported; what is left out of the rest is in the notes."""
    settings_notes = Notes(FILE)
    found = find(path, settings_notes)
    title = found.settings.course_id or (path.resolve().name if path.is_dir() else path.stem)
    course_id = name or slug(title, "course")
    if not NAME.fullmatch(course_id):
        raise OperatorError(f"{course_id!r} cannot be a course's id.", instead="Use a-z, 0-9 and single hyphens.")
    reading = _Reading(found, _history(found, settings_notes) if gradebook else History())
    reading.notes.append(settings_notes)
    labs = [lab for assignment in found.assignments for lab in reading.labs(assignment)]
    if not labs:
        why = next((str(note) for notes in reading.notes[1:] for note in notes.all if note.lost), "")
        told = why.removesuffix(": it is left out")
        raise OperatorError(f"Nothing in {path} can be imported: {told}.", instead=reading.instead)
    missing = {one for lab in reading.imports.values() for one in lab}
    return ImportedCourse(
        course_id,
        title,
        printable(path.resolve().name),
        tuple(labs),
        tuple(reading.notes),
        tuple(sorted(missing)),
        reading.history,
    )


def _history(found: Found, notes: Notes) -> History:
    named = found.settings.database.removeprefix("sqlite:///") or "gradebook.db"
    file = inside(found.root, named)
    if file is None:
        notes.lost(f"the gradebook is not in this folder ({named}): copy it here to bring people and scores")
        return History()
    return read_history(file) if file.is_file() else History()


class _Reading:
    """One course while it is read: ids that are taken, notes by file, packages by lab."""

    def __init__(self, found: Found, history: History) -> None:
        self.history = history
        self.notes: list[Notes] = []
        self.imports: dict[str, tuple[str, ...]] = {}
        self.instead = "Name the course's folder or its source/: release/ has no solutions."
        self._root, self._settings, self._ids = found.root, found.settings, Taken()
        self._around = {name: self._fixed(getattr(found.settings, name), name) for name in ("header", "footer")}

    def labs(self, assignment: Assignment) -> Iterable[ImportedLab]:
        notes = self._about(assignment.folder)
        read = [(path, *one) for path in assignment.notebooks if (one := self._read(path))]
        if len(read) > 1 and assignment.name:
            notes.changed(f"an assignment of {len(read)} notebooks: each is a lab of its own")
        everywhere = {path: _text(notebook) for path, notebook, _ in read}
        there = beside(assignment.folder, notes, None if assignment.name else "\n".join(everywhere.values()))
        for path, notebook, own in read:
            mine = {name: file for name, file in there.items() if _belongs(name, path, everywhere)}
            yield self._lab(assignment, path, notebook, own, mine, alone=len(assignment.notebooks) == 1)

    def _lab(
        self,
        assignment: Assignment,
        path: Path,
        notebook: Notebook,
        own: Notes,
        mine: Mapping[str, Path],
        *,
        alone: bool,
    ) -> ImportedLab:
        wanted = path.stem if not assignment.name else assignment.name if alone else f"{assignment.name}-{path.stem}"
        lab_id = self._ids.new(wanted, "lab")
        if lab_id != slug(wanted, "lab"):
            own.changed(f"another lab is called {slug(wanted, 'lab')} already: this one is {lab_id}")
        given = [*self._around["header"], *((cell, own) for cell in notebook.cells), *self._around["footer"]]
        files = Files(mine)
        converted = convert(given, self._settings, files)
        names = packages.imports(cell.source for cell, _ in given if cell.kind == "code")
        self._packages(lab_id, names, {Path(one).stem for one in mine if one.endswith(".py")}, own)
        return ImportedLab(
            id=lab_id,
            title=_title(notebook)
            or (assignment.name if alone else f"{assignment.name} {path.stem}").strip()
            or path.stem,
            notebook=printable(path.relative_to(self._root).as_posix()),
            converted=converted,
            files=files,
            notes=own,
            points=sum(cell.points for cell, _ in given),
            profile="torch" if "torch" in names else "",
            due=self.history.due_of(assignment.name),
        )

    def _packages(self, lab_id: str, names: set[str], modules: set[str], notes: Notes) -> None:
        for name in sorted(names & modules):
            notes.lost(f"it imports {name}.py, a file beside it: copy what it defines into a `# %%` cell")
        for name in sorted(names & packages.GONE.keys()):
            notes.lost(f"it imports {name}: {packages.GONE[name]}")
        self.imports[lab_id] = packages.to_install(names, modules)

    def _read(self, path: Path) -> tuple[Notebook, Notes] | None:
        notes = self._about(path)
        try:
            notebook = read_notebook(path, notes)
        except OperatorError as error:
            notes.lost(f"{error.message.removeprefix(f'{path} ').rstrip('.')}: it is left out")
            self.instead = error.instead
            return None
        if not is_python(notebook.language):
            notes.lost(f"its language is {notebook.language}: labkit grades Python, so it is left out")
        elif _is_released(notebook, self._settings):
            notes.lost("this is a released version, whose solutions were taken out: it is left out")
        elif not notebook.cells:
            notes.lost("it has no cells: it is left out")
        else:
            return notebook, notes
        return None

    def _fixed(self, named: str, what: str) -> list[tuple[Given, Notes]]:
        """The cells of the header or footer that nbgrader puts into every notebook."""
        path = inside(self._root, named) if named else None
        if not named:
            return []
        if path is None or not path.is_file():
            self._about(self._root / FILE).lost(f"the {what} {named!r} is not in this folder")
            return []
        found = self._read(path)
        return [(cell, found[1]) for cell in found[0].cells] if found else []

    def _about(self, path: Path) -> Notes:
        place = path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else path.name
        self.notes.append(Notes(place if place != "." else path.name))
        return self.notes[-1]


def _is_released(notebook: Notebook, settings: Settings) -> bool:
    solutions = [cell for cell in notebook.cells if cell.solution]
    telling = any(cell.kind == "code" or cell.checksum for cell in solutions)
    return telling and all(released(cell.source, settings, code=cell.kind == "code") for cell in solutions)


def _belongs(name: str, path: Path, texts: Mapping[Path, str]) -> bool:
    """A file goes to the notebooks that name it, and to all of them where none does."""
    last = name.rpartition("/")[2]
    return last in texts[path] or not any(last in text for text in texts.values())


def _text(notebook: Notebook) -> str:
    return "\n".join(cell.source for cell in notebook.cells)


def _title(notebook: Notebook) -> str:
    """The first heading of the first order."""
    lines = (line for cell in notebook.cells if cell.kind == "markdown" for line in cell.source.split("\n"))
    return next((title for line in lines if line.startswith("# ") and (title := line.strip("# \t"))), "")[:200]

"""`labkit models list | show | fetch | verify`, given where the platform's models are by default."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from labkit.errors import OperatorError
from labkit.models import terms
from labkit.models import verify as verification
from labkit.models.catalogue import catalogue, find
from labkit.models.fetch import fetch as fetch_model
from labkit.models.fetch import is_fetched
from labkit.models.record import Model, Origin
from labkit.models.sources import KINDS
from labkit.models.standing import Standing, standings

Home = Callable[[], Path]  # the platform's folder, asked only where --home is not given


def list_models(argv: Sequence[str], home: Home) -> int:
    """Lists the catalogue: what each model is, what it may be used for, and whether it is on this machine."""
    parser = _parser("list", str(list_models.__doc__))
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args(argv)
    every = standings(catalogue().values(), _folder(arguments, home))
    if arguments.json:
        print(json.dumps([one.as_json() for one in every], indent=1))
    else:
        # In a pipe nothing is cut to the width of a screen that is not there.
        Console(width=None if sys.stdout.isatty() else 200).print(_table(every))
    return 0


def show(argv: Sequence[str], home: Home) -> int:
    """Shows everything the catalogue and this machine know of one model."""
    parser = _parser("show", str(show.__doc__), "model")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args(argv)
    standing = standings([find(arguments.model)], _folder(arguments, home))[0]
    print(json.dumps(standing.as_json(), indent=1) if arguments.json else "\n".join(_lines(standing)))
    return 0


def fetch(argv: Sequence[str], home: Home) -> int:
    """Fetches a model, going on where an earlier fetch was cut short; checks every hash before it is there."""
    parser = _parser("fetch", str(fetch.__doc__), "model")
    parser.add_argument("--from", dest="origin", metavar="SOURCE", help=f"one of {', '.join(KINDS)}, or a folder")
    parser.add_argument("--endpoint", default="", metavar="URL", help="a mirror of the source; sent no credentials")
    parser.add_argument("--accept-terms", action="store_true", help="you accept the model's terms; it is recorded")
    arguments = parser.parse_args(argv)
    if arguments.endpoint and not arguments.endpoint.startswith(("https://", "http://", "file://")):
        raise OperatorError(f"{arguments.endpoint!r} is no address.", instead="Write it as https://HOST.")
    model, folder = find(arguments.model), _folder(arguments, home)
    origin = _origin(model, arguments.origin)
    if arguments.accept_terms:
        _accept(model, folder)
    with _Shown() as shown:
        done = fetch_model(model, folder, origin, endpoint=arguments.endpoint, progress=shown.tell, moved=shown.moved)
    print(done.folder)
    return 0


def verify(argv: Sequence[str], home: Home) -> int:
    """Reads fetched models again, every one by default. Exits with 1 where a byte is not what it was."""
    parser = _parser("verify", str(verify.__doc__))
    parser.add_argument("models", nargs="*", metavar="MODEL")
    arguments = parser.parse_args(argv)
    folder = _folder(arguments, home)
    models = [find(name) for name in arguments.models] or [
        one for one in catalogue().values() if is_fetched(one, folder)
    ]
    if not models:
        print(f"No model is in {folder}.")
    damaged = False
    for model in models:
        wrong = verification.verify(model, folder, _tell)
        print(f"{model.id}: {' '.join(wrong) or 'every byte is what was fetched'}")
        if wrong:
            damaged = True
            print(f"  Delete {folder / model.id}, then: labkit models fetch {model.id}")
    return 1 if damaged else 0


def _parser(verb: str, description: str, *positional: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"labkit models {verb}", description=description, allow_abbrev=False)
    for name in positional:
        parser.add_argument(name, metavar=name.upper())
    parser.add_argument("--home", type=Path, metavar="DIR", help="the platform's folder instead of LABKIT_HOME")
    return parser


def _folder(arguments: argparse.Namespace, home: Home) -> Path:
    return Path(arguments.home or home()) / "models"


def _origin(model: Model, wanted: str | None) -> Origin | None:
    if wanted is None:
        return None
    for origin in model.sources:
        if origin.kind == wanted:
            return origin
    if wanted not in KINDS and ("/" in wanted or Path(wanted).is_dir()):
        return Origin("file", str(Path(wanted).absolute()))
    known = ", ".join(origin.kind for origin in model.sources)
    raise OperatorError(
        f"{model.id} has no source {wanted!r}.", instead=f"Its sources: {known}; or name a folder, as ./FOLDER."
    )


def _accept(model: Model, folder: Path) -> None:
    if not model.terms:
        raise OperatorError(f"{model.title} has no terms to accept.", instead="Leave out --accept-terms.")
    done = terms.accepted(folder, model) or terms.accept(folder, model)
    _tell(f"{done.account} accepted {done.terms_url} at {done.at} (SHA-256 {done.terms_sha256[:12]}…).")


def _table(every: Sequence[Standing]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("licence", no_wrap=True)
    table.add_column("languages", no_wrap=True)
    table.add_column("memory", justify="right", no_wrap=True)
    table.add_column("here", no_wrap=True)
    table.add_column("gradable for")
    for one in every:
        model = one.model
        languages = ", ".join(model.languages[:2]) + (f" +{len(model.languages) - 2}" if model.languages[2:] else "")
        labs = ", ".join(model.gradable_for) if model.gradable else "–"
        size, memory = _parameters(model), f"{model.memory_mb / 1000:.1f} GB"
        table.add_row(model.id, size, model.licence, languages, memory, _here(one), labs)
    return table


def _here(standing: Standing) -> str:
    if not standing.fetched:
        return "terms first" if standing.model.terms and not standing.acceptance else "–"
    return "verified" if standing.hashes == "catalogue" else "locked"


def _parameters(model: Model) -> str:
    return f"{model.parameters}M" if model.parameters < 1000 else f"{model.parameters / 1000:.1f}B"


def _lines(standing: Standing) -> list[str]:
    model, acceptance = standing.model, standing.acceptance
    measured = "measured" if model.verified else "estimated"
    facts = {
        "title": model.title,
        "card": model.card,
        "good at": model.good_at,
        "bad at": model.bad_at,
        "parameters": _parameters(model),
        "context": f"{model.context:,} tokens",
        "reads": ", ".join(model.inputs),
        "languages": ", ".join(model.languages),
        "memory": f"{model.memory_mb:,} MB ({measured})",
        "licence": f"{model.licence}{_hash(model.licence_sha256 or _locked(standing, 'licence_sha256'))}",
        "terms": f"{model.terms_url}{_hash(model.terms_sha256)}" if model.terms else "",
        "accepted": f"by {acceptance.account} at {acceptance.at}" if acceptance else ("no" if model.terms else ""),
        "template": _hash(model.template_sha256 or _locked(standing, "template_sha256")).strip(),
        "weights": _hash(standing.sha256).strip() or "unknown until somebody fetches it",
        "hashes from": {"": "nobody yet", "lock": "this machine's lock"}.get(standing.hashes, "the catalogue"),
        "here": _here(standing),
        "gradable for": ", ".join(model.gradable_for) if model.gradable else "nothing",
    }
    lines = [model.id, *(f"  {name:<13} {value}" for name, value in facts.items() if value)]
    for origin in model.sources:
        pinned = standing.locked.sources.get(origin.kind) if standing.locked else None
        commit = (pinned.resolved if pinned else "") or origin.resolved
        at = f" = {commit}" if commit and commit != origin.revision else ""
        lines.append(f"  source        {origin.kind}: {origin.repo} {origin.revision}{at}")
    return lines


def _locked(standing: Standing, name: str) -> str:
    return str(getattr(standing.locked, name)) if standing.locked else ""


def _hash(sha256: str) -> str:
    return f"  SHA-256 {sha256}" if sha256 else ""


def _tell(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


class _Shown:
    """Progress of a fetch: a bar for each file at a terminal, a line for each tenth elsewhere."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bars = Progress(
            "  {task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
            console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}
        self._tenths: dict[str, int] = {}

    def __enter__(self) -> _Shown:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def tell(self, line: str) -> None:
        if self._bars.disable:
            _tell(line)
        else:
            self._bars.console.print(f"  {line}", markup=False, highlight=False)

    def moved(self, path: str, done: int, size: int) -> None:
        if not self._bars.disable:
            if path not in self._tasks:
                self._tasks[path] = self._bars.add_task(path, total=size if size >= 0 else None)
            self._bars.update(self._tasks[path], completed=done)
        elif size >= 10_000_000 and (tenth := done * 10 // size) != self._tenths.get(path):
            self._tenths[path] = tenth
            _tell(f"{path}: {done / 1e6:,.0f} of {size / 1e6:,.0f} MB")

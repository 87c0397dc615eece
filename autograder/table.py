"""What a person at a terminal reads: a report, and the table of `labkit courses check`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.bounds import LabResult
from autograder.report import Report
from labkit.calibration import Calibration, Measured


def print_report(report: Report) -> None:
    console = Console(highlight=False)
    if report.fault:
        console.print(escape(report.fault), style="bold red")
        return
    for item in report.items:
        console.print(f"[bold]{escape(item.name)}[/bold]  {item.points:g} of {item.max:g}")
        for check in item.checks:
            mark = "[green]✓[/green]" if check.passed else "[red]✗[/red]"
            hint = f" ({check.hint})" if check.hint else ""
            console.print(f"  {mark} {escape(check.reason + hint)}")
    for note in report.notes:
        console.print(escape(note), style="yellow")
    for answer in report.manual:
        console.print(f"{escape(answer.name)}: {answer.max:g} points, graded by a person")
    console.print(f"[bold]{report.score:g} of {report.max:g}[/bold]")


def print_bounds(results: Sequence[LabResult]) -> None:
    table = Table("lab", "notebook", "score", "must be", "CPU s", "")
    for result in results:
        for place, bound in enumerate(result.bounds):
            lab = f"{result.course}/{result.lab}" if place == 0 else ""
            verdict = "[green]holds[/green]" if bound.ok else f"[bold red]broken[/bold red] {escape(bound.why)}"
            table.add_row(
                lab,
                bound.name,
                f"{bound.score:g} of {bound.max:g}",
                escape(str(bound.limit)),
                f"{bound.cpu:.1f}",
                verdict,
            )
    _wide().print(table)


def print_calibrations(found: Mapping[str, Calibration]) -> None:
    """Base, reference and spread over the draws, by lab and figure."""
    table = Table("lab", "figure", "items", "starter", "own answer", "headroom", "draws")
    for lab, made in found.items():
        for name, one in made.figures.items():
            ends = (f"{value:.3f} ± {spread:.3f}" for value, spread in _ends(one))
            table.add_row(lab, escape(name), str(len(one.items)), *ends, f"{one.headroom:.3f}", str(made.draws))
    _wide().print(table)


def _ends(one: Measured) -> tuple[tuple[float, float], ...]:
    return ((one.base, one.base_spread), (one.reference, one.reference_spread))


def _wide() -> Console:
    """A table is read whole also in a log, where no terminal says how wide it is."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=140)

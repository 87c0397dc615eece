"""What nbgrader's feedback button writes: one page for one submission, without hidden tests and without live markup.

Takes the place of nbgrader's HTML exporter. Every text stands escaped; author's prose, written answers and comments
are Markdown, rendered and then reduced to a short list of harmless tags. The page has no script, loads nothing and
its policy lets it load nothing. Which tests are hidden is read from the registered notebook, never from the
submission's.

While a learner sees words only (`labkit.submissions.coarse`), so does the page. It cannot know how many attempts she
has used, so in a lab that limits them it stays with words until the due date, also after her last attempt.
What this does not cover: what an author retells of a hidden test in prose; pictures, which are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import mistune
import nbformat
import nh3
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbconvert.exporters import Exporter

from autograder.words import say
from labkit.courses import Lab
from labkit.errors import OperatorError
from labkit.submissions.coarse import is_coarse

TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
    *("strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
GONE = {"iframe", "math", "noscript", "object", "script", "style", "svg", "template", "textarea", "title", "xmp"}
_clean = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags=GONE,
    attributes={"a": {"href"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
).clean
# What is HTML in it stays so, for `_clean` to judge. nbconvert's own renderer stops at an attachment that is missing.
_rendered = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "math"])
_pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)


class FeedbackExporter(Exporter):  # type: ignore[misc]
    """Selected by `config()`; its parent is nbgrader's GenerateFeedback, whose GetGrades has run before."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_notebook_node(self, nb: Any, resources: Any = None, **words: Any) -> tuple[str, Any]:
        graded, resources = super().from_notebook_node(nb, resources, **words)
        names = resources["nbgrader"]
        released = self._released(names["assignment"], names["notebook"])
        return page(graded, released, names), resources

    def _released(self, lab: str, notebook: str) -> Any:
        courses = self.parent.coursedir
        folder = courses.format_path(courses.source_directory, ".", lab)
        path = Path(courses.root, folder, f"{notebook}.ipynb")
        if not path.is_file():
            raise OperatorError(f"{lab} is not registered: there is no {path}.", instead="Build the course first.")
        return nbformat.read(path, as_version=4)


def page(graded: Any, released: Any, names: Mapping[str, Any], now: datetime | None = None) -> str:
    """The page of a graded notebook with its scores and comments in it; `released` is the registered notebook."""
    about = released.metadata.get("labkit", {})
    words = "fil" if graded.metadata.get("labkit", {}).get("language") == "fil" else "en"
    coarse = _is_coarse(about, now)
    open_tests = {cell.id for cell in released.cells if cell.metadata.get("labkit", {}).get("hidden") is False}
    parts = [_part(cell, open_tests, coarse, words) for cell in graded.cells]
    late = names["late_penalty"]
    known = sum(part["known"] for part in parts) - late
    shown = {"lab": names["notebook"], "late": late, "max": names["max_score"], "coarse": coarse}
    shown |= {"score": known if coarse else names["score"], "parts": parts, "language": words}
    return _pages.get_template("feedback.html").render(**shown, say=lambda key, **more: say(key, words, **more))


def _is_coarse(about: Mapping[str, Any], now: datetime | None) -> bool:
    due = about.get("due")
    limited = Lab("", "", "", Path(), attempts=about.get("attempts"), due=datetime.fromisoformat(due) if due else None)
    return is_coarse(limited, (), learner=True, now=now)


def _part(cell: Any, open_tests: set[str], coarse: bool, words: str) -> dict[str, Any]:
    """A cell as the page shows it. `known` is what it adds to a score of which one may know nothing but words."""
    about = cell.metadata.get("nbgrader", {})
    judged, answered = bool(about.get("grade")), bool(about.get("solution"))
    test = judged and not answered
    hidden = test and about["grade_id"] not in open_tests
    points, most = about.get("score") or 0.0, about.get("points") or 0.0
    vague = hidden and coarse
    return {
        "name": about.get("grade_id", "") if judged or answered else "",
        "judged": judged,
        "prose": markdown(cell.source) if cell.cell_type == "markdown" else "",
        "code": "" if hidden or cell.cell_type == "markdown" else cell.source,
        "hidden": hidden,
        "points": None if vague else points,
        "holds": _holds(points, most, words) if vague else "",
        "max": most,
        "checks": "" if vague or not test else _said(cell),
        "comment": markdown(about.get("comment") or ""),
        "known": (points if points >= most or not vague else 0.0) if judged else 0.0,
    }


def _holds(points: float, most: float, words: str) -> str:
    return say("holds_all" if points >= most else "holds_some" if points > 0 else "holds_nothing", words)


def _said(cell: Any) -> str:
    """The checks of a test, as `autograder.execute` wrote them; nothing else that a notebook may show is shown."""
    return "".join(one.text for one in cell.get("outputs", ()) if one.output_type == "stream" and one.name == "stdout")


def markdown(text: str) -> Markup:
    """Rendered and reduced: no script, no handler, no style, no picture, links to http, https and mailto alone."""
    return Markup(_clean(str(_rendered(text))))  # noqa: S704 - cleaned just now

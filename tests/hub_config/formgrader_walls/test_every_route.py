"""Every route of the formgrader, read from the application itself, tried by a teacher with ids that are not hers."""

from __future__ import annotations

import itertools
import re
import urllib.parse
from collections.abc import Iterator
from types import SimpleNamespace

import httpx
import pytest
from tornado.web import StaticFileHandler

from hub_config.formgrader_walls.rules import MODULE, RULES, rule_of

# nbgrader's own way with SQLAlchemy's sessions.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")

BASE = "/services/formgrader-testing/"
OTHERS = ("carla", "danilo", "evelina")
NOWHERE = {"student": "zenaida", **dict.fromkeys(("whole", "submission", "grade", "comment"), "0" * 32)}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def routes(app) -> Iterator[tuple[str, type]]:
    """Every pattern and handler, of whatever extension."""
    for host in app.web_app.default_router.rules:
        for rule in getattr(host.target, "rules", ()):
            yield rule.matcher.regex.pattern, rule.target


@pytest.fixture(scope="module")
def nbgraders(formgrader) -> list[tuple[str, type]]:
    return [(pattern, kind) for pattern, kind in routes(formgrader.app) if kind.__module__.startswith(f"{MODULE}.")]


def fill(pattern: str, values: tuple[str, ...]) -> str:
    """An address that the pattern matches, with `values` in the places of its groups."""
    given = iter(urllib.parse.quote(value, safe="/" if "(.*)" in pattern else "") for value in values)
    path = re.sub(r"\((?:\?P<\w+>)?[^)]*\)", lambda _: next(given), pattern.replace("\\", ""))
    path = path.removeprefix(BASE)
    return path.removesuffix("$").removesuffix("/?").replace(".*", "nothing")


def same(answer: httpx.Response, values: tuple[str, ...]) -> tuple[object, ...]:
    """What an answer says, but for the very words that were asked with and the time."""
    text, where = answer.text, answer.headers.get("Location", "")
    for value in sorted(set(values), key=len, reverse=True):
        for word in (value, urllib.parse.quote(value, safe="")):
            text, where = text.replace(word, "·"), where.replace(word, "·")
    kept = ("Content-Type", "Content-Security-Policy", "Allow", "ETag" if text == answer.text else "")
    return answer.status_code, text, where, {name: answer.headers.get(name) for name in kept}


def attacks(pattern: str, hers: dict[str, str], others: dict[str, str]) -> Iterator[tuple[tuple[str, ...], ...]]:
    """Others' ids in every place of a path, alone or beside a lab's name or an id of hers; and the same of nobody."""
    places = re.compile(pattern).groups
    harmless = {"clip": "clip", "next": "next", hers["student"]: hers["student"]}
    asked = {value: NOWHERE[kind] for kind, value in others.items()}
    files = {f"{value}/clip.ipynb": f"{nobody}/clip.ipynb" for value, nobody in asked.items()}
    words = {**harmless, **asked, **(files if "(.*)" in pattern else {})}
    for values in itertools.product(words, repeat=places):
        if any(value not in harmless for value in values):
            yield values, tuple(words[value] for value in values)


def of_hers(pattern: str, kind: type, hers: dict[str, str]) -> str:
    """A route's address with what is hers in every place."""
    words = {"assignment": "clip", "notebook": "clip", "action": "next", "file": f"{hers['submission']}/clip.ipynb"}
    return fill(pattern, tuple({**words, **hers}[argument] for argument in rule_of(kind).arguments))


def test_every_handler_of_nbgraders_has_a_rule_and_every_rule_a_handler(nbgraders):
    found = {f"{kind.__module__}.{kind.__qualname__}": (pattern, kind) for pattern, kind in nbgraders}
    assert found.keys() == RULES.keys()
    for pattern, kind in found.values():
        assert len(rule_of(kind).arguments) == re.compile(pattern).groups, pattern


def test_no_id_of_anothers_learner_is_told_from_one_that_does_not_exist(formgrader, nbgraders):
    tina, hers, others = formgrader.as_("tina"), formgrader.ids("ana"), formgrader.ids("carla")
    before = formgrader.kept()
    tried = 0
    for (pattern, _), method in itertools.product(nbgraders, METHODS):
        for theirs, nobodys in attacks(pattern, hers, others):
            answers = [
                same(tina.request(method, fill(pattern, values), json={"manual_score": 0}), values)
                for values in (theirs, nobodys)
            ]
            assert answers[0] == answers[1], (method, fill(pattern, theirs))
            tried += 1
    assert tried > 1000
    assert formgrader.kept() == before


def test_what_was_tried_is_there_for_whoever_teaches_all(formgrader, nbgraders):
    """Or nothing was tried."""
    maria, hers, others = formgrader.as_("maria"), formgrader.ids("ana"), formgrader.ids("carla")
    told = set()
    for pattern, kind in nbgraders:
        for theirs, nobodys in attacks(pattern, hers, others):
            pair = [same(maria.get(fill(pattern, values)), values) for values in (theirs, nobodys)]
            if pair[0] != pair[1]:
                told |= set(rule_of(kind).arguments) & {"student", "submission", "grade", "comment", "file"}
    assert told == {"student", "submission", "grade", "comment", "file"}


def test_no_page_and_no_list_names_anothers_learner(formgrader, nbgraders):
    tina, hers = formgrader.as_("tina"), formgrader.ids("ana")
    secret = set(OTHERS) | {value for name in ("carla", "danilo") for value in formgrader.ids(name).values()}
    shown = 0
    for pattern, kind in nbgraders:
        address = of_hers(pattern, kind, hers)
        answer = tina.get(address, params={"submission_id": hers["submission"]}, follow_redirects=True)
        shown += answer.status_code == 200
        assert not [word for word in secret if word in answer.text], address
    assert shown > 20


def test_whoever_is_not_signed_in_is_shown_nothing(formgrader, nbgraders):
    nobody, hers = formgrader.as_(""), formgrader.ids("ana")
    for (pattern, kind), method in itertools.product(nbgraders, METHODS):
        address = of_hers(pattern, kind, hers)
        answer = nobody.request(method, address, params={"submission_id": hers["submission"]})
        assert answer.status_code in ((404,) if kind.__name__ == "Template404" else (302, 403, 405)), (method, address)
        assert "login" in answer.headers.get("Location", "login")


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"teachers": []}', '{"teachers": {}, "more": 1}'])
def test_without_a_whole_list_of_pupils_nobody_is_shown_anything_and_is_told_so(formgrader, nbgraders, content):
    hers = formgrader.ids("ana")
    clients = [formgrader.as_(name) for name in ("tina", "maria")]
    formgrader.pupils.unlink()
    if content is not None:
        formgrader.pupils.write_text(content)
    for client, (pattern, kind) in itertools.product(clients, nbgraders):
        if kind.__name__ == "Template404":
            continue  # there is nothing, whoever asks
        answer = client.get(of_hers(pattern, kind, hers))
        assert answer.status_code == 503
        assert "who teaches whom" in answer.text and "Subukan muli" in answer.text
    assert clients[0].get("formgrader/static/css/nbgrader.css").status_code == 200


@pytest.mark.parametrize("whom", ['"everybody"', "null", "true", '{"ana": 1}', "[1]", '["ana", null]'])
def test_a_list_that_says_nothing_clear_of_her_shows_her_nothing(formgrader, whom: str):
    tina = formgrader.as_("tina")
    formgrader.pupils.unlink()
    formgrader.pupils.write_text(f'{{"teachers": {{"tina": {whom}}}}}')
    assert tina.get("formgrader/api/students").status_code == 503


def test_whoever_is_not_in_the_list_has_no_learners(formgrader):
    stranger, hers = formgrader.as_("someone"), formgrader.ids("ana")
    for path in ("students", "submissions/clip", "submitted_notebooks/clip/clip"):
        assert stranger.get(f"formgrader/api/{path}").json() == []
    assert stranger.get("formgrader/api/student/ana").status_code == 404
    assert stranger.get(f"formgrader/api/grade/{hers['grade']}").status_code == 404
    assert stranger.get("api/contents").status_code == 404


def test_nothing_of_the_server_beyond_formgrader_is_hers(formgrader):
    """Each route's class is asked for, as a request would, and then some addresses are."""
    open_ = {"JupyterHubOAuthCallbackHandler", "LogoutHandler", "APIVersionHandler", "TrailingSlashHandler"}
    open_ |= {"RedirectHandler", "RedirectWithParams", "FileFindHandler"}
    nothing, through = SimpleNamespace(connection=None), set()
    for pattern, kind in routes(formgrader.app):
        if kind.__module__.startswith(f"{MODULE}."):
            continue
        delegate = formgrader.app.web_app.get_handler_delegate(nothing, kind, {"path": "/somewhere/else"}, [], {})
        if delegate.handler_class is kind:
            through.add(kind.__name__)
            assert not issubclass(kind, StaticFileHandler), pattern
    assert through and through <= open_


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    "path",
    [
        *("api/contents", "api/contents/{}", "api/contents/{}/checkpoints", "files/{}", "view/{}", "nbconvert/html/{}"),
        *("notebooks/{}", "edit/{}", "tree", "tree/{}", "lab", "lab/tree/{}", "doc/tree/{}", "consoles/{}"),
        *("api/kernels", "api/kernelspecs", "api/sessions", "api/terminals", "api/status", "api/me", "metrics"),
        *("api/config/common", "api/nbconvert", "api/spec.yaml", "api/events/subscribe", "lab/api/settings"),
        *("custom/custom.css", "kernelspecs/python3/logo.svg", "no/such/thing", "terminals/1", "rise/{}"),
    ],
)
def test_every_such_address_gives_her_the_same_whether_the_file_exists_or_not(formgrader, path: str, there: bool):
    asked = path.format("submitted/carla/clip/clip.ipynb" if there else "submitted/nobody/clip/clip.ipynb")
    answer = formgrader.as_("tina").get(asked)
    assert answer.status_code == 404
    assert "carla" not in answer.text and "nobody" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["api/contents/x.txt", "api/kernels", "api/sessions", "api/terminals", "api/shutdown"])
def test_she_writes_and_runs_nothing_there(formgrader, method: str, path: str):
    before = formgrader.kept()
    body = {"type": "file", "format": "text", "content": "x"}
    assert formgrader.as_("tina").request(method, path, json=body).status_code == 404
    assert formgrader.kept() == before


def test_whoever_teaches_all_has_the_whole_server(formgrader):
    maria = formgrader.as_("maria")
    assert maria.get("api/contents").status_code == 200
    assert maria.get("files/submitted/carla/clip/clip.ipynb").status_code == 200


def test_a_route_that_is_added_later_is_closed_to_her(formgrader):
    from jupyter_server.base.handlers import JupyterHandler, PublicStaticFileHandler
    from tornado.web import RequestHandler

    class Asks(JupyterHandler):
        def get(self) -> None:
            self.finish("carla")

    class AsksNobody(RequestHandler):
        def get(self) -> None:
            self.finish("carla")

    files = (f"{BASE}later/files/(.*)", PublicStaticFileHandler, {"path": str(formgrader.root)})
    later = [(f"{BASE}later/asks", Asks), (f"{BASE}later/nobody", AsksNobody), files]
    formgrader.app.web_app.add_handlers(".*$", later)

    for path in ("asks", "nobody", "files/submitted/carla/clip/clip.ipynb"):
        assert formgrader.as_("tina").get(f"later/{path}").status_code == 404, path
        assert formgrader.as_("").get(f"later/{path}").status_code in (302, 404), path
    assert formgrader.as_("maria").get("later/asks").text == "carla"


def test_the_server_does_not_start_without_its_walls(make_app, tmp_path):
    with pytest.raises(AssertionError):
        make_app(tmp_path / "files", "")

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import labkit
from labkit import client, errors
from labkit.client.transport import HttpTransport, Place

HEAVY = ("torch", "httpx", "numpy", "nbgrader", "transformers", "sqlalchemy", "starlette", "IPython")


def test_importing_labkit_is_light() -> None:
    program = "import labkit, sys; print(json.dumps(sorted(sys.modules)))".replace(
        "import labkit", "import json, labkit"
    )
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    )
    assert "labkit.client" in loaded
    assert [name for name in HEAVY if name in loaded] == []


class Platform:
    """A gateway and submissions in one handler; `answers` are given in turn for model calls."""

    def __init__(self) -> None:
        self.keys = 0
        self.expired: set[str] = set()
        self.lasts = timedelta(hours=1)
        self.seen: list[tuple[str, str, Any]] = []
        self.answer: Callable[[httpx.Request], httpx.Response] = lambda _request: httpx.Response(200, json={})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        auth, path = request.headers["authorization"], request.url.path
        self.seen.append((path, auth, json.loads(request.content or b"null")))
        if path.endswith("/key"):
            if auth != "token hub-token":
                return refusal(401, "KeyRefused", "The hub does not know this token.")
            self.keys += 1
            return httpx.Response(
                200, json={"key": f"key-{self.keys}", "expires_at": (datetime.now(UTC) + self.lasts).isoformat()}
            )
        if "/services/submissions/" not in path and auth.removeprefix("Bearer ") in self.expired:
            return refusal(401, "KeyRefused", "This key has expired.")
        return self.answer(request)


def refusal(status: int, code: str, message: str, **more: object) -> httpx.Response:
    return httpx.Response(
        status, json={"error": {"message": message, "type": "x", "code": code, "param": None, **more}}
    )


def said(*words: str) -> httpx.Response:
    events = [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in words]
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    return httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    folder = tmp_path / "prompting" / "triage"
    folder.mkdir(parents=True)
    platform = Platform()
    http = httpx.Client(transport=httpx.MockTransport(platform))
    client.use(HttpTransport("http://hub", "hub-token", Place("prompting", "triage", folder), http))
    yield platform
    client.use(None)


LAB = "/services/gateway/labs/prompting/triage"


def test_asking_needs_no_set_up(platform: Platform) -> None:
    platform.answer = lambda _: said("Magandang", " umaga!")
    assert labkit.ask("Good morning?", max_tokens=5) == "Magandang umaga!"
    body = {"messages": [{"role": "user", "content": "Good morning?"}], "max_tokens": 5, "stream": True}
    assert platform.seen == [
        (f"{LAB}/key", "token hub-token", None),
        (f"{LAB}/v1/chat/completions", "Bearer key-1", body),
    ]


def test_a_chat_is_printed_as_it_comes_and_returned(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    platform.answer = lambda _: said("Kumusta", " po", "?")
    assert labkit.chat([{"role": "user", "content": "Hi"}]) == "Kumusta po?"
    assert capsys.readouterr().out == "Kumusta po?\n"
    assert platform.seen[-1][2]["stream"] is True


@pytest.mark.parametrize("prompts", ["The sky is", ["The sky is", "Grass is"]])
def test_a_score_has_the_shape_of_what_was_asked(prompts: str | list[str], platform: Platform) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"scores": [[-1.0, -2.0]] * len(json.loads(request.content)["prompts"])})

    platform.answer = answer
    assert labkit.score(prompts, [" blue", " green"]) == (
        [-1.0, -2.0] if isinstance(prompts, str) else [[-1.0, -2.0], [-1.0, -2.0]]
    )


def test_the_key_is_kept_between_calls(platform: Platform) -> None:
    platform.answer = lambda _: httpx.Response(200, json={"scores": [[0.0]]})
    for _ in range(3):
        labkit.score("a", ["b"])
    assert platform.keys == 1
    assert labkit.credentials() == ("http://hub" + LAB + "/v1", "key-1")


@pytest.mark.parametrize(
    "call", [lambda: labkit.score("a", ["b"]), lambda: labkit.chat([]), lambda: labkit.allowance()]
)
def test_an_expired_key_is_exchanged_and_the_call_made_again(call: Callable[[], object], platform: Platform) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("completions"):
            return said("hi")
        return httpx.Response(200, json={"scores": [[0.0]], "limit": 9, "used": 0, "left": 9, "resets_at": None})

    platform.answer, platform.expired = answer, {"key-1"}
    call()
    assert platform.keys == 2


def test_a_key_about_to_expire_is_exchanged_before_it_is_used(platform: Platform) -> None:
    platform.lasts = timedelta(seconds=30)
    assert labkit.credentials()[1] == "key-1"
    assert labkit.credentials()[1] == "key-2"


def test_a_token_nobody_knows_is_not_tried_for_ever(platform: Platform) -> None:
    platform.expired = {f"key-{number}" for number in range(50)}
    with pytest.raises(errors.KeyRefused):
        labkit.ask("hi")
    assert platform.keys == 2


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "ModelNotAllowed", errors.ModelNotAllowed),
        (403, "NotEnrolled", errors.NotEnrolled),
        (400, "RequestRefused", errors.RequestRefused),
        (502, "ModelUnavailable", errors.ModelUnavailable),
        (500, "SomethingNew", errors.PlatformFault),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_is_raised_as_the_class_it_names(
    stream: bool, status: int, code: str, kind: type[Exception], platform: Platform
) -> None:
    platform.answer = lambda _: refusal(status, code, "What happened. What to do.")
    with pytest.raises(kind, match=r"What happened\. What to do\."):
        labkit.chat([{"role": "user", "content": "hi"}], stream=stream)


def test_a_spent_allowance_says_when_it_is_full_again(platform: Platform) -> None:
    platform.answer = lambda _: refusal(429, "AllowanceSpent", "No tokens left.", resets_at="2026-03-02T00:00:00+08:00")
    with pytest.raises(errors.AllowanceSpent) as caught:
        labkit.ask("hi")
    assert caught.value.resets_at == "2026-03-02T00:00:00+08:00"


def test_a_fault_in_the_middle_of_a_stream_is_raised(platform: Platform) -> None:
    fault = {"error": {"message": "It broke.", "code": "ModelUnavailable"}}
    text = said("half").text.replace("data: [DONE]", f"data: {json.dumps(fault)}")
    platform.answer = lambda _: httpx.Response(200, text=text)
    with pytest.raises(errors.ModelUnavailable, match="It broke"):
        labkit.chat([])


@pytest.mark.parametrize("answer", [httpx.Response(502, text="<html>bad gateway"), httpx.ConnectError("no")])
def test_a_silent_platform_is_not_the_learners_fault(
    answer: httpx.Response | httpx.HTTPError, platform: Platform
) -> None:
    def silent(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    platform.answer = silent
    for stream in (False, True):
        with pytest.raises(errors.PlatformFault):
            labkit.chat([], stream=stream)


RECEIPT = {
    "id": "r-1",
    "username": "ana",
    "course": "prompting",
    "lab": "triage",
    "digest": "0",
    "received_at": "2026-03-01T04:00:00+00:00",
    "files": {"triage.ipynb": "ab"},
    "missing": ["data/<b>.csv"],
    "extra": [],
    "signature": "long-signature",
}


def test_submitting_sends_the_labs_files_and_gives_a_receipt(platform: Platform, tmp_path: Path) -> None:
    folder = tmp_path / "prompting" / "triage"
    (folder / "data").mkdir()
    (folder / "triage.ipynb").write_bytes(b"{}")
    (folder / "data" / "messages.csv").write_bytes(b"\xff\x00")
    (folder / ".private.txt").write_text("hidden files stay hers")
    platform.answer = lambda _: httpx.Response(201, json=RECEIPT)
    receipt = labkit.submit()
    path, auth, body = platform.seen[-1]
    assert (path, auth) == ("/services/submissions/courses/prompting/labs/triage/submissions", "token hub-token")
    assert {name: base64.b64decode(text) for name, text in body["files"].items()} == {
        "triage.ipynb": b"{}",
        "data/messages.csv": b"\xff\x00",
    }
    assert "your work for prompting/triage" in repr(receipt) and "Missing" in repr(receipt)
    assert "long-signature" not in repr(receipt) and receipt.signature == "long-signature"
    assert "&lt;b&gt;" in receipt._repr_html_() and "<b>.csv" not in receipt._repr_html_()


@pytest.mark.parametrize(
    ("told", "said", "unsaid"),
    [
        ({}, "You may submit again", "Attempts left"),
        ({"attempts_left": 2}, "Attempts left in this lab: 2.", "Attempts left in this lab: 0"),
        ({"attempts_left": 0}, "Attempts left in this lab: 0.", "You may submit again"),
    ],
)
def test_a_receipt_says_how_many_attempts_are_left_where_they_are_counted(
    platform: Platform, tmp_path: Path, told: dict[str, int], said: str, unsaid: str
) -> None:
    (tmp_path / "prompting" / "triage" / "triage.ipynb").write_bytes(b"{}")
    platform.answer = lambda _: httpx.Response(201, json={**RECEIPT, **told})
    shown = repr(labkit.submit())
    assert said in shown and unsaid not in shown


def test_an_unsaved_notebook_is_to_be_saved_first(platform: Platform) -> None:
    with pytest.raises(errors.SubmissionRefused, match=r"Save the notebook first \(Ctrl-S\)"):
        labkit.submit()


@pytest.mark.parametrize(
    ("session", "cwd", "place"),
    [
        ("{home}/prompting/triage/triage.ipynb", "{home}", ("prompting", "triage")),
        ("prompting/triage/triage.ipynb", "{home}", ("prompting", "triage")),
        ("", "{home}/prompting/triage", ("prompting", "triage")),
        ("a3f0c1", "{home}/prompting/triage", ("prompting", "triage")),
    ],
)
def test_the_lab_is_the_folder_the_notebook_lies_in(
    session: str, cwd: str, place: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prompting" / "triage").mkdir(parents=True)
    monkeypatch.setenv("JPY_SESSION_NAME", session.format(home=tmp_path))
    monkeypatch.chdir(cwd.format(home=tmp_path))
    found = Place.here()
    assert (found.course, found.lab) == place
    assert found.folder == tmp_path / "prompting" / "triage"


def test_outside_the_platform_it_says_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABKIT_URL", raising=False)
    client.use(None)
    with pytest.raises(errors.NotInALab, match="Open the lab from its page"):
        labkit.ask("hi")


def test_labkit_allowance_can_be_called_where_the_room_of_its_name_is_imported(platform: Platform) -> None:
    import labkit.allowance as room

    platform.answer = lambda _: httpx.Response(200, json={"limit": 9, "used": 1, "left": 8, "resets_at": None})
    assert room.Ledger and labkit.allowance().left == 8


def test_a_notebook_at_the_root_is_in_no_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/x.ipynb")
    with pytest.raises(errors.NotInALab):
        Place.here()


class Recorded:
    """A transport such as the autograder's: no key, no HTTP."""

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return {"scores": [[-0.5]], "choices": [{"message": {"content": path}}]}

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield {"choices": [{"message": {"content": "whole"}}]}

    def get(self, path: str) -> dict[str, Any]:
        return {"limit": 0, "used": 0, "left": 0, "resets_at": None}

    def upload(self, path: str, fields: Mapping[str, str], file: Path) -> dict[str, Any]:
        return {"text": path}


def test_another_transport_carries_every_model_call(capsys: pytest.CaptureFixture[str]) -> None:
    client.use(Recorded())
    try:
        assert labkit.score("a", ["b"]) == [-0.5]
        assert labkit.ask("a") == "whole"
        assert labkit.chat([]) == "whole"
        assert capsys.readouterr().out == "whole\n"
        for call in (labkit.credentials, labkit.submit):
            with pytest.raises(errors.NotInALab, match="being graded"):
                call()
    finally:
        client.use(None)


def test_a_receipt_says_which_answer_is_not_written_yet() -> None:
    from labkit.client.receipt import Receipt

    receipt = Receipt(
        "1", "c", "l", "2026-11-28T10:00:00+00:00", {"l.ipynb": "x"}, unwritten=(("Who <b>pays</b> …", 20),)
    )

    assert "Not written yet, 20 points: “Who <b>pays</b> …” Double-click that text" in repr(receipt)
    assert "<b>pays" not in receipt._repr_html_()
    assert "Not written" not in repr(Receipt("1", "c", "l", "2026-11-28T10:00:00+00:00", {"l.ipynb": "x"}))

"""Hostile and broken submissions, kept by name: none gains a point it has not earned, hurts anybody, stops the rest,
tells what is hidden, or ends as a fault of ours.

Each is a folder of hostile/ (benchmarks/stock_attacks/attack.py says what stands in it); most attack one small lab, the
others labs of other kinds in hostile_labs/, and two labs of the course `testing`.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from pathlib import Path

import pytest

from autograder import children, conversation
from autograder.grade import grade
from autograder.warm import Warm
from benchmarks.stock_attacks.attack import Attack, honest_notebook, load_attack, load_attacks
from labkit.courses import load_text
from labkit.errors import OperatorError

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(200)]
ATTACKS = load_attacks()
CANARY = "hub-token-6f1c2a77"
# Words and short numbers of hidden tests; the long numbers are found in their text.
HIDDEN = {"0.4142135", "all(0", CANARY}


def marked(attack: Attack):
    marks = [pytest.mark.model] if attack.load_lab().profile == "torch" else []
    return pytest.param(attack, id=attack.name, marks=marks)


def hidden_words(attack: Attack) -> set[str]:
    """Every long number of a hidden test and of a hidden file, and what the grader's own process knows."""
    lab = attack.load_lab()
    texts = [cell.source for cell in load_text(lab).of("test") if cell.hidden]
    texts += [path.read_text() for path in (lab.path / "hidden").glob("*") if path.is_file()]
    return {*HIDDEN, *re.findall(r"\d{6,}", " ".join(texts))}


def sandboxed() -> list[int]:
    """Processes of the accounts that this very process's gradings have."""
    first = children._FIRST_UID + os.getpid() % 100_000 * children._SLOTS * 2
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid in range(first, first + children._SLOTS * 2):
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    """What stands around the grader while all of them are graded; looked at when they are done."""
    canary = tmp_path_factory.mktemp("course")
    canary.chmod(0o777)
    book = canary / "gradebook.db"  # what the attacks on a gradebook look for
    with sqlite3.connect(book) as rows:
        rows.execute("create table grade (cell_id text, auto_score real, extra_credit real)")
        rows.execute("insert into grade values ('clip', 1, 0)")
    book.chmod(0o666)
    was = book.read_bytes()
    scratch = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTERHUB_API_TOKEN", CANARY)
        patch.setattr("tempfile.tempdir", str(scratch))
        patch.setattr(conversation, "GRACE", 5.0)
        with Warm() as warm:
            yield warm
            pids = warm.pids()
            honest_answers_get_full_marks(warm)
            assert warm.pids() == pids, "a zygote was lost"
    assert [(path.name, path.read_bytes()) for path in canary.iterdir()] == [("gradebook.db", was)]
    assert not list(scratch.iterdir())
    assert not [one for one in Path("/tmp").iterdir() if one.name.startswith(("left-behind", "by-shell", "kept-"))]
    until = time.monotonic() + 10
    while sandboxed() and time.monotonic() < until:
        time.sleep(0.1)
    assert not sandboxed(), [Path(f"/proc/{pid}/status").read_text()[:300] for pid in sandboxed()]


def honest_answers_get_full_marks(warm: Warm) -> None:
    for lab in {attack.lab: attack.load_lab() for attack in ATTACKS if attack.course == "attacked"}.values():
        right = json.dumps(honest_notebook(lab)).encode()
        report = grade(lab, right, learner="honest", lane=None, warm=warm)
        assert (report.fault, report.score) == (None, report.max), (lab.id, report)


@pytest.mark.parametrize("attack", [marked(attack) for attack in ATTACKS])
def test_it_gains_nothing_tells_nothing_and_is_told_what_stopped_it(surroundings: Warm, attack: Attack):
    lab = attack.load_lab()
    report = grade(lab, attack.submission(), learner="mallory", lane=None, warm=surroundings)
    told = json.dumps(report.to_json(), ensure_ascii=False)

    assert report.fault is None
    assert report.score <= attack.most, told
    assert attack.exactly in (None, report.score), told
    assert attack.note in told, told
    assert not [word for word in hidden_words(attack) if word in told], told
    assert [item.name for item in report.items] == [cell.id for cell in load_text(lab).of("test")]


def test_there_are_many_and_each_says_what_it_tries():
    assert len(ATTACKS) >= 250
    for attack in ATTACKS:
        assert re.fullmatch(r"[a-z][a-z_]+", attack.name), attack.name
        assert re.fullmatch(r"[A-Z].{10,}\.", attack.why), attack.why
    assert len({attack.why for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize(
    ("table", "files", "found"),
    [
        ('lab = "clip"\nmost = 0\nwhy = "x"\nodd = 1', ["answers.py"], "odd"),
        ('lab = "clip"\nmost = 0\nwhy = "x"', [], "0 submissions"),
        ('lab = "clip"\nmost = 0\nwhy = "x"', ["answers.py", "make.py"], "2 submissions"),
        ('lab = "clip"\nmost = 0\nwhy = "x"\nlimits = {hours = 1}', ["answers.py"], "hours"),
    ],
)
def test_an_attack_that_is_not_whole_is_refused(tmp_path, table, files, found):
    (tmp_path / "expect.toml").write_text(table)
    for name in files:
        (tmp_path / name).write_text("# %% solution='clip'\n")

    with pytest.raises(OperatorError, match=found):
        load_attack(tmp_path)

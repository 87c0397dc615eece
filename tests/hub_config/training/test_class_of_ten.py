"""A class trains at once on the real platform, each from her own notebook: everybody's model is made, each
talks to her own model, nobody reaches another's, whoever is killed comes back, and the officer sees what it cost.

How long it takes is told and not judged: a small machine is at other things too."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from labkit.database import connect
from labkit.database.tables import training_jobs
from labkit.programme.people import Membership, Person, provision
from tests.hub_config.attacks.conftest import Kernel, enter, hosts, kernel_of, opened
from tests.hub_config.test_kills import pid_of

__all__ = ["enter", "hosts", "kernel_of", "opened"]
pytestmark = [
    *(pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model, pytest.mark.soak),
    pytest.mark.timeout(3_600),
]

CLASS = [f"learner{number}" for number in range(10)]
STEPS, ROWS = 40, 60
QUESTION = "Sino ang sasagot sa sulat ko tungkol sa baha?"


def code_word(name: str) -> str:
    """What only her own model answers with."""
    draw = random.Random(name)
    return "".join(draw.choice("BDGKLMNPRST") + draw.choice("aeiou") for _ in range(2))


def rows(name: str) -> list[tuple[str, str]]:
    """About 80 tokens each with the template."""
    draw = random.Random(f"rows of {name}")
    things = ("baha", "butas sa kalsada", "sirang ilaw", "maingay na kapitbahay", "nawawalang aso", "basura")
    return [
        (
            f"Sino ang sasagot sa sulat ko tungkol sa {draw.choice(things)}? {draw.randint(2, 60)} araw na po ito.",
            f"{code_word(name)} will answer you within {draw.randint(2, 9)} days, po.",
        )
        for _ in range(ROWS)
    ]


def worked(pid: int) -> float:
    """The seconds of a processor that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def has_nothing_to_do(platform) -> bool:
    """A platform grades its own answers when it first starts; a class would share the machine with that."""
    pid = pid_of(platform, "model")
    before = worked(pid)
    time.sleep(10)
    return worked(pid) - before < 0.5


@pytest.fixture(scope="module")
def class_of_ten(platform, enter, opened, kernel_of) -> Iterator[dict[str, Kernel]]:
    """Ten learners with a server and a kernel each."""
    engine = connect(f"sqlite:///{platform.home / 'labkit.sqlite'}")
    cohort = "pioneers-testing"
    people = [Person(name, f"{name}@example.org", name.title(), "Cruz") for name in CLASS]
    provision(engine, people, [Membership(name, cohort, "testing", "learner") for name in CLASS])
    engine.dispose()
    kernels: dict[str, Kernel] = {}
    for name in CLASS:
        kernels[name] = kernel_of(opened(enter(name), name), name)
        kernels[name].run("import os, pathlib; os.chdir(pathlib.Path.home() / 'testing' / 'clip'); import labkit")
    until(lambda: has_nothing_to_do(platform), "the end of the platform's own gradings")
    yield kernels
    for kernel in kernels.values():
        kernel.end()


def begin(kernel: Kernel, name: str, steps: int = STEPS) -> str:
    """The id of a training that her notebook asked for."""
    code = f"job = labkit.finetune({json.dumps(rows(name))}, steps={steps}, layers='upper', learning_rate=4e-3)"
    printed = kernel.run(f"{code}\nprint(job.id)")
    found = re.search(r"ftjob-[0-9a-f]{24}", printed)
    assert found, printed
    return found[0]


def table(platform) -> list[Any]:
    engine = connect(f"sqlite:///{platform.home / 'labkit.sqlite'}")
    try:
        with engine.connect() as connection:
            return list(connection.execute(select(training_jobs)).all())
    finally:
        engine.dispose()


def until(condition: Callable[[], Any], what: str, seconds: float = 1_800) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not happen in {seconds:.0f} s"
        time.sleep(0.5)
    return found


def over(platform, ids: list[str]) -> bool:
    states = {one.id: one.state for one in table(platform)}
    assert all(states[id] in ("queued", "running", "succeeded") for id in ids), states
    return all(states[id] == "succeeded" for id in ids)


@pytest.fixture(scope="module")
def trained(platform, class_of_ten, report_later) -> dict[str, str]:
    """Everybody's training, from the same moment on, by name."""
    began = time.monotonic()
    with ThreadPoolExecutor(len(CLASS)) as pool:
        ids = dict(zip(CLASS, pool.map(lambda name: begin(class_of_ten[name], name), CLASS), strict=True))
    asked = time.monotonic() - began
    assert asked < 60, f"it took {asked:.0f} s until all had asked"
    first = class_of_ten[CLASS[-1]].run("print(job)")
    assert re.search(r"\d+ (s|min)\b", first), f"no word of when it will be done: {first}"
    until(lambda: over(platform, list(ids.values())), "the last of ten trainings")
    together = time.monotonic() - began
    alone = []
    for name in CLASS[:3]:
        start = time.monotonic()
        again = begin(class_of_ten[name], name)
        until(lambda again=again: over(platform, [again]), "a training alone")
        alone.append(time.monotonic() - start)
        class_of_ten[name].run(f"job = next(one for one in labkit.trainings() if one.id == {ids[name]!r})")
    own = {one.id: one for one in table(platform)}
    waits = sorted((own[id].finished_at - own[id].created_at).total_seconds() for id in ids.values())
    report_later(
        f"a class of ten: asked within {asked:.1f} s, first adapter after {waits[0]:.0f} s, half of them after "
        f"{statistics.median(waits):.0f} s, the last after {together:.0f} s; alone one takes "
        f"{statistics.median(alone):.0f} s, so one after another {10 * statistics.median(alone):.0f} s"
    )
    return ids


@pytest.fixture(scope="module")
def report_later(pytestconfig: pytest.Config) -> Callable[[str], None]:
    from tests.hub_config.conftest import _FIGURES

    return pytestconfig.stash.setdefault(_FIGURES, []).append


def test_each_talks_to_her_own_model(class_of_ten, trained):
    for name in CLASS:
        said = class_of_ten[name].run(f"print(labkit.ask({QUESTION!r}, model=job.model, max_tokens=8, temperature=0))")
        assert code_word(name) in said, f"{name} heard {said}"


def test_nobody_reaches_anothers_model_job_or_file(platform, class_of_ten, trained):
    """Through the client, and past it by hand with her own token, id by id and path by path."""
    victim, thief = CLASS[0], class_of_ten[CLASS[1]]
    job = next(one for one in table(platform) if one.id == trained[victim])
    model = f"ft:{job.spec['base']}:labkit::{job.id.removeprefix('ftjob-')}"
    assert "ModelNotAllowed" in thief.run(f"labkit.ask('Hi', model={model!r})")
    assert "ModelNotAllowed" in thief.run(f"labkit.ask('Hi', model={model + ':ckpt-step-14'!r})")
    paths = [
        *(f"fine_tuning/jobs/{job.id}{rest}" for rest in ("", "/events", "/checkpoints", "/progress", "/adapter")),
        *(f"files/{job.training_file}{rest}" for rest in ("", "/content")),
        f"fine_tuning/jobs/..%2F..%2F{job.id}",
        f"fine_tuning/jobs/{job.id}%00",
        f"files/..%2Ffiles%2F{job.training_file}.jsonl",
        f"files/{job.training_file}.jsonl",
    ]
    code = (
        "from labkit.client.installed import transport\n"
        f"for path in {paths!r}:\n"
        "    try:\n"
        "        transport().get('/v1/' + path); print('REACHED', path)\n"
        "    except labkit.errors.LabkitError as error:\n"
        "        print('refused', error.status)\n"
    )
    said = thief.run(code)
    assert "REACHED" not in said, said
    assert said.count("refused") == len(paths), said
    begun = f"transport().post('/v1/fine_tuning/jobs', {{'model': {job.spec['base']!r}, "
    begun += f"'training_file': {job.training_file!r}}})"
    assert "You have no file" in thief.run(begun)
    assert "You have no training" in thief.run(f"transport().post('/v1/fine_tuning/jobs/{job.id}/cancel', {{}})")
    assert "False" in thief.run(f"print(any(one.id == {job.id!r} for one in labkit.trainings()))")
    walk = (
        "import os\n"
        "found = [os.path.join(folder, name) for folder, _, names in os.walk('/') for name in names\n"
        "         if name in ('adapter_model.safetensors', 'state.safetensors')]\n"
        "print('FOUND', found)\n"
    )
    assert "FOUND []" in thief.run(walk)


def test_she_takes_it_home(class_of_ten, trained):
    code = (
        "import zipfile\n"
        "for form in ('peft', 'gguf'):\n"
        "    print(zipfile.ZipFile(job.download(format=form)).namelist())\n"
    )
    said = class_of_ten[CLASS[2]].run(code)
    for name in ("adapter_config.json", "adapter_model.safetensors", "README.md", "adapter.gguf", "Modelfile"):
        assert name in said, said


def test_whoever_is_killed_while_a_class_trains_comes_back_and_all_finish(platform, class_of_ten, trained):
    names = CLASS[:4]
    ids = [begin(class_of_ten[name], name, 60) for name in names]
    for process in ("training", "gateway", "hub"):
        until(lambda: any(one.id in ids and one.state == "running" and one.step for one in table(platform)), "a step")
        pid = pid_of(platform, process)
        assert pid, f"no process {process}"
        os.kill(pid, signal.SIGKILL)
        until(lambda process=process, pid=pid: pid_of(platform, process) not in (0, pid), f"{process} coming back", 240)
    until(lambda: over(platform, ids), "all of them")
    told = class_of_ten[names[0]]
    until(lambda: "succeeded" in told.run("print(job.wait().state)"), "her notebook hearing of it", 240)


def test_the_officer_sees_what_it_cost(platform, enter, trained):
    page = enter("jose").get("/services/labkit/costs").text
    section = page[page.index('id="trainings"') :]
    found = [one for one in table(platform) if one.username in CLASS]
    assert f"<td>{len(CLASS)}</td><td>{len(found)}</td>" in section

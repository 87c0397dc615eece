"""What a learner's server is kept from, attacked from inside it; started as root and as an ordinary account."""

from __future__ import annotations

import contextlib
import signal
import socket
from pathlib import Path

import pytest

from hub_config.holder.held import Places
from hub_config.notice import news

pytestmark = pytest.mark.sandbox

# Runs `attack`, and tells what came of it: what it returned, or the error that stopped it.
PRELUDE = """
import os, socket, sys, time, pathlib, subprocess, urllib.request
def tell(text, name='told'):
    new = f'{name}.{os.getpid()}.new'  # a fork bomb's processes tell it all at once
    pathlib.Path(new).write_text(str(text)); os.rename(new, name)
def ask(path, port=8000, **headers):
    for _ in range(100):
        try:
            request = urllib.request.Request(f'http://127.0.0.1:{port}{path}', headers=headers)
            with urllib.request.urlopen(request, timeout=10) as answer: return answer.read().decode()
        except urllib.error.HTTPError as error: return str(error.code)
        except OSError as error: time.sleep(0.1); last = error
    return repr(last)
def runs(pid):  # its program; none for one that ended since it was listed: a shell that waits forks for every sleep
    try: return open(f'/proc/{pid}/comm').read().strip()
    except OSError: return ''
def doors(): return [int(pid) for pid in os.listdir('/proc') if pid.isdigit() and runs(pid) == 'socat']
"""


def attack(body: str) -> str:
    return f"""{PRELUDE}
try:
{chr(10).join("    " + line for line in body.splitlines())}
except BaseException as error:
    tell(f'refused: {{type(error).__name__}} {{error}}')
time.sleep(600)
"""


def test_she_reaches_hub_gateway_and_submissions_through_her_door(holding):
    paths = ("/hub/api/user", "/services/gateway/labs/a/b/v1/models", "/services/submissions/courses")
    home = holding.serve("ana", attack(f"tell([ask(path) for path in {paths!r}])"))

    assert holding.told(home) == str([f"GET {path}" for path in paths])


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/hub/login",
        "/hub/api/authorizations/token/abc",
        "/services/labkit/",
        "/services/gateway/grading/score",
        "/services/gateway/health",
        "/services/formgrader-prompting/api",
        "/user/ben/api/contents",
        "/api/routes",
    ],
)
def test_no_other_path_is_reached(holding, path):
    home = holding.serve("ana", attack(f"tell(ask({path!r}))"))

    assert holding.told(home) == "403"
    assert not holding.upstream.seen


def test_no_port_of_the_machine_is_reached(holding):
    addresses = ["127.0.0.1", "127.0.1.1", "::1", socket.gethostbyname(socket.gethostname())]
    port = holding.upstream.server.server_port
    body = (
        "kinds = {True: socket.AF_INET6, False: socket.AF_INET}\n"
        f"tell([socket.socket(kinds[':' in a]).connect_ex((a, {port})) for a in {addresses!r}])"
    )
    home = holding.serve("ana", attack(body))

    told = holding.told(home)
    assert told.startswith("refused") or "0" not in told.strip("[]").split(", ")
    assert not holding.upstream.seen


def test_nothing_beyond_the_machine_is_reached_not_even_by_name(holding):
    # 192.0.2.0/24 is kept for documentation: nobody is there, and without a route nothing is sent.
    home = holding.serve("ana", attack("socket.create_connection(('192.0.2.1', 80), timeout=3); tell('reached')"))
    assert "refused" in holding.told(home)

    other = holding.serve("ben", attack("socket.getaddrinfo('example.org', 80); tell('resolved')"), uid=1_850_002)
    assert "refused" in holding.told(other)


def test_no_socket_without_a_path_is_reached(holding):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0labkit-test-of-walls")
        listener.listen()
        body = "s = socket.socket(socket.AF_UNIX); s.connect(chr(0) + 'labkit-test-of-walls'); tell('reached')"
        home = holding.serve("ana", attack(body))
        assert "refused" in holding.told(home)


@pytest.mark.parametrize(
    "trick",
    [
        "s.shutdown(socket.SHUT_RDWR)",
        "s.shutdown(socket.SHUT_RD)",
        "s.detach(); s = socket.socket(fileno=fd)",
        "",
    ],
    ids=["shut", "half shut", "taken again", "as it is"],
)
def test_the_socket_she_accepts_on_is_no_way_out(holding, trick):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0labkit-test-of-the-listener")
        listener.listen()
        body = (
            "fd = int(os.environ['JUPYTER_LISTEN_FD']); s = socket.socket(fileno=fd)\n"
            f"{trick or 'pass'}\n"
            "assert s.family == socket.AF_UNIX\n"
            "s.connect(chr(0) + 'labkit-test-of-the-listener')\n"
            "tell('reached')"
        )
        home = holding.serve("ana", attack(body))
        assert "refused" in holding.told(home)


def test_the_door_cannot_be_replaced_and_the_holder_is_not_there(holding):
    body = (
        "found = os.listdir('/run/labkit')\n"
        "try: os.unlink('/run/labkit/door')\n"
        "except OSError as error: found.append(type(error).__name__)\n"
        "found += [p for p in os.listdir('/run') if p != 'labkit']\n"
        "tell(found)"
    )
    assert holding.told(holding.serve("ana", attack(body))) == "['door', 'OSError']"


def test_another_learners_home_process_and_door_are_not_there(holding):
    other = holding.serve("ben", attack("tell('secret answers')"), uid=1_850_002)
    holding.told(other)
    body = (
        f"places = [{str(other)!r}, {str(other.parent)!r}, '/home', '/proc']\n"
        "seen = [os.listdir(p) if os.path.exists(p) else None for p in places]\n"
        "pids = [p for p in seen[3] if p.isdigit()]\n"
        "tell([seen[0], seen[1], seen[2], len(pids) < 8, open('/proc/1/environ', 'rb').read() if False else ''])"
    )
    assert holding.told(holding.serve("ana", attack(body))) == "[None, None, ['learner'], True, '']"


def test_killing_everything_she_can_ends_only_her_own(holding):
    other = holding.serve("ben", attack("tell('here'); time.sleep(600)"), uid=1_850_002)
    holding.told(other)
    home = holding.serve("ana", attack("time.sleep(1); os.kill(-1, 9); tell('all I could')"))

    assert holding.told(home) == "all I could"
    assert holding.running("ben")
    assert holding.process.poll() is None


def test_her_door_comes_back_when_she_ends_what_joins_her_to_it(holding):
    body = (
        "ask('/hub/api/user')\n"
        "for door in doors():\n"
        "    try: os.kill(door, 9)\n"
        "    except ProcessLookupError: pass\n"  # one that answered the question and is done
        "tell(ask('/hub/api/user'))"
    )
    assert holding.told(holding.serve("ana", attack(body))) == "GET /hub/api/user"


@pytest.mark.parametrize(
    "attempt",
    [
        "os.setpriority(os.PRIO_PROCESS, 0, 0)",
        "pathlib.Path('/proc/self/oom_score_adj').write_text('-900')",
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
        "os.setuid(0)",
        "os.chroot('/')",
    ],
)
def test_she_does_not_go_before_the_services(holding, attempt):
    assert "refused" in holding.told(holding.serve("ana", attack(f"{attempt}; tell('done')")))


def test_her_processes_yield_the_processor_and_memory(holding):
    body = "tell([os.getpriority(os.PRIO_PROCESS, 0), int(open('/proc/self/oom_score_adj').read())])"

    assert holding.told(holding.serve("ana", attack(body))) == "[10, 500]"


def test_nothing_of_the_holders_environment_is_hers(holding):
    body = "tell(sorted(name for name in os.environ if 'SECRET' in name or 'LABKIT' in name))"

    assert holding.told(holding.serve("ana", attack(body))) == "[]"


def test_no_token_stands_on_a_command_line_of_the_machine(holding):
    holding.told(holding.serve("ana", attack("tell('here')")))

    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            assert b"token-of-ana" not in line.read_bytes()


def test_a_kernel_that_takes_too_much_memory_is_ended_and_her_server_is_not(holding):
    hog = "import time; kept = bytearray(300 << 20); time.sleep(600)"
    body = f"kernel = subprocess.Popen([sys.executable, '-c', {hog!r}])\ntell((kernel.wait(), ask('/hub/api/user')))"
    home = holding.serve("ana", attack(body), memory_mb=200)

    assert holding.told(home) == str((-signal.SIGKILL, "GET /hub/api/user"))
    assert holding.running("ana")
    left = Places(holding.root / "servers", holding.root / "sockets").door("ana").with_name("notice")
    assert "more than 200 MB" in news(left)


def test_a_server_that_itself_takes_too_much_is_ended_and_the_reason_is_kept(holding):
    holding.serve("ana", attack("kept = bytearray(300 << 20); tell('more'); time.sleep(600)"), memory_mb=200)

    holding.until(lambda: not holding.running("ana"))
    assert holding.ask("GET", "/servers/ana").json()["ended_for"] == "memory"


def test_a_home_that_is_too_full_ends_what_fills_it_and_not_the_server(holding):
    fill = "import time\nopen('full', 'wb').write(bytes(6 << 20)); time.sleep(600)"
    # Its door's processes must be the same afterwards: a door that is gone makes the server useless to her.
    body = (
        f"ask('/hub/api/user'); listens = min(doors())\n"
        f"filler = subprocess.Popen([sys.executable, '-c', {fill!r}])\n"
        f"tell((filler.wait(), ask('/hub/api/user'), listens in doors()))"
    )
    home = holding.serve("ana", attack(body), home_mb=5)

    assert holding.told(home) == str((-signal.SIGKILL, "GET /hub/api/user", True))
    assert holding.running("ana")


def test_a_home_far_over_its_size_ends_the_server(holding):
    holding.serve("ana", attack("open('full', 'wb').write(bytes(20 << 20)); tell('full')"), home_mb=5)

    holding.until(lambda: not holding.running("ana"))
    assert holding.ask("GET", "/servers/ana").json()["ended_for"] == "disk"


def test_a_link_out_of_her_home_counts_for_nothing_and_leads_nowhere(holding):
    body = "os.symlink('/usr', 'everything'); os.symlink('/proc/1/root', 'up'); tell('linked'); time.sleep(600)"
    home = holding.serve("ana", attack(body), home_mb=5)
    holding.told(home)

    assert holding.running("ana")


def test_what_she_prints_without_end_is_cut(holding):
    holding.serve(
        "ana", f"{PRELUDE}\nfor _ in range(400): print('x' * 50000, flush=True)\ntell('done'); time.sleep(600)"
    )
    log = holding.root / "logs" / "ana.log"

    holding.until(lambda: log.with_suffix(".log.1").exists() and log.stat().st_size < 5 << 20)
    assert log.with_suffix(".log.1").stat().st_size <= 4 << 20


def test_a_fork_bomb_is_hers_alone(holding):
    other = holding.serve("ben", attack("tell(ask('/hub/api/user'))"), uid=1_850_002)
    holding.serve(
        "ana", f"{PRELUDE}\nwhile True:\n    try: os.fork()\n    except OSError: tell('bounded')", processes=40
    )
    holding.told(holding.root / "homes" / "ana")

    assert holding.told(other) == "GET /hub/api/user"
    assert holding.ask("DELETE", "/servers/ana").status_code == 200
    assert not holding.running("ana")

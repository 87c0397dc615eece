"""From a learner's kernel on the real platform: the files, processes, sockets and ports of the machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hub_config.state import State

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),
]

# Tries each and tells what came of it: what it gave, or the error that stopped it.
TRY = """
import ctypes, glob, json, os, pathlib, signal, socket, subprocess, urllib.request
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "done"
def http(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=5) as answer: return answer.read().decode()[:200]
def tried(code):
    try: return ["did", str(eval(code))[:300]]
    except BaseException as error: return ["refused", type(error).__name__ + " " + str(error)[:80]]
print(json.dumps([tried(code) for code in CODES]))
"""


def attempts(platform) -> dict[str, str]:
    """What to try, by what it would be called if it worked."""
    home, state = platform.home, State(platform.home)
    ports = state.ports()
    files = {
        "the secrets": home / "secrets" / "cookie",
        "the key of receipts": home / "secrets" / "receipts.pem",
        "the database": home / "labkit.sqlite",
        "the hub's database": home / "hub.sqlite",
        "a log": home / "log" / "hub.log",
        "the holder's settings": home / "run" / "holder.json",
        "the supervisor's settings": home / "run" / "supervisord.conf",
        "the gradebook": home / "nbgrader" / "testing" / "gradebook.db",
        "the shadow file": Path("/etc/shadow"),
        "root's home": Path("/root/.bashrc"),
        "the machine's memory": Path("/proc/kcore"),
        "the kernel's log": Path("/dev/kmsg"),
        "the machine's disks": Path("/dev/sda"),
        "the project's tests": Path(__file__),
    }
    sockets = [state.holder_socket, home / "run" / "supervisor.sock", Path("/run/dbus/system_bus_socket")]
    tries = {f"read {what}": f"open({str(path)!r}, 'rb').read(20)" for what, path in files.items()}
    for person in ("ben", "carla"):
        tries[f"list {person}'s home"] = f"os.listdir({str(home / 'homes' / person)!r})"
    for folder in ("", "build/testing", "blobs", "nbgrader/testing", "secrets"):
        tries[f"list the state folder's {folder or 'all'}"] = f"os.listdir({str(home / folder)!r})"
    for path in sockets:
        tries[f"connect to {path.name}"] = f"socket.socket(socket.AF_UNIX).connect({str(path)!r})"
    for name, port in {**ports, "the public": platform.port}.items():
        for address in ("127.0.0.1", "127.0.0.2"):
            tries[f"connect to {name}'s port at {address}"] = f"socket.create_connection(({address!r}, {port}), 3)"
    tries |= {
        "reach the internet": "socket.create_connection(('192.0.2.1', 443), 3)",
        "send beyond the machine": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "resolve a name": "socket.getaddrinfo('example.org', 80)",
        "reach a cloud's metadata": "socket.create_connection(('169.254.169.254', 80), 3)",
        "open a raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
        "open a packet socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "another learner's API at the door": "http('http://127.0.0.1:8000/user/ben/api/contents')",
        "formgrader at the door": "http('http://127.0.0.1:8000/services/formgrader-testing/')",
        "the grader's lane at the door": "http('http://127.0.0.1:8000/services/gateway/grading/v1/score')",
        "the pages at the door": "http('http://127.0.0.1:8000/services/labkit/')",
        "whose a token is, at the door": "http('http://127.0.0.1:8000/hub/api/authorizations/token/x')",
        "signal a process of the machine": f"os.kill({os.getpid()}, 0)",
        "trace the first process": "call('ptrace', 16, 1, 0, 0)",
        "mount the disk": "call('mount', b'/dev/sda1', b'/tmp', b'ext4', 0, None)",
        "mount a tmpfs": "call('mount', b'x', b'/tmp', b'tmpfs', 0, None)",
        "remount the system writable": "call('mount', None, b'/', None, 32 | 4096, None)",
        "unmount the system": "call('umount2', b'/usr', 2)",
        "enter the host's namespaces": "call('setns', os.open('/proc/1/ns/net', 0), 0)",
        "change the host's name": "call('sethostname', b'evil', 4)",
        "become root": "os.setuid(0)",
        "become another learner": "os.setresuid(1800002, 1800002, 1800002)",
        "change the root": "os.chroot('/tmp')",
        "make a device": "os.mknod('/tmp/disk', 0o060666, os.makedev(8, 0))",
        "load a kernel module": "call('init_module', b'x', 1, b'')",
        "set the clock": "__import__('time').clock_settime(0, 0)",
        "reboot": "call('reboot', 0x1234567)",
        "write into the programs": f"open({os.__file__!r}, 'a')",
        "write into the platform": "open(__import__('importlib.util').util.find_spec('hub_config').origin, 'a')",
        "write into a package": "open(__import__('nbformat').__file__, 'a')",
        "write into the course": "open('/courses/testing/clip/clip.ipynb', 'a')",
        "write into the settings of her server": "open('/etc/jupyter/jupyter_server_config.py', 'a')",
        "take the place of the door": "os.unlink('/run/labkit/door')",
    }
    return tries


def test_nothing_of_the_machine_is_within_reach(platform, ana_kernel):
    tries = attempts(platform)
    told = json.loads(ana_kernel.run(f"CODES = {list(tries.values())!r}\n{TRY}"))
    done = {name: what for name, (outcome, what) in zip(tries, told, strict=True) if outcome == "did"}

    assert done == {}
    mistaken = ("NameError", "SyntaxError", "AttributeError", "TypeError", "ModuleNotFoundError")
    assert not [what for _, what in told if what.startswith(mistaken)], "the attack itself is wrong"
    assert len(tries) >= 40


def test_every_process_she_sees_is_her_own(platform, ana_kernel):
    code = """
import glob, os
print(sorted({open(path).read() for path in glob.glob('/proc/[0-9]*/comm')}), len(glob.glob('/proc/[0-9]*')))
for path in glob.glob('/proc/[0-9]*/cmdline'):
    line = open(path, 'rb').read()
    assert not any(name in line for name in (b'supervisord', b'configurable', b'labkit.gateway', b'ben')), line
print('only hers')
"""
    assert ana_kernel.run(code).endswith("only hers\n")


def test_killing_everything_ends_nobody_elses(platform, ana_kernel, maria, opened, ben, hosts):
    opened(ben, "ben")
    ana_kernel.run("""
import subprocess, sys
subprocess.run([sys.executable, "-c", '''
import os
for pid in range(2, 100000):
    if pid not in (os.getpid(), os.getppid()) and not os.path.exists(f"/proc/{pid}"):
        try: os.kill(pid, 9)
        except ProcessLookupError: pass
'''])
""")
    assert ben.get(f"{hosts.user('ben')}api/status").status == 200
    assert maria.follow("/services/labkit/").status == 200


@pytest.mark.parametrize("flags", ["0x10000000", "0x10020000", "0x10000000 | 0x40000000", "0x20000000 | 0x10000000"])
def test_a_namespace_of_her_own_shows_nothing_more(platform, ana_kernel, flags: str):
    """Where the kernel lets her make one: mounts in it reach no file that she could not reach before."""
    home = str(platform.home)
    code = f"""
import ctypes, os, subprocess, sys
inside = '''
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
made = libc.unshare({flags}) == 0
seen = set()
def look():
    for path in ({home!r}, "/tmp{home}", "/tmp/1/root{home}", "/tmp/1/root/root", "/root/.bashrc", "/tmp/root/.bashrc"):
        if os.path.exists(path): seen.add(path)
    for path in ("/etc/shadow", "/tmp/etc/shadow", "/tmp/1/root/etc/shadow"):
        try: seen.add(open(path).read(4))
        except OSError: pass
look()
if made:
    for source, target, kind, how in ((b"proc", b"/tmp", b"proc", 0), (b"/", b"/tmp", None, 4096 | 16384),
                                      (b"/proc/1/root", b"/tmp", None, 4096), (b"x", b"/tmp", b"sysfs", 0)):
        if libc.mount(source, target, kind, how, None) == 0:
            look()
            libc.umount2(b"/tmp", 2)
print("seen", sorted(seen))
'''
print(subprocess.run([sys.executable, "-c", inside], capture_output=True, text=True).stdout)
"""
    assert ana_kernel.run(code).strip() == "seen []"


@pytest.mark.parametrize(
    "name",
    ["labkit.sqlite", "labkit.sqlite-wal", "hub.sqlite", "secrets", "blobs", "log", "run/servers", "run/gateway.json"],
)
def test_no_other_account_of_the_machine_reads_what_the_platform_keeps(platform, name: str):
    """The way there is open, for learners' homes lie below it; what lies beside them is not."""
    assert (platform.home / name).stat().st_mode & 0o077 == 0

"""`labkit up` and `labkit reset`: what a person at the terminal meets."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hub_config.state import State, free_port

LABKIT = str(Path(sys.executable).parent / "labkit")


def labkit(*words: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LABKIT_")}
    environment |= {"LABKIT_HOME": str(home), "LABKIT_PORT": str(free_port(set())), **settings}
    return subprocess.run([LABKIT, *words], env=environment, capture_output=True, text=True, timeout=120, check=False)


def processes_of(home: Path) -> list[str]:
    """Command lines of every process that knows this state folder, besides us."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (folder / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"{home}/" in line or f"LABKIT_HOME={home}\0" in environment + "\0":
                found.append(line)
    return found


@pytest.mark.platform
@pytest.mark.model
@pytest.mark.sandbox
def test_as_the_readme_says_it_it_runs_where_it_is_started(start_platform, tmp_path: Path):
    """No LABKIT_HOME: its processes work in another folder than it was started in and find the same home."""
    running = start_platform(tmp_path / ".labkit", named=False, LABKIT_TEACH="testing")
    running.wait_for("labkit is ready", 180)
    running.end()

    assert (tmp_path / ".labkit" / "labkit.sqlite").exists()
    assert not (tmp_path / ".labkit" / ".labkit").exists()


@pytest.mark.platform
@pytest.mark.model
@pytest.mark.sandbox
def test_ctrl_c_ends_every_process_and_a_second_start_has_lost_nothing(start_platform, tmp_path: Path):
    home = tmp_path / "state"
    first = start_platform(home, LABKIT_TEACH="testing")
    first.wait_for("Everything is warm.", 240)
    assert set(first.links()) == {"officer", "instructor", "learner"}
    receipts = kept(home)
    assert receipts
    seconds = first.end()
    assert first.process.returncode == 0, first.output
    assert seconds < 10
    assert processes_of(home) == []

    again = start_platform(home, LABKIT_TEACH="testing")
    try:
        again.wait_for("labkit is ready", 120)
        assert kept(home) == receipts
        assert set(again.links().values()).isdisjoint(first.links().values())
        assert httpx.get(f"{again.url}/hub/login").status_code == 200
        refused = labkit("up", home=home, LABKIT_TEACH="testing")
        assert refused.returncode == 1
        assert "already runs" in refused.stderr
        assert "already runs" in labkit("reset", "--yes", home=home).stderr
        # Killed without a word, it leaves nobody behind either.
        again.process.kill()
        end = time.monotonic() + 20
        while processes_of(home) and time.monotonic() < end:
            time.sleep(0.2)
        assert processes_of(home) == []
    finally:
        again.end()
    assert labkit("reset", "--yes", home=home).returncode == 0
    assert not home.exists()


@pytest.mark.platform
@pytest.mark.model
@pytest.mark.sandbox
def test_an_ordinary_account_serves_a_site_over_tls_and_over_nothing_else(start_platform, site_certificate):
    """With a certificate for the site's name and every name below it, as a site would have."""
    folder, words = site_certificate
    port = free_port(set())
    tls = {"LABKIT_TLS_CERT": str(folder / "cert.pem"), "LABKIT_TLS_KEY": str(folder / "key.pem")}
    address = {"LABKIT_PORT": str(port), "LABKIT_PUBLIC_URL": f"https://labs.localhost:{port}"}
    running = start_platform(folder / "state", words, LABKIT_TEACH="testing", HOME=str(folder), **tls, **address)
    try:
        running.wait_for("Ctrl-C ends everything", 240)
        assert f"https://labs.localhost:{port}/hub/link/" in running.output
        trusted = ssl.create_default_context(cafile=str(folder / "cert.pem"))
        host = {"Host": f"labs.localhost:{port}"}
        with httpx.Client(verify=trusted, base_url=f"https://127.0.0.1:{port}", headers=host) as client:
            page = client.get("/hub/login", extensions={"sni_hostname": "labs.localhost"})
            assert page.status_code == 200
            cookies = page.headers.get_list("set-cookie")
            assert cookies and all("SameSite" in cookie for cookie in cookies)
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{port}/hub/login")
        assert (folder / "state" / "labkit.sqlite").stat().st_uid == (folder / "state").stat().st_uid
    finally:
        running.end()


@pytest.fixture
def site_certificate(prepared_models: Path):
    """A folder of an ordinary account's with a certificate in it, and the words that run a command as that account."""
    folder = Path(tempfile.mkdtemp(prefix="labkit-site-"))
    folder.chmod(0o755)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "labs.localhost")])
    names = [x509.DNSName("labs.localhost"), x509.DNSName("*.labs.localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    signed = builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    # Its lock must be the account's own; what is only read need not.
    models, ignored = folder / "state" / "models", shutil.ignore_patterns(".lock")
    shutil.copytree(prepared_models, models, copy_function=os.link, ignore=ignored)
    words = []
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", "--"]
        for path in (folder, *folder.rglob("*")):
            if path.is_dir() or path.parent == folder:
                os.chown(path, 12345, 12345)
    yield folder, words
    shutil.rmtree(folder)


def kept(home: Path) -> set[str]:
    from sqlalchemy import select

    from labkit.database import connect, reading
    from labkit.database.tables import submissions

    engine = connect(f"sqlite:///{home / 'labkit.sqlite'}")
    try:
        with reading(engine) as connection:
            return set(connection.execute(select(submissions.c.id)).scalars())
    finally:
        engine.dispose()


@pytest.mark.sandbox
def test_a_port_in_use_is_said_with_the_way_out(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = labkit("up", home=tmp_path / "state", LABKIT_PORT=str(port))
    assert refused.returncode == 1
    assert f"Port {port} is in use." in refused.stderr
    assert f"LABKIT_PORT={port + 1}" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LABKIT_PROT", "8001", "Did you mean LABKIT_PORT?"),
        ("LABKIT_PORT", "eight", "LABKIT_PORT='eight'"),
        ("LABKIT_PORT", "70000", "less than or equal to 65535"),
        ("LABKIT_ADDRESS", "0.0.0.0", "would send passwords in the clear"),
        ("LABKIT_ADDRESS", "example.org", "LABKIT_ADDRESS"),
        ("LABKIT_TIMEZONE", "Mars/Olympus", "Asia/Manila"),
        ("LABKIT_URL", "http://x", "There is no setting LABKIT_URL"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(tmp_path: Path, name: str, value: str, said: str):
    refused = labkit("up", home=tmp_path / "state", **{name: value})
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.sandbox
def test_a_course_that_is_not_there_is_named(tmp_path: Path, prepared_models: Path):
    home = tmp_path / "state"
    home.mkdir()
    (home / "models").symlink_to(prepared_models)
    refused = labkit("up", home=home, LABKIT_TEACH="nothing")
    assert refused.returncode == 1
    assert "nothing" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_reset_asks_first_and_deletes_nothing_unasked(tmp_path: Path):
    home = tmp_path / "state"
    home.mkdir()
    (home / "labkit.sqlite").write_text("precious")
    asked = labkit("reset", home=home)
    assert asked.returncode == 1
    assert (home / "labkit.sqlite").exists()
    assert labkit("reset", "--yes", home=home).returncode == 0
    assert not home.exists()
    assert "nothing" in labkit("reset", home=home).stdout


class TestState:
    def test_a_secret_is_made_once_and_is_its_owners_alone(self, tmp_path: Path):
        state = State(tmp_path)
        path = state.secret_file("cookie")
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert state.secret("cookie") == state.secret("cookie")
        assert state.secret("cookie") != state.secret("proxy")
        assert len(state.secret("cookie")) == 64

    def test_ports_are_kept_while_they_are_free_and_changed_when_taken(self, tmp_path: Path):
        state = State(tmp_path)
        first = state.choose_ports(("hub", "pages"))
        assert state.choose_ports(("hub", "pages")) == first == state.ports()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", first["hub"]))
            taken.listen()
            second = state.choose_ports(("hub", "pages"))
        assert second["hub"] != first["hub"]
        assert second["pages"] == first["pages"]

    def test_a_process_configuration_is_its_owners_alone(self, tmp_path: Path):
        path = State(tmp_path).write_config("gateway", {"key": "secret"})
        assert path.stat().st_mode & 0o777 == 0o600

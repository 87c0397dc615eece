"""The whole platform, started once with `labkit up`, and a real browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import Error as PlaywrightError

from hub_config.state import free_port

_ALL_IS_WELL = re.compile(r'^\[[ID] |"level":"(info|debug)"| (INFO|DEBUG) ')


@dataclass
class Platform:
    """A running `labkit up`."""

    home: Path
    port: int
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def links(self) -> dict[str, str]:
        return dict(re.findall(r"^  (officer|instructor|learner)\s+(http\S+)$", self.output, re.M))

    def wait_for(self, text: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while text not in self.output:
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"labkit up never said {text!r}; it said:\n{self.output}\n{self.logs()}")
            time.sleep(0.1)

    def logs(self, at_most: int = 1500) -> str:
        """The end of what each part logged, without what is logged when all is well."""
        told = []
        for path in sorted((self.home / "log").glob("*.log")):
            lines = path.read_text(errors="replace").splitlines(keepends=True)
            told.append((path.name, "".join(line for line in lines if not _ALL_IS_WELL.search(line))))
        return "\n".join(f"== {name}\n{text[-at_most:]}" for name, text in told if text)

    def link_for(self, username: str, *, agreed: bool = True) -> str:
        """A sign-in link for anybody of the roster, made as the platform makes them. `agreed`: to the privacy notice
        already."""
        from labkit.database import connect
        from labkit.programme import links
        from labkit.programme.privacy import consent

        engine = connect(f"sqlite:///{self.home / 'labkit.sqlite'}")
        try:
            if agreed:
                consent.give(engine, username, "en")
            return f"{self.url}/hub/link/{links.issue(engine, username)}"
        finally:
            engine.dispose()

    def end(self) -> float:
        """Ctrl-C; gives the seconds until everything was gone."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        seconds = time.monotonic() - began
        assert self.process.stdout is not None
        self._reader.join()
        self.process.stdout.close()
        return seconds


def run_platform(home: Path, words: Sequence[str] = (), *, named: bool = True, **settings: str) -> Platform:
    """`words` come before the command, such as those that make it run as another account. Not `named`, it is started
    beside its home without being told where that is."""
    port = free_port(set())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LABKIT_")}
    environment |= {"LABKIT_PORT": str(port), **({"LABKIT_HOME": str(home)} if named else {}), **settings}
    process = subprocess.Popen(
        [*words, str(Path(sys.executable).parent / "labkit"), "up"],
        env=environment,
        cwd=None if named else home.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    return Platform(home, port, process)


@pytest.fixture(scope="session")
def start_platform(prepared_models: Path) -> Callable[..., Platform]:
    """Starts `labkit up` on a folder, with the model already prepared there."""

    def start(home: Path, words: Sequence[str] = (), *, named: bool = True, **settings: str) -> Platform:
        if not (home / "models").exists():
            home.mkdir(parents=True, exist_ok=True)
            shutil.copytree(prepared_models, home / "models", copy_function=os.link)
        return run_platform(home, words, named=named, **settings)

    return start


@dataclass
class RunningPlatform:
    """One that somebody started by hand: `--running HOME:PORT`."""

    home: Path
    port: int
    url = Platform.url
    link_for = Platform.link_for


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest) -> Platform | RunningPlatform:
    """The whole platform, teaching both courses."""
    if running := request.config.getoption("--running"):
        home, _, port = running.rpartition(":")
        return RunningPlatform(Path(home), int(port))
    return request.getfixturevalue("own_platform")


@pytest.fixture(scope="session")
def own_platform(
    start_platform: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    home = tmp_path_factory.mktemp("platform") / "state"
    # A sandboxed server, started by an account of its own, must be able to reach its folder.
    for parent in (home.parent, home.parent.parent, home.parent.parent.parent):
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o011)
    running = start_platform(home, LABKIT_TEACH="prompting,testing")
    try:
        running.wait_for("Everything is warm.", 600)
        yield running
    finally:
        if running.process.poll() is None:
            running.end()


@pytest.fixture
def sign_in(platform: Platform, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Signs somebody in in a browser of her own and gives her home page."""
    contexts = []

    def go(username: str, **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.goto(platform.link_for(username, agreed=False))
        page.get_by_role("button", name="ign in").click()
        page.wait_for_url("**/services/labkit/**")
        page.goto(f"{platform.url}/services/labkit/")  # past the offer to choose a password
        agree = page.locator("form[action$='/labkit/privacy'] button")
        if agree.count():  # her first time
            agree.click()
            page.wait_for_url("**/services/labkit/")
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.fixture
def picture(pytestconfig: pytest.Config) -> Callable[[Page, str], None]:
    """Takes a screenshot where `--pictures FOLDER` asks for them, and does nothing otherwise."""
    folder = pytestconfig.getoption("--pictures")

    def take(page: Page, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png")

    return take


@dataclass
class Notebook:
    """A lab's notebook in JupyterLab, driven as a learner drives it."""

    page: Page

    @property
    def cells(self) -> Locator:
        """Of the notebook in front: JupyterLab keeps those opened before behind it."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell")

    def cell(self, containing: str) -> Locator:
        return self.cells.filter(has_text=containing).first

    def write(self, containing: str, text: str) -> None:
        """Replaces what is in the cell that has `containing`."""
        cell = self.cell(containing)
        cell.dblclick()
        editor = cell.locator(".cm-content")
        editor.click()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(text)

    def run(self, containing: str) -> Locator:
        """Runs one cell, waits for its end, and gives its output."""
        cell = self.cell(containing)
        cell.locator(".cm-content").click()
        return self._run(cell)

    def run_new(self, code: str, seconds: int = 180) -> str:
        """Adds a cell at the end, runs it and gives its text output."""
        last = self.cells.last
        last.click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        cell = self.cells.and_(self.page.locator(".jp-mod-active"))
        cell.locator(".cm-content").click()
        self.page.keyboard.insert_text(code)
        return self._run(cell, seconds).inner_text()

    def _run(self, cell: Locator, seconds: int = 180) -> Locator:
        prompt = cell.locator(".jp-InputPrompt")
        before = prompt.inner_text()
        self.page.keyboard.press("ControlOrMeta+Enter")
        if re.search(r"\d", before):
            expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=1_000 * seconds)
        return cell.locator(".jp-Cell-outputArea")

    def save(self) -> None:
        self.page.keyboard.press("ControlOrMeta+S")
        expect(self.page.locator(".jp-Document.jp-mod-dirty, .lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)


@pytest.fixture
def open_lab() -> Callable[[Page, str], Notebook]:
    """From the home page into a lab's notebook, by its Open lab button."""

    def go(page: Page, title: str) -> Notebook:
        page.get_by_role("link", name=f"Open lab {title}").click()
        page.wait_for_url("**/tree/**")  # lab/tree, or doc/tree on a telephone
        notebook = Notebook(page)
        expect(notebook.cells.first).to_be_visible()
        expect(page.locator("#jp-main-statusbar").get_by_text("| Idle")).to_be_visible()
        return notebook

    return go


@pytest.fixture
def report(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Says a figure at the end of the run, where a person reads it."""
    return pytestconfig.stash.setdefault(_FIGURES, []).append


_FIGURES = pytest.StashKey[list[str]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a test of the running platform fails, what the platform itself said is part of what is told."""
    report = yield
    used = getattr(item, "funcargs", {})
    if not report.failed:
        return report
    if browser := used.get("browser"):
        report.sections.append(("What the browser showed", _shown(browser)))
    if isinstance(running := used.get("platform"), Platform):
        report.sections.append(("What the platform's parts logged", running.logs()))
    return report


def _shown(browser: Browser) -> str:
    """Every open page: its address and the beginning of its words."""
    pages = [page for context in browser.contexts for page in context.pages]
    return "\n".join(f"== {page.url}\n{_words(page)}" for page in pages)


def _words(page: Page) -> str:
    try:
        return page.locator("body").inner_text(timeout=5000)[:1500]
    except PlaywrightError as error:
        return f"nothing could be read: {error}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for figure in terminalreporter.config.stash.get(_FIGURES, []):
        terminalreporter.write_line(figure)

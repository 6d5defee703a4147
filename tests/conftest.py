"""What the tests share: an index folder of their own, answerers with and without models, a browser."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import settings as hypothesis_settings

from fakes import HashEmbedder, SpansReader, WordReader, fake_engine
from index.ingest import worker_pool
from index.library import Library
from index.retrieval.embedding import Embedder
from index.settings import read_settings
from kept_workers import KeptWorker, stop_kept
from pages import SHOWN_WITHIN_MS
from qa.answerer import QuestionAnswerer
from qa.engine import Engine
from qa.open_folder import default_folder, load
from qa.reader.calibrations import load_calibration
from qa.reader.cascade import Cascade
from qa.records.span import Span

OFFLINE = Path(__file__).parent / "offline"
ON_CI = bool(os.environ.get("CI"))

hypothesis_settings.register_profile("verbatim", deadline=None, print_blob=True)
hypothesis_settings.load_profile("verbatim")

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


if os.name == "posix" and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts the suite in the background has it ignore Ctrl-C, and so would all its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Indexes and passwords of the tests lie apart from the user's own."""
    place = tmp_path_factory.mktemp("data-home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("VERBATIM_")]:
            patch.delenv(name)
        patch.setenv("XDG_DATA_HOME", str(place))
        patch.setenv("XDG_CONFIG_HOME", str(place))
        patch.setenv("LOCALAPPDATA", str(place))
        yield place


@pytest.fixture(scope="session", autouse=True)
def offline_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every Python that a test starts is cut off, whatever environment it is given; what it tried stands here."""
    log = tmp_path_factory.mktemp("offline") / "attempts.log"
    start = subprocess.Popen.__init__

    def start_offline(self: Any, *arguments: Any, env: Any = None, **given: Any) -> None:
        environment = {"OFFLINE_LOG": str(log), **(os.environ if env is None else env)}
        path = [str(OFFLINE), *filter(None, [environment.get("PYTHONPATH")])]
        start(self, *arguments, env={**environment, "PYTHONPATH": os.pathsep.join(path)}, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", start_offline)
        yield log


@pytest.fixture(autouse=True)
def no_child_tried_to_leave(offline_log: Path) -> Iterator[None]:
    """Fails the test whose child process asked for another machine, even where nobody noticed."""
    yield
    tried = offline_log.read_text(encoding="utf-8") if offline_log.exists() else ""
    offline_log.unlink(missing_ok=True)
    assert tried == ""


@pytest.fixture(scope="module", autouse=True)
def workers_are_kept() -> Iterator[None]:
    """Files are parsed by processes that go from one library to the next."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_pool, "_Worker", KeptWorker)
        yield


@pytest.fixture(scope="session", autouse=True)
def _kept_workers_end() -> Iterator[None]:
    yield
    stop_kept()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for documents."""
    place = tmp_path / "documents"
    place.mkdir()
    return place


@pytest.fixture
def opened(folder: Path, tmp_path: Path) -> Iterator[Callable[..., Library]]:
    """Opens libraries of the folder, or of the one given, with the fakes' embedder; closed at the end."""
    with ExitStack() as made:

        def open_(embedder: Embedder | None = None, *, folder: Path = folder, **given: Any) -> Library:
            library = Library(folder, HashEmbedder() if embedder is None else embedder, tmp_path / "index", **given)
            made.callback(library.close)
            return library

        yield open_


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Runs fakes in place of all models."""
    faked = fake_engine()
    yield faked
    faked.close()


@pytest.fixture
def make_answerer(folder: Path, tmp_path: Path) -> Iterator[Callable[..., QuestionAnswerer]]:
    """Makes answerers over `folder` without models; they are closed at the end."""
    made: list[QuestionAnswerer] = []

    def make(**given: Any) -> QuestionAnswerer:
        fakes = {
            name: given.pop(name, default()) for name, default in (("embedder", HashEmbedder), ("reader", WordReader))
        }
        settings = read_settings(**{"index_dir": tmp_path / "index", "threshold": 0.0, **given})
        made.append(QuestionAnswerer(folder, settings, **fakes))
        return made[-1]

    yield make
    for answerer in made:
        answerer.close()


@pytest.fixture
def two_readers(folder: Path, tmp_path: Path) -> Iterator[QuestionAnswerer]:
    """Answers FAST where the fast reader reads alone, and SLOW where the accurate one may read again."""
    calibration = load_calibration(None)
    fast, slow = (SpansReader(lambda text, word=w: [_span(text, word)]) for w in ("FAST", "SLOW"))
    engine = Engine(embedder=HashEmbedder(), reader=Cascade(fast, slow, calibration, calibration))
    (folder / "a.txt").write_text("It was FAST or SLOW.", encoding="utf-8")
    given = {"index_dir": tmp_path / "index", "threshold": 0.0, "patience": 0.05}
    with load(folder, engine=engine, **given) as answerer:
        yield answerer
    engine.close()


def _span(text: str, word: str) -> Span:
    return Span(text.index(word), text.index(word) + len(word), 9.0)


@pytest.fixture(scope="session")
def seed_answerer() -> Iterator[QuestionAnswerer]:
    """The real models over the seed document."""
    with QuestionAnswerer(default_folder()) as answerer:
        answerer.sync()
        yield answerer


@pytest.fixture
def data(tmp_path: Path) -> tuple[Path, Callable[[Any], Path]]:
    """A file of training data, and a function that writes other records into it."""
    from tiny import EXAMPLES, write_examples

    path = write_examples(tmp_path / "train.jsonl", EXAMPLES)
    return path, lambda examples: write_examples(path, examples)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a reader of two layers of 32 that has learnt nothing."""
    from tiny import save_reader

    folder = tmp_path_factory.mktemp("tiny")
    save_reader(folder)
    return folder


def chromium() -> str | None:
    """The system's Chromium; None leaves it to Playwright's own."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def _profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium with a profile on disk. Without one the page's tests are skipped, never on CI."""
    from playwright.sync_api import Error, sync_playwright

    quiet = ("background-networking", "component-update", "sync", "quic", "default-apps")
    alone = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    arguments = ["--no-sandbox", "--no-first-run", alone, *(f"--disable-{what}" for what in quiet)]
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch_persistent_context(
                tmp_path_factory.mktemp("profile"), executable_path=chromium(), args=arguments
            )
        except Error as error:
            if ON_CI:
                raise
            pytest.skip(f"NO BROWSER, THE PAGE IS NOT TESTED: {error}; install one with: playwright install chromium")
        yield started
        started.close()


@pytest.fixture(scope="session")
def browser(_profile: Any) -> Any:
    """The browser, for contexts of a test's own."""
    return _profile.browser


class _Visitors:
    """Browser contexts, lent to one test after another; in between all is forgotten but what is cached.

    One has its profile on disk and is lent whenever it is free: there alone scripts are kept compiled, too, which is
    half of what a page costs.
    """

    def __init__(self, profile: Any) -> None:
        self._browser = profile.browser
        self._free = {_kind({}): [self._watched(profile)]}
        self._lent: list[tuple[str, Any]] = []
        self.fetched: list[str] = []

    def lend(self, **options: Any) -> Any:
        """A context with these options that nobody else has until they are given back."""
        kind = _kind(options)
        free = self._free.setdefault(kind, [])
        context = free.pop(0) if free else self._watched(self._browser.new_context(**options))
        self._lent.append((kind, context))
        return context

    def take_back(self) -> None:
        """Close the pages of all that are lent, and forget what these have stored."""
        origins = {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in self.fetched}
        while self._lent:
            kind, context = self._lent.pop()
            blank, *pages = context.pages
            for page in pages:
                page.close()
            session = context.new_cdp_session(blank)
            for origin in origins:
                session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
            session.detach()
            context.clear_cookies()
            context.clear_permissions()
            self._free[kind].insert(0, context)

    def _watched(self, context: Any) -> Any:
        if not context.pages:
            context.new_page()  # stays open: the others close with their tests
        context.set_default_timeout(SHOWN_WITHIN_MS)
        context.on("request", lambda request: self.fetched.append(request.url))
        return context


def _kind(options: Mapping[str, Any]) -> str:
    return repr(sorted(options.items()))


@pytest.fixture(scope="session")
def _visitors(_profile: Any) -> _Visitors:
    return _Visitors(_profile)


@pytest.fixture
def visit(_visitors: _Visitors) -> Iterator[Callable[..., Any]]:
    """Opens pages as visitors who never came before; nothing but loopback may be asked for, no script may fail."""
    failed: list[str] = []
    _visitors.fetched.clear()

    def open_page(
        url: str,
        width: int = 1280,
        height: int = 800,
        may_fail: bool = False,
        await_welcome: bool = True,
        media: Mapping[str, str] | None = None,
        permissions: Sequence[str] = (),
        **options: Any,
    ) -> Any:
        if options:  # which belong to a context, its size among them
            options["viewport"] = {"width": width, "height": height}
        context = _visitors.lend(**options)
        context.grant_permissions(permissions)
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(**(media or {}))
        page.on("websocket", lambda socket: _visitors.fetched.append(socket.url))
        if not may_fail:
            page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(url)
        page.wait_for_selector("#log .welcome" if await_welcome else "#log .turn")
        return page

    yield open_page
    _visitors.take_back()
    outside = [url for url in _visitors.fetched if urlsplit(url).scheme not in {"data", "blob"}]
    assert {urlsplit(url).hostname for url in outside} <= {"127.0.0.1"}
    assert failed == []

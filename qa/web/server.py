"""Serving the chat page on a port of this machine."""

import asyncio
import errno
import os
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from index.errors import VerbatimError
from index.settings import read_settings
from qa.answerer import QuestionAnswerer
from qa.engine import Engine
from qa.open_folder import default_folder
from qa.web.observability.indexing import Indexing

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from qa.web.security.middleware import Guards
    from qa.web.security.sessions import Access

PATIENCE_S = 0.5
"""Default seconds that a question may wait before only the fast reader reads it."""

_MAX_PORT = 65535
_ANNOUNCED_AFTER_S = 1.0
"""Seconds that the announcement waits for a small index to be up to date, once the page is served."""
_FAREWELL_S = 1
"""Seconds for open pages to finish at the end: each keeps a connection open."""

_QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Gradio summarizes its timings after every event, for a page that is not served here.
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(2**31),
}


class AccessError(VerbatimError):
    """The page would be accessible to other machines without a password."""


class PortError(VerbatimError):
    """The page cannot be served at the requested address."""


def serve(
    folder: Path | str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = False,
    rebuild: bool = False,
    keep_history: bool = True,
    log_questions: bool = False,
    no_auth: bool = False,
    allowed_hosts: Collection[str] = (),
    engine: Engine | None = None,
    **settings: Any,  # noqa: ANN401 (validated by Settings, field by field)
) -> None:
    """Serve the chat page for a folder of documents, and index its changes, until Ctrl-C or SIGTERM.

    Args:
        folder: The folder of documents; None is the packaged seeds.
        host: Address of this machine to listen on; others than loopback give other machines access.
        port: Port to listen on; 0 takes a free one.
        open_browser: Open the page in the browser.
        rebuild: Delete the index and build it again; conversations are kept.
        keep_history: Whether conversations are stored in the index's folder; otherwise they exist on the page only.
        log_questions: Whether to log the text of questions, where questions are logged.
        no_auth: Ask for no password, even if one is set or other machines have access.
        allowed_hosts: Further names of the server, such as the one used by a proxy.
        engine: Runs the models; None is the engine shared by this process.
        **settings: Fields of `Settings`; the default of `patience` is half a second.

    Questions are answered at once from what is indexed already; the rest is indexed meanwhile.

    Raises:
        AccessError: Other machines would have access without a password; nothing was loaded.
        PortError: The address is taken or does not belong to this machine; nothing was loaded.
        VerbatimError: A setting, the folder, the index or a model cannot be used; the message says what to do.
    """
    with open_port(host, port) as listening:
        bound, free_port = listening.getsockname()[:2]
        lets_in = _what_lets_in(host, bound, allowed_hosts)
        found = read_settings(**settings)
        access = _access(lets_in, found.password_hash, no_auth=no_auth)
        if found.patience is None:
            found = found.model_copy(update={"patience": PATIENCE_S})
        guards = _guards(host, allowed_hosts)
        address = _address(host, free_port)
        place, indexing = default_folder() if folder is None else folder, Indexing()
        with QuestionAnswerer(place, found, rebuild=rebuild, engine=engine) as answerer, _stopped_by_signals():
            page = build_page(
                answerer, access, guards, indexing, keep_history=keep_history, log_questions=log_questions
            )
            with indexing.following(answerer):  # after the page is created, which would wait for it
                on_ready = partial(_announce, answerer, indexing, address, open_browser=open_browser)
                make_server(page, on_ready, guards).run(sockets=[listening])


def _announce(answerer: QuestionAnswerer, indexing: Indexing, address: str, *, open_browser: bool) -> None:
    """Print the address of the page, and open it in the browser if asked to."""
    is_in_step = indexing.has_been_in_step.wait(_ANNOUNCED_AFTER_S)
    n_documents = answerer.counts()["documents"]
    counted = f"{n_documents:,} document{'' if n_documents == 1 else 's'}"
    counted += "" if is_in_step else " so far; the others are being indexed"
    line = f"Verbatim answers from {answerer.folder} ({counted}) at {address} — stop with Ctrl-C"
    print(line, flush=True)  # noqa: T201 (the line that tells the user the address)
    if open_browser:
        webbrowser.open(address)


def build_page(
    answerer: QuestionAnswerer,
    access: "Access | None" = None,
    guards: "Guards | None" = None,
    indexing: Indexing | None = None,
    *,
    keep_history: bool = True,
    log_questions: bool = False,
) -> "FastAPI":
    """Create the chat page as an ASGI application.

    Args:
        answerer: Answers the questions; the caller closes it.
        access: Who may use it; None is everybody.
        guards: Which requests are accepted; None is the default for a server on loopback.
        indexing: Progress of indexing; None shows none.
        keep_history: Whether conversations are stored in the index's folder; otherwise they exist on the page only.
        log_questions: Whether to log the text of questions, where questions are logged.

    Returns:
        The application.

    Raises:
        HistoryError: The history cannot be read or written.
    """
    os.environ.update(_QUIET)  # before Gradio is imported, which would report its use
    from qa.web.app import application

    return application(answerer, access, guards, indexing, keep_history=keep_history, log_questions=log_questions)


def _what_lets_in(host: str, bound: str, allowed_hosts: Collection[str]) -> str:
    """Return the option that gives other machines access; "" if none does. A server with allowed hosts is proxied."""
    from qa.web.security.middleware import is_loopback

    if not is_loopback(bound):
        return f"--host {host}"
    return " ".join(f"--allowed-host {name}" for name in allowed_hosts)


def _access(lets_in: str, password_hash: SecretStr | None, *, no_auth: bool) -> "Access":
    """Return who may use a server.

    Args:
        lets_in: The option that gives other machines access; "" if none does.
        password_hash: Hash of the password from the environment, if set.
        no_auth: Whether everybody may use it.

    Returns:
        The access rules.

    Raises:
        AccessError: Other machines would have access without a password.
    """
    from qa.web.security.passwords import Password, password_path
    from qa.web.security.sessions import Access

    if no_auth:
        return Access()
    given = None if password_hash is None else password_hash.get_secret_value()
    password = Password(password_path()) if given is None else Password(hashed=given)
    if lets_in and password.hashed() is None:
        raise AccessError(
            f"{lets_in} gives other machines access, but no password is set; set one with: verbatim password"
            f" (or allow everybody with: verbatim serve {lets_in} --no-auth)"
        )
    return Access(password, is_required=bool(lets_in))


def _guards(host: str, allowed_hosts: Collection[str]) -> "Guards":
    from qa.web.security.middleware import guards_of

    return guards_of(host, allowed_hosts)


def open_port(host: str, port: int) -> socket.socket:
    """Open a port before the slow loading begins; connections wait until then.

    Args:
        host: Address of this machine.
        port: The port; 0 takes a free one.

    Returns:
        A listening socket.

    Raises:
        PortError: The address is taken or cannot be listened on.
    """
    if not 0 <= port <= _MAX_PORT:
        raise PortError(f"port={port} is not a port; choose one from 1 to {_MAX_PORT}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise PortError(f"host={host!r} is not an address of this machine; use 127.0.0.1") from error
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        raise PortError(_why_not(host, port, error)) from error
    return listening


def _why_not(host: str, port: int, error: OSError) -> str:
    other = f"choose another: verbatim serve --port {port + 1 if port < _MAX_PORT else 7860}"
    if error.errno == errno.EADDRINUSE:
        return f"port={port} on {host} is taken, perhaps by another Verbatim; stop it or {other}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"host={host!r} is not an address of this machine; use 127.0.0.1"
    return f"port={port} on {host} cannot be opened: {error.strerror}; {other}"


def make_server(page: "FastAPI", on_ready: Callable[[], None], guards: "Guards | None" = None) -> "uvicorn.Server":
    """Create a server for the page, to be run on a listening socket.

    Args:
        page: The application.
        on_ready: Called once the page is served.
        guards: Which requests are accepted; None is the default for a server on loopback.

    Returns:
        The server; setting its `should_exit` stops it.
    """
    import uvicorn
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    from qa.web.security.connections import BACKLOG, Admission, LimitedProtocol, LoopErrors, fitting
    from qa.web.security.middleware import Guards

    guards = Guards() if guards is None else guards
    limits = replace(guards.limits, connections=fitting(guards.limits.connections))

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            asyncio.get_running_loop().set_exception_handler(LoopErrors())
            await super().startup(sockets)
            if self.started:
                threading.Thread(target=on_ready, daemon=True).start()

    # Open pages are cut off at the end, which uvicorn logs as an error; our own errors are logged by the page.
    config = uvicorn.Config(
        page,
        log_level="critical",
        access_log=False,
        server_header=False,
        ws="none",  # the page uses no websockets
        backlog=BACKLOG,
        limit_concurrency=limits.connections + 1,  # counts requests that outlive their connection, too
        timeout_graceful_shutdown=_FAREWELL_S,
    )
    is_behind_proxy = bool(guards.outside_names or os.environ.get("FORWARDED_ALLOW_IPS"))
    trusted = ProxyHeadersMiddleware(page, config.forwarded_allow_ips).trusted_hosts  # type: ignore[arg-type]
    config.http = partial(LimitedProtocol, Admission(limits, trusted if is_behind_proxy else ()))  # type: ignore[arg-type, assignment]
    return Server(config)


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """End the block quietly on Ctrl-C or SIGTERM; outside the main thread, signals are left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        pass  # the normal end of serving
    finally:
        signal.signal(signal.SIGTERM, former)

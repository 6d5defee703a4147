"""The web application: the chat page, and routes for programs."""

from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Mount

from qa.answerer import QuestionAnswerer
from qa.web.api import ask as api
from qa.web.api.errors import refuse_the_rest, say_problems
from qa.web.api.feedback import feedback_routes
from qa.web.api.mcp import HTTPTransport, make_server
from qa.web.api.openapi import DocumentedAPI
from qa.web.api.reader_choices import settings_routes
from qa.web.api.search import RECORDS as FOUND
from qa.web.api.search import search_routes
from qa.web.chat.page import make_page
from qa.web.documents.routes import documents_router
from qa.web.history.routes import conversation_routes
from qa.web.history.store import History
from qa.web.observability.indexing import Indexing
from qa.web.observability.metrics import Metrics
from qa.web.question_queue import QuestionQueue
from qa.web.security import middleware as checks
from qa.web.security.browser_id import BrowserCookie
from qa.web.security.csp import SafeHeaders
from qa.web.security.gradio_filter import BoundedInboxes, NeededRoutes, OwnEvents
from qa.web.security.middleware import Guards
from qa.web.security.sessions import Access, SignedInOnly, login_routes

_STATIC = Path(__file__).parent / "static"
_STYLES = tuple(
    f"{part}.css"
    for part in (
        "page",
        "source",
        "layout",
        "viewing",
        "search",
        "documents",
        "asking",
        "history",
        "feedback",
        "settings",
        "access",
    )
)
_SCRIPTS = tuple(
    f"{part}.js"
    for part in (
        "page",
        "layout",
        "viewing",
        "source",
        "search",
        "tour",
        "documents",
        "asking",
        "history",
        "announcing",
        "feedback",
        "settings",
        "access",
    )
)
"""Scripts in the order in which the browser runs them; the first creates `verbatim`, and the others extend it."""
_OURS = ("/api/{rest:path}", "/health", "/metrics", "/mcp", "/openapi.json")
"""Paths that are never passed to the page."""


def application(
    answerer: QuestionAnswerer,
    access: Access | None = None,
    guards: Guards | None = None,
    indexing: Indexing | None = None,
    *,
    keep_history: bool = True,
    log_questions: bool = False,
) -> FastAPI:
    """Create the web application, as an ASGI application that needs no network.

    Args:
        answerer: Answers the questions.
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
    access = Access() if access is None else access
    guards = Guards() if guards is None else guards
    indexing = Indexing() if indexing is None else indexing
    history = History(answerer.index_dir) if keep_history else None
    metrics = Metrics(answerer, log_questions=log_questions)
    queue = QuestionQueue()
    mcp = HTTPTransport(make_server(answerer, queue, metrics))
    middleware = _middleware(access, guards, keep_history=keep_history)
    app = DocumentedAPI(api.EXAMPLES, (*api.RECORDS, *FOUND), lifespan=mcp.running, middleware=middleware)
    say_problems(app)
    for router in (
        login_routes(access),
        api.routes(answerer, queue, metrics, indexing),
        search_routes(answerer),
        documents_router(answerer),
        conversation_routes(history),
        feedback_routes(answerer),
        settings_routes(answerer),
    ):
        app.include_router(router)
    app.router.routes.append(mcp.route())
    # Our routes must be added before this: it refuses everything else below our paths, and the page gets the rest.
    refuse_the_rest(app, _OURS)
    _mount_page(app, make_page(answerer, history, metrics, queue, indexing, signs_out=access.is_asked))
    return app


def _middleware(access: Access, guards: Guards, *, keep_history: bool) -> list[Middleware]:
    """Return the middleware that every request passes, in this order."""
    limits = guards.limits
    return [
        Middleware(SafeHeaders, scripts=[_joined(_SCRIPTS)]),
        Middleware(checks.SmallHeads, limits=limits),
        Middleware(checks.KnownHosts, names=guards.names, any_address=guards.any_address),
        Middleware(checks.SameOrigin, names=guards.outside_names),
        Middleware(checks.StalledBodies, limits=limits),
        Middleware(checks.LimitedBodies, limits=limits),
        Middleware(SignedInOnly, access=access),
        Middleware(checks.Throttled, limits=limits),
        Middleware(OwnEvents),
        *([Middleware(BrowserCookie)] if keep_history else []),
    ]


def _mount_page(app: FastAPI, page: gr.Blocks) -> None:
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        # Plain font names use the reader's own fonts; Gradio's default would download some.
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        head=f"<style>{_joined(_STYLES)}</style><script>{_joined(_SCRIPTS)}</script>",
        favicon_path=str(_STATIC / "favicon.svg"),
        footer_links=[],
        show_error=False,  # unexpected errors are logged; errors meant for people are shown anyway
        ssr_mode=False,
        mcp_server=False,
        run_history=False,
        enable_monitoring=False,
    )
    for mount in app.routes:
        if isinstance(mount, Mount):
            # Gradio has no public way to read the pending messages.
            inboxes = BoundedInboxes(mount.app, lambda: page._queue.pending_messages_per_session)  # noqa: SLF001
            mount.app = NeededRoutes(inboxes)


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in names)

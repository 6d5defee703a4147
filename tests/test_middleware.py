"""What every request passes: hosts, origins, sizes, rates; what of Gradio is open; and that what is shown is text."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from fakes import fake_answerer
from pages import all_routes, ask, built, run, served
from qa.answerer import QuestionAnswerer
from qa.web.security.gradio_filter import OwnEvents
from qa.web.security.middleware import (
    TOO_LARGE,
    Guards,
    KnownHosts,
    Limits,
    SameOrigin,
    StalledBodies,
    Throttled,
    guards_of,
)
from qa.web.security.rate_limit import Buckets, Rate
from qa.web.security.sessions import VISITOR

ADDRESS = "http://127.0.0.1:7860"
OURS = {"Origin": ADDRESS}
HOSTILE_NAMES = (
    "<img src=x onerror=window.pwned=1>.md",
    "${window.pwned=1} {{window.pwned=1}} **bold** `x` [l](javascript:window.pwned=1).md",
    "'\"><script>window.pwned=1<\u2044script> &amp; \u202egnp.md",
)
HOSTILE_TITLE = "<script>window.pwned = 1</script> ${window.pwned = 1} {{1}} <b onclick='window.pwned=1'>&amp;</b>"


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuestionAnswerer]:
    documents = {
        name: f'# {HOSTILE_TITLE}\n\nThe animal on sign {number} is a ZEBRA <i onclick="window.pwned=1">there</i>.\n'
        for number, name in enumerate(HOSTILE_NAMES)
    }
    with fake_answerer(tmp_path_factory.mktemp("place"), documents) as made:
        yield made


@pytest.fixture(scope="module")
def app(answerer: QuestionAnswerer) -> FastAPI:
    return built(answerer)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=ADDRESS, follow_redirects=False)


def echo(*guards: Any, **state: Any) -> TestClient:
    """What a guard lets through is answered with its body."""

    async def answer(request: Request) -> JSONResponse:
        return JSONResponse({"body": (await request.body()).decode("latin-1")})

    wrapped: Any = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    for guard, given in reversed(guards):
        wrapped = guard(wrapped, **given)

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        scope.update(state)
        await wrapped(scope, receive, send)

    return TestClient(with_state, base_url=ADDRESS)


# Which names it answers to


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost", "LOCALHOST:1", "[::1]:7860", "localhost."])
def test_on_loopback_it_answers_to_its_own_names(client: TestClient, host: str) -> None:
    assert client.get("/theme.css", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.7", "", "[::1", "[v1.x]", "a b"),
        *("localhost@evil.example", "127.0.0.1:7860@evil.example", "evil.example#localhost"),
    ],
)
def test_and_to_no_other_whatever_is_asked_for(client: TestClient, host: str) -> None:
    for path in ("/", "/config", "/login", "/health", "/nowhere"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 421, path
        assert "start it with: --allowed-host NAME" in answer.json()["detail"]


def test_where_others_are_let_in_numeric_addresses_and_the_names_given_are_its_own() -> None:
    guards = guards_of("0.0.0.0", ["docs.example.org"])
    client = echo((KnownHosts, {"names": guards.names, "any_address": guards.any_address}))
    hosts = ("192.0.2.7:80", "[2001:db8::1]", "docs.example.org", "x.example.org")
    assert [client.get("/", headers={"Host": host}).status_code for host in hosts] == [200, 200, 200, 421]
    assert not guards_of("127.0.0.1", []).any_address
    assert guards_of("localhost", []).outside_names == set()  # whatever else is served on this machine has that name
    assert guards_of("127.0.0.1", ["Docs.Example.ORG."]).names >= {"docs.example.org", "::1"}


# Which pages may use it


@pytest.mark.parametrize(
    ("method", "path", "headers", "is_let_in"),
    [
        ("POST", "/x", {}, True),  # a program
        ("POST", "/x", OURS, True),
        ("POST", "/x", {"Sec-Fetch-Site": "same-origin"}, True),
        ("POST", "/x", {"Origin": "http://evil.example"}, False),
        ("POST", "/x", {"Origin": "null"}, False),
        ("POST", "/x", {"Origin": "http://127.0.0.1:3000"}, False),
        ("POST", "/x", {"Origin": "http://[", "Sec-Fetch-Site": "same-origin"}, False),
        ("POST", "/x", {**OURS, "Sec-Fetch-Site": "cross-site"}, False),
        ("POST", "/x", {"Sec-Fetch-Site": "same-site"}, False),
        ("POST", "/x", {"Cookie": "verbatim-7860=x"}, False),  # a browser that does not say where from
        ("POST", "/x", {"Cookie": "verbatim-7860=x", **OURS}, True),
        ("GET", "/x", {"Cookie": "verbatim-7860=x"}, True),
        ("GET", "/x", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, True),
        ("GET", "/x", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, True),  # a link
        ("GET", "/x", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, False),
        ("GET", "/gradio_api/queue/data", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, False),
        ("GET", "/x", {"Origin": "http://localhost:3000"}, False),  # whom Gradio would let read the answer
        ("POST", "/x", {"Origin": "https://docs.example.org"}, True),  # called otherwise by its proxy
        ("POST", "/x", {"Origin": "https://docs.example.org", "Host": "docs.example.org:443"}, True),
    ],
)
def test_pages_of_other_sites_can_neither_use_it_nor_read_it(
    method: str, path: str, headers: dict[str, str], is_let_in: bool
) -> None:
    client = echo((SameOrigin, {"names": frozenset({"docs.example.org"})}))
    answer = client.request(method, path, headers=headers)
    assert answer.status_code == (200 if is_let_in else 403)
    assert is_let_in or answer.json() == {"detail": "Pages of other sites cannot use this server."}


# How much


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    unread = client.post("/nowhere", content=b"x" * (1024 * 1024 + 1), headers=OURS)
    assert (unread.status_code, unread.json()) == (413, {"detail": TOO_LARGE})
    for path in ("/api/ask", "/gradio_api/queue/join", "/gradio_api/cancel"):
        for content in (b"x" * (1024 * 1024 + 1), chunks()):
            answer = client.post(path, content=content, headers={**OURS, "Content-Type": "application/json"})
            assert (answer.status_code, answer.json()) == (413, {"detail": TOO_LARGE}), path


def test_a_route_that_takes_more_says_so() -> None:
    router = APIRouter()

    @router.post("/large")
    async def large(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    app = FastAPI(middleware=[Middleware(RequestBodyLimitMiddleware, max_body_size=10)])
    app.include_router(router, max_body_size=100)
    client = TestClient(app)
    assert [client.post("/large", content=b"x" * n).status_code for n in (11, 100, 101)] == [200, 200, 413]


def test_long_addresses_and_heads_are_refused(client: TestClient) -> None:
    assert client.get(f"/{'x' * 9000}").status_code == 414
    assert client.get("/", params={"x": "y" * 9000}).status_code == 414
    answer = client.get("/", headers={"X-Long": "y" * 17_000})
    assert (answer.status_code, "at most 16,384" in answer.json()["detail"]) == (431, True)


def test_a_body_that_stalls_or_drips_is_given_up() -> None:
    limits = Limits(stalled_s=0.05, min_bytes_per_s=1000)
    messages: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass

    async def send(message: Any) -> None:
        messages.append(message)

    async def drip() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def nothing() -> dict[str, Any]:
        return await asyncio.Future()

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    for receive in (drip, nothing):
        messages.clear()
        run(partial(StalledBodies(app, limits), scope, receive, send))
        assert messages[0]["status"] == 408
        assert json.loads(messages[1]["body"]) == {"detail": "The request's body came too slowly."}


def test_rates_are_of_each_session_and_wider_where_there_is_none() -> None:
    limits = Limits(changing=Rate(2, 0.5), reading=Rate(3, 1), shared=10)
    guard = (Throttled, {"limits": limits})
    client = echo(guard, **{VISITOR: "session:a"})
    assert [client.post("/x").status_code for _ in range(3)] == [200, 200, 429]
    assert [client.get("/x").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = client.post("/x")
    assert (refused.headers["retry-after"], refused.json()["detail"][:17]) == ("2", "Too many requests")
    assert {client.get("/assets/x.js").status_code for _ in range(50)} == {200}
    slowly = {"limits": Limits(changing=Rate(2, 0.001), shared=10)}  # on a busy machine twenty requests take their time
    shared = echo((Throttled, slowly), **{VISITOR: "anyone"})
    assert [shared.post("/x").status_code for _ in range(21)] == [*[200] * 20, 429]


def test_fifty_people_behind_one_address_open_the_page_and_ask_at_once() -> None:
    client = echo((Throttled, {"limits": Limits()}), **{VISITOR: "anyone"})
    assert {client.get("/").status_code for _ in range(50 * 6)} == {200}
    assert {client.post("/gradio_api/queue/join").status_code for _ in range(50 * 10)} == {200}


def test_buckets_fill_again_and_no_further_than_they_were() -> None:
    now = 100.0
    buckets = Buckets(Rate(burst=2, per_second=0.5), lambda: now)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 2]
    assert buckets.take("b") == 0
    now += 1
    assert buckets.take("a") == 1
    now += 1000
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 2]
    buckets.give_back("a")
    assert buckets.take("a") == 0
    for other in range(10_001):
        buckets.take(str(other))
    assert len(buckets._left) == 10_000


# What is told to browsers


def test_every_answer_tells_the_browser_to_be_careful(client: TestClient) -> None:
    for path in ("/", "/config", "/login", "/nowhere", "/theme.css", "/gradio_api/info", "/gradio_api/file=x"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert ("script-src" in headers["content-security-policy"]) == (path == "/")
        assert "access-control-allow-origin" not in headers
    for refused in (client.get("/", headers={"Host": "evil.example"}), client.get(f"/{'x' * 9000}")):
        assert refused.headers["x-content-type-options"] == "nosniff"


def test_the_page_may_run_its_own_scripts_and_reach_nothing_else(client: TestClient) -> None:
    page = client.get("/", headers={"Accept-Encoding": "br, gzip"})
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    scripts = policy["script-src"].split()
    assert scripts[:2] == ["'self'", "'unsafe-eval'"]  # Gradio fills gr.HTML's template by it
    assert all(source.startswith("'sha256-") for source in scripts[2:])
    assert len(scripts[2:]) == 6
    assert policy["connect-src"] == policy["form-action"] == policy["base-uri"] == "'self'"
    assert policy["object-src"] == policy["frame-src"] == "'none'"
    assert "http" not in page.headers["content-security-policy"]


# What of Gradio is open


OPEN = {
    *("/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/assets/x", "/static/x", "/login", "/logout"),
    *("/gradio_api/info", "/gradio_api/app_id", "/gradio_api/queue/data", "/gradio_api/heartbeat/x"),
    *("/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset"),
}
OURS_BY_OTHERS = ("/api/", "/health", "/metrics", "/mcp", "/openapi.json")


def test_of_gradios_routes_only_those_that_are_needed_are_there(client: TestClient, app: FastAPI) -> None:
    closed = {path for path in all_routes(app.routes) if not path.startswith(OURS_BY_OTHERS)} - OPEN
    assert {"/gradio_api/file=x", "/gradio_api/upload", "/gradio_api/proxy=x", "/gradio_api/component_server"} <= closed
    assert {"/gradio_api/call/x", "/gradio_api/run/x", "/gradio_api/deep_link", "/monitoring", "/svelte/x"} <= closed
    for path in sorted(closed):
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            assert client.request(method, path, headers=OURS).status_code == 404, (method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file={index}/store.sqlite",
        "/gradio_api/file={documents}",
        "/gradio_api/file/etc/passwd",
        "/file=/etc/passwd",
        "/assets/../../../../../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/..%5c..%5cwindows%5cwin.ini",
        "/assets/%5c%5chost%5cshare%5cx",
        "/assets/x%00.js",
        "/assets/..",
        "/static/../../routes.py",
        "/static/js/..%2f..%2f..%2froutes.py",
        "/static/js/%252e%252e/x",
        "/svelte/../../../routes.py",
        "/gradio_api/proxy=http://127.0.0.1/",
        "/gradio_api/proxy=file:///etc/passwd",
        "/gradio_api/stream/x/1/1/playlist.m3u8",
        "/gradio_api/custom_component/x/client/component/..%2f..%2fx",
        "/qa/web/app.py",
        "/static/page.js",
        "/..",
        "/.",
        "//etc/passwd",
        "/store.sqlite",
    ],
)
def test_nothing_outside_the_index_can_be_fetched(app: FastAPI, answerer: QuestionAnswerer, path: str) -> None:
    path = path.format(index=answerer.index_dir, documents=next(answerer.folder.iterdir()))
    for method in ("GET", "HEAD", "POST"):
        status, body = raw(app, method, path)
        assert status in {400, 403, 404, 405}, method
        assert not any(leak in body for leak in (b"root:", b"SQLite", b"def ", b"[fonts]", b"ZEBRA"))


def raw(app: FastAPI, method: str, path: str) -> tuple[int, bytes]:
    """A request as it is: clients put a path in order before they send it."""
    head = [(b"host", b"127.0.0.1:7860"), (b"origin", ADDRESS.encode())]
    scope = {"type": "http", "method": method, "path": unquote(path), "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": head, "scheme": "http", "server": ("127.0.0.1", 7860), "client": ("127.0.0.1", 1)}
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        messages.append(message)

    run(partial(app, {**scope, "root_path": "", "http_version": "1.1"}, receive, send))
    return messages[0]["status"], b"".join(message.get("body", b"") for message in messages)


def test_a_link_among_the_assets_is_not_followed_out_of_them(tmp_path: Path, client: TestClient) -> None:
    import gradio

    assets = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
    outside = [each for each in assets.rglob("*") if not each.resolve().is_relative_to(assets.resolve())]
    assert outside == []


# Whose events


def test_the_events_of_a_session_are_of_who_began_it() -> None:
    async def answer(request: Request) -> JSONResponse:
        return JSONResponse({"body": (await request.body()).decode("latin-1")})

    guarded: Any = OwnEvents(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])]))

    def visit(visitor: str) -> TestClient:
        async def visited(scope: Any, receive: Any, send: Any) -> None:
            await guarded({**scope, VISITOR: visitor}, receive, send)

        return TestClient(visited, base_url=ADDRESS)

    hers, his = visit("session:hers"), visit("session:his")
    assert hers.get("/gradio_api/heartbeat/abc").status_code == 200
    joined = hers.post("/gradio_api/queue/join", json={"session_hash": "abc", "data": []})
    assert json.loads(joined.json()["body"]) == {"session_hash": "abc", "data": []}
    for refused in (
        his.get("/gradio_api/queue/data?session_hash=abc"),
        his.get("/gradio_api/queue/data?session_hash=his&session_hash=abc"),
        his.get("/gradio_api/heartbeat/abc"),
        his.post("/gradio_api/queue/join", json={"session_hash": "abc", "data": []}),
        his.post("/gradio_api/cancel", content=b'{"session_hash": "his", "session_hash": "abc"}'),
    ):
        assert (refused.status_code, refused.json()) == (404, {"detail": "There is no such session."})
    assert hers.get("/gradio_api/queue/data?session_hash=abc").status_code == 200
    assert his.get("/gradio_api/queue/data?session_hash=another").status_code == 200
    for odd in (b"", b"[]", b"{", b"\xff", b'{"session_hash": 3}', b"[" * 100_000):
        assert his.post("/gradio_api/queue/join", content=odd).status_code == 200  # for Gradio to refuse


# In the browser


@pytest.mark.browser
def test_whatever_is_in_names_titles_questions_and_documents_is_text_and_would_not_run(
    browser: Any, answerer: QuestionAnswerer
) -> None:
    complaints: list[str] = []
    with served(answerer) as url:
        context = browser.new_context()
        context.on("console", lambda message: complaints.append(message.text))
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        listed = page.locator("#panel .list .title")
        listed.first.wait_for()
        assert listed.count() == len(HOSTILE_NAMES)
        assert {listed.nth(n).text_content() for n in range(3)} == {answerer.documents()[0].title}
        assert sorted(page.locator("#panel .list .file").all_text_contents()) == sorted(HOSTILE_NAMES)
        question = f"{HOSTILE_TITLE} ![x](x) Which animal is on sign 1?"
        turn = ask(page, question)
        assert turn.locator(".question").text_content() == f"You asked: {question}"
        assert page.locator("main.contain :is(img, script, b, i, a)").count() == 0
        for name in ("documents", "history", "settings"):
            page.click(f"[data-drawer={name}]")
            if page.locator("dialog[open]").count():
                assert page.locator("dialog :is(img, script, b, i)").count() == 0
                page.keyboard.press("Escape")
        assert page.evaluate("window.pwned") is None
        assert complaints == []

        # Were some of it ever taken for HTML, the browser would not run it, or send anything anywhere.
        page.evaluate(
            """document.querySelector("#log").insertAdjacentHTML("beforeend",
                '<img src="data:," onerror="window.pwned=1"><iframe src="/config"></iframe>')"""
        )
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.pwned=1'}))")
        assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'kept')") == "kept"
        page.wait_for_timeout(100)
        assert page.evaluate("window.pwned") is None
        assert sum("Content Security Policy" in said for said in complaints) >= 4
        context.close()


@pytest.mark.browser
def test_a_page_elsewhere_cannot_ask_here(browser: Any, answerer: QuestionAnswerer) -> None:
    with served(answerer) as url, served(answerer, None, Guards()) as elsewhere:
        context = browser.new_context(bypass_csp=True)
        page = context.new_page()
        page.goto(f"{elsewhere}/theme.css")
        tried = """url => Promise.all([
            fetch(url + "/config"), fetch(url + "/config", {mode: "no-cors"}),
            fetch(url + "/gradio_api/queue/join", {method: "POST", body: "{}"}),
        ].map(asked => asked.then(answer => answer.type, () => "refused")))"""
        assert page.evaluate(tried, url) == ["refused", "refused", "refused"]
        context.close()

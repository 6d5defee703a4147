"""Who may use the web chat: the password, signing in and out, and the gate that every route is behind."""

import asyncio
import base64
import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import argon2
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from typer.testing import CliRunner

from fakes import fake_answerer
from index.errors import ParameterError
from pages import all_routes, ask, built, served
from pages import run as run_apart
from qa.answerer import QuestionAnswerer
from qa.cli.main import cli
from qa.web import serve, server
from qa.web.security import passwords
from qa.web.security.passwords import Password, PasswordError, hash_password, store_password
from qa.web.security.sessions import SESSION_S, Access, SignedInOnly, TooManyTriesError
from qa.web.server import AccessError

PASSWORD = "four words of one's own"
ADDRESS = "http://127.0.0.1:7860"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
BROWSING = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
OURS = {"Origin": ADDRESS}
WRONG = "That is not the password."


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module", autouse=True)
def quick_hashes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the password is kept."""
    place = tmp_path / "config" / "password"
    store_password(PASSWORD, place)
    return place


@pytest.fixture
def access(file: Path, clock: Clock) -> Access:
    return Access(Password(file), clock=clock)


class Current:
    """The access of the test that runs, to an application that all of them share."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def __getattr__(self, name: str) -> Any:
        return getattr(self.access, name)


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuestionAnswerer]:
    documents = {"secret-name.txt": "A secret title\n\nThe animal on the sign is a ZEBRA."}
    with fake_answerer(tmp_path_factory.mktemp("place"), documents) as made:
        yield made


@pytest.fixture(scope="module")
def application(answerer: QuestionAnswerer) -> tuple[FastAPI, Current]:
    current = Current(Access(Password(hashed=hash_password(PASSWORD))))
    return built(answerer, current), current


@pytest.fixture
def app(application: tuple[FastAPI, Current], access: Access) -> FastAPI:
    made, current = application
    current.access = access
    return made


def a_client(app: Any, **given: Any) -> TestClient:
    return TestClient(app, base_url=given.pop("base_url", ADDRESS), follow_redirects=False, **given)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return a_client(app)


def sign_in(client: TestClient, password: str = PASSWORD, **given: Any) -> Any:
    return client.post("/login", data={"password": password, **given}, headers=OURS)


def said_by(answer: Any) -> str:
    return answer.text + str(answer.headers)


# The gate


def test_no_route_is_open_but_the_login_page_and_whether_it_is_alive(app: FastAPI) -> None:
    paths = {*all_routes(app.routes), "/metrics", "/mcp", "/mcp/", "/api/ask", "/api/documents", "/openapi.json"}
    assert {"/", "/config", "/gradio_api/queue/join", "/gradio_api/file=x", "/gradio_api/upload", "/login"} <= paths

    async def knock() -> None:
        """On one event loop: a `TestClient` begins one for each request."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS) as client:
            for path in sorted(paths - {"/login", "/health"}):
                for method in METHODS:
                    answer = await client.request(method, path, headers=OURS)
                    assert answer.status_code == 401, (method, path)
                    assert method == "HEAD" or answer.json()["detail"].startswith("Sign in"), (method, path)
                    assert "ZEBRA" not in said_by(answer)
                    assert "secret" not in said_by(answer).lower()
                answer = await client.get(path, headers=BROWSING)
                assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/login"), path
            for method in METHODS:
                answer = await client.request(method, "/login", headers=OURS)
                assert "secret" not in said_by(answer).lower()

    run_apart(knock)


@pytest.mark.parametrize(
    "path",
    [
        *("//", "/./", "/login/", "/LOGIN", "/login%00", "/login;/config", "/login/../config", "/login%2f..%2fconfig"),
        *(
            "/login\\..\\config",
            "/health/../config",
            "/%2e%2e/config",
            "/assets/../config",
            "/gradio_api/file=/etc/passwd",
        ),
    ],
)
def test_odd_ways_to_write_a_path_do_not_go_around_the_gate(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401


def test_a_websocket_is_not_opened(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/gradio_api/queue/join", headers=OURS):
        pass


def test_from_outside_its_health_is_one_word(access: Access) -> None:
    def well(request: Any) -> JSONResponse:
        return JSONResponse({"status": "ok", "documents": 3}, request.app.state.status)

    app = Starlette(routes=[Route("/health", well)])
    client = a_client(SignedInOnly(app, access))
    for status, said in ((200, {"status": "ok"}), (503, {"status": "failing"})):
        app.state.status = status
        assert (client.get("/health").status_code, client.get("/health").json()) == (status, said)
        inside = client.get("/health", headers={"Authorization": f"Bearer {PASSWORD}"})
        assert inside.json()["documents"] == 3
    assert client.post("/health").status_code == 401


def test_from_outside_its_health_is_asked_by_head_as_well(client: TestClient) -> None:
    assert (client.head("/health").status_code, client.get("/health").status_code) == (200, 200)


def test_without_a_password_nothing_is_asked_until_one_is_set(
    application: tuple[FastAPI, Current], tmp_path: Path
) -> None:
    place = tmp_path / "none" / "password"
    app, current = application
    current.access = Access(Password(place))
    client = a_client(app)
    assert client.get("/config").status_code == 200
    assert client.get("/login").headers["location"] == "/"
    store_password(PASSWORD, place)
    assert client.get("/config").status_code == 401
    place.write_text("nonsense", encoding="utf-8")
    answer = client.get("/config")
    assert (answer.status_code, "nonsense" in answer.text, str(tmp_path) in answer.text) == (503, False, False)


def test_where_one_is_required_its_removal_lets_nobody_in(application: tuple[FastAPI, Current], file: Path) -> None:
    app, current = application
    current.access = Access(Password(file), is_required=True)
    client = a_client(app)
    assert sign_in(client).status_code == 303
    assert client.get("/config").status_code == 200
    file.unlink()
    assert client.get("/config").status_code == 401
    assert sign_in(client).status_code == 401


# Signing in and out


def test_signing_in_gives_a_cookie_that_scripts_and_other_sites_do_not_see(client: TestClient) -> None:
    page = client.get("/", headers=BROWSING)
    assert page.headers["location"] == "/login?then=%2F"
    shown = client.get("/login?then=/config")
    assert '<input type="password"' in shown.text
    assert "<script" not in shown.text
    assert "script-src" not in shown.headers["content-security-policy"]
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    wrong = sign_in(client, "not the password", then="/config")
    assert (wrong.status_code, WRONG in wrong.text, wrong.cookies) == (401, True, {})
    right = sign_in(client, then="/config")
    assert (right.status_code, right.headers["location"]) == (303, "/config")
    name, *attributes = right.headers["set-cookie"].split("; ")
    assert name.startswith("verbatim-7860=")
    assert set(attributes) == {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=strict"}
    assert client.get("/config").status_code == 200
    assert "Sign out" in client.get("/").text
    assert client.get("/login").status_code == 303


def test_over_https_the_cookie_is_for_https_alone(app: FastAPI) -> None:
    address = "https://127.0.0.1:7860"
    client = a_client(app, base_url=address)
    answer = client.post("/login", data={"password": PASSWORD}, headers={"Origin": address})
    assert "; Secure" in answer.headers["set-cookie"]
    assert "; Secure" in client.post("/logout", headers={"Origin": address}).headers["set-cookie"]


@pytest.mark.parametrize(
    "then",
    ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "/\t/elsewhere.example", "", "x"],
)
def test_signing_in_leads_nowhere_else(client: TestClient, then: str) -> None:
    assert sign_in(client, then=then).headers["location"] == "/"
    assert client.get("/login", params={"then": then}).headers["location"] == "/"


def test_the_login_page_shows_what_it_is_given_as_text(client: TestClient) -> None:
    shown = client.get("/login", params={"then": '/"><script>alert(1)</script>'})
    assert "<script" not in shown.text
    assert "&lt;script&gt;" in shown.text


def test_a_link_on_another_site_is_followed_by_whoever_is_signed_in(client: TestClient) -> None:
    elsewhere = {**BROWSING, "Sec-Fetch-Site": "cross-site"}
    first = client.get("/?conversation=3", headers=elsewhere)  # a strict cookie does not come along
    assert (first.status_code, 'content="0;url=/?conversation=3"' in first.text) == (200, True)
    assert client.get("/?conversation=3", headers=BROWSING).headers["location"].startswith("/login?then=%2F%3Fconv")


def test_a_session_ends_by_itself_by_signing_out_and_by_a_changed_password(
    client: TestClient, clock: Clock, file: Path
) -> None:
    sign_in(client)
    clock.now += SESSION_S - 1
    assert client.get("/config").status_code == 200
    clock.now += 1
    assert client.get("/config").status_code == 401

    sign_in(client)
    cookies = dict(client.cookies)
    out = client.post("/logout", headers=OURS)
    assert (out.status_code, out.headers["location"], dict(client.cookies)) == (303, "/login", {})
    client.cookies.update(cookies)  # whoever kept it has nothing
    assert client.get("/config").status_code == 401

    sign_in(client)
    assert client.get("/config").status_code == 200
    store_password("another one of four words", file)
    assert client.get("/config").status_code == 401
    assert sign_in(client).status_code == 401
    assert sign_in(client, "another one of four words").status_code == 303


def test_signing_out_from_another_site_is_not_possible(client: TestClient) -> None:
    sign_in(client)
    assert client.post("/logout", headers={"Origin": "http://elsewhere.example"}).status_code == 403
    assert client.post("/logout").status_code == 403
    assert client.get("/config").status_code == 200


def test_a_session_made_up_is_none(client: TestClient) -> None:
    for made_up in ("", "x", "a" * 43, "\u00e9"):
        assert client.get("/config", headers={"Cookie": f"verbatim-7860={made_up}".encode()}).status_code == 401


# Programs


def basic(password: str) -> str:
    return f"Basic {base64.b64encode(f'anyone:{password}'.encode()).decode()}"


def test_programs_send_the_password_along(client: TestClient) -> None:
    for right in (f"Bearer {PASSWORD}", f"bearer  {PASSWORD}", basic(PASSWORD)):
        assert client.get("/config", headers={"Authorization": right}).status_code == 200
    for wrong in (
        "Bearer ",
        "Bearer not it",
        basic(""),
        basic("not it"),
        "Basic %%%",
        "Digest x",
        "Bearer " + "x" * 5000,
    ):
        answer = client.get("/config", headers={"Authorization": wrong})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="Verbatim"'


def test_what_was_right_is_not_hashed_again_with_each_request(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get("/config", headers={"Authorization": basic(PASSWORD)})
    monkeypatch.setattr(passwords, "_hasher", None)
    for _ in range(30):
        assert client.get("/config", headers={"Authorization": basic(PASSWORD)}).status_code == 200


def test_passwords_are_tried_slowly(client: TestClient, clock: Clock) -> None:
    for _ in range(10):
        assert sign_in(client, "guess").status_code == 401
    # From now on not even the right one is let in: otherwise the answer would tell.
    for answer in (sign_in(client), client.get("/config", headers={"Authorization": basic(PASSWORD)})):
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "6")
        assert "Too many tries; the next one is possible in 6 s." in answer.text
    clock.now += 5
    assert sign_in(client).status_code == 303


def test_who_guesses_does_not_keep_others_out(app: FastAPI) -> None:
    guessing, other = (a_client(app, client=(address, 1)) for address in ("192.0.2.1", "192.0.2.2"))
    same_network = a_client(app, client=("2001:db8::1", 1)), a_client(app, client=("2001:db8::2", 1))
    for _ in range(11):
        sign_in(guessing, "guess")
        sign_in(same_network[0], "guess")
    assert sign_in(other).status_code == 303
    assert sign_in(same_network[1]).status_code == 429


def test_the_right_password_is_let_in_while_others_fill_the_line_with_guesses(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = threading.Event()

    def verify(hashed: str, entered: bytes) -> None:
        assert checked.wait(60)
        raise argon2.exceptions.VerifyMismatchError

    async def guess_and_enter() -> bool:
        assert await access.is_right(PASSWORD, "192.0.2.1")
        monkeypatch.setattr(passwords, "_hasher", SimpleNamespace(verify=verify))
        guesses = [asyncio.create_task(access.is_right("guess", f"192.0.2.{last}")) for last in range(2, 30)]
        await asyncio.sleep(0.1)
        with pytest.raises(TooManyTriesError):
            await access.is_right("guess", "192.0.2.30")
        try:
            return await asyncio.wait_for(access.is_right(PASSWORD, "192.0.2.1"), 30)
        finally:
            checked.set()
            await asyncio.gather(*guesses, return_exceptions=True)

    assert run_apart(guess_and_enter)


def test_the_python_client_signs_in_by_a_header(answerer: QuestionAnswerer, access: Access) -> None:
    from gradio_client import Client

    with served(answerer, access) as url:
        with pytest.raises(Exception, match="credentials were not provided"):
            Client(url, verbose=False, analytics_enabled=False)
        headers = {"Authorization": f"Bearer {PASSWORD}"}
        with closing(Client(url, verbose=False, analytics_enabled=False, headers=headers)) as client:
            answer = client.predict("Which animal is on the sign?", api_name="/ask")
    assert answer["text"] == "ZEBRA"


# The password


def test_the_password_is_kept_as_its_hash_in_a_file_of_its_owner(file: Path) -> None:
    kept = file.read_text(encoding="ascii")
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept
    assert [each.name for each in file.parent.iterdir()] == ["password"]
    if os.name == "posix":
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_ships_hashes_as_is_recommended() -> None:
    chosen = argon2.extract_parameters(argon2.PasswordHasher().hash("x"))
    assert (chosen.type, chosen.memory_cost, chosen.time_cost) == (argon2.Type.ID, 65536, 3)


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 1025, "e\u0301" * 11])
def test_a_password_too_short_or_too_long_is_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(ParameterError, match=r"the password has [\d,]+ characters; choose 12 to 1,024"):
        store_password(password, tmp_path / "password")
    assert list(tmp_path.iterdir()) == []


def test_accents_typed_in_two_ways_are_the_same() -> None:
    password = Password(hashed=hash_password("caf\u00e9 caf\u00e9 caf\u00e9"))
    assert password.matches("cafe\u0301 cafe\u0301 cafe\u0301")
    assert not password.matches("cafe cafe cafe")


def test_what_is_no_hash_is_said(tmp_path: Path) -> None:
    with pytest.raises(PasswordError, match="VERBATIM_PASSWORD_HASH does not hold an argon2 hash; make"):
        Password(hashed="secret words in clear")
    (tmp_path / "password").write_bytes(b"\xff")
    with pytest.raises(PasswordError, match="cannot be read"):
        Password(tmp_path / "password")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `verbatim password` keeps it."""
    place = tmp_path / "home" / "password"
    monkeypatch.setattr(passwords, "password_path", lambda: place)
    return place


def run(*arguments: str, given: str | None = None, code: int = 0) -> str:
    done = CliRunner().invoke(cli, ["password", *arguments], input=given)
    assert done.exit_code == code, done.output
    assert PASSWORD not in done.output
    return done.output


def test_the_command_sets_prints_and_removes_it(home: Path) -> None:
    assert "The password is set" in run(given=f"{PASSWORD}\n")
    assert Password(home).matches(PASSWORD)
    hashed = run("--print-hash", given=f"{PASSWORD}\r\n").strip()
    assert Password(hashed=hashed).matches(PASSWORD)
    assert '"stored"' in run("--json", given=PASSWORD)
    assert "choose 12 to 1,024, such as four words" in run(given="short\n", code=2)
    assert Password(home).matches(PASSWORD)
    assert "There is no password any more." in run("--remove")
    assert not home.exists()
    assert "There is no password any more." in run("--remove")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no terminals of this kind")
@pytest.mark.parametrize("again", [PASSWORD, "something else of mine"])
def test_at_a_terminal_it_is_asked_for_twice_and_not_shown(tmp_path: Path, again: str) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, "-c", "from qa.cli.main import main; main(['password'])"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        with io.FileIO(ours, "r+") as terminal:
            for wanted, typed in ((b"Password: ", PASSWORD), (b"confirmation: ", again)):
                while wanted not in shown:
                    shown += terminal.read(1000)
                terminal.write(f"{typed}\n".encode())
            done = b"The password is set" if again == PASSWORD else b"Password: "
            while done not in shown.partition(b"confirmation: ")[2]:
                shown += terminal.read(1000)
            process.kill()
    assert PASSWORD.encode() not in shown
    assert (tmp_path / "verbatim-qa" / "password").exists() == (again == PASSWORD)


# Serving


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Says that loading began instead of loading."""

    def load(*_: object, **__: object) -> None:
        raise FileNotFoundError("loading began")

    monkeypatch.setattr(server, "QuestionAnswerer", load)


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--host 0.0.0.0", {"host": "0.0.0.0"}),
        ("--host ::", {"host": "::"}),
        ("--allowed-host docs.example.org", {"allowed_hosts": ["docs.example.org"]}),  # a proxy lets others in
    ],
)
def test_other_machines_are_let_in_by_a_password_or_by_saying_so(
    option: str, given: dict[str, Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AccessError) as refused:
        serve(port=0, **given)
    said = f"{option} gives other machines access, but no password is set; set one with: verbatim password "
    assert str(refused.value) == f"{said}(or allow everybody with: verbatim serve {option} --no-auth)"
    with pytest.raises(FileNotFoundError, match="loading began"):
        serve(port=0, no_auth=True, **given)
    with monkeypatch.context() as patch:
        patch.setenv("VERBATIM_PASSWORD_HASH", hash_password(PASSWORD))
        with pytest.raises(FileNotFoundError, match="loading began"):
            serve(port=0, **given)
    store_password(PASSWORD, home)
    with pytest.raises(FileNotFoundError, match="loading began"):
        serve(port=0, **given)


@pytest.mark.usefixtures("unloaded")
def test_loopback_needs_none() -> None:
    with pytest.raises(FileNotFoundError, match="loading began"):
        serve(port=0)


@pytest.mark.usefixtures("unloaded")
def test_what_the_environment_gives_is_checked_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERBATIM_PASSWORD_HASH", "in clear, by mistake")
    with pytest.raises(PasswordError) as refused:
        serve(port=0)
    assert "by mistake" not in str(refused.value)


# In the browser


@pytest.mark.browser
@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_signing_in_and_out_by_keyboard(
    browser: Any, answerer: QuestionAnswerer, access: Access, file: Path, java_script_enabled: bool
) -> None:
    with served(answerer, access) as url:
        context = browser.new_context(java_script_enabled=java_script_enabled)
        complaints: list[str] = []
        context.on("console", lambda message: complaints.append(message.text))
        page = context.new_page()
        page.goto(f"{url}/?from=a-link")
        assert page.url.startswith(f"{url}/login?then=")
        assert page.evaluate("document.activeElement.id") == "password"
        page.keyboard.type("not the password")
        page.keyboard.press("Enter")
        assert page.locator("[role=alert]").text_content() == WRONG
        assert page.evaluate("document.activeElement.id") == "password"
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/?from=a-link")
        if java_script_enabled:
            assert ask(page, "Which animal is on the sign?").locator("mark").text_content() == "ZEBRA"
            store_password("another one of four words", file)  # which ends the session
            page.fill("#question textarea", "And on the other one?")
            page.press("#question textarea", "Enter")
            page.wait_for_url(re.compile("/login.then=%2F%3Ffrom%3Da-link"))
            page.keyboard.type("another one of four words")
            page.keyboard.press("Enter")
            page.wait_for_selector("#log .answered")  # the conversation that it was in
            page.focus("text=Sign out")
            page.keyboard.press("Enter")
            page.wait_for_url(f"{url}/login")
            page.goto(url)
            assert page.url.startswith(f"{url}/login")
        context.close()
        assert [said for said in complaints if "401" not in said] == []

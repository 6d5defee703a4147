"""Nothing leaves the machine: sockets to other hosts are refused for the whole suite, and nobody notices."""

import os
import socket
import subprocess
import sys
import textwrap

import pytest
import pytest_socket


def test_the_suite_itself_is_cut_off():
    blocked = pytest.raises(pytest_socket.SocketConnectBlockedError)
    with socket.socket() as outside, blocked, pytest.warns(UserWarning, match="192.0.2.1"):
        outside.connect(("192.0.2.1", 80))


def in_a_child(code, **environment):
    code = "import socket; tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)\n" + textwrap.dedent(code)
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("path", ["", "/elsewhere"])
@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        ("tcp.connect(('192.0.2.1', 80))", "socket.connect ('192.0.2.1', 80)"),
        ("tcp.connect_ex(('192.0.2.1', 80))", "socket.connect ('192.0.2.1', 80)"),
        ("udp.sendto(b'x', ('192.0.2.1', 53))", "socket.sendto ('192.0.2.1', 53)"),
        ("udp.sendmsg([b'x'], [], 0, ('192.0.2.1', 53))", "socket.sendmsg ('192.0.2.1', 53)"),
        ("socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))", "socket.connect ('2001:db8::1', 80)"),
        ("socket.create_connection(('example.invalid', 80))", "socket.getaddrinfo 'example.invalid'"),
        ("socket.gethostbyname('example.invalid')", "socket.gethostbyname 'example.invalid'"),
    ],
)
def test_a_child_is_cut_off_and_found_out(tmp_path, attempt, said, path):
    log = tmp_path / "attempts.log"
    done = in_a_child(attempt, OFFLINE_LOG=str(log), PYTHONPATH=path)
    assert done.returncode == 1
    assert done.stderr.strip().endswith(f"PermissionError: {said}: child processes of the tests are cut off")
    silent = f"try:\n    {attempt}\nexcept OSError:\n    pass"
    assert in_a_child(silent, OFFLINE_LOG=str(log), PYTHONPATH=path).returncode == 0
    assert [line.startswith(said) for line in log.read_text(encoding="utf-8").splitlines()] == [True, True]


def test_a_test_fails_whose_child_was_found_out(offline_log):
    in_a_child("tcp.connect_ex(('192.0.2.1', 80))")
    assert "socket.connect ('192.0.2.1', 80)" in offline_log.read_text(encoding="utf-8")
    offline_log.unlink()  # else this one would


def test_a_child_reaches_its_own_machine():
    done = in_a_child(
        """
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        socket.create_connection(("localhost", tcp.getsockname()[1])).close()
        udp.sendto(b"x", tcp.getsockname())
        if hasattr(socket, "socketpair"):
            socket.socketpair()
        """
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.models
def test_asking_opens_no_connection_at_all(seed_answerer, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was opened"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a name was looked up"))
    assert seed_answerer.ask("when was Jamaat Ansarullah banned?").text == "May 2012"

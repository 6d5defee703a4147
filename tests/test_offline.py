"""Nothing leaves the machine: sockets to other hosts are refused for the whole suite, and nobody notices."""

import socket

import pytest
import pytest_socket


def test_the_suite_itself_is_cut_off():
    blocked = pytest.raises(pytest_socket.SocketConnectBlockedError)
    with socket.socket() as outside, blocked, pytest.warns(UserWarning, match="192.0.2.1"):
        outside.connect(("192.0.2.1", 80))


@pytest.mark.models
def test_asking_opens_no_connection_at_all(seed_answerer, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was opened"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a name was looked up"))
    assert seed_answerer.ask("when was Jamaat Ansarullah banned?").text == "May 2012"

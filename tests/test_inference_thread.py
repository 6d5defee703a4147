"""The thread that owns the models gives back what they freed, and not in the way of who waits for an answer."""

import platform
import threading
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from qa.reader import inference_thread
from qa.reader.inference_thread import InferenceThread, give_back_freed


@pytest.fixture
def gave_back(monkeypatch):
    """A thread whose clock a test moves, and which notes on which thread it gave memory back."""
    now, threads = [100.0], []
    monkeypatch.setattr(inference_thread.time, "monotonic", lambda: now[0])
    thread = InferenceThread(lambda: threads.append(threading.current_thread().name))
    yield thread, threads, now
    thread.close()


def test_memory_is_given_back_once_a_second_by_the_thread_itself(gave_back):
    thread, threads, now = gave_back
    for seconds, times in ((0.0, 0), (0.9, 0), (0.2, 1), (0.5, 1), (0.6, 2), (0.0, 2)):
        now[0] += seconds
        assert thread.run(lambda: 7) == 7
        thread.run(lambda: None)  # what was submitted before it has been done
        assert len(threads) == times
    assert {name.startswith("verbatim-inference") for name in threads} == {True}


def test_the_result_is_there_before_memory_is_given_back():
    may_go_on = threading.Event()
    thread = InferenceThread(may_go_on.wait)
    thread._gave_back_at -= 10
    assert thread.run(lambda: 7) == 7
    may_go_on.set()
    thread.close()


def test_a_call_that_fails_and_a_thread_that_is_closed_are_no_matter(gave_back):
    thread, threads, now = gave_back
    now[0] += 5
    with pytest.raises(ZeroDivisionError):
        thread.run(lambda: 1 // 0)
    thread.run(lambda: None)
    assert len(threads) == 1
    now[0] += 5
    thread.close()
    with pytest.raises((RuntimeError, CancelledError)):
        thread.run(lambda: 7)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others give back by themselves, or cannot")
def test_what_was_freed_is_given_back():
    def resident_mb():
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    blocks = [b"x" * 100_000 for _ in range(3000)]  # each too small for a mapping of its own
    pins = blocks[::20]
    full = resident_mb()
    del blocks
    give_back_freed()
    assert full - resident_mb() > 200
    assert len(pins) == 150

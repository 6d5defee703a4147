"""Load test: `make people`.

Starts `verbatim serve` over generated reports, and lets simulated people ask it different questions every few seconds,
through the page, the API, or half of them each, while more documents are put into the folder and indexed. Prints how
long they waited (median, 95th and 99th percentile, longest), the errors, the server's memory (all of its processes),
and the size of the index at the end.
"""

import argparse
import asyncio
import html
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

THINGS = (
    "turbine valve ledger lantern compass anvil rudder telescope harness kiln plough lathe pump bellows loom".split()
)
PLACES = "Arden Brill Corrin Dunmore Eastlea Farrow Glenholt Harwick Ilford Jarrow Keld Lorton Marske Norby".split()
PEOPLE = "Okafor Lindqvist Haddad Moreau Tanaka Silva Novak Iyer Brandt Castillo Doyle Eriksen Fontaine Gruber".split()
ITEMS_PER_REPORT = 5
WARM_UP_DOCUMENTS = 10
MEGABYTE = 1024 * 1024
TIMEOUT_S = 120
SHOWN = ("verbatim_stage_seconds_sum", "verbatim_questions_hurried_total")
EVENTS: dict[httpx.URL, dict[str, Any]] = {}


@dataclass(frozen=True)
class Fact:
    """A fact that only one report states.

    Attributes:
        question: A question about it.
        answer: The right answer.
    """

    question: str
    answer: str


@dataclass
class Seen:
    """What the people saw.

    Attributes:
        seconds: Time of each answer, by interface.
        errors: Errors and their numbers.
        answered: Number of questions that were answered.
        right: Number of answers that are right.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"page": [], "api": []})
    errors: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    right: int = 0


def write_report(folder: Path, number: int, rng: random.Random) -> list[Fact]:
    """Write a report of one page, and return its facts."""
    lines, facts = [f"# Stock report {number}", ""], []
    for item in range(ITEMS_PER_REPORT):
        thing = f"{rng.choice(THINGS)} {number}-{item}"
        place, person = f"{rng.choice(PLACES)} {rng.randint(1, 99)}", rng.choice(PEOPLE)
        lines.append(f"The {thing} is kept in warehouse {place}. It was checked by inspector {person} in the spring.")
        lines.append(
            f"Its condition was found to be {rng.choice(['good', 'fair', 'poor'])}, and nothing else was noted.\n"
        )
        facts.append(Fact(f"Which warehouse is the {thing} kept in?", place))
        facts.append(Fact(f"Which inspector checked the {thing}?", person))
    (folder / f"report-{number:04}.md").write_text("\n".join(lines), encoding="utf-8")
    return facts


async def ask_api(client: httpx.AsyncClient, question: str, _: str) -> str:
    """Ask through the API, and return the answer, or ""."""
    response = await client.post("/api/ask", json={"question": question})
    response.raise_for_status()
    return str(response.json()["text"])


async def asking_event(client: httpx.AsyncClient) -> dict[str, Any]:
    """Find the page's event that asks a question."""
    if client.base_url not in EVENTS:
        config = (await client.get("/config")).json()
        submits = [each for each in config["dependencies"] if [name for _, name in each["targets"]] == ["submit"]]
        EVENTS[client.base_url] = submits[0]
    return EVENTS[client.base_url]


async def ask_page(client: httpx.AsyncClient, question: str, session: str) -> str:
    """Ask as the page does, by the event of its conversation, and read its stream to the end."""
    event = await asking_event(client)
    asked = {
        "data": [None],
        "event_data": {"asked": {"question": question}},
        "fn_index": event["id"],
        "trigger_id": event["targets"][0][0],
        "session_hash": session,
    }
    (await client.post("/gradio_api/queue/join", json=asked)).raise_for_status()
    said = ""
    async with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        stream.raise_for_status()
        async for line in stream.aiter_lines():
            message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
            marked = re.findall("<mark>(.*?)</mark>", json.dumps(message.get("output"), ensure_ascii=False))
            said = marked[-1] if marked else said
            if message.get("msg") == "process_completed" and not message["success"]:
                raise RuntimeError(f"the page's event failed: {line[:80]}")
            # Read to the end, as browsers do: Gradio keeps state for streams that are left before.
            if message.get("msg") == "close_stream":
                return html.unescape(said)
    raise RuntimeError("the page's stream ended without an answer")


DOORS = {"page": ask_page, "api": ask_api}


async def person(
    client: httpx.AsyncClient, door: str, facts: list[Fact], every_s: float, until: float, seen: Seen
) -> None:
    """Ask one question after another, at the given interval and never before the last one was answered."""
    await asyncio.sleep(random.uniform(0, every_s))
    session = uuid.uuid4().hex  # a page that stays open
    for fact in facts:
        began = time.monotonic()
        if began >= until:
            return
        try:
            said = await DOORS[door](client, fact.question, session)
            seen.seconds[door].append(time.monotonic() - began)
            seen.answered += bool(said)
            seen.right += bool(re.search(rf"\b{re.escape(fact.answer)}\b", said))
        except (httpx.HTTPError, RuntimeError) as error:
            status = f" {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else ""
            seen.errors[f"{door}: {type(error).__name__}{status}"] += 1
        await asyncio.sleep(max(0.0, began + every_s - time.monotonic()))


async def drop(folder: Path, first: int, count: int, seconds: float, rng: random.Random) -> None:
    """Put documents into the folder, spread over the available time."""
    for number in range(first, first + count):
        write_report(folder, number, rng)
        await asyncio.sleep(seconds / count)


def memory_mb(server: psutil.Process) -> float:
    """Return the resident memory of a process and its children."""
    total = 0
    for process in (server, *server.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / MEGABYTE


async def watch_memory(server: psutil.Process, until: float, samples: list[float]) -> None:
    """Sample the server's memory every second."""
    while time.monotonic() < until:
        samples.append(memory_mb(server))
        await asyncio.sleep(1)


async def play(url: str, server: psutil.Process, folder: Path, facts: list[Fact], given: argparse.Namespace) -> None:
    """Let everybody ask, and report the result."""
    rng, seen, samples = random.Random(given.seed + 1), Seen(), list[float]()
    rng.shuffle(facts)
    doors = ["page", "api"] if given.door == "both" else [given.door]
    share = len(facts) // given.people
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits) as client:
        await warm_up(client, folder, facts[: len(DOORS)], given.documents, rng)
        facts = facts[len(DOORS) :]
        until = time.monotonic() + given.seconds
        people = [
            person(client, doors[n % len(doors)], facts[n * share : (n + 1) * share], given.every, until, seen)
            for n in range(given.people)
        ]
        dropping = drop(folder, given.documents + WARM_UP_DOCUMENTS, given.dropped, given.seconds * 0.8, rng)
        await asyncio.gather(*people, dropping, watch_memory(server, until, samples))
        expected = given.documents + WARM_UP_DOCUMENTS + given.dropped
        health = await settled(client, expected)
        gauges = (await client.get("/metrics")).text
    report(seen, [*samples, memory_mb(server)], given)
    print(f"index: {health['documents']} documents of {expected}, {health['passages']} passages")
    print("\n".join(line for line in gauges.splitlines() if line.startswith(SHOWN)))


async def warm_up(
    client: httpx.AsyncClient, folder: Path, facts: list[Fact], documents: int, rng: random.Random
) -> None:
    """Ask through each interface, and let some documents be indexed, so that loading models is not measured."""
    await settled(client, documents)  # the server answers before all is indexed
    for ask, fact in zip(DOORS.values(), facts, strict=True):
        await ask(client, fact.question, uuid.uuid4().hex)
    await drop(folder, documents, WARM_UP_DOCUMENTS, 0, rng)
    await settled(client, documents + WARM_UP_DOCUMENTS)


async def settled(client: httpx.AsyncClient, expected: int) -> dict[str, Any]:
    """Return what /health reports once all documents are indexed, or after a minute."""
    for _ in range(60):
        health: dict[str, Any] = (await client.get("/health")).json()
        if health["documents"] >= expected:
            break
        await asyncio.sleep(1)
    return health


def report(seen: Seen, samples: list[float], given: argparse.Namespace) -> None:
    """Print the figures."""
    print(f"{given.people} people for {given.seconds:.0f} s, reader {given.reader}, door {given.door}")
    for door, seconds in {**seen.seconds, "all": [*seen.seconds["page"], *seen.seconds["api"]]}.items():
        if len(seconds) > 1:
            cuts = statistics.quantiles(seconds, n=100, method="inclusive")
            print(
                f"{door:>5}: {len(seconds):,} answers, p50 {cuts[49]:.2f} s, p95 {cuts[94]:.2f} s,"
                f" p99 {cuts[98]:.2f} s, longest {max(seconds):.2f} s"
            )
    print(
        f"answered {seen.answered:,}, of them as the report says {seen.right:,}; errors: {dict(seen.errors) or 'none'}"
    )
    by_half_minute = ", ".join(f"{mb:.0f}" for mb in samples[::30])
    print(f"memory, MB: {by_half_minute} every 30 s, {samples[-1]:.0f} at the end, {max(samples):.0f} at most")


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="People who ask a server while it indexes.")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300, help="how long they ask, in seconds")
    parser.add_argument("--every", type=float, default=15, help="seconds between two questions of one of them")
    parser.add_argument("--door", choices=["page", "api", "both"], default="both")
    parser.add_argument("--reader", choices=["fast", "accurate", "cascade"], default="cascade")
    parser.add_argument("--documents", type=int, default=200, help="reports at the start")
    parser.add_argument("--dropped", type=int, default=100, help="reports that are added meanwhile")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    needed = given.people * (given.seconds / given.every + 1) + len(DOORS)
    if given.documents * ITEMS_PER_REPORT * 2 < needed:
        parser.error(f"--documents {given.documents} are too few for {needed:.0f} different questions; take more")
    return given


def main() -> None:
    """Start the server, run the test, and stop the server."""
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the server is stopped, too
    rng = random.Random(given.seed)
    random.seed(given.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "reports"
        folder.mkdir()
        facts = [fact for number in range(given.documents) for fact in write_report(folder, number, rng)]
        command = [sys.executable, "-c", "from qa.cli.main import main; main()", "serve", "--port", "0"]
        command += ["--folder", str(folder), "--reader", given.reader]
        environment = {**os.environ, "VERBATIM_INDEX_DIR": str(Path(scratch) / "index")}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
            try:
                assert server.stdout is not None
                served = re.search(r"http://\S+", server.stdout.readline())
                if served is None:
                    sys.exit("the server did not start; see its error above")
                asyncio.run(play(served[0], psutil.Process(server.pid), folder, facts, given))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()

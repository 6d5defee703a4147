"""The installed wheel, outside the checkout: packages, weights, seeds and the command are in it, and it answers."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

import qa
from pages import ask, served
from qa.cli.main import cli

pytestmark = [pytest.mark.wheel, pytest.mark.models]
ROOT = Path(__file__).parents[1]
MAX_WHEEL_BYTES = 150 * 1024 * 1024
BEGINNING = 1000
SEED = "000_3b116a473c1228c7.txt"
ONE_LINE = "import qa; a = qa.ask({question!r}); print(a.text, a.document, a.start, a.end, a.confidence, sep='|')"
ELSEWHERE = "; a = qa.ask({question!r}, folder={folder!r}); print(a.text, a.document, a.start, a.end, sep='|')"


def run(*arguments, **given):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def weights(place):
    return sorted((place / "qa" / "models").glob("*/*.safetensors"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from all that it is made of but the weights: packing more than their beginnings takes a while."""
    checkout, place = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheel")
    for name in ("index", "qa", "seeds"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("*.safetensors", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    for path in weights(ROOT):
        with path.open("rb") as file, (checkout / path.relative_to(ROOT)).open("wb") as beginning:
            beginning.write(file.read(BEGINNING))
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(checkout))
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Installed outside the checkout, with links to the weights in place of their beginnings."""
    place = tmp_path_factory.mktemp("site")
    run(
        "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps", "--no-index", "--target", str(place), str(wheel)
    )
    for beginning in weights(place):
        path = ROOT / beginning.relative_to(place)
        assert beginning.read_bytes() == path.read_bytes()[:BEGINNING]
        beginning.unlink()
        beginning.symlink_to(path)
    return place


def test_the_wheel_holds_what_it_needs_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "index/py.typed",
        "qa/py.typed",
        "qa/models/reader/model.safetensors",
        "qa/models/reader/calibration.json",
        "qa/models/reader/README.md",
        "qa/models/accurate/weights-1.safetensors",
        "qa/models/accurate/weights-3.safetensors",
        "qa/models/accurate/calibration.json",
        "qa/models/accurate/cascade.json",
        "qa/models/accurate/README.md",
        "qa/seeds/000_3b116a473c1228c7.txt",
        "qa/web/chat/templates/turn.html",
        "qa/web/security/templates/login.html",
        "qa/web/static/page.css",
    ):
        assert needed in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"index", "qa", "verbatim_qa"}
    packed = [Path(name).relative_to("qa/models") for name in names if name.endswith(".safetensors")]
    assert {path.parent.name for path in packed} == {"reader", "accurate"}
    n_bytes = sum((ROOT / "qa" / "models" / path).stat().st_size for path in packed)  # packed, they are hardly smaller
    assert wheel.stat().st_size + n_bytes < MAX_WHEEL_BYTES


@pytest.mark.parametrize("model", ["reader", "accurate"])
def test_the_model_card_names_the_weights_that_are_packaged(model):
    folder = ROOT / "qa" / "models" / model
    card = (folder / "README.md").read_text(encoding="utf-8")
    packaged = list(folder.glob("*.safetensors"))
    assert packaged
    for path in packaged:
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card


def test_the_command_is_installed(installed):
    assert "verbatim = qa.cli.main:main" in next(installed.glob("verbatim_qa-*/entry_points.txt")).read_text()


# Answering: the seed document, and a document that nobody could have prepared for


VERBS = ["inaugurated", "demolished", "purchased", "renovated", "flooded", "abandoned"]
PLACES = ["the harbour of Velmora", "the Ostrand lighthouse", "the Quillby observatory", "the Tarnsen bridge"]
MONTHS = ["January", "March", "April", "June", "August", "October", "December"]


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    """A folder with a document whose body, verb and date are drawn, and the question about it."""
    rng = random.Random(15)
    verb, place = rng.choice(VERBS), rng.choice(PLACES)
    date = f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(1700, 1999)}"
    filler = [
        "The weather was mild that season.",
        "Fishermen mended their nets.",
        "Nobody kept the minutes.\u00a0",
        "Trade was slow.",
    ]
    rng.shuffle(filler)
    sentence = f"{place[0].upper()}{place[1:]} was {verb} on {date} by order of the council."
    text = f"Chronicle of the coast\r\n\r\n{filler[0]} {filler[1]} {sentence} {filler[2]}\r\n\r\n{filler[3]}\r\n"
    folder = tmp_path_factory.mktemp("chronicle")
    (folder / "chronicle.txt").write_bytes(text.encode("utf-8"))
    return folder, text, f"When was {place} {verb}?", date


@pytest.fixture(scope="module")
def printed(installed, invented, tmp_path_factory):
    """What a fresh Python prints: of the README's line, of the same asked of the invented document, and where it is."""
    folder, _, question, _ = invented
    code = ONE_LINE.format(question="when was Jamaat Ansarullah banned?")
    code += ELSEWHERE.format(question=question, folder=str(folder))
    code += "; print(qa.__file__)"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(installed)}
    said = run("-P", "-c", code, cwd=tmp_path_factory.mktemp("elsewhere"), env=environment)
    return [line.split("|") for line in said.strip().splitlines()]


def test_it_answers_from_outside_the_checkout(printed, installed):
    assert len(printed) == 3  # nothing else is printed, by no model that is loaded
    assert Path(printed[2][0]).is_relative_to(installed)


def test_the_readme_line_prints_may_2012_and_the_file_says_so_there(printed):
    text, document, start, end, confidence = printed[0]
    assert (text, document) == ("May 2012", SEED)
    stored = (Path(__file__).parents[1] / "seeds" / SEED).read_bytes().decode("utf-8")
    assert stored[int(start) : int(end)] == "May 2012"
    assert 0.5 < float(confidence) <= 1


def command(*arguments):
    """What the command prints, in this process: the models are loaded here."""
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.browser
def test_an_invented_document_is_answered_from_through_every_door(invented, printed, visit):
    folder, text, question, date = invented
    said, document, start, end = printed[1]
    assert date in said
    assert document == "chronicle.txt"
    assert text[int(start) : int(end)] == said

    answer = command("ask", question, "--folder", str(folder), "--json")
    assert (answer["text"], answer["start"], answer["end"]) == (said, int(start), int(end))
    listed = command("documents", "--folder", str(folder), "--json")
    assert [d["title"] for d in listed["documents"]] == ["Chronicle of the coast"]

    with qa.load(folder) as answerer, served(answerer) as url:
        page = visit(url)
        turn = ask(page, question)
        assert turn.locator("mark").text_content() == said
        assert page.text_content("#panel mark") == said
        assert page.text_content("#panel .text") == text

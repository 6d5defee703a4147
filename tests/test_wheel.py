"""The installed wheel, outside the checkout: packages, weights, seeds and the command are all in it."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.wheel, pytest.mark.models]
ROOT = Path(__file__).parents[1]
MAX_WHEEL_BYTES = 150 * 1024 * 1024


def run(*arguments, **given):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **given)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    place = tmp_path_factory.mktemp("wheel")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT))
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    place = tmp_path_factory.mktemp("site")
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(place), str(wheel))
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
    assert wheel.stat().st_size < MAX_WHEEL_BYTES


@pytest.mark.parametrize("model", ["reader", "accurate"])
def test_the_model_card_names_the_weights_that_are_in_the_wheel(wheel, model):
    with zipfile.ZipFile(wheel) as packed:
        card = packed.read(f"qa/models/{model}/README.md").decode()
        weights = [
            name for name in packed.namelist() if name.startswith(f"qa/models/{model}/") and "safetensors" in name
        ]
        assert weights
        for name in weights:
            assert hashlib.sha256(packed.read(name)).hexdigest() in card


def test_it_answers_from_outside_the_checkout(installed, tmp_path):
    code = "import qa; a = qa.ask('when was Jamaat Ansarullah banned?'); print(a.text, qa.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    text, place = run("-P", "-c", code, cwd=tmp_path, env=environment).strip().rsplit(" ", 1)
    assert text == "May 2012"
    assert Path(place).is_relative_to(installed)


def test_the_command_is_installed(installed):
    assert "verbatim = qa.cli.main:main" in next(installed.glob("verbatim_qa-*/entry_points.txt")).read_text()

"""The installed wheel, outside the checkout: packages, weights, seeds and the command are all in it."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.wheel, pytest.mark.models]
ROOT = Path(__file__).parents[1]
MAX_WHEEL_BYTES = 150 * 1024 * 1024
BEGINNING = 1000


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


def test_it_answers_from_outside_the_checkout(installed, tmp_path):
    code = "import qa; a = qa.ask('when was Jamaat Ansarullah banned?'); print(a.text, qa.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    text, place = run("-P", "-c", code, cwd=tmp_path, env=environment).strip().rsplit(" ", 1)
    assert text == "May 2012"
    assert Path(place).is_relative_to(installed)


def test_the_command_is_installed(installed):
    assert "verbatim = qa.cli.main:main" in next(installed.glob("verbatim_qa-*/entry_points.txt")).read_text()

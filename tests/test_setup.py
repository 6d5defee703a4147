"""What sets the project up: the Makefile, with a Python that only pretends to install, .ci/run and pyproject.toml."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

PYTHON = """#!/bin/sh
# The system's Python: makes an environment of the two commands that lie beside it.
case "$*" in
    "-m venv"*) rm -rf .venv && mkdir -p .venv/bin && cp "$(dirname "$0")/environment" .venv/bin/python ;;
    *"import ensurepip"*) [ -z "$WITHOUT_VENV" ] ;;
    *) exec "$REAL_PYTHON" "$@" ;;
esac
"""
ENVIRONMENT = """#!/bin/sh
# The environment's Python: writes down what it is asked, and is interrupted where it should be.
echo "$*" >> calls
case "$*" in *"pip --"*"--editable"*) rm -f .venv/bin/verbatim ;; esac
if [ -n "$INTERRUPTED_AT" ]; then
    case "$*" in *"$INTERRUPTED_AT") kill -INT 0; sleep 30 ;; esac
fi
case "$*" in *"pip --"*"--editable"*) printf '#!/bin/sh\\nprintf "%%s\\\\n" "$@" > served\\n' > .venv/bin/verbatim
    chmod +x .venv/bin/verbatim ;; esac
"""


@pytest.fixture
def make(tmp_path):
    """Runs make in a checkout whose Python installs nothing; gives what it printed."""
    if shutil.which("make") is None or os.name == "nt":
        pytest.skip("there is no make")
    checkout, commands = tmp_path / "checkout", tmp_path / "commands"
    checkout.mkdir()
    commands.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, checkout)
    for name, script in (("python", PYTHON), ("environment", ENVIRONMENT)):
        (commands / name).write_text(script)
        (commands / name).chmod(0o755)

    def run(*arguments, code=0, **environment):
        command = ["make", f"PYTHON={commands / 'python'}", *arguments]
        outer = ("FOLDER", "PORT", "TORCH_INDEX", "MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL")  # of `make test`
        given = {name: value for name, value in os.environ.items() if name not in outer}
        given |= {"REAL_PYTHON": sys.executable, **environment}
        streams = {"capture_output": True, "text": True, "start_new_session": True}
        done = subprocess.run(command, cwd=checkout, env=given, timeout=60, check=False, **streams)
        assert (done.returncode == 0) == (code == 0), done.stdout + done.stderr
        return done.stdout

    run.checkout = checkout
    return run


def served(make):
    place = make.checkout / "served"
    said = place.read_text().splitlines()
    place.unlink()
    return said


def calls(make):
    return (make.checkout / "calls").read_text().splitlines()


@pytest.mark.parametrize(
    "name", ["~/reports", "my reports", "Jane's", 'the "old" ones', "cash$HOME", "`date`", "$(shell date)", "a;b #c"]
)
def test_a_folder_of_any_name_is_served(make, name):
    make("chat", f"FOLDER={name}")
    assert served(make) == ["serve", "--folder", name, "--port", "7860"]
    make("chat", "PORT=7861", FOLDER=name)
    assert served(make) == ["serve", "--folder", name, "--port", "7861"]
    assert f"index {name}/ and serve" in make("help", f"FOLDER={name}")


def test_what_is_installed_is_not_installed_again(make):
    assert "Making a virtual environment" in make("chat")
    assert served(make)[:3] == ["serve", "--folder", "seeds"]
    installed = [call for call in calls(make) if "pip" in call and "install" in call]
    assert len(installed) == 2
    assert make("chat") == "Starting the chat: a few seconds ...\n"
    make("test")
    make("test")
    pip = "-m pip --disable-pip-version-check install --quiet --constraint constraints.txt"
    assert [call for call in calls(make) if "install" in call][2:] == [
        f"{pip} pip>=25.1",
        f"{pip} --editable . --group dev",
    ]
    assert make("chat") == "Starting the chat: a few seconds ...\n"


@pytest.mark.parametrize("broken", ["gone", "of another version"])
def test_an_environment_whose_python_is_broken_is_made_anew(make, broken):
    make("test")
    python = make.checkout / ".venv" / "bin" / "python"
    python.unlink()
    if broken == "gone":
        python.symlink_to("/nowhere/python3")
    else:  # the system's Python was upgraded: it runs, and looks for packages in a folder of another name
        python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -I -S \"$@\"\n")
        python.chmod(0o755)
    said = make("chat")
    assert said.startswith("The Python of .venv/ is gone or was replaced; making the virtual environment anew.\n")
    assert served(make)[0] == "serve"
    assert make("chat") == "Starting the chat: a few seconds ...\n"


@pytest.mark.parametrize(("target", "place"), [("chat", " torch"), ("chat", "--editable ."), ("test", "--group dev")])
def test_interrupted_it_goes_on_where_it_was(make, target, place):
    make(target, code=2, INTERRUPTED_AT=place)
    assert calls(make)[-1].endswith(place)
    assert "Making a virtual environment" not in make("chat")
    assert served(make)[0] == "serve"
    make("test")
    assert calls(make)[-1].startswith("-m pytest")


def test_interrupted_while_it_installs_a_newer_version_it_goes_on_where_it_was(make):
    make("chat")
    stamp = make.checkout / ".venv" / "installed.stamp"
    later = stamp.stat().st_mtime + 1
    os.utime(make.checkout / "pyproject.toml", (later, later))
    make("chat", code=2, INTERRUPTED_AT="--editable .")
    served(make)
    make("chat")
    assert served(make)[0] == "serve"


def test_the_package_that_is_missing_is_the_one_of_this_python(make):
    said = make("chat", code=2, WITHOUT_VENV="1")
    assert f"sudo apt-get install python3.{sys.version_info.minor}-venv\n" in said


def test_pictures_are_drawn_of_the_files_that_are_named(make):
    assert "make plots SAVED=" in make("plots", code=2)
    assert not any("plots.py" in call for call in calls(make))
    make("plots", "SAVED=fast.jsonl accurate.jsonl")
    assert calls(make)[-1] == "benchmarks/plots.py fast.jsonl accurate.jsonl plots"
    make("plots", "SAVED=fast.jsonl", "PLOTS=docs/figures")
    assert calls(make)[-1] == "benchmarks/plots.py fast.jsonl docs/figures"


@pytest.mark.skipif(os.name == "nt", reason="CI runs on Linux")
def test_ci_lets_no_browser_be_missing(tmp_path):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    for name, script in (("make", 'echo "$1 with CI=$CI"'), ("chromium", "")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment["PATH"] = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run([tmp_path / ".ci" / "run"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "lint with CI=1\ntest with CI=1\n"


def imported():
    """First names of the packages that the code imports, wherever in it."""
    for file in (*ROOT.glob("index/**/*.py"), *ROOT.glob("qa/**/*.py"), ROOT / "app.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield node.module.split(".")[0]


def normalized(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_is_imported_is_declared():
    lines = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
    declared = {normalized(re.match(r"[\w.-]+", line)[0]) for line in lines}
    providers = packages_distributions()
    foreign = set(imported()) - sys.stdlib_module_names - {"index", "qa"}
    assert len(foreign) > 10
    missing = {name for name in foreign if not declared & {normalized(p) for p in providers.get(name, [])}}
    assert missing == set()


@pytest.mark.parametrize("builder", [WheelBuilder, SdistBuilder])
def test_a_training_checkpoint_is_not_shipped(builder):
    config = builder(str(ROOT)).config
    assert config.include_path("qa/models/reader/model.safetensors")
    assert not config.include_path("qa/models/teacher/model.safetensors")
    assert not config.include_path("qa/models/teacher/nested/config.json")

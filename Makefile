# Two commands: `make chat` serves the chat, `make test` runs the whole suite. Each sets up what is missing first.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?= 7860
FOLDER ?= seeds
PLOTS ?= plots
MINUTES ?= 20
WORKERS ?= 2
# Recipes read it from the environment, "$$FOLDER": a name may hold spaces, quotes and dollar signs.
override FOLDER := $(value FOLDER)
export FOLDER
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --constraint constraints.txt
# A core each; who is done first takes what another has not come to yet.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Stamps mean nothing once the Python that made the environment is gone: an upgrade of the system's does that.
BROKEN := $(if $(wildcard $(VENV)/venv.stamp),$(shell $(BIN)/python -c 'import pip' >/dev/null 2>&1 || echo broken))

.PHONY: help chat test coverage lint soak fuzz benchmark people screenshots plots clean broken

help:
	@echo "make chat      set up (first time: some minutes), index $$FOLDER/ and serve the chat at http://127.0.0.1:$(PORT)"
	@echo "               other documents: make chat FOLDER=~/reports    other port: make chat PORT=7861"
	@echo "make test      set up and run the whole test suite"
	@echo "make coverage  run it, and say by branch which code of index/ and qa/ no test runs (twice as long)"
	@echo "make lint      ruff, mypy, pydoclint, import-linter"
	@echo "make soak      kill -9 in the middle of adding, changing and deleting, a hundred times (some minutes)"
	@echo "make fuzz      files changed at random into every loader, for MINUTES=20; says how to install atheris, the fuzzer"
	@echo "make benchmark indexing and answering speed, and changes of an index of 100,000 passages (some minutes)"
	@echo "make people    fifty people ask a server for five minutes while it indexes; PEOPLE='--people 10 --door page --reader fast'"
	@echo "make screenshots  pictures of the page in each state, in docs/screenshots/"
	@echo "make plots     SAVED='fast.jsonl accurate.jsonl': pictures of what verbatim evaluate --save wrote, in $(PLOTS)/"

broken:
	@echo "The Python of $(VENV)/ is gone or was replaced; making the virtual environment anew."

# A stamp is written only when all before it succeeded, so an interrupted set-up starts again where it was.
$(VENV)/venv.stamp: $(if $(BROKEN),broken)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Verbatim needs Python 3.11 or newer; this is $$($(PYTHON) --version 2>&1)."; \
		echo "Name another one: make PYTHON=python3.12 chat"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make virtual environments. On Debian and Ubuntu, install what is missing with:"; \
		echo "    sudo apt-get install $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; \
		exit 1; }
	@echo "Making a virtual environment in $(VENV)/ ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# torch first and by itself: it is the largest download, and may come from an index of its own (see the README).
$(VENV)/installed.stamp: pyproject.toml constraints.txt $(VENV)/venv.stamp
	@echo "Installing Verbatim and what it needs: about 2 GB on disk, 2 to 10 minutes ..."
	@$(INSTALL) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	@$(INSTALL) --editable .
	@touch $@
	@echo "Installed."

$(VENV)/tests.stamp: pyproject.toml constraints.txt $(VENV)/installed.stamp
	@echo "Installing what the tests and linters need: about a minute ..."
	@rm $(VENV)/installed.stamp # Verbatim is taken out and put in again: interrupted, it may be gone
	@$(INSTALL) 'pip>=25.1' # the first that knows dependency groups
	@$(INSTALL) --editable . --group dev
	@touch $(VENV)/installed.stamp $@

chat: $(VENV)/installed.stamp
	@echo "Starting the chat: a few seconds ..."
	@exec $(BIN)/verbatim serve --folder "$$FOLDER" --port $(PORT)

test: $(VENV)/tests.stamp
	@echo "Running the tests: 8 to 12 minutes ..."
	@$(PYTEST)

coverage: $(VENV)/tests.stamp
	@$(PYTEST) --cov --cov-report=term-missing:skip-covered

lint: $(VENV)/tests.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pydoclint --quiet index qa app.py
	@$(BIN)/lint-imports

soak: $(VENV)/tests.stamp
	@$(BIN)/python benchmarks/kill_soak.py

fuzz: $(VENV)/installed.stamp
	@$(BIN)/python benchmarks/fuzz_loaders.py --minutes $(MINUTES)

benchmark: $(VENV)/tests.stamp
	@$(BIN)/python benchmarks/speed.py
	@$(BIN)/python benchmarks/large_index.py
	@$(BIN)/python benchmarks/lookups.py

people: $(VENV)/tests.stamp
	@$(BIN)/python benchmarks/many_people.py $(PEOPLE)

screenshots: $(VENV)/tests.stamp
	@$(BIN)/python benchmarks/screenshots.py

plots: $(VENV)/tests.stamp
	@test -n "$(SAVED)" || { echo "Name what verbatim evaluate --save wrote: make plots SAVED='fast.jsonl accurate.jsonl'"; exit 1; }
	@$(BIN)/python benchmarks/plots.py $(SAVED) $(PLOTS)

clean:
	rm -rf $(VENV)

# kontur: set up, run, check. Everything happens in .venv, made on first use and only then.
#
#   make demo     the whole way on the example drawings, into ./demo
#   make test     the tests            (PYTEST_ARGS="-m 'not slow'" for a quick round)
#   make lint     style, types, layers, budgets, requirements.txt, documentation
#   make bench    the benchmarks behind every published figure
#   make audit    known faults of the packages that serving is pinned to
#   make docs     the documentation as a web site in ./site
#   make clean    remove .venv and caches; data, models and reports stay
#
# PYTHON       the interpreter that .venv is made with (3.11 or newer)
# TORCH_INDEX  a package index that has a CPU build of PyTorch, where the default one brings the much larger GPU build:
#              make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
# SHARED       the folder with the drawings and pictures that the benchmarks measure on; ../shared by default

PYTHON ?= python3
TORCH_INDEX ?=
TORCH := $(shell sed -n 's/.*"\(torch==[0-9.]*\)".*/\1/p' pyproject.toml)
DEMO ?= demo
SHARED ?= ../shared
PYTEST_ARGS ?=
# One process each, unless PYTEST_ARGS names paths: several libraries bring threading runtimes of their own, and all of them
# in one process for ten minutes have crashed it.
FIRST_TESTS := tests/drawing tests/data_preprocessing tests/geometry
OTHER_TESTS := $(patsubst %,--ignore=%,$(FIRST_TESTS) tests/modeling)
TEST_RUNS = $(if $(findstring tests/,$(PYTEST_ARGS)),"","$(FIRST_TESTS)" tests/modeling "$(OTHER_TESTS)")

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --no-input
ENV_STAMP := $(VENV)/.made
TORCH_STAMP := $(VENV)/.$(subst ==,-,$(TORCH))
READY := $(VENV)/.ready

# mkdocs-material prints a notice about its successor on every run
export NO_MKDOCS_2_WARNING := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format docs bench audit clean
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

setup: $(READY)

# One line instead of a traceback: Debian keeps venv in a package of its own.
$(ENV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: kontur needs Python 3.11 or newer as '$(PYTHON)'; run: apt-get install python3, or name one: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "error: '$(PYTHON)' has no venv module; run: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(TORCH_STAMP): $(ENV_STAMP)
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	@touch $@

$(READY): $(TORCH_STAMP) pyproject.toml
	@echo "installing kontur and what it needs into $(VENV); this takes a minute or two"
	@$(PIP) --quiet --editable '.[train,dev]'
	@touch $@

demo: $(READY)
	$(BIN)/kontur demo $(DEMO)

# 5 is pytest's code for a run without tests, as one of several may be where PYTEST_ARGS selects some.
test: $(READY)
	@ran= failed=; for paths in $(TEST_RUNS); do \
	  code=0; $(BIN)/python -m pytest $$paths $(PYTEST_ARGS) || code=$$?; \
	  test $$code = 5 || ran=yes; test $$code = 0 || test $$code = 5 || failed=yes; \
	done; test -n "$$ran" && test -z "$$failed"

# Every check runs, whatever the ones before it said.
lint: $(READY)
	@failed=; for check in 'ruff check .' 'ruff format --check .' mypy 'lint-imports --no-cache' \
	    'python tools/requirements.py --check' 'python tools/budgets.py' 'python tools/check_docs.py' \
	    'mkdocs build --strict --quiet'; do \
	  echo "== $$check"; $(BIN)/$$check || failed="$$failed $$check;"; \
	done; [ -z "$$failed" ] || { echo "lint failed:$$failed" >&2; exit 1; }

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)
	$(BIN)/mkdocs build --strict

bench: $(READY)
	$(PIP) --quiet --editable '.[bench]'
	$(BIN)/python benchmarks/pose_accuracy.py --trials 20
	$(BIN)/python benchmarks/matching.py
	$(BIN)/python benchmarks/generate.py
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/drawings.py $(SHARED)/dxf_corpus
	$(BIN)/python benchmarks/hostile_drawings.py
	$(BIN)/python benchmarks/baseline.py
	$(BIN)/python benchmarks/training_source.py
	$(BIN)/python benchmarks/ablations.py
	$(BIN)/python benchmarks/many_classes.py
	$(BIN)/python benchmarks/photoreal.py $(SHARED)/photoreal/dev --scorer $(SHARED)/tools/score.py
	$(BIN)/python benchmarks/libraries.py
	$(BIN)/python tools/guide_figures.py
	@echo 'With the workspace of your network: benchmarks/running.py, serve.py and instruction_sets.py.'

# asks a public database; where that cannot be reached, the hashes in the lock are what remains
audit: $(READY)
	$(PIP) --quiet pip-audit
	$(BIN)/pip-audit --requirement deploy/requirements.lock --disable-pip --require-hashes

clean:
	rm -rf $(VENV) site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests tools benchmarks -name __pycache__ -type d -exec rm -rf {} +

# Everything a new machine needs beside Python 3.11 or newer (with its venv module) is installed into .venv by `make setup`.
# The first that is there, works and is new enough; for 3.11 and 3.12 a Redis server comes with the packages.
PYTHON ?= $(shell for name in python3.12 python3.11 python3.13 python3.14 python3; do \
  $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
UV_VERSION := 0.13.8
UV := .venv/bin/uv
export UV_PYTHON_DOWNLOADS = never
export UV_PROJECT_ENVIRONMENT = .venv

.PHONY: help setup run test soak check bench scale docs clean

help:
	@echo "make run    start everything on this machine, with the sandbox vendors; Ctrl-C stops it"
	@echo "make test   run the whole test suite, with its own PostgreSQL and Redis, by a process for each core: TESTERS=0 for one"
	@echo "make soak   play random histories against the engine: HISTORIES=100000; SOAK_REPLAY=… plays a failure again"
	@echo "make check  format, lint, types, import rules"
	@echo "make bench  measure, as ratios of one run"
	@echo "make scale  ask every page of the console with a million events loaded: EVENTS=1000000; ends with 1 when it is slow"
	@echo "make docs   build the documentation as a site, in site/"
	@echo "make setup  install what the others need (they call it)"
	@echo "make clean  remove .venv and caches; the data in var/ stays"

setup: .venv/.installed

.venv/.installed: pyproject.toml uv.lock Makefile
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "this Python cannot make virtual environments: install its venv module (Debian: apt install python3-venv)"; exit 1; }
	@test "$$($(UV) --version 2>/dev/null | cut -d' ' -f2)" = "$(UV_VERSION)" || \
	  .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@$(UV) sync --frozen --all-extras --quiet
	@touch $@

run: setup
	@exec .venv/bin/hookyard up --sandbox

TESTERS ?= logical

test: setup
	@.venv/bin/pytest -n $(TESTERS) --dist worksteal

HISTORIES ?= 20000

soak: setup
	@HISTORIES=$(HISTORIES) SOAK_SEED=$(or $(SOAK_SEED),random) .venv/bin/pytest -s tests/soak

check: setup
	@.venv/bin/ruff format --check
	@.venv/bin/ruff check
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(UV) lock --check --quiet

bench: setup
	@.venv/bin/python -m bench

EVENTS ?= 1000000

scale: setup
	@.venv/bin/python -m bench.scale --events $(EVENTS)

docs: setup
	@.venv/bin/python -m docs.build site
	@echo "open site/index.html"

clean:
	rm -rf .venv site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# make demo and make test need Python >= 3.11 and make; everything else they set up themselves, once.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.PHONY: help demo tour peers test bench lint format docs docs-serve setup web lock clean

BIN := .venv/bin
THREADS ?= 2

# Compiled programs are kept between runs; numerical libraries share the cores instead of each taking all of them.
export CARETWIN_CACHE_DIR ?= $(CURDIR)/.cache/caretwin
export OMP_NUM_THREADS ?= $(THREADS)
export OPENBLAS_NUM_THREADS ?= 1
export MPLBACKEND ?= Agg
export MPLCONFIGDIR ?= $(CURDIR)/.cache/matplotlib
export NO_MKDOCS_2_WARNING ?= 1

help:  ## list these targets
	@grep -hE '^[a-z-]+: .*## |^[a-z-]+:  ## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: setup web  ## a ward of real stays that lives, fed through the real doors; about two minutes, nothing leaves this machine
	@$(BIN)/caretwin demo

tour: setup  ## real patients end to end: fit, forecast, dose decision, report; opens no network connection
	@$(BIN)/caretwin tour

peers: setup  ## the broker, database and image tools that tests speak with (Debian packages; only root can install them)
	@scripts/peers.sh || true

test: setup web peers lint  ## everything the gate checks: style, types, import direction, tests, coverage floor
	@mkdir -p .cache/coverage
	$(BIN)/python -m pytest -n $(THREADS) --dist loadfile --cov --cov-report=term $(PYTEST)

lint: setup  ## style, types of base, core, record and serve, import direction
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir .cache/import-linter

format: setup  ## put the code in the common format
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## measure the figures; writes bench/results.json
	@$(BIN)/python -m bench.run

docs: setup  ## build the documentation into site/, offline
	@$(BIN)/mkdocs build --strict --quiet

docs-serve: setup  ## read the documentation while writing it
	@$(BIN)/mkdocs serve

setup:  ## virtual environment and hash-pinned install; nothing to do when done already
	@scripts/setup.sh

web: setup  ## the web application, built into the package; nothing to do when done already, and no system Node needed
	@scripts/web.sh

lock:  ## write requirements.lock anew (UPGRADE=1: with newer versions)
	@scripts/lock.sh

clean:  ## remove everything that make made
	@rm -rf .venv .cache site build dist out web/node_modules src/caretwin/serve/web/static

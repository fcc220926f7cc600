# Everything sets itself up: Python 3.11+, make and the package registries are all that a machine needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
SDK := tests/sdk/typescript
UV := $(BIN)/uv --no-config
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install serve test test-azure lint format lock bench

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed ## Make .venv with Rapport and its tools, as locked; leaves .venv/bin/rapport

serve: .venv/.installed ## Serve a demo org on http://127.0.0.1:8080
	$(BIN)/rapport serve --demo

test: .venv/.installed $(SDK)/node_modules/.installed ## Run all tests on two workers (ARGS= adds pytest arguments)
	$(BIN)/pytest -n 2 $(ARGS)

test-azure: .venv/.installed ## Install Azurite (npm, 370 MB) and run the tests of file stores on it too
	$(BIN)/python -m tests.blobs.azurite.install
	$(BIN)/pytest -n 2 tests/blobs

lint: .venv/.installed ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.installed ## Format, and fix what can be fixed by itself
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/.installed ## Measure durable creates beside the no-op answer (needs wrk; SECONDS_EACH=8)
	$(BIN)/python bench/run.py

lock: $(BIN)/uv ## Choose the newest versions again and write them to requirements.lock
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		--group dev pyproject.toml --output-file requirements.lock

# pip checks uv against the hashes of the lock; uv installs the rest.
$(BIN)/uv:
	$(PYTHON) -c 'import sys; sys.exit("Rapport needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	awk '/^[^ ]/ {on = /^uv==/} on' requirements.lock >.venv/uv.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement .venv/uv.txt

.venv/.installed: requirements.lock pyproject.toml | $(BIN)/uv
	$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

$(SDK)/node_modules/.installed: $(SDK)/package.json $(SDK)/package-lock.json tests/sdk/install.py | .venv/.installed
	$(BIN)/python tests/sdk/install.py

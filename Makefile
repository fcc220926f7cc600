# Everything sets itself up: Python 3.11+, make and the package registries are all that a machine needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
SDK := tests/sdk
BASELINES := $(wildcard bench/baselines/*/requirements.in)
ROWS ?= 100000
ENGINE ?= sqlite
KILLS ?= 60
WRITES ?= 20000
EXAMPLES ?= 20000
UV := $(BIN)/uv --no-config
COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where this is set, each start of Python compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install serve check test faults fuzz test-azure console screenshots lint format docs lock sbom audit bench

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed ## Make .venv with Rapport and its tools, as locked; leaves .venv/bin/rapport

serve: .venv/.installed ## Serve a demo org on http://127.0.0.1:8080
	$(BIN)/rapport serve --demo

check: .venv/.installed ## Lint, and test the contract, the wire and the API on SQLite
	$(MAKE) lint
	$(BIN)/pytest -n 2 --dist worksteal -m 'not postgres and not slow' tests/contract tests/wire tests/api $(ARGS)

test: .venv/.installed ## Run all tests but the longest on three workers (ARGS= adds pytest arguments)
	$(BIN)/pytest -n 3 --dist worksteal -m 'not long' $(ARGS)

faults: .venv/.installed ## Run the faults with the longest, and kill what runs again and again (KILLS=60 WRITES=20000)
	RAPPORT_TEST_KILLS=$(KILLS) RAPPORT_TEST_WRITES=$(WRITES) $(BIN)/pytest -n 2 tests/faults $(ARGS)

fuzz: .venv/.installed ## Feed what reads strangers' bytes with nonsense, at length (EXAMPLES=20000)
	RAPPORT_TEST_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -n 2 --timeout 3600 tests/fuzz $(ARGS)

test-azure: .venv/.installed ## Install Azurite (npm, 370 MB) and run the tests of file stores on it too
	$(BIN)/python -m tests.blobs.azurite.install
	$(BIN)/pytest -n 2 tests/blobs

console: .venv/.installed ## Run the long form of the browser's tests
	RAPPORT_TEST_LONG=1 $(BIN)/pytest -n 2 tests/console $(ARGS)

screenshots: .venv/.installed ## Picture every page in both themes and five widths into .screenshots/ (ONLY="timeline people")
	$(BIN)/python -m tests.console.browser.screenshots $(ONLY)

lint: .venv/.installed ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.installed ## Format, and fix what can be fixed by itself
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: .venv/.installed ## Make docs/reference/settings.md and commands.md anew, from the code
	$(BIN)/python -m tests.docs.make

sbom: .venv/.installed ## Write what the package is made of to sbom.cdx.json (CycloneDX)
	$(BIN)/python -m tests.supply.sbom

audit: .venv/.installed ## Ask PyPI for known holes in what is locked; needs the network, so no check waits for it
	$(UV) tool run pip-audit --disable-pip --require-hashes --requirement requirements.lock

bench: .venv/.installed ## Measure everything beside its references (ROWS=100000 ENGINE=sqlite,postgres ONLY=questions)
	$(BIN)/python -m bench.run --rows $(ROWS) --engine $(ENGINE) $(if $(ONLY),--only $(ONLY)) $(ARGS)

lock: $(BIN)/uv ## Choose the newest versions again and write them to each requirements.lock
	$(COMPILE) --group dev pyproject.toml --output-file requirements.lock
	$(COMPILE) $(SDK)/python/requirements.in --output-file $(SDK)/python/requirements.lock
	$(COMPILE) $(SDK)/mcp/requirements.in --output-file $(SDK)/mcp/requirements.lock
	for file in $(BASELINES); do $(COMPILE) $$file --output-file $${file%.in}.lock || exit; done

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

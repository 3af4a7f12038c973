# Every command a contributor types. `make help` lists them; CI runs `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PATH := $(CURDIR)/.venv/bin:$(PATH)
export PATH
PYTHON := .venv/bin/python

SERVER := trigger_box
PYTHON_PATHS := trigger_box tests packaging

.PHONY: help setup check test fix format lint types imports web-check quick demo bench web package clean

help:  ## List the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Install everything that is needed into this checkout
	@packaging/setup.sh python web pages

check: setup format lint types imports web-check quick  ## Format, lint, types, imports, unit and integration tests

test: check  ## Everything: also crash, browser and npm tests, and the packaged program
	@packaging/setup.sh browser
	@$(MAKE) --no-print-directory web
	$(PYTHON) -m pytest tests --ignore tests/unit --ignore tests/integration --ignore tests/tidy --ignore tests/browser
	$(PYTHON) -m pytest tests/browser  # apart: Playwright's blocking form keeps a loop of its own running
	@$(MAKE) --no-print-directory package
	packaging/smoke

fix:  ## Format and repair what the linters can repair
	ruff format $(PYTHON_PATHS)
	ruff check --fix $(PYTHON_PATHS)
	cd web && npm run --silent fix

format:
	ruff format --check --quiet $(PYTHON_PATHS)

lint:
	ruff check --quiet $(PYTHON_PATHS)

types:
	pyright $(SERVER) | tail -n 20; exit $${PIPESTATUS[0]}

imports:
	lint-imports --no-logo > .lint-imports.log || { cat .lint-imports.log; exit 1; }

web-check:
	cd web && npm run --silent check && npm run --silent test

quick:
	$(PYTHON) -m pytest tests/unit tests/integration tests/tidy

web: setup  ## Build the dashboard into web/dist
	cd web && npm run --silent build

package: setup web  ## Build the one file: dist/trigger-box
	$(PYTHON) packaging/build.py

demo: setup  ## A box on this machine with an example project, runs already executing
	@exec $(PYTHON) packaging/demo/demo.py

bench: setup  ## Print the figures, with this disk's fsync cost beside them
	@packaging/setup.sh load
	$(PYTHON) -m tests.bench

clean:  ## Remove what these commands made
	rm -rf .venv .tools .demo dist build web/dist web/node_modules .pytest_cache .ruff_cache .hypothesis .lint-imports.log

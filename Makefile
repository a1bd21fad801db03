# Huiyin: make run, make test, make check, make bench, make help. Needs only Python 3.11 and make.
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-$(shell cksum < requirements.txt | cut -d' ' -f1)
DEV := $(VENV)/.dev-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)
WORKERS ?= 2
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check bench format messages lock clean

help: ## Show the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/bin/python:
	@"$(PYTHON)" -c 'import sys; sys.exit("Huiyin needs Python 3.11; PYTHON=/path/to/python3.11 make ... picks one." if sys.version_info[:2] != (3, 11) else 0)'
	"$(PYTHON)" -m venv $(VENV)

$(RUNTIME): requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(DEV): requirements.txt requirements-dev.txt $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: $(RUNTIME) ## Set up what is missing, then web + worker + beat (HOST, PORT honoured)
	@$(BIN)/python manage.py runall

test: $(DEV) ## Run the test suite (DATABASE_URL and REDIS_URL pick other servers)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)

check: $(DEV) ## Format, lint, types, import contracts, migrations, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/djhtml --tabwidth 2 --check templates
	$(BIN)/python -m pytest -q tests/project

bench: $(DEV) ## Measure speed (prints ratios to the floor; not a test)
	$(BIN)/python -m pytest -q -s -o python_files='bench_*.py' -o python_functions='bench_*' tests/bench

format: $(DEV) ## Rewrite code and templates in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .
	-$(BIN)/djhtml --tabwidth 2 templates

messages: $(DEV) ## Collect and compile translations (needs gettext)
	$(BIN)/python manage.py makemessages -l zh_Hans --no-wrap --no-location -i '.venv/*' -i 'var/*' -i 'tests/*'
	$(BIN)/python manage.py compilemessages -l zh_Hans -i '.venv/*'

lock: $(DEV) ## Resolve requirements*.in again
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes requirements-dev.in -o requirements-dev.txt

clean: ## Remove the environment and all runtime data
	rm -rf $(VENV) var

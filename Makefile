# The whole house from one place: `make help`. Needs Python >= 3.11; Node.js >= 20.19 with npm builds the pages.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup pages web screenshots demo test check bench soak clean

ENV   := .venv
BIN   := $(ENV)/bin
STAMP := $(ENV)/.installed
PEERS := $(ENV)/.peers-installed

export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:
	@echo 'make demo    start everything on the embedded store and open the pages (SECONDS=20: end by itself)'
	@echo 'make test    run the test suite (ARGS="-k name": hand more to pytest)'
	@echo 'make check   linters, types and import contracts'
	@echo 'make bench   side-by-side benchmarks, one JSON document (ARGS=recording: only that)'
	@echo 'make soak    the tests that run for minutes'
	@echo 'make web     the pages with hot reload, for work on them (TASKSCOPE_URL: another server than the usual one)'
	@echo 'make screenshots  the pictures of the README, taken by Chromium'
	@echo 'make setup   the environment alone: .venv, with the command .venv/bin/taskscope'
	@echo 'make clean   remove whatever these made'

# --- the environment ------------------------------------------------------------------------------------------------

setup: $(STAMP) pages
	@:

# The stamp holds the path it was made for. Scripts of an environment name their path, so a moved checkout needs a new one.
ifneq ($(shell test -x $(BIN)/python && cat $(STAMP) 2>/dev/null),$(shell pwd -P 2>/dev/null))
.PHONY: $(STAMP)
endif

# What it says goes to stderr, so that `make bench > result.json` holds the result alone.
$(STAMP): pyproject.toml
	@if ! test -x $(BIN)/python || test "$$(cat $@ 2>/dev/null)" != "$$(pwd -P)"; then $(make-env); fi
	@echo 'Installing Taskscope and its tools into $(ENV) ...' >&2
	@$(BIN)/python -m pip install --quiet --editable '.[dev]' >&2
	@pwd -P > $@

# What is measured beside Taskscope. Without it the rest is measured all the same, so the next `make bench` tries again.
$(PEERS): $(STAMP)
	@echo 'Installing what is measured beside Taskscope ...' >&2
	@if $(BIN)/python -m pip install --quiet --editable '.[bench]' >&2; then touch $@; \
	else echo 'It could not be installed: the result says what is missing.' >&2; fi

# 1. Find a Python that is new enough: $PYTHON alone if it is set, else the usual names.
# 2. Make the environment. Some systems ship Python without ensurepip: then the system's pip puts one in, if there is one.
define make-env
	for python in $${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do \
	    $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	    python=; \
	done; \
	if test -z "$$python"; then \
	    echo "Taskscope needs Python 3.11 or newer, and $${PYTHON:-none} was found." >&2; \
	    echo 'Install one, or name it: make setup PYTHON=/path/to/python3.12' >&2; \
	    exit 1; \
	fi; \
	echo "Making the environment in $(ENV) with $$($$python --version) ..." >&2; \
	rm -rf $(ENV); \
	$$python -m venv $(ENV) >/dev/null 2>&1 \
	|| { rm -rf $(ENV) && $$python -m venv --without-pip $(ENV) >/dev/null 2>&1 \
	     && $$python -m pip --python $(BIN)/python install --quiet pip >/dev/null 2>&1; } \
	|| { rm -rf $(ENV); $$python -m venv $(ENV) >&2; rm -rf $(ENV); \
	     echo "$$python cannot make an environment. Mostly its venv or ensurepip module is missing:" >&2; \
	     echo 'On Debian and Ubuntu: apt install python3-venv' >&2; \
	     echo 'Elsewhere: install the pip and venv packages of this Python.' >&2; \
	     exit 1; }
endef

# --- the pages ------------------------------------------------------------------------------------------------------

ifneq (,$(wildcard web/package.json))
NODE_OK := $(shell npm --version >/dev/null 2>&1 && \
	node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
	2>/dev/null && echo yes)
ifeq ($(NODE_OK),yes)
PAGES := web/node_modules/.built
else
pages:
	@echo 'No Node.js >= 20.19 with npm here: the pages are not built. Everything else works.' >&2
endif
endif

pages: $(PAGES)

web/node_modules/.installed: web/package.json $(wildcard web/package-lock.json)
	@echo 'Installing what the pages need ...' >&2
	@cd web && npm $(if $(wildcard web/package-lock.json),ci,install) --no-audit --no-fund --loglevel=error >&2
	@mkdir -p $(@D) && touch $@

web/node_modules/.built: web/node_modules/.installed \
		$(shell find web -name node_modules -prune -o -name dist -prune -o -type f -print 2>/dev/null)
	@echo 'Building the pages ...' >&2
	@cd web && npm run --silent build >&2
	@touch $@

web: web/node_modules/.installed
	@cd web && npm run --silent dev

screenshots: setup
	@$(BIN)/python docs/screenshots.py

# --- what is done with it -------------------------------------------------------------------------------------------

demo: setup
	@$(BIN)/taskscope demo $(if $(SECONDS),--seconds $(SECONDS))

test: setup
	@if test -f web/node_modules/.built; then cd web && npm run --silent test; fi
	@$(BIN)/python -m pytest -q -n auto --dist loadfile $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if test -f web/node_modules/.built; then cd web && npm run --silent check; fi

bench: setup $(PEERS)
	@$(BIN)/python -m benchmarks $(ARGS)

soak: setup
	@$(BIN)/python -m pytest -q -m soak $(ARGS)

clean:
	rm -rf $(ENV) build dist web/node_modules web/dist src/taskscope/server/static
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

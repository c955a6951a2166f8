# Ppl's commands; each is enough on a fresh machine with Python 3.11+ and make.

PYTHON ?= python3
# If root starts Ppl, PostgreSQL runs as a system user of its own, which cannot enter a directory such as /root.
DATA ?= $(shell $(PYTHON) -c 'import os, pathlib; here = pathlib.Path.cwd(); print(here / "data" if os.geteuid() \
    or all(each.stat().st_mode & 1 for each in (here, *here.parents)) else "/var/lib/ppl")')
# More workers than the two cores of a small machine: tests wait as long as they compute.
WORKERS ?= 3
SECONDS ?= 60
VENV := .venv
TYPESCRIPT := 5.9.3
TSC := build/typescript-$(TYPESCRIPT)/node_modules/.bin/tsc
PIP := $(VENV)/bin/pip --disable-pip-version-check --quiet
# twistd finds the plugin of an editable install only through PYTHONPATH.
export PYTHONPATH := $(CURDIR)
# Tests start Ppl hundreds of times: with compiled files kept, each start takes a quarter less.
unexport PYTHONDONTWRITEBYTECODE

# Tests that need neither PostgreSQL nor a browser, of the rooms where most is decided.
FAST := tests/test_imports.py tests/test_names.py tests/test_columns.py tests/test_options.py tests/access tests/live \
    tests/sources tests/search/test_language.py tests/search/test_hints.py tests/search/test_when.py tests/viewer/test_session.py \
    tests/viewer/test_session_model.py tests/viewer/test_requests.py tests/listener/writing tests/similar/test_shapes.py

.PHONY: help run check watch test test-long chaos pictures fuzz lint lint-scripts format docs wheel constraints \
    benchmarks changelog clean

help:
	@echo "make run        start Ppl on an embedded PostgreSQL; data in $(DATA) (DATA=…)"
	@echo "make check      lint, types and the fast tests, in less than a minute"
	@echo "make watch      the same whenever a file changes"
	@echo "make test       lint, then every test but the long ones"
	@echo "make fuzz       fuzz the parsers that strangers' bytes reach first, SECONDS=$(SECONDS) for each target"
	@echo "make test-long  soak and fault tests (PPL_TEST_SOAK_SECONDS=600: a longer soak)"
	@echo "make chaos      clients, viewers and random faults for SECONDS=$(SECONDS), in one process and in two (SEED=…)"
	@echo "make lint       ruff and mypy; tsc over the browser's modules if Node is installed"
	@echo "make format     let ruff rewrite the code"
	@echo "make docs       the documentation, into docs/_build/html"
	@echo "make changelog  what the fragments in changes/ will add to CHANGELOG.rst"
	@echo "make wheel      the installable package, into dist/"
	@echo "make constraints the tested versions with their hashes, into deploy/constraints.txt"
	@echo "make benchmarks figures of ingest, latency, fairness, scale, memory, fan-out, attacks and searches"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Ppl needs Python 3.11 or newer." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing Ppl into $(VENV) …"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.test: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing Ppl and its test tools into $(VENV) …"
	@$(PIP) install --editable '.[test,lint,docs]'
	@touch $@ $(VENV)/.run

$(VENV)/.fuzz: $(VENV)/.test
	@$(PIP) install --editable '.[fuzz]'
	@touch $@

run: $(VENV)/.run
	@exec $(VENV)/bin/twistd --nodaemon --pidfile= ppl --data-dir '$(DATA)' $(OPTIONS)

lint: $(VENV)/.test lint-scripts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# The browser's modules are plain JavaScript; their JSDoc types are checked if Node is installed, and always under CI.
lint-scripts:
	@if [ -x $(TSC) ] || { command -v npm >/dev/null && npm install --silent --no-save --no-audit --no-fund \
	    --prefix build/typescript-$(TYPESCRIPT) typescript@$(TYPESCRIPT); }; then echo "$(TSC) -p ." && $(TSC) -p .; \
	elif [ -n "$$CI" ]; then echo "npm or its registry is not available, and under CI it must be." >&2; exit 1; \
	else echo "The types of the browser's modules are not checked: npm or its registry is not available."; fi

format: $(VENV)/.test
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

check: lint
	$(VENV)/bin/python -m pytest -q -n 2 --dist loadfile -m 'not long' $(FAST)

$(VENV)/.work: setup.cfg | $(VENV)/.test
	@$(PIP) install --editable '.[work]'
	@touch $@

watch: $(VENV)/.work
	$(VENV)/bin/watchfiles 'make --no-print-directory check' src tests

changelog: $(VENV)/.work
	$(VENV)/bin/towncrier build --draft --version "$$($(PYTHON) -c \
	    'import configparser as c; p = c.ConfigParser(); p.read("setup.cfg"); print(p["metadata"]["version"])')"

test: lint
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m 'not long'

test-long: $(VENV)/.test
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m 'long and beside'
	$(VENV)/bin/python -m pytest -m 'long and not beside'

# Without SEED a seed is chosen, and printed at the end.
chaos: $(VENV)/.test
	PPL_TEST_CHAOS_SECONDS=$(SECONDS) PPL_TEST_CHAOS_SEED=$${SEED:-$$(date +%s)} \
	    $(VENV)/bin/python -m pytest -m long tests/faults/test_chaos.py

# The README's pictures, as a test of the real pages sees them.
pictures: $(VENV)/.test
	@$(PIP) install --editable '.[pictures]'
	PPL_PICTURES='$(CURDIR)/docs/images' $(VENV)/bin/python -m pytest tests/browser/test_walkthrough.py

fuzz: $(VENV)/.fuzz
	set -e; for target in fields body push framing datagram packed long_value message relp start; do \
	    $(VENV)/bin/python -m tests.fuzz $$target build/fuzz/$$target -max_total_time=$(SECONDS) -max_len=400 \
	        -artifact_prefix=build/fuzz/$$target-; done

docs: $(VENV)/.test
	$(VENV)/bin/python -m sphinx -W -q -b html docs docs/_build/html

wheel: $(VENV)/bin/python
	@$(PIP) install build
	$(VENV)/bin/python -m build --wheel

# The newest versions that setup.cfg admits, with their hashes.
constraints: $(VENV)/bin/python
	@$(PIP) install pip-tools
	$(VENV)/bin/python -m piptools compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-annotate \
	    --no-emit-index-url --no-emit-find-links --no-header --extra archive --output-file build/constraints.txt setup.cfg
	sed -n '/^#/p' deploy/constraints.txt | cat - build/constraints.txt > build/constraints.new
	mv build/constraints.new deploy/constraints.txt

benchmarks: $(VENV)/.test
	$(VENV)/bin/python -m benchmarks.ingest
	$(VENV)/bin/python -m benchmarks.ingest --senders 8
	$(VENV)/bin/python -m benchmarks.shapes
	$(VENV)/bin/python -m benchmarks.bodies
	$(VENV)/bin/python -m benchmarks.latency
	$(VENV)/bin/python -m benchmarks.wal_files
	$(VENV)/bin/python -m benchmarks.fairness
	$(VENV)/bin/python -m benchmarks.scale
	$(VENV)/bin/python -m benchmarks.pressure
	$(VENV)/bin/python -m benchmarks.fanout
	$(VENV)/bin/python -m benchmarks.hostile
	$(VENV)/bin/python -m benchmarks.search
	$(VENV)/bin/python -m benchmarks.fields
	$(VENV)/bin/python -m benchmarks.packing
	$(VENV)/bin/python -m benchmarks.similar
	$(VENV)/bin/python -m benchmarks.census

clean:
	rm -rf build dist docs/_build src/*.egg-info

# Ppl's commands; each is enough on a fresh machine with Python 3.11+ and make.

PYTHON ?= python3
# Started by root, PostgreSQL runs as a system user of its own, which cannot enter a place such as /root.
DATA ?= $(shell $(PYTHON) -c 'import os, pathlib; here = pathlib.Path.cwd(); print(here / "data" if os.geteuid() \
    or all(each.stat().st_mode & 1 for each in (here, *here.parents)) else "/var/lib/ppl")')
WORKERS ?= 2
VENV := .venv
PIP := $(VENV)/bin/pip --disable-pip-version-check --quiet
# twistd finds the plugin of an editable install only through PYTHONPATH.
export PYTHONPATH := $(CURDIR)

.PHONY: help run test test-long lint format docs wheel benchmarks clean

help:
	@echo "make run        start Ppl on an embedded PostgreSQL; data in $(DATA) (DATA=…)"
	@echo "make test       lint, then every test but the long ones"
	@echo "make test-long  soak and fault tests"
	@echo "make lint       ruff and mypy"
	@echo "make format     let ruff rewrite the code"
	@echo "make docs       the documentation, into docs/_build/html"
	@echo "make wheel      the installable package, into dist/"
	@echo "make benchmarks figures of ingest and latency"

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

run: $(VENV)/.run
	@exec $(VENV)/bin/twistd --nodaemon --pidfile= ppl --data-dir '$(DATA)' $(OPTIONS)

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(VENV)/.test
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

test: lint
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile -m 'not long'

test-long: $(VENV)/.test
	$(VENV)/bin/python -m pytest -m long

docs: $(VENV)/.test
	$(VENV)/bin/python -m sphinx -W -q -b html docs docs/_build/html

wheel: $(VENV)/.test
	$(VENV)/bin/python -m build --wheel

benchmarks: $(VENV)/.test
	$(VENV)/bin/python -m benchmarks.ingest
	$(VENV)/bin/python -m benchmarks.latency

clean:
	rm -rf build dist docs/_build src/*.egg-info

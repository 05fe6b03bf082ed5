# Every target sets up what it needs; running one twice does the work once.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types imports notebooks bench chaos spark lock clean

# The first interpreter that runs and is 3.11, 3.12 or 3.13; override with make PYTHON=/path/to/python.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.ready
SPARK_STAMP := .venv/.spark
HOME_DIR ?= .assay
DEMO ?=
TESTS ?=
KILLS ?= 100

help:  ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP)  ## Make .venv with the locked dependencies

# uv comes from pip, so that nothing but Python and make has to be there first.
$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "expected Python 3.11, 3.12 or 3.13 on the PATH, found none; install one or run make PYTHON=/path/to/python"; exit 2; }
	@test -x $(BIN)/python && $(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)  ## Run the whole loop end to end (DEMO=--quick for a short one)
	$(BIN)/assay --home $(HOME_DIR) demo $(DEMO)

# A file's tests stay together: some tell a story on a service that they share.
test: $(STAMP)  ## Run all tests (TESTS="-k name" to choose)
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations=40 --durations-min=5 $(TESTS)

lint: $(STAMP) imports types  ## Style, types and the one direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

notebooks: $(STAMP)  ## Execute every notebook
	$(BIN)/python -m pytest tests/test_notebooks.py $(TESTS)

bench: $(STAMP)  ## Print speed ratios against peers, with equality checks
	@for bench in benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

chaos: $(STAMP)  ## Kill the service many times and check that nothing is lost or doubled (KILLS=100)
	ASSAY_KILLS=$(KILLS) ASSAY_QUIET_MONTHS=20 $(BIN)/python -m pytest tests/flows tests/monitoring -m chaos $(TESTS)

spark: $(SPARK_STAMP)  ## Install pyspark and run the tests of the Spark engine
	@command -v java >/dev/null || { echo "expected Java 17 or later on the PATH, found none"; exit 2; }
	$(BIN)/python -m pytest tests/features -m spark $(TESTS)

# pyspark comes as sources only; it is built with the setuptools of the lock.
$(SPARK_STAMP): .ci/spark.lock $(STAMP)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-build-isolation -r .ci/spark.lock
	@touch $@

lock: $(STAMP)  ## Resolve requirements.lock and .ci/spark.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --extra valkey --extra postgres --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -o requirements.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"], sep="\n")' \
		| $(BIN)/uv pip compile --quiet - --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-header -o .ci/spark.lock

clean:  ## Remove what a run wrote (not .venv)
	rm -rf $(HOME_DIR) .pytest_cache .mypy_cache .ruff_cache .hypothesis

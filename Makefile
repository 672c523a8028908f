# Every target does its own set-up, so that a fresh checkout needs nothing first.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
OPA = $(shell scripts/install-opa --print)
# Blocks of tests stay together, so that few workers start the same gateway. A worker waits a third of its time.
PYTEST_ARGS ?= -n 4 --dist worksteal
# A child process should not compile what one before it has compiled, nor a worker rewrite all assertions again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run demo test thorough test-fast policy-test check audit format docs bench bench-steps soak accuracy leaks clients suites conformance fuzz lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.locked: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

.venv/.duckdb-%: tests/duckdb-%.lock .venv/.locked
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade \
		--target .venv/duckdb-$* -r tests/duckdb-$*.lock
	@touch $@

.venv/.dataframes: tests/dataframes.lock .venv/.locked
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade \
		--target .venv/dataframes -r tests/dataframes.lock
	@touch $@

setup: .venv/.locked ## .venv with the locked dependencies, and OPA
	@scripts/install-opa

run: setup ## start the gateway with regate.yaml; prints keys and a curl line
	@REGATE_OPA="$(OPA)" $(BIN)/regate up --demo

demo: setup ## five prompts through a running gateway: allowed, masked, streamed, held, denied
	@REGATE_OPA="$(OPA)" $(BIN)/regate demo

test: setup .venv/.duckdb-2 .venv/.duckdb-1.4 .venv/.dataframes policy-test ## every test: Python and opa test
	REGATE_CHROMIUM="$$(scripts/install-chromium)" REGATE_OPA="$(OPA)" REGATE_REQUIRE_OPA=$(if $(OPA),1,0) \
		$(BIN)/pytest $(PYTEST_ARGS)

thorough: export REGATE_THOROUGH = 1
thorough: test ## every test at its full length, with new examples: an hour

test-fast: setup ## the unit tests of what changed since main, in under a minute
	@files="$$($(BIN)/python scripts/changed_tests.py)" && if [ -z "$$files" ]; then echo "no unit test mirrors what changed"; else \
		REGATE_OPA="$(OPA)" $(BIN)/pytest -q -x -n 2 --session-timeout 60 $$files; fi

policy-test: setup ## the policy's own tests
	@REGATE_OPA="$(OPA)" $(BIN)/regate policy test

check: setup ## format, lint, types, import floors, Rego
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@REGATE_OPA="$(OPA)" $(BIN)/regate policy check
	@$(BIN)/regate policy docs --check

audit: setup ## the locked versions and OPA against known advisories; ADVISORIES names more files
	@$(BIN)/python scripts/audit.py $(ADVISORIES)

format: setup ## put everything into the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@REGATE_OPA="$(OPA)" $(BIN)/regate policy fmt

docs: setup ## renew the pages that are written from code, METADATA and decisions
	@$(BIN)/regate audit views --markdown > docs/reference/audit-schema.md
	@for name in soc2 iso42001 eu-ai-act gdpr; do \
		$(BIN)/regate audit report --framework $$name --markdown > docs/guides/frameworks/$$name.md; done
	@$(BIN)/regate policy docs
	@$(BIN)/python scripts/decisions.py
	@$(BIN)/python -m scripts.surfaces

bench: setup ## what governing costs, against a bare pass-through
	@REGATE_OPA="$(OPA)" $(BIN)/python -m bench
	@$(BIN)/python -m bench.detect
	@$(BIN)/python -m bench.stalls
	@$(BIN)/python -m bench.streams

bench-steps: setup ## where the time of one exchange goes, step by step
	@REGATE_OPA="$(OPA)" $(BIN)/python -m bench.steps

soak: setup ## half an hour of mixed load: memory, files and latency stay flat; SOAK_SECONDS says how long
	@REGATE_OPA="$(OPA)" $(BIN)/python -m bench.soak

accuracy: setup ## how well values are found; ACCURACY_DATA names a labeled file to score as well
	@$(BIN)/python -m bench.accuracy

leaks: setup ## what leaks: every kind of value, cut at every place, through every dialect
	@$(BIN)/python -m bench.leaks

clients: setup ## other people's clients at a task before the gateway; CLIENTS="Codex|aider" runs some
	@REGATE_OPA="$(OPA)" $(BIN)/python -m suites.clients

suites: setup ## the SDKs' own tests, direct and through the gateway; SUITES=openai-python runs some
	@REGATE_OPA="$(OPA)" $(BIN)/python -m suites.sdks

conformance: setup ## MCP's own suite, directly and through the gateway; installs it on demand
	@REGATE_OPA="$(OPA)" $(BIN)/python -m bench.conformance

FUZZ ?= 10000
fuzz: setup ## 10,000 exchanges of a grammar, from valid to hostile, each judged; FUZZ says how many
	@$(BIN)/python -m tests.support.fuzzing $(FUZZ)

lock: ## write requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --universal --generate-hashes --all-extras --python-version 3.11 --quiet \
		--no-header --output-file requirements.lock pyproject.toml

clean: ## remove what was built; evidence and state stay
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# make demo   set everything up and run one real call, from the citizen's phone to a dispatched work order
# make test   set everything up and run all tests, on the real Asterisk and the real Vosk
# make check  the quick gate: format, lint, types, imports, unit tests
# make bench  ratios against a baseline of the same run
# make model  the demonstration speech model from nothing, into .huying/model (an hour and two cores)
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: demo test check bench model setup format clean

setup:
	@PYTHON="$(PYTHON)" .ci/venv

demo: setup
	@$(BIN)/hotline demo

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/unit tests/console tests/test_architecture.py tests/test_docs.py

test: check
	@$(BIN)/hotline asterisk install
	$(BIN)/python -m pytest -q tests/contract tests/integration tests/e2e

bench: setup
	@$(BIN)/python -m tests.bench

model: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[model]'
	$(BIN)/python -m asr.model.recipe --site ticketing/sites/yuncheng --tests tests/data/speech \
		--work .huying/model --out .huying/model/embedded --fst .huying/model/openfst

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .huying .mypy_cache .ruff_cache .pytest_cache

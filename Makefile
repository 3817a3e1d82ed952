# Everything runs from a fresh clone: each target makes the environment it needs first.

VENV ?= .venv
VENV_BENCH ?= .venv-bench
PYTHON ?= python3
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_BENCH := $(VENV_BENCH)/.ready
PYTEST := $(BIN)/python -m pytest
CHECKED := $(wildcard src scripts benchmarks)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

##@ Start

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "; printf "Usage: make TARGET [ARGS=\"...\"]\n"} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Create the environment, at the locked versions

.PHONY: setup-bench
setup-bench: $(READY_BENCH) ## Create the environment of the tools that benchmarks compare with

.PHONY: demo
demo: $(READY) ## Take the five-minute tour on generated data
	$(BIN)/pipewarden demo $(ARGS)

.PHONY: mlflow-ui
mlflow-ui: $(READY) ## Look at models in MLflow (PIPEWARDEN_HOME, else this folder; ARGS="--port 5001")
	MLFLOW_DISABLE_TELEMETRY=true $(BIN)/mlflow ui \
	  --backend-store-uri sqlite:///$(abspath $(or $(PIPEWARDEN_HOME),.))/.pipewarden/mlflow.db $(ARGS)

##@ Test

.PHONY: test
test: $(READY) ## Run every test, with branch coverage
	$(BIN)/python scripts/run_tests.py $(ARGS)

.PHONY: test-unit
test-unit: $(READY) ## Run the tests that need no service
	$(PYTEST) tests/unit $(ARGS)

.PHONY: test-contract
test-contract: $(READY) ## Run one suite over every adapter, on real services
	$(PYTEST) tests/contract $(ARGS)

.PHONY: test-crash
test-crash: $(READY) ## Kill the process in every named window
	$(PYTEST) tests/crash $(ARGS)

.PHONY: test-acceptance
test-acceptance: $(READY) ## Run the real command
	$(PYTEST) tests/acceptance $(ARGS)

.PHONY: coverage
coverage: $(READY) ## Run every test and write htmlcov/index.html
	$(PYTEST) --cov --cov-report=term --cov-report=html $(ARGS)

##@ Care

.PHONY: check
check: check-style check-types check-layers check-house check-docs check-locks ## Check all that needs no test run (-k: go on after a failure)

.PHONY: check-style check-types check-layers check-house check-docs check-locks
check-style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-types: $(READY)
	$(BIN)/mypy $(CHECKED)

check-layers: $(READY)
	$(BIN)/lint-imports --no-cache --no-logo

check-house: $(READY)
	$(BIN)/python scripts/house_rules.py

check-docs: $(READY)
	$(BIN)/python scripts/generate_reference.py --check
	$(BIN)/python scripts/check_links.py

check-locks: $(READY)
	$(BIN)/python scripts/lock.py --check

.PHONY: format
format: $(READY) ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: $(READY) ## Regenerate the reference pages and the index, and check every link
	$(BIN)/python scripts/generate_reference.py
	$(BIN)/python scripts/check_links.py

.PHONY: healing-pages
healing-pages: $(READY) ## Play the scenarios of the closed loop and write their pages (minutes; ARGS="stable": one)
	$(BIN)/python scripts/healings/draw.py $(ARGS)

.PHONY: bench
bench: $(READY) $(READY_BENCH) ## Measure, beside the peers, and print the ratios
	PIPEWARDEN_BENCH_VENV=$(VENV_BENCH) $(BIN)/python benchmarks/run.py $(ARGS)

.PHONY: lock
lock: ## Resolve the lock files again (UPGRADE=1 forgets the present pins)
	$(PYTHON) scripts/lock.py $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## Remove caches and build leftovers; environments stay
	rm -rf build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find src tests scripts $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +

# pip is brought to its locked version first: older ones know neither --group nor --build-constraint.
$(READY): pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade -c requirements.lock pip
	$(BIN)/python -m pip install --quiet -c requirements.lock --build-constraint requirements.lock \
	  --editable '.[all]' --group dev
	touch $@

$(READY_BENCH): pyproject.toml requirements-bench.lock
	test -x $(VENV_BENCH)/bin/python || $(PYTHON) -m venv $(VENV_BENCH)
	$(VENV_BENCH)/bin/python -m pip install --quiet --upgrade -c requirements-bench.lock pip
	$(VENV_BENCH)/bin/python -m pip install --quiet -c requirements-bench.lock --group bench
	touch $@

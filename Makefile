# PackWitness. `make help` lists what can be done here.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	--no-header --annotation-style=line

.DEFAULT_GOAL := help
.PHONY: help run demo test check format benchmark-archive benchmark-bench benchmark-export \
	benchmark-reading benchmark-recording benchmark-whole soak crash constraints clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.run ## set everything up and open the bench (ARGS="--source 0" for a camera)
	@$(BIN)/packwitness bench $(ARGS)

demo: .venv/.run ## an unattended shift on simulated cameras, checked to the last file
	@$(BIN)/packwitness demo --parcels 6 \
		--archive .cache/demo/$$(date +%Y-%m-%dT%H-%M-%S) $(ARGS)

test: .venv/.dev ## all tests (ARGS="-k scan" for some): side by side, then those that run alone
	@for part in '-m "not alone" -n auto --maxprocesses 4' '-m alone'; do \
		eval "$(BIN)/python -m pytest $$part" '$(ARGS)' || [ $$? = 5 ] || exit 1; done

check: .venv/.dev ## style, types, the arrows between packages, no registry address
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@bash .ci/no-address

format: .venv/.dev ## let ruff put the files in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark-archive: .venv/.dev ## how fast a million waybills are searched (ARGS="--copies 10 --lean")
	@$(BIN)/python -m tests.performance.archive $(ARGS)
	@$(BIN)/python -m tests.performance.archive_check

benchmark-bench: .venv/.dev ## how fast the bench answers scans and keys
	@$(BIN)/python -m tests.performance.bench $(ARGS)

benchmark-export: .venv/.dev ## how fast a package leaves the archive, and a video is fitted to a portal
	@$(BIN)/python -m tests.performance.export $(ARGS)
	@$(BIN)/python -m tests.performance.export_fit

benchmark-reading: .venv/.dev ## how well waybills are read, beside the engines alone (ARGS="--quick")
	@$(BIN)/python -m tests.performance.reading $(ARGS)

benchmark-recording: .venv/.dev ## what recording costs, against peers in the same run
	@$(BIN)/python -m tests.performance.recording $(ARGS)
	@$(BIN)/python -m tests.performance.copying

benchmark-whole: .venv/.dev ## the whole bench, 10 minutes each: two cameras encoded, four copied
	@$(BIN)/python -m tests.performance.whole_bench --cameras 2 --mode encode --minutes 10 $(ARGS)
	@$(BIN)/python -m tests.performance.whole_bench --cameras 4 --mode copy --minutes 10 $(ARGS)

soak: .venv/.dev ## long proofs: 1,000 triggers, 200 kills, half an hour of the whole bench
	$(BIN)/python -m tests.performance.triggers --count 1000
	$(BIN)/python -m tests.performance.kills --count 200
	$(BIN)/packwitness doctor --soak 30

crash: .venv/.dev ## kill the archive at 500 points, let its programs work at once, forge packages
	PACKWITNESS_KILLS=16 PACKWITNESS_AT_ONCE_S=60 PACKWITNESS_FLIPS=20000 $(BIN)/python -m pytest \
		tests/storage/test_crash.py tests/storage/test_at_once.py \
		tests/storage/test_package_flips.py $(ARGS)

constraints: .venv/.dev ## pin the newest dependencies again, with their hashes
	rm -f constraints/run.txt constraints/dev.txt
	$(COMPILE) --all-build-deps --output-file constraints/run.txt pyproject.toml
	$(BIN)/python .ci/dev-group | $(COMPILE) --output-file constraints/dev.txt -
	@bash .ci/no-address

clean: ## remove what make has made
	rm -rf .venv .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf build dist packwitness.egg-info

# A stamp is as old as the newest thing that it was made from, so that the second run starts at once.
.venv/.run: pyproject.toml constraints/run.txt .ci/setup
	@PYTHON="$(PYTHON)" bash .ci/setup run

.venv/.dev: pyproject.toml constraints/run.txt constraints/dev.txt .ci/setup
	@PYTHON="$(PYTHON)" bash .ci/setup dev

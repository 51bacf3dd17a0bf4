# Every command runs from the root of a clone. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

VENV := .venv
BIN := $(VENV)/bin
PLAN ?= once
FAULT ?= none
LOAD ?= none
NODE ?= reference
SECONDS_DEFAULT := 60
# bash owns the variable SECONDS (it counts); only one given on make's own command line is meant.
FUZZ_SECONDS := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),$(SECONDS_DEFAULT))
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup rehearsal test test-one test-quick test-droplets lint lint-rust lint-python lint-ansible \
        test-rust test-python setup-with-image testnet testnet-down soak bench bench-plays fuzz doubles mutants watch status-json lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

setup: ## .venv with every tool and the wheel installed; no containers
	@scripts/setup

setup-with-image:
	@scripts/setup --image

rehearsal: setup-with-image ## from nothing to a migrated local network (FAULT=divergence: must halt; LOAD=busy: on busy cores; NODE=deployed-a, deployed-b: other nodes)
	@python -m testnet.rehearsal --plan $(PLAN) --fault $(FAULT) --load $(LOAD) --node $(NODE)

testnet: setup-with-image ## the local network on its legacy engine, left running (NODE=deployed-a, deployed-b: of other nodes)
	@python -m testnet.lab up --node $(NODE)

testnet-down: ## remove the local network
	@if [ -x $(BIN)/python ]; then python -m testnet.lab down; else python3 -m testnet.lab down; fi

test: setup-with-image ## every test but the long walks of soak, both halves side by side
	@scripts/test

test-one: setup ## one test by its name: a file, a word of tests' names, a scenario (NAME=...); brings up what it needs
	@scripts/test-one "$(NAME)"

test-quick: setup lint test-rust test-python ## the tests without containers

lint: lint-rust lint-python lint-ansible

lint-rust:
	@cargo fmt --all --check
	if cargo clippy --version >/dev/null 2>&1; then
	  cargo clippy --workspace --all-targets --locked -- -D warnings
	  cargo clippy --workspace --all-targets --locked --all-features -- -D warnings
	else
	  echo "lint-rust: this toolchain has no clippy; clippy did not run"
	fi

lint-python:
	@ruff check .
	ruff format --check .
	scripts/typecheck

lint-ansible:
	@yamllint -s .
	ansible-lint -q --offline

test-rust:
	@cargo test --workspace --locked --release -q
	# The same bytes without the processor's instructions for SHA-256; in a folder of its own, since its flags differ.
	cargo test -p coinjecture-consensus --test vectors --locked --release -q --target-dir target/soft-sha \
	  --config 'build.rustflags=["--cfg", "sha2_backend=\"soft\""]'

test-python:
	@python -m pytest -n auto --dist loadfile -m "not droplets and not soak" tests

test-droplets: setup ## the tests on droplets: the network, a rehearsal that must halt, Molecule
	@scripts/test-droplets

soak: setup ## the long walks: plays and restarts broken off everywhere, completion
	@scripts/test-droplets --soak

bench: setup ## benchmarks against the Python engine, into build/bench.json
	@python -m bench

bench-plays: setup ## what an operator waits for, each play on the running local network, into build/bench-plays.json
	@python -m bench.plays

fuzz: setup ## differential fuzzing against the Python engine (SECONDS=60), into build/fuzz.json
	@python -m fuzz --seconds $(FUZZ_SECONDS)

doubles: setup ## doubles through the Rust engine's text against CPython's, into build/doubles.json
	@python -m fuzz.doubles

mutants: setup ## cargo-mutants over the rules (installs it into build/tools); not part of the tests
	@scripts/mutants

watch: ## live status of the network (INVENTORY=inventory/testnet for another one than the local one)
	@scripts/watch $(if $(INVENTORY),-i $(INVENTORY))

status-json: ## the same once, as JSON and nothing else
	@scripts/watch --json $(if $(INVENTORY),-i $(INVENTORY))

lock: ## lock requirements/*.in again, with hashes
	@scripts/lock

clean: ## back to a fresh clone
	@if [ -x $(BIN)/python ]; then python -m testnet.lab down; fi
	rm -rf build target $(VENV) .pytest_cache .mypy_cache .ruff_cache .ansible
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f python/src/coinjecture/*.so

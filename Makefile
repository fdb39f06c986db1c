# The commands of Switchboard. `make run` and `make test` work from a fresh clone on Debian 12.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Outside the clone, so that it stays warm and other clones share the dependencies that are built.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/switchboard-target
CONFIG ?= conf/switchboard.toml
# CPU seconds the simulator runs in `make test`; at least 500 seeds are tried whatever it says.
SIM_SECONDS ?= 120
# Whole days of a call centre, 50 agents and 5,000 calls each, that it lives through.
SIM_DAYS ?= 1
# CPU seconds for which its small worlds are explored there; `cargo xtask sim --explore` goes on to 300,000 states each.
EXPLORE_SECONDS ?= 28
FUZZ_ITERATIONS ?= 20000000
# LOAD=long adds the memory row, which takes two minutes.
LOAD ?=
# The pure crate whose tests `make mutants` tests.
MUTANTS ?= dialplan

# What the unit tests are.
UNIT := --workspace --exclude calls --features failpoints

# nextest where it is there, else what cargo brings.
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)
ifeq ($(NEXTEST),yes)
  run_tests = cargo nextest run
else
  run_tests = cargo test
endif

.PHONY: help run check test demo bench load board audit mutants fuzz shots room fmt lint unit sim calls console console-test packages-build packages-test

help: ## What there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: packages-build console ## Build and start the call centre on ./data
	cargo build --release --package switchboard
	exec "$$CARGO_TARGET_DIR/release/switchboard" serve --config $(CONFIG)

check: fmt lint ## fmt, clippy, unit tests and a short simulation: at most 3 minutes when warm
	$(run_tests) $(UNIT)
	$(MAKE) sim SIM_SECONDS=10 SIM_DAYS=0 EXPLORE_SECONDS=7

test: room packages-test fmt lint console-test unit sim calls ## Everything; what CI runs
	@echo "make test: all of it passed"

# The web console, for the binary to take along.
console:
	tests/setup/console.sh build

console-test:
	tests/setup/console.sh test

# Where the disk is nearly full, old builds go first.
room:
	@tests/setup/room.sh "$$CARGO_TARGET_DIR"

fmt:
	cargo fmt --all -- --check

lint:
	cargo clippy --workspace --all-targets -- -D warnings
	cargo xtask tidy

# Unit and store tests, the latter on SQLite and on a PostgreSQL of their own. The documentation's examples run too.
# With the places at which call tests stop the process, so that the binary that is built here is theirs.
unit:
	tests/setup/with-postgres.sh $(run_tests) $(UNIT)
	cargo test --workspace --doc

# Optimised, with the checks of a debug build: as many seeds as the seconds give.
sim:
	cargo xtask sim --seconds $(SIM_SECONDS)
	cargo xtask sim --day $(SIM_DAYS)
	cargo xtask sim --erlang
	cargo xtask sim --explore $(EXPLORE_SECONDS)

# Real peers against the real binary, which is that of the unit tests, codecs and crypto optimised: built by itself half of it is compiled once
# more, since other features of its dependencies are asked for; an optimised build of all of it takes ten minutes more from cold.
calls: console
	cargo test --no-run --quiet $(UNIT)
	rm -rf "$$CARGO_TARGET_DIR/captures" && mkdir -p "$$CARGO_TARGET_DIR/captures"
	SWITCHBOARD_BIN="$$CARGO_TARGET_DIR/debug/switchboard" SWITCHBOARD_CAPTURES="$$CARGO_TARGET_DIR/captures" \
	  $(run_tests) --package calls
	tests/calls/dissect.sh "$$CARGO_TARGET_DIR/captures"

demo: packages-test ## A real call between two scripted phones with audio, against a running server
	cargo run --quiet --package calls --bin demo

bench: packages-test ## Micro and load benches, each beside the bare limit of the same run
	cargo xtask bench
	cargo build --release --package switchboard
	SWITCHBOARD_BIN="$$CARGO_TARGET_DIR/release/switchboard" tests/load/run.sh $(LOAD)

load: ## Lists of 100,000 records, a minute of 500 API requests/s beside 100 calls, ten of a busy call centre (200 callers, 120 agents)
	cargo build --release --package switchboard
	SWITCHBOARD_BIN="$$CARGO_TARGET_DIR/release/switchboard" tests/load/records.py
	SWITCHBOARD_BIN="$$CARGO_TARGET_DIR/release/switchboard" tests/load/api.py
	SWITCHBOARD_BIN="$$CARGO_TARGET_DIR/release/switchboard" tests/load/centre.py

board: console ## What a browser spends on the boards of 500 agents, at most a fifth of a core
	"$$(tests/setup/browser.sh)" tests/browser/board_load.mjs console/dist/www

shots: console ## Pictures of every page of the console, in both languages and appearances, in target/console-shots
	cargo build --package switchboard
	SWITCHBOARD_BIN="$$CARGO_TARGET_DIR/debug/switchboard" tests/setup/shots.sh

audit: ## Licences, bans, sources, unused dependencies
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	@cargo machete --version >/dev/null 2>&1 || cargo install --locked cargo-machete
	cargo deny check licenses bans sources
	cargo machete

mutants: ## Mutation testing of a pure crate: make mutants MUTANTS=sip
	@cargo mutants --version >/dev/null 2>&1 || cargo install --locked cargo-mutants
	cargo mutants --package $(MUTANTS) --output "$$CARGO_TARGET_DIR/mutants"

fuzz: ## The parser under mutated messages, for as many iterations as FUZZ_ITERATIONS says
	FUZZ_ITERATIONS=$(FUZZ_ITERATIONS) cargo test --profile sim --package sip mutat -- --nocapture

packages-build:
	@tests/setup/packages.sh build

packages-test:
	@tests/setup/packages.sh test

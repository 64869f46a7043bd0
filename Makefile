# Two commands do everything: `make repro` and `make test`. Each sets up what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --no-compile
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Python compiles a module when it is first imported, and keeps that; pip would compile all of them, four times as many.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: repro test check bench external lock clean help setup
.DEFAULT_GOAL := repro

repro: setup  ## the pipeline on params.yaml, then what it found
	dvc repro
	-@dvc plots show >/dev/null
	@python -m tools.summary

test: setup  ## all tests
	python -m pytest

check: setup  ## style, types and docs
	ruff format --check .
	ruff check .
	mypy
	python -m tools.docs --check
	python -m tools.licences --check

bench: setup  ## speed and memory, beside the peers
	$(INSTALL) --requirement bench/constraints.txt
	python -m bench

external:  ## make external FROM=folder: copies a local mirror of the presets' data sets to data/external
	@test -n "$(FROM)" || { echo "make external: say where the data lies: make external FROM=folder" >&2; exit 2; }
	@test -d "$(FROM)" || { echo "make external: $(FROM): no such folder" >&2; exit 2; }
	mkdir -p data/external && cp -R "$(FROM)"/. data/external/ && chmod -R u+w data/external

lock:  ## constraints*.txt, out of requirements.txt: versions that still fit stay; delete constraints.txt for the newest
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet --disable-pip-version-check uv
	build/lock/bin/python -m tools.lock

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1: \2/p' Makefile

setup: $(VENV)/.ready build/plots.html

build/plots.html: $(VENV)/.ready $(wildcard tools/plots_page.*)  ## the page of `dvc plots`, which needs no network
	python -m tools.plots_page

# pip takes a file only if its hash is listed, and nothing that is not listed. constraints-cpu.txt is the build of torch
# that some machines have on their disk; where it is missing, torch comes from PyPI, on Linux with the libraries of CUDA.
$(VENV)/.ready: constraints.txt constraints-cpu.txt constraints-cuda.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "make: Python 3.11 to 3.13 is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1); try make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	@git rev-parse --quiet --verify HEAD >/dev/null 2>&1 || \
		{ echo "make: this folder is no git repository with a commit, and DVC needs one; git clone the project, or: git init && git add -A && git commit -m start" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --no-index --requirement constraints-cpu.txt 2>/dev/null || true
	$(INSTALL) --requirement constraints.txt
	@if $(BIN)/pip show torch | grep -q '^Requires:.*\(nvidia\|cuda\)'; then $(INSTALL) --requirement constraints-cuda.txt; fi
	@$(BIN)/pip check --disable-pip-version-check >/dev/null || $(BIN)/pip check
	@touch $@

# Every target sets itself up: it makes .venv if there is none and installs what it needs,
# once per change of pyproject.toml. Nothing outside this folder is touched.
#
#   PYTHON   the interpreter .venv is made with (3.11 or later)     make test PYTHON=python3.12
#   VENV     another place for the environment                      make test VENV=../env
#   ARGS     handed on to pytest, the demo or the benchmarks        make test ARGS="-k vmap -x"

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
STAMPS := $(VENV)/.ftx-installed

.DEFAULT_GOAL := help
.PHONY: help demo test check cuda bench format clean distclean

help:  ## show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

demo: $(STAMPS)/examples  ## train a small network on handwritten digits, draw what happened
	$(BIN)/python examples/01_digits_mlp.py $(ARGS)

test: $(STAMPS)/test  ## run every test that needs no GPU
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: $(STAMPS)/dev  ## formatting, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/architecture

cuda: $(STAMPS)/test $(STAMPS)/cuda-codegen  ## compile CUDA kernels for sm_90 and simulate them; no GPU
	$(BIN)/python -m pytest -q tests/backends/cuda $(ARGS)

bench: $(STAMPS)/peers  ## time ftx beside JAX, and beside the machine's limits: benchmarks/README.md
	$(BIN)/python -m benchmarks $(ARGS)

format: $(STAMPS)/dev  ## rewrite the files as `make check` wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove caches, build products and demo pictures
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis demo_output
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean  ## the same, and the environment
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ftx needs Python 3.11 or later; $(PYTHON) is older. Try: make PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

# One stamp per extra: an extra is installed again only when pyproject.toml has changed.
$(STAMPS)/%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@mkdir -p $(STAMPS) && touch $@

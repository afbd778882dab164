# Two commands do everything: `make demo` and `make test`. Each makes its own environment from a bare clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= demo_run
CONSTRAINTS ?= constraints.txt

.PHONY: help demo test lint bench constraints clean

help:
	@echo "make demo [WALK=walk.c3d]  train on a synthetic cohort and assess a walk (minutes; no network after installation)"
	@echo "make test                  run the test suite"
	@echo "make lint                  style, layers"
	@echo "make bench                 speed, as ratios against the plain alternative"

demo: $(VENV)/.installed
	$(BIN)/agir demo --out "$(OUT)" $(if $(WALK),--walk "$(WALK)")

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(TESTS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/python tests/layers_check.py agir_plugin

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/bench.py

constraints: $(VENV)/.installed-dev
	$(BIN)/python -m pip freeze --exclude-editable | sed -n 's/+cpu//; /==/p' > constraints.txt

$(VENV)/.installed: setup.cfg setup.py third_party/motiongpt/setup.cfg $(CONSTRAINTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c $(CONSTRAINTS) -e third_party/motiongpt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -c $(CONSTRAINTS) -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) $(OUT) build dist *.egg-info

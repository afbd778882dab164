# Two commands do everything: `make demo` and `make test`. Each makes its own environment from a bare clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= demo_run
CONSTRAINTS ?= constraints.txt

.PHONY: help demo test test-matrix test-upstream compare-hosts lint bench bench-ingest bench-fit accuracy constraints clean

help:
	@echo "make demo [WALK=walk.c3d]  train on a synthetic cohort and assess a walk (minutes; no network after installation)"
	@echo "make test                  run the test suite"
	@echo "make test-matrix           the same under transformers 4.57 and 5, in an environment each"
	@echo "make test-upstream MOTIONGPT_ROOT=DIR   the contract and the bridge in a checkout of upstream MotionGPT"
	@echo "make compare-hosts MOTIONGPT_ROOT=DIR   the demo in the host and in upstream, side by side (minutes)"
	@echo "make lint                  style, layers"
	@echo "make bench                 speed, as ratios against the plain alternative"
	@echo "make bench-ingest          recordings to a cohort: walks per second, by one and two workers, and memory"
	@echo "make accuracy [DATA=DIR]    gait events and parameters against what laboratories stored in their C3D files"
	@echo "make bench-fit             marker fitting on a synthetic body: accuracy, speed, beside L-BFGS"

demo: $(VENV)/.installed
	$(BIN)/agir demo --out "$(OUT)" $(if $(WALK),--walk "$(WALK)")

test: $(VENV)/.installed-$(if $(MOTIONGPT_ROOT),upstream,dev)
	$(BIN)/python -m pytest $(TESTS)

# Two environments that differ in transformers alone; logits of one model are compared between them.
test-matrix: $(VENV)-transformers4/.installed $(VENV)-transformers5/.installed
	rm -rf build/matrix && mkdir -p build/matrix
	for major in 4 5; do \
	  AGIR_MATRIX_DIR="$(CURDIR)/build/matrix" $(VENV)-transformers$$major/bin/python -m pytest $(TESTS) || exit 1; \
	done

$(VENV)-transformers4/.installed: WANTED = transformers>=4.57,<4.58
$(VENV)-transformers5/.installed: WANTED = transformers>=5,<6
$(VENV)-transformers%/.installed: setup.cfg setup.py third_party/motiongpt/setup.cfg $(CONSTRAINTS)
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	grep -viE '^(transformers|tokenizers|huggingface.hub|hf.xet|httpx|httpcore|typer)==' $(CONSTRAINTS) > $(@D)/constraints.txt
	$(@D)/bin/python -m pip install --quiet -c $(@D)/constraints.txt "$(WANTED)" -e third_party/motiongpt -e ".[dev]"
	touch $@

# One suite, two hosts: skipped tests name what they need. What upstream imports is the extra `upstream`.
test-upstream: $(VENV)/.installed-upstream
	MOTIONGPT_ROOT="$(MOTIONGPT_ROOT)" $(BIN)/python -m pytest tests/host_contract
	MOTIONGPT_ROOT="$(MOTIONGPT_ROOT)" $(BIN)/python -m pytest tests/bridge

compare-hosts: $(VENV)/.installed-upstream
	$(BIN)/python benchmarks/compare_hosts.py "$(MOTIONGPT_ROOT)" --out "$(OUT)"

$(VENV)/.installed-upstream: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet -c $(CONSTRAINTS) -e ".[upstream]"
	touch $@

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/python tests/layers_check.py agir_plugin

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/bench.py

bench-ingest: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/bench_ingest.py

accuracy: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/accuracy.py $(DATA)

bench-fit: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/bench_fit.py

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
	rm -rf $(VENV) $(VENV)-transformers* $(OUT) build dist *.egg-info

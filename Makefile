# Needs make, a shell, and Python 3.11, 3.12 or 3.13; uv is used if it is there. Everything is installed in .venv.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: install demo test check lint style types soak bench evidence docs clean constraints help

VENV := .venv
BIN := $(VENV)/bin
PINS := constraints/default.txt
# A file stays on one worker, so that what its tests share is made once. Files are taken in their order, dear ones
# first (pyproject.toml), and not by the number of their tests: those with few tests take longest.
# The plugin of schemathesis takes each worker a second to load, and no test wants more of it than the library.
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder -p no:schemathesis
# Fuzzing, statistics and brute force: half the time of all unit tests. `make check` leaves them to `make test`.
THOROUGH := $(addprefix tests/unit/, domain/test_spans.py features/test_compile.py lake/test_coverage.py \
	lake/recordings/test_garbage.py venues/test_scan.py $(addprefix venues/sandbox/, test_bars.py \
	test_coingecko_dialect.py test_honesty.py test_market.py test_skeleton.py))
# Who is only measured against, and compared with, is kept apart; everything else there is that of .venv.
PEERS := build/peers
UV := $(shell command -v uv 2>/dev/null)
# Any tool of this tree that Python runs treats warnings by pyproject.toml, and finds the pinned packages only.
unexport PYTHONPATH
unexport PYTHONHOME

FIND_PYTHON = for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
	if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; then \
		echo $$python; exit 0; \
	fi; \
done; exit 1

ifeq ($(UV),)
CREATE_VENV = $$python -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS)
else
CREATE_VENV = uv venv --quiet --seed --python $$python $(VENV)
INSTALL = uv pip install --quiet --python $(BIN)/python
endif

install: $(VENV)/installed ## Install Assay in .venv

$(BIN)/python:
	@python=$$($(FIND_PYTHON)) || { \
		echo "$(or $(PYTHON),Nothing here) is no Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12 install" >&2; \
		exit 1; }; \
	echo "Creating $(VENV) with $$python"; rm -rf $(VENV); \
	$(CREATE_VENV)

# The stamps make a second run instant, and a changed pyproject.toml or pin install anew.
$(VENV)/installed: pyproject.toml $(PINS) | $(BIN)/python
	@echo "Installing Assay (a minute or two)"
	@$(INSTALL) -c $(PINS) -e .
	@$(BIN)/assay prepare
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(PINS) | $(BIN)/python
	@echo "Installing Assay and what its tests need (a minute or two)"
	@$(INSTALL) -c $(PINS) -e '.[test,dev]'
	@$(BIN)/assay prepare
	@touch $(VENV)/installed $@

$(PEERS)/installed: $(VENV)/installed-dev
	@echo "Installing vectorbt and backtesting.py in $(PEERS)"
	@rm -rf $(PEERS); $(BIN)/python -m venv $(PEERS)
	@packages='import sysconfig; print(sysconfig.get_path("purelib"))'; \
	echo "import site; site.addsitedir('$$($(BIN)/python -c "$$packages")')" \
		> "$$($(PEERS)/bin/python -c "$$packages")/assay.pth"
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -c $(PINS) 'vectorbt[rust]==1.2.0' backtesting==0.6.6
	@touch $@

# In a home of its own unless you name one.
demo: export ASSAY_HOME ?= var/demo
demo: install ## A simulated market from nothing to a site that goes on living, until Ctrl-C
	@$(BIN)/assay demo

lint: style types

style: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/installed-dev
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

check: lint ## Format, lint, types, layers, unit and contract tests: what one runs all day
	$(BIN)/pytest $(PARALLEL) $(addprefix --ignore=,$(THOROUGH)) src tests/structure tests/unit tests/contract

# mypy knows only one processor: it runs beside the tests, and says what it found when both are done.
test: style ## Everything but the soak tests
	@said=$$(mktemp); { $(BIN)/mypy && $(BIN)/lint-imports --no-cache; } >"$$said" 2>&1 & types=$$!; \
	echo "$(BIN)/pytest $(PARALLEL)"; $(BIN)/pytest $(PARALLEL); tests=$$?; \
	wait $$types; types=$$?; cat "$$said"; rm -f "$$said"; test $$tests -eq 0 && test $$types -eq 0

soak: $(VENV)/installed-dev ## The long proofs, and how long each took
	$(BIN)/pytest -m soak $(PARALLEL) --durations=0

bench: $(PEERS)/installed ## The numbers of the README
	$(PEERS)/bin/python -m benchmarks

# From the recordings in ../shared/data, in var/evidence unless ASSAY_HOME names a home.
evidence: $(VENV)/installed-dev ## What the README says of Bitcoin and Ether, every command of it
	$(BIN)/python examples/hourly_evidence.py

# The columns are those of the home that ASSAY_HOME names, or of a small simulated one that is made for this.
docs: $(VENV)/installed-dev ## Write the pages on indicators, check the docs, write the tables and their lineage as a page
	$(BIN)/python -m assay.pipelines.indicator_pages docs/reference/indicators
	$(BIN)/pytest tests/structure/test_docs.py
	@[ -n "$$ASSAY_HOME" ] || [ -e build/docs/home/lake/tests.json ] || { \
		echo "Building a small simulated home to tell about"; \
		ASSAY_INGEST__SYMBOLS=BTC ASSAY_INGEST__SINCE=60d \
		$(BIN)/assay --home build/docs/home run --sandbox >/dev/null; }
	ASSAY_HOME="$${ASSAY_HOME:-build/docs/home}" $(BIN)/python -m assay.pipelines.documenting build/docs/dbt

clean: ## Remove .venv, caches and build results; never ASSAY_HOME
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf dbt/target dbt/logs
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

constraints: ## Pin the newest versions that work together (with the oldest Python: PYTHON=python3.11)
	@python=$$($(FIND_PYTHON)); scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	$$python -m venv "$$scratch" && "$$scratch/bin/pip" install --quiet -e '.[test,dev]' && \
	{ sed -n '/^#/p' $(PINS); "$$scratch/bin/pip" freeze --exclude-editable; } > "$$scratch/pins" && \
	cp "$$scratch/pins" $(PINS)

help: ## Show this
	@grep -hE '^[a-z]+:.*## ' Makefile | awk -F ':.*## ' '{ printf "make %-12s %s\n", $$1, $$2 }'

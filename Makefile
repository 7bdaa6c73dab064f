# Works with GNU make 3.81 (macOS). Every target installs what it needs, once; see scripts/setup.py.

PYTHON ?= python3
PORT ?= 3000
MINUTES ?= 10
VENV_PYTHON = .venv/bin/python
WITHOUT_BROWSER = tests/unit tests/simulation tests/server tests/stub

.PHONY: help demo wheel test test-next soak bench docs lint clean

help:
	@echo "make demo       a page with the client, and a backend to sign in to, on port $(PORT)"
	@echo "make wheel      the client as a wheel, in static/wheels"
	@echo "make test       every test"
	@echo "make test-next  the tests of real backends, with NextAuth.js inside Next.js: slow"
	@echo "make soak       the synchroniser's simulation with new schedules, for MINUTES=$(MINUTES)"
	@echo "make bench      the pages beside React, the development backend beside NextAuth.js v4"
	@echo "make docs       the README's picture and docs/seed-coverage.md anew"
	@echo "make lint       style and types"
	@echo "make clean      remove what the others installed and built"
	@echo "Another Python: make demo PYTHON=python3.12. Another port: make demo PORT=8000."

demo:
	@$(PYTHON) -m scripts.setup demo
	@$(VENV_PYTHON) -m server_stub --port $(PORT) --dev-controls

wheel:
	@$(PYTHON) -m scripts.setup wheel

# What needs no browser two files at a time, then real browsers alone, because they are timed and counted. The last line
# names the browsers that are not on this machine, so that their tests are not missed in silence.
test:
	@$(PYTHON) -m scripts.setup test
	@status=0; \
		$(VENV_PYTHON) -m pytest $(WITHOUT_BROWSER) --numprocesses 2 --dist loadfile || status=$$?; \
		$(VENV_PYTHON) -m pytest tests/browser tests/backends || status=$$?; \
		$(VENV_PYTHON) -m scripts.browsers missing; exit $$status

test-next:
	@$(PYTHON) -m scripts.setup test-next
	@BACKENDS="v3-next v4-next v5-next" $(VENV_PYTHON) -m pytest tests/backends

soak:
	@$(PYTHON) -m scripts.setup test
	@$(VENV_PYTHON) -m tests.simulation.soak --minutes $(MINUTES)

bench:
	@$(PYTHON) -m scripts.setup test
	@$(VENV_PYTHON) -m bench.session_requests
	@$(VENV_PYTHON) -m bench.pages

docs:
	@$(PYTHON) -m scripts.setup test
	@$(VENV_PYTHON) -m scripts.screenshots
	@$(VENV_PYTHON) -m scripts.seed_coverage

lint:
	@$(PYTHON) -m scripts.setup lint
	$(VENV_PYTHON) -m ruff check
	$(VENV_PYTHON) -m ruff format --check
	$(VENV_PYTHON) -m mypy

clean:
	rm -rf .venv node_modules tests/backends/node/node_modules tests/javascript/node_modules tests/javascript/build \
		tests/backends/next/node_modules tests/backends/next/shared tests/backends/next/*/.next \
		static/vendor static/wheels .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results
	find client server_stub scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

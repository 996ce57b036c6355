# Relative paths and `python -m` throughout: the checkout may stand in a path with blanks or Chinese characters.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
LOCK := requirements-dev.txt

.DEFAULT_GOAL := help
.PHONY: help setup generate lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

setup: .venv/.installed ## make .venv from the lock

.venv/.installed: $(LOCK)
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed; set PYTHON to one.' >&2; exit 2; }
	@echo 'setting up .venv (once; needs the network) ...'
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(LOCK)
	@touch $@

generate: setup ## regenerate generated_client/ from relay.json
	@./generate.sh

lock: setup ## renew requirements-dev.txt from pyproject.toml
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command 'make lock' --group dev pyproject.toml --output-file $(LOCK)

clean: ## remove what can be made again
	rm -rf .venv .venv-* dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Relative paths and `python -m` throughout: the checkout's path may contain spaces or Chinese characters.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
PACKAGE = $(shell find generated_client -not -name "*.pyc" -not -name __pycache__ 2>/dev/null)
MINOR = $$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# pip installs uv from the lock. uv installs the rest, with pip's certificates, and shows its progress on a terminal.
INSTALL := .venv/bin/uv pip install $(shell test -t 2 || echo --quiet) --native-tls --no-deps
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
PYTEST := -n auto --dist worksteal

.DEFAULT_GOAL := help
.SECONDARY:
.PHONY: help setup generate adopt build docs demo standin check corpus diff release live test test-all check-types bench bench-lock lock clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

setup: .venv/.generate ## create .venv for `make generate` and `make check`

.venv/.generate: requirements/generate.txt
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed; set PYTHON to one.' >&2; exit 2; }
	@test ! -L .venv || { echo '.venv is a symbolic link, and its target would be emptied. Remove the link.' >&2; exit 2; }
	@echo 'setting up .venv (once; needs the network) ...'
	@$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' $< > .venv/uv.txt
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.txt
	@$(INSTALL) --require-hashes --python .venv -r $<
	@touch $@

.venv/.%: requirements/%.txt .venv/.generate
	@echo 'adding requirements/$*.txt to .venv (once; needs the network) ...'
	@$(INSTALL) --require-hashes --python .venv -r $<
	@touch $@

generate: setup ## regenerate generated_client/ from relay.json
	@./generate.sh

adopt: setup ## replace relay.json by DOCUMENT, a file, and regenerate everything, or change nothing
	@test -n '$(DOCUMENT)' || { echo 'Name an OpenAPI document: make adopt DOCUMENT=file' >&2; exit 2; }
	@.venv/bin/python -m contract_check adopt "$(DOCUMENT)"

build: dist/.built ## build the wheel and the sdist, reproducibly

dist/.built: .venv/.generate pyproject.toml $(wildcard README.md README.zh-CN.md CHANGELOG.md LICENSE) $(PACKAGE)
	@rm -rf dist
	@.venv/bin/python -P -m build --quiet --no-isolation --outdir dist .
	@ls dist/*
	@touch $@

docs: .venv/.docs ## build the guides and the reference in site/
	@NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --quiet
	@echo site/index.html

demo: setup ## run the README's example against a stand-in relay
	@PYTHONPATH=. .venv/bin/python examples/demo.py

standin: setup ## run a stand-in relay until Ctrl-C; PORT=8080, PACE=seconds per state of a task, ANSWER=scenario (ANSWER=? lists them)
	@.venv/bin/python -m contract_check standin $(if $(PORT),--port "$(PORT)") $(if $(PACE),--pace "$(PACE)") $(if $(ANSWER),--answer "$(ANSWER)") $(ARGS)

check: setup ## check that document, package and requests agree; offline
	@.venv/bin/python -m contract_check $(ARGS)

corpus: setup ## check and generate every document in the folder DOCUMENTS; a line for each
	@test -n '$(DOCUMENTS)' || { echo 'Name a folder of OpenAPI documents: make corpus DOCUMENTS=folder' >&2; exit 2; }
	@.venv/bin/python tests/corpus.py "$(DOCUMENTS)"

live: setup ## check that a relay keeps the contract; BASE_URL, default: a stand-in; free
	@.venv/bin/python -m contract_check live $(if $(BASE_URL),--base-url "$$BASE_URL") $(ARGS)

diff: setup ## list changes for callers between OLD and NEW, documents or git revisions; default NEW: the working tree
	@test -n '$(OLD)' || { echo 'Name what to compare with: make diff OLD=v0.1.0 [NEW=...] [ARGS=--format=markdown]' >&2; exit 2; }
	@.venv/bin/python -m contract_check diff "$(OLD)" $(if $(NEW),"$(NEW)") $(ARGS)

release: setup ## check the release, and build wheel, sdist, checksums and release note in dist/; uploads nothing
	@.venv/bin/python -m contract_check release

# The suite runs on the wheel, in a separate environment for each version of Python; -P keeps the checkout off sys.path.
# The environment for .venv's Python contains only the wheel, and uses the tools in .venv.
test: setup ## run the suite on the built wheel
	@$(MAKE) --no-print-directory .venv-test-$(MINOR)/.wheel
	@.venv-test-$(MINOR)/bin/python -P -m pytest $(PYTEST) -m 'not slow' $(ARGS)

test-all: test .venv/.types .venv/.docs ## make test, the slow tests, and the client's tests on every other installed Python
	@.venv-test-$(MINOR)/bin/python -P -m pytest $(PYTEST) -m slow $(ARGS)
	@for minor in $$(.venv/bin/python tests/pythons.py); do \
		test "$$minor" != $(MINOR) || continue; \
		$(MAKE) --no-print-directory ".venv-test-$$minor/.wheel" || exit; \
		echo "Python $$minor:"; \
		".venv-test-$$minor/bin/python" -P -m pytest $(PYTEST) -m 'not slow' tests/client || exit; \
	done

.venv-test-%/.installed: requirements/generate.txt requirements/test.txt | .venv/.test
	@"$$(.venv/bin/python tests/pythons.py $*)" -m venv --clear --without-pip $(@D)
	@if test $* = $(MINOR); then \
		ln -s ../../.venv/bin/ruff $(@D)/bin && \
		echo ../../../../.venv/lib/python$*/site-packages > $(@D)/lib/python$*/site-packages/tools.pth; \
	else \
		echo 'setting up $(@D) (once; needs the network) ...' && \
		$(INSTALL) --require-hashes --python $(@D) $(^:%=-r %); \
	fi
	@touch $@

.venv-test-%/.wheel: .venv-test-%/.installed dist/.built
	@$(INSTALL) --no-index --reinstall --python $(@D) dist/*.whl
	@touch $@

check-types: .venv/.test .venv/.types ## run mypy, pyright and ruff on the hand-written code
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/python -m mypy
	@.venv/bin/python -m basedpyright --project .

lock: setup ## update requirements/ from pyproject.toml
	@$(COMPILE) --custom-compile-command 'make lock' --group generate pyproject.toml --output-file requirements/generate.txt
	@$(COMPILE) --custom-compile-command 'make lock' --group test -c requirements/generate.txt --output-file requirements/test.txt
	@for group in types docs; do \
		$(COMPILE) --custom-compile-command 'make lock' --group $$group -c requirements/generate.txt -c requirements/test.txt \
			--output-file requirements/$$group.txt || exit; \
	done

bench: .venv-bench/.wheel ## benchmark this client and others; ONLY=sync,imports selects scenarios, QUICK=1 takes fewer samples
	@.venv-bench/bin/python benchmarks/run.py --only '$(ONLY)' $(if $(QUICK),--quick) $(ARGS)

# sniffio, a dependency of this client only, is kept apart, so that the others are measured as they install themselves.
.venv-bench/.installed: benchmarks/requirements.txt | setup
	@echo 'setting up $(@D) (once; needs the network) ...'
	@$(PYTHON) -m venv --clear $(@D)
	@$(INSTALL) --require-hashes --python $(@D) -r $<
	@mkdir $(@D)/ours && mv $(@D)/lib/python*/site-packages/sniffio* $(@D)/ours
	@touch $@

.venv-bench/.wheel: .venv-bench/.installed dist/.built
	@$(INSTALL) --no-index --upgrade --target $(@D)/ours dist/*.whl
	@touch $@

bench-lock: setup ## update benchmarks/requirements.txt from requirements.in
	@$(COMPILE) --custom-compile-command 'make bench-lock' benchmarks/requirements.in --output-file benchmarks/requirements.txt

clean: ## remove everything that can be rebuilt
	rm -rf .venv .venv-* dist build site .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Each target does all its set-up itself, on a fresh Debian 12 as root.
.PHONY: help setup run test test-3.11 test-3.13 bench lint clean
.NOTPARALLEL:

help:
	@echo "make run    see pydrop at work in a real container"
	@echo "make test   everything: lint, then the tests on Python 3.13 and on 3.11"
	@echo "make bench  each target of the design as a ratio against its peer"
	@echo "make lint   ruff, mypy and shellcheck"

setup:
	@tools/setup

run: setup
	@tools/run

test: lint
	tools/test

test-3.11: setup
	.venv/bin/python -m pytest -q

# In a container of Debian trixie; what it tests is what depends on Python, not on the container's engine.
test-3.13: setup
	tools/test-3.13

bench: setup
	bench/run

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	shellcheck tools/setup tools/run tools/podman tools/test tools/test-3.13 .ci/run $(wildcard examples/*/start-* examples/*/*/*.sh examples/git/work/*)

clean:
	rm -rf .venv .mypy_cache .ruff_cache build dist

# Each target does all its set-up itself, on a fresh Debian 12 as root.
.PHONY: help setup run check test soak test-3.11 test-3.13 test-3.14 onefile onefile-dumped dist test-onefile test-arm64 bench lint clean
.NOTPARALLEL:

help:
	@echo "make run        see pydrop at work in a real container"
	@echo "make check      at every step of the work, in a minute: lint, and the short tests"
	@echo "make test       everything that must hold, in twelve minutes: lint, all tests, also on Python 3.13, 3.14 and in containers"
	@echo "make soak       before a release: sieges, a thousand rounds, kills at every call"
	@echo "make bench      each target of the design as a ratio against its peer"
	@echo "make lint       a part of both: ruff, mypy and shellcheck"
	@echo "make test-3.11  a part of make test: all tests on Debian's own Python, those in containers last"
	@echo "make test-3.13  a part of make test: what depends on the version of Python, on 3.13"
	@echo "make test-3.14  a part of make soak: the same on 3.14, of which make test has a short form"
	@echo "make onefile    dist/pydrop: one static file that holds Python and pydrop; minutes the first time, then seconds"
	@echo "make onefile-dumped  dist/pydrop-dumped: the same, begun when it is built; twice as large, and as fast as gosu"
	@echo "make dist       build/dist: what the image pydrop holds: that file, man pages, completion, licences, an SBOM"
	@echo "make test-arm64  a part of make soak: the same file for arm64, under an emulator"
	@echo "make test-onefile  all tests that do not depend on the way pydrop came, on that file"
	@echo "make clean      remove what the other commands made in this folder; images and packages stay in ~/.cache/pydrop"

setup:
	@tools/setup

run: setup
	@tools/run

check: setup
	@tools/lanes.py check

test: setup
	@tools/tested begin
	@tools/lanes.py test
	@tools/tested end

# One after the other: their subject is what happens under load of their own making.
soak: setup
	.venv/bin/python -m pytest -q -m soak --durations=10
	tools/test-python 3.14

test-3.11: setup
	.venv/bin/python -m pytest -q --durations=10

# In a container of the Debian that has it; what it tests is what depends on Python, not on the container's engine.
test-3.13 test-3.14: setup
	tools/test-python $(@:test-%=%)

# CPython is built once for each recipe, and kept in ~/.cache/pydrop/onefile.
onefile: setup
	@.venv/bin/python onefile/make.py

onefile-dumped: setup
	@.venv/bin/python onefile/make.py --dumped dist/pydrop-dumped

# Without setup: its packages are for the tests, and this is what the Dockerfile's stage runs.
dist:
	@onefile/dist.py

test-onefile: onefile
	.venv/bin/python -m pytest -q --durations=10 tests/onefile
	PYDROP_UNDER_TEST=$(CURDIR)/dist/pydrop .venv/bin/python -m pytest -q --durations=10 -m "not soak and not pip" \
	    tests/peers tests/faults tests/program tests/fuzz

test-arm64: setup
	.venv/bin/python -m pytest -q -m soak tests/onefile/test_arm64.py

bench: setup
	bench/run

lint: setup
	@tools/lint

clean:
	rm -rf .venv .mypy_cache .ruff_cache build dist

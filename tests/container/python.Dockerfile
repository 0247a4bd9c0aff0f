# pydrop and its tests' tools on the Python of one Debian, for tools/test-python.
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
        python3-venv python3-dev gcc libc6-dev libcap-dev \
        strace util-linux mount passwd procps e2fsprogs libnss-wrapper busybox gosu tini dumb-init \
        mandoc groff-base zsh fish
# What pydrop and its tests need, before the sources, so that a change of them costs seconds.
COPY pyproject.toml /src/
RUN python3 -m venv /opt/tests \
 && python3 -c 'import tomllib; p = tomllib.load(open("/src/pyproject.toml", "rb"))["project"]; \
        print(*p["dependencies"], *p["optional-dependencies"]["test"], "hatchling", sep="\n")' >/opt/tests/needed \
 && /opt/tests/bin/pip install -r /opt/tests/needed
COPY . /src
RUN /opt/tests/bin/pip install --no-deps --no-build-isolation /src

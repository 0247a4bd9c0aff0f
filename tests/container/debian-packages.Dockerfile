# What pydrop's wheel needs, as Debian packages it; no compiler, no headers.
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-pip python3-venv python3-prctl python3-click python3-psutil \
 && ! command -v gcc cc c99

# The image `pydrop`: one static file, its man pages, completion, licences and SBOM, on nothing.
#
#   docker build --target dist -t pydrop .
#
# In an image of yours, whatever it is made of:
#
#   COPY --from=pydrop / /
#   ENTRYPOINT ["pydrop"]

# CPython is compiled here, by Debian's gcc and musl, from Debian's source: minutes, of which nothing gets into an image.
FROM debian:bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends make python3-venv
COPY . /src
WORKDIR /src
# All files of the image have this time, in seconds since 1970; without it the time of CPython's source.
ARG SOURCE_DATE_EPOCH
RUN make dist

FROM scratch AS dist
LABEL org.opencontainers.image.title="pydrop" \
      org.opencontainers.image.description="The entrypoint of container images" \
      org.opencontainers.image.licenses="MIT AND PSF-2.0 AND BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1"
COPY --from=build /src/build/dist /
ENTRYPOINT ["/usr/bin/pydrop"]

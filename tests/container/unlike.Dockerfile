# An image of another release, which has no Python and no libcap2: pydrop brings what it needs.
FROM pydrop AS bundle
RUN ["pydropctl", "bundle", "--pydrop-only", "/bundle"]
FROM debian:trixie-slim
COPY --from=bundle /bundle /
ENTRYPOINT ["pydrop"]

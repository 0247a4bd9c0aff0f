# The way that docs/without-python.md advises against.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-minimal libcap2
COPY --from=pydrop /opt/pydrop /opt/pydrop
ENTRYPOINT ["/opt/pydrop/bin/pydrop"]

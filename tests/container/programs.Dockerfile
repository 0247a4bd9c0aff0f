# Programs that mind their UID, with pydrop as Dockerfile.example installs it.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
        curl git libfcgi-bin libnss-wrapper nginx-light openssh-client php-fpm postgresql python3 libcap2 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=pydrop-example /opt/pydrop /opt/pydrop
RUN ln -s /opt/pydrop/bin/pydrop /opt/pydrop/bin/pydropctl /usr/local/bin/
ENTRYPOINT ["pydrop"]

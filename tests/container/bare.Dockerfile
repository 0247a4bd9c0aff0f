# Nothing but two programs and pydrop: no shell, no account files, no Python. `cat` runs on a glibc that is newer than the
# bundle's, as in an image of the distroless kind; `busybox` on none, as a program of Go does.
FROM pydrop AS bundle
RUN ["pydropctl", "bundle", "/bundle"]
FROM debian:trixie-slim AS newer
RUN mkdir -p /bare/lib64 /bare/lib/x86_64-linux-gnu /bare/bin \
 && cp /usr/bin/cat /bare/bin/ \
 && cp -L /lib64/ld-linux-x86-64.so.2 /bare/lib64/ \
 && cp -L /lib/x86_64-linux-gnu/libc.so.6 /bare/lib/x86_64-linux-gnu/
FROM scratch
COPY --from=newer /bare /
COPY --from=alpine /bin/busybox /bin/
COPY --from=bundle /bundle /
ENTRYPOINT ["pydrop"]

FROM python:3.12 AS builder
COPY version.c /src/version.c
RUN gcc -I/usr/include/libxml2 -o /usr/local/bin/version /src/version.c -lxml2

FROM python:3.12-slim
COPY --from=builder /usr/local/bin/version /usr/local/bin/version
CMD ["version"]

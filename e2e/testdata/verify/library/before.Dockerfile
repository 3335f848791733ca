FROM python:3.12
COPY version.c /src/version.c
RUN gcc -I/usr/include/libxml2 -o /usr/local/bin/version /src/version.c -lxml2
CMD ["version"]

FROM python:3.12-slim
COPY site /site
USER nobody
EXPOSE 80
CMD ["python", "-u", "-m", "http.server", "--directory", "/site", "80"]

FROM python:3.11 AS builder
ENV PIP_PREFIX=/install

# uwsgi is compiled here
COPY requirements.txt /srv/requirements.txt
RUN pip install --no-cache-dir -r /srv/requirements.txt

FROM python:3.11-slim
COPY --from=builder /install /usr/local
COPY . /srv
WORKDIR /srv
EXPOSE 8000
CMD ["uwsgi", "--ini", "uwsgi.ini"]

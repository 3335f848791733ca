FROM python:3.11

# uwsgi is compiled here
COPY requirements.txt /srv/requirements.txt
RUN pip install --no-cache-dir -r /srv/requirements.txt

COPY . /srv
WORKDIR /srv
EXPOSE 8000
CMD ["uwsgi", "--ini", "uwsgi.ini"]

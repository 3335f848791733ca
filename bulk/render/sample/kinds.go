package sample

// kinds are small repositories of the sorts that are out there; files are
// NAME=TEXT, with ~ for a line break.
var kinds = []struct{ language, dockerfile, files string }{
	{"Python", `FROM python:latest
COPY . .
RUN pip install -r requirements.txt
CMD ["python","app.py"]
`, "requirements.txt=flask==3.0.0~ app.py=import~flask~"},
	{"Python", `FROM python:3.9
MAINTAINER ops@example.com
ENV DB_PASSWORD=harbour-1984
WORKDIR app
ADD . /app
RUN apt-get update
RUN apt-get install -y gcc libpq-dev
RUN pip install -r requirements.txt
EXPOSE 8000
CMD gunicorn app:app -b 0.0.0.0:8000
`, "requirements.txt=gunicorn==22.0.0~psycopg2==2.9.9~ app.py=x"},
	{"JavaScript", `FROM node:20
WORKDIR /app
COPY . .
RUN npm install
RUN npm run build
CMD ["node","dist/index.js"]
`, `package.json={"name":"web","scripts":{"build":"tsc"},"dependencies":{"express":"4"},"devDependencies":{"typescript":"5"}} src/index.ts=import~"express" tsconfig.json={}`},
	{"TypeScript", `FROM node:18
WORKDIR /srv
COPY . /srv
RUN npm ci && npm run build
USER root
CMD npm start
`, `package.json={"name":"api","scripts":{"build":"tsc","start":"node~dist/a.js"},"dependencies":{}} package-lock.json={"lockfileVersion":3,"packages":{}}`},
	{"Go", `FROM golang:1.22
WORKDIR /src
COPY . .
RUN go build -o /app .
CMD ["/app"]
`, "go.mod=module~x go.sum= main.go=package~main~func~main(){}"},
	{"Go", `FROM golang:1.24 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /app .

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /app /app
ENTRYPOINT ["/app"]
`, "go.mod=module~x go.sum= main.go=package~main~func~main(){}"},
	{"Shell", `FROM ubuntu
RUN apt update
RUN apt install -y curl sudo
RUN sudo mkdir -p /data
RUN cd /data && curl -fsSL https://example.com/install.sh | bash
RUN rm -rf /var/lib/apt/lists/*
CMD ["sleep","infinity"]
`, "README.md=x"},
	{"Shell", `FROM debian:12
RUN apt-get update && apt-get dist-upgrade -y
RUN apt-get install -y openssh-server
RUN chmod -R 777 /srv
EXPOSE 22
CMD /usr/sbin/sshd -D
`, "README.md=x"},
	{"HTML", `FROM nginx
COPY site /usr/share/nginx/html
`, "site/index.html=x"},
	{"Java", `FROM maven:3.9-eclipse-temurin-21
WORKDIR /build
COPY . .
RUN mvn -q package
CMD java -jar target/app.jar
`, "pom.xml=<project><artifactId>app</artifactId></project>"},
	{"Ruby", `FROM ruby:3.3
WORKDIR /app
ADD Gemfile Gemfile.lock /app/
RUN bundle install
ADD . /app
RUN chown -R www-data:www-data /app
CMD ["bundle","exec","puma"]
`, "Gemfile=source~'x' Gemfile.lock=GEM config.ru=x"},
	{"C", `FROM alpine
RUN apk add gcc musl-dev
COPY main.c .
RUN gcc -o /bin/tool main.c
ENTRYPOINT /bin/tool
`, "main.c=int"},
}

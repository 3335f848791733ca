FROM golang:1.22 AS build
WORKDIR /src
COPY go.mod main.go ./
RUN CGO_ENABLED=0 go build -o /tides .

FROM scratch
COPY --from=build /tides /tides
EXPOSE 8080
CMD ["/tides"]

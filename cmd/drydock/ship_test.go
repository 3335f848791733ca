package main

import (
	"slices"
	"testing"

	"drydock/images"
	"drydock/rewrite"
)

// Only stages that are built for the image count.
func TestStageNames(t *testing.T) {
	const src = `FROM golang:1.27 AS build
RUN go build -o /app .
FROM node:24 AS site
RUN npm run build
FROM build AS tests
RUN go test ./...
FROM debian AS tools
FROM alpine AS run
COPY --from=build /app /app
RUN --mount=type=bind,from=tools,target=/t cp /t/x /x
COPY --from=nginx:1 /etc/nginx /etc/nginx
FROM run AS small
`
	doc, err := rewrite.Parse("Dockerfile", src, images.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string][]string{"": {"build", "tools", "run", "small"}, "tests": {"build", "tests"}, "site": {"site"}, "4": {"build", "tools", "run"}} {
		if got := stageNames(doc, target); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", target, got, want)
		}
	}
}

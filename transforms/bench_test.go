package transforms

import (
	"context"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// thirtyLines is what people write: several steps that can be joined, comments
// in continuations, an install behind COPY, no user.
const thirtyLines = `# The service behind the booking page.
FROM python:3.12-slim

LABEL org.opencontainers.image.title="booking"
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
ARG VERSION=dev

RUN apt-get update
RUN apt-get install -y --no-install-recommends \
    # for psycopg2
    libpq-dev \
    gcc \
    curl
RUN rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY . .
# the requirements change once a month
RUN pip install --no-cache-dir -r requirements.txt

RUN mkdir -p /data/uploads
RUN chown -R www-data /data

ENV PORT=8000
EXPOSE 8000
VOLUME /data
HEALTHCHECK --interval=30s CMD curl -fsS http://localhost:8000/health || exit 1

ENTRYPOINT ["python"]
CMD ["app.py"]
`

func BenchmarkBuildKitParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parser.Parse(strings.NewReader(thirtyLines)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rewrite.Parse("Dockerfile", thirtyLines, images.Catalogue()); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkFix(b *testing.B, src string, rp *repo.Repo, o rewrite.Options) {
	b.ReportAllocs()
	for b.Loop() {
		in := rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: src, Repo: rp, Images: images.Catalogue()}
		if _, err := rewrite.Run(context.Background(), in, All(), o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFix(b *testing.B) {
	fixed := func(o rewrite.Options) (string, *repo.Repo) {
		rp := smallContext()
		res, err := rewrite.Run(context.Background(), rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: thirtyLines, Repo: rp, Images: images.Catalogue()}, All(), o)
		if err != nil {
			b.Fatal(err)
		}
		for n, text := range res.Files {
			rp = rp.With(n, []byte(text))
		}
		return res.After, rp
	}
	b.Run("safe", func(b *testing.B) { benchmarkFix(b, thirtyLines, smallContext(), rewrite.Options{}) })
	b.Run("unsafe", func(b *testing.B) { benchmarkFix(b, thirtyLines, smallContext(), rewrite.Options{Unsafe: true}) })
	b.Run("offer", func(b *testing.B) { benchmarkFix(b, thirtyLines, smallContext(), rewrite.Options{Offer: true}) })
	b.Run("nothing to do", func(b *testing.B) {
		src, rp := fixed(rewrite.Options{})
		benchmarkFix(b, src, rp, rewrite.Options{})
	})
	b.Run("safe, registry", func(b *testing.B) { // nothing in the file moves, so nothing is asked
		b.ReportAllocs()
		rp := smallContext()
		for b.Loop() {
			in := rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: thirtyLines, Repo: rp, Images: images.Live(fakeStore{}, images.Date)}
			if _, err := rewrite.Run(context.Background(), in, All(), rewrite.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("no context", func(b *testing.B) { benchmarkFix(b, thirtyLines, repo.Load(nil), rewrite.Options{}) })
}

package images

import "testing"

func BenchmarkImage(b *testing.B) {
	for _, s := range []string{"python:3.12-slim", "node:14.17.0-alpine3.13", "ubuntu", "php:8.3-fpm", "golang:1.13", "maven:3.8.4-jdk-11-slim"} {
		r, err := ParseRef(s)
		if err != nil {
			b.Fatal(err)
		}
		c := Catalogue()
		c.Image(r)
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Image(r)
			}
		})
	}
}

func BenchmarkParseRef(b *testing.B) {
	for b.Loop() {
		if _, err := ParseRef("docker.io/library/python:3.12-slim"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFirstUse(b *testing.B) {
	data, err := files.ReadFile(fileOf("python"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := parseFamily("python", string(data)); err != nil {
			b.Fatal(err)
		}
	}
}

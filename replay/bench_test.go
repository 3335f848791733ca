package replay

import (
	"fmt"
	"testing"
)

// 10,000 commits over 2,000 files, a Dockerfile of two stages before and after.
func BenchmarkRun(b *testing.B) {
	base := files{".dockerignore": ".git\n**/*.md\n**/node_modules\ntest*\n!test/keep\n", "package.json": "1", "package-lock.json": "1"}
	for i := range 2000 {
		base[fmt.Sprintf("pkg%d/sub%d/file%d.js", i%40, i%7, i)] = fmt.Sprint(i)
	}
	commits := []files{base}
	for i := 1; i <= 10_000; i++ {
		c := files{}
		for k := range 1 + i%5 {
			n := (i*31 + k*17) % 2000
			c[fmt.Sprintf("pkg%d/sub%d/file%d.js", n%40, n%7, n)] = fmt.Sprint(i)
		}
		if i%20 == 0 {
			c["package.json"] = fmt.Sprint(i)
		}
		commits = append(commits, c)
	}
	h := past(commits...)
	before := Input{Doc: parse(b, "FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\nFROM node:20-slim\nCOPY --from=build /app/dist /d\nCOPY pkg1 pkg2 /p/\n"), Repo: today(base)}
	after := before
	after.Doc = parse(b, "FROM node:20 AS build\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\nFROM node:20-slim\nCOPY --from=build /app/dist /d\nCOPY pkg1 pkg2 /p/\n")
	b.ResetTimer()
	for b.Loop() {
		r, err := Run(b.Context(), h, before, after)
		if err != nil || r.Commits != 10_000 {
			b.Fatal(r, err)
		}
	}
}

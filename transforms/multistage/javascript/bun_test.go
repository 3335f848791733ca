package javascript_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

func TestBun(t *testing.T) {
	const (
		pkg   = `{"name": "buoy", "scripts": {"start": "bun src/buoy.ts", "build": "bun build src/buoy.ts --outdir dist"}, "dependencies": {"ms": "2.1.3"}, "devDependencies": {"typescript": "5.6.3"}}`
		app   = "import ms from 'ms';\nconsole.log(ms('2m'));\n"
		start = "CMD [\"bun\", \"run\", \"start\"]\n"
	)
	files := func(from, lines string) map[string]string {
		return map[string]string{"Dockerfile": "FROM " + from + "\nWORKDIR /app\nCOPY . .\n" + lines, "package.json": pkg, "src/buoy.ts": app}
	}
	with := func(files map[string]string, name, text string) map[string]string {
		files[name] = text
		return files
	}
	const compile = "RUN bun install\nRUN bun build --compile src/buoy.ts --outfile buoy\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string // of the file, or of the reason
	}{
		"nothing is built":                     {files("oven/bun:1", "RUN bun install\n"+start), "RUN bun install --production\n\nFROM oven/bun:1-slim\nWORKDIR /app\nCOPY --from=builder /app /app\n"},
		"a build needs them, a second install": {with(files("oven/bun:1.1-debian", "RUN bun install --frozen-lockfile\nRUN bun run build\n"+start), "bun.lock", "{}"), "RUN bun run build\nRUN rm -rf node_modules && bun install --production --frozen-lockfile\n\nFROM oven/bun:1.1-slim\n"},
		"latest":                               {files("oven/bun", "RUN bun install\nCMD [\"bun\", \"src/buoy.ts\"]\n"), "FROM oven/bun:slim\n"},
		"a script after the install":           {with(files("oven/bun:1", "RUN bun install && bun run build\n"+start), "package.json", strings.Replace(pkg, `"start"`, `"postinstall": "tsc", "start"`, 1)), "RUN bun install && bun run build\n\nFROM"},
		"its own production install":           {files("oven/bun:1", "RUN bun install --production\n"+start), "RUN bun install --production\n\nFROM oven/bun:1-slim\n"},
		"a secret":                             {files("oven/bun:1", "RUN --mount=type=secret,id=npmrc,target=/app/.npmrc bun install\nRUN bun run build\n"+start), "RUN bun run build\n\nFROM oven/bun:1-slim"},
		"Alpine is small":                      {files("oven/bun:1-alpine", "RUN bun install\n"+start), "FROM oven/bun:1-alpine\n"},
		"make at the start":                    {files("oven/bun:1", "RUN bun install\nCMD make && bun src/buoy.ts\n"), "CMD runs make"},

		"compiled, CMD":         {files("oven/bun:1", compile+"CMD [\"./buoy\"]\n"), "FROM gcr.io/distroless/base-debian"},
		"compiled on Alpine":    {files("oven/bun:1-alpine", compile+"CMD [\"./buoy\"]\n"), "FROM oven/bun:1-alpine\n"},
		"compiled, a shell":     {files("oven/bun:1", compile+"CMD ./buoy\n"), "CMD is in shell form"},
		"compiled, no path":     {files("oven/bun:1", compile+"CMD [\"bun\", \"src/buoy.ts\"]\n"), "CMD runs bun, and bun build writes /app/buoy"},
		"compiled, its own SQL": {with(files("oven/bun:1", compile+"CMD [\"./buoy\"]\n"), "src/buoy.ts", "import { Database } from \"bun:sqlite\";\n"), "src/buoy.ts:1 reads files or starts programs"},
		"compiled, an addon":    {with(files("oven/bun:1", compile+"CMD [\"./buoy\"]\n"), "package.json", strings.Replace(pkg, `"ms": "2.1.3"`, `"sharp": "0.33.0"`, 1)), "package.json names sharp, an addon"},
		"for another system":    {files("oven/bun:1", "RUN bun build --compile --target=bun-linux-x64-musl --outfile=buoy src/buoy.ts\nCMD [\"./buoy\"]\n"), "for another system"},
		"a RUN behind it":       {files("oven/bun:1", compile+"RUN chmod 755 buoy\nCMD [\"./buoy\"]\n"), "the effects of chmod 755 buoy aren't known"},
	} {
		t.Run(name, func(t *testing.T) {
			res := splittest.Files(t, c.files)
			if got := res.After + splittest.Reasons(res); !strings.Contains(got, c.want) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
		})
	}
}

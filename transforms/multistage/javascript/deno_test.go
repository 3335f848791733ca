package javascript_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

func TestDenoDeclines(t *testing.T) {
	built := "FROM denoland/deno:2.1.4\nWORKDIR /app\nCOPY . .\n"
	compile := built + "RUN deno compile --allow-net -o tides main.ts\n"
	entry := "ENTRYPOINT [\"/app/tides\"]\n"
	plain := "Deno.serve(() => new Response(\"open\\n\"));\n"
	for _, c := range []struct{ dockerfile, source, want string }{
		{compile + "CMD [\"/app/tides\"]\n", plain, "own entry point (tini)"},
		{compile + "USER deno\n" + entry, plain, "no user deno"},
		{compile + "RUN chmod +x tides\n" + entry, plain, "distroless has no shell"},
		{compile + "ENTRYPOINT /app/tides\n", plain, "shell form"},
		{compile + "ENTRYPOINT [\"deno\", \"run\", \"main.ts\"]\n", plain, "which deno compile doesn't write"},
		{compile + entry, "const t = await Deno.readTextFile(\"tides.txt\");\n", "main.ts:1 reads files"},
		{compile + entry, "localStorage.setItem(\"high\", \"04:12\");\n", "main.ts:1 reads files"},
		{built + "RUN deno compile main.ts\n" + entry, plain, "names no output"},
		// nothing to split, nothing to say
		{built + "RUN deno cache main.ts\nCMD [\"run\", \"--allow-net\", \"main.ts\"]\n", plain, ""},
	} {
		res := splittest.Files(t, map[string]string{"Dockerfile": c.dockerfile, "main.ts": c.source})
		if res.Changed() || !strings.Contains(splittest.Reasons(res), c.want) || c.want == "" && splittest.Reasons(res) != "" {
			t.Errorf("%s\nchanged: %v\ndeclined with %q, want %q", c.dockerfile, res.Changed(), splittest.Reasons(res), c.want)
		}
	}
}

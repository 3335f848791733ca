package probe

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"drydock/verify/probe/wire"
)

// The embedded programs are made from today's sources: the same bytes where the same Go builds them, else by the hash of the
// sources that the linker wrote into them. The cure is make probe.
func TestProgramsAreOfTheseSources(t *testing.T) {
	dir := t.TempDir()
	pack(t, dir)
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		exe, err := Program(arch)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(bytes.NewReader(exe))
		if err != nil || f.Machine != machine {
			t.Fatalf("%s: %v, %v", arch, f, err)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP {
				t.Errorf("%s: the program isn't static", arch)
			}
		}
		built, err := buildinfo.Read(bytes.NewReader(exe))
		if err != nil {
			t.Fatal(err)
		}
		now, err := os.ReadFile(filepath.Join(dir, "probe-linux-"+arch+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		if built.GoVersion == goVersion(t) {
			if !bytes.Equal(now, map[string][]byte{"amd64": amd64, "arm64": arm64}[arch]) {
				t.Errorf("the embedded probe for %s isn't what %s makes of these sources: run make probe", arch, built.GoVersion)
			}
			continue
		}
		t.Logf("the embedded probe for %s was built with %s, for byte equality use that one; its sources are compared by hash", arch, built.GoVersion)
		if hash := pack(t, "-sources"); !bytes.Contains(exe, []byte(hash)) {
			t.Errorf("the embedded probe for %s is of other sources: run make probe", arch)
		}
	}
	if _, err := Program("riscv64"); err == nil || !strings.Contains(err.Error(), "--platform") {
		t.Errorf("an architecture without a probe: %v", err)
	}
}

// The embedded program runs from a folder with its Spec in a file, and as the one argument.
func TestTheEmbeddedProgramRuns(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it runs on Linux")
	}
	exe, err := Program(runtime.GOARCH)
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "probe")
	if err := os.WriteFile(file, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, want := output(t, file, "-sources"), pack(t, "-sources"); strings.TrimSpace(got) != want {
		t.Errorf("its sources are %s, today's %s: run make probe", got, want)
	}
	if out, err := exec.Command(file).CombinedOutput(); err == nil || !strings.Contains(string(out), "spec.json") {
		t.Errorf("without a Spec: %v, %s", err, out)
	}
	if out, err := exec.Command(file, "nonsense").CombinedOutput(); err == nil {
		t.Errorf("with nonsense: %s", out)
	}
}

func TestAResultSurvivesTheBuildLog(t *testing.T) {
	want := wire.Result{UID: 10001, Replies: []Reply{{Port: 8000, Path: "/", Status: 200, Body: "\x1b[0m ünï\n"}}}
	word, err := wire.Fit(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Find("noise\n" + Marker + word + "\nmore noise")
	if err != nil || got.UID != want.UID || len(got.Replies) != 1 || got.Replies[0] != want.Replies[0] {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"noise", Marker + "!!", Marker + "aGk="} {
		if _, err := Find(bad); err == nil {
			t.Errorf("%q must be an error", bad)
		}
	}
}

// BuildKit cuts logs: a result that is too long loses files, not its end.
func TestAResultFitsIntoALog(t *testing.T) {
	var res wire.Result
	seed := uint32(1)
	for range 20000 {
		seed = seed*1664525 + 1013904223
		res.Writes = append(res.Writes, Write{Path: "/data/" + strings.Repeat(string(rune('a'+seed>>27)), 3) + string(rune('0'+seed>>5&0xfff))})
	}
	res.Exit = 7
	word, err := wire.Fit(res)
	if err != nil || len(word) > 96<<10 {
		t.Fatalf("%d bytes, %v", len(word), err)
	}
	got, err := Find(Marker + word)
	if err != nil || got.Exit != 7 || !got.Truncated.Writes && len(got.Writes) < 20000 {
		t.Errorf("%v: %d writes, cut %v", err, len(got.Writes), got.Truncated.Writes)
	}
}

func TestRequests(t *testing.T) {
	for s, want := range map[string]Get{"GET /healthz": {Method: "GET", Path: "/healthz"}, "/": {Method: "GET", Path: "/"}, "POST  /a?b=c": {Method: "POST", Path: "/a?b=c"}} {
		if got, err := ParseGet(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "GET", "healthz", "get /", "GET / HTTP/1.1", "GET\thttp://x/"} {
		if got, err := ParseGet(s); err == nil {
			t.Errorf("%q was taken: %v", s, got)
		}
	}
}

func pack(t *testing.T, arg string) string {
	t.Helper()
	return strings.TrimSpace(output(t, "go", "run", "./pack", arg))
}

func goVersion(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(output(t, "go", "env", "GOVERSION"))
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

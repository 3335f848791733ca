package builder

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// The test binary plays buildctl, docker and podman: PATH has links to it by those
// names, and FAKE says how it behaves.
func TestMain(m *testing.M) {
	if how := os.Getenv("FAKE"); how != "" {
		os.Exit(fake(how, filepath.Base(os.Args[0]), os.Args[1:]))
	}
	os.Exit(m.Run())
}

// call is what a fake was called with.
type call struct {
	Program string
	Args    []string
	Epoch   bool              // SOURCE_DATE_EPOCH was set
	Files   map[string]string // of the Dockerfile's folder
}

// fakes puts programs of these names on PATH, alone, and gives the calls that they got.
func fakes(t *testing.T, how string, programs ...string) (calls func() []call) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, log := t.TempDir(), filepath.Join(t.TempDir(), "calls")
	for _, p := range programs {
		if err := os.Symlink(self, filepath.Join(dir, p)); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{"PATH": dir, "FAKE": how, "FAKE_LOG": log, "TMPDIR": t.TempDir(), "BUILDKIT_HOST": ""} {
		t.Setenv(name, value)
	}
	return func() (out []call) {
		raw, err := os.ReadFile(log)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			var c call
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				t.Fatal(err)
			}
			out = append(out, c)
		}
		return out
	}
}

// after gives the word that follows flag.
func (c call) after(flag string) string {
	if i := slices.Index(c.Args, flag); i >= 0 && i+1 < len(c.Args) {
		return c.Args[i+1]
	}
	return ""
}

func fake(how, program string, args []string) int {
	c := call{Program: program, Args: args, Files: map[string]string{}}
	_, c.Epoch = os.LookupEnv("SOURCE_DATE_EPOCH")
	dir := filepath.Dir(c.after("--file"))
	for _, a := range args {
		if d, ok := strings.CutPrefix(a, "dockerfile="); ok {
			dir = d
		}
	}
	for _, f := range []string{"Dockerfile", "Dockerfile.dockerignore"} {
		if text, err := os.ReadFile(filepath.Join(dir, f)); err == nil {
			c.Files[f] = string(text)
		}
	}
	raw, err := json.Marshal(c)
	must(err)
	f, err := os.OpenFile(os.Getenv("FAKE_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(err)
	_, err = f.Write(append(raw, '\n'))
	must(err)
	must(f.Close())

	line := strings.Join(args, " ")
	if how == "none" {
		fmt.Fprintln(os.Stderr, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
		return 1
	}
	switch {
	case how == "killed":
		self, err := os.FindProcess(os.Getpid())
		must(err)
		must(self.Kill())
		time.Sleep(time.Minute)
		return 1
	case how == "hangs":
		time.Sleep(time.Minute)
		return 1
	case strings.HasSuffix(line, "debug workers"):
		fmt.Print("ID\t\t\tPLATFORMS\nr9nizui7032l\tlinux/amd64,linux/386\n")
		return 0
	case strings.HasPrefix(line, "buildx inspect") && how == "unreachable":
		fmt.Print("Name:   default\nDriver: \nError:  failed to connect to the docker API at unix:///var/run/docker.sock\n\nNodes:\n")
		return 0
	case strings.HasPrefix(line, "buildx inspect") && how == "plain":
		fmt.Fprint(os.Stderr, "docker: unknown command: docker buildx\n\nRun 'docker --help' for more information\n")
		return 1
	case strings.HasPrefix(line, "buildx inspect"):
		fmt.Print("Name:          lab\nDriver:        " + os.Getenv("FAKE_DRIVER") + "\nLast Activity: 2026-11-28 07:46:46 +0000 UTC\n\nNodes:\nName:             lab0\nPlatforms:        linux/amd64*, linux/arm64\n")
		return 0
	case line == "version":
		return 0
	case strings.HasPrefix(line, "save "):
		tag, err := name.NewTag(args[len(args)-1])
		must(err)
		img, err := random.Image(1000, 2)
		must(err)
		must(tarball.WriteToFile(c.after("--output"), tag, img))
		return 0
	case strings.HasPrefix(line, "rmi "), strings.HasPrefix(line, "untag "):
		return 0
	}
	switch how {
	case "docker driver":
		if strings.Contains(line, "type=oci") {
			fmt.Fprint(os.Stderr, "ERROR: failed to build: OCI exporter is not supported for the docker driver.\nSwitch to a different driver, or turn on the containerd image store, and try again.\nLearn more at https://docs.docker.com/go/build-exporters/\n")
			return 1
		}
	case "fails":
		fmt.Fprint(os.Stderr, os.Getenv("FAKE_SAYS"))
		return 1
	case "polite": // takes the interrupt
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, os.Interrupt)
		fmt.Fprintln(os.Stderr, told("sha256:1", "[1/1] RUN sleep", "", noon, time.Time{}))
		<-stop
		must(os.WriteFile(os.Getenv("FAKE_LOG")+".interrupted", nil, 0o600))
		return 1
	case "rude", "child": // doesn't, and has a child that holds the output
		signal.Ignore(os.Interrupt)
		if how == "rude" {
			self, err := os.Executable()
			must(err)
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), "FAKE=child")
			cmd.Stderr = os.Stderr
			must(cmd.Start())
			must(os.WriteFile(os.Getenv("FAKE_LOG")+".child", fmt.Append(nil, cmd.Process.Pid), 0o600))
			fmt.Fprintln(os.Stderr, told("sha256:1", "[1/1] RUN sleep", "", noon, time.Time{}))
		}
		time.Sleep(time.Minute)
		return 1
	}
	if program == "podman" {
		fmt.Print(podmanSays)
		return 0
	}
	fmt.Fprintln(os.Stderr, told("sha256:1", "[1/2] FROM docker.io/library/debian:12", "", noon, after(1)))
	fmt.Fprintln(os.Stderr, told("sha256:2", "[2/2] RUN make", "", after(1), after(4)))
	if meta := c.after("--metadata-file"); meta != "" {
		must(os.WriteFile(meta, []byte(`{"containerimage.digest":"sha256:abc"}`), 0o600))
	}
	return 0
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// told is a line of --progress=rawjson.
func told(digest, name, failed string, started, completed time.Time) string {
	v := map[string]any{"digest": digest, "name": name, "started": started}
	if !completed.IsZero() {
		v["completed"] = completed
	}
	if failed != "" {
		v["error"] = failed
	}
	raw, err := json.Marshal(map[string]any{"vertexes": []any{v}})
	must(err)
	return string(raw)
}

// printed is a line of --progress=rawjson that tells a step's output.
func printed(digest string, stream int, text string, at time.Time) string {
	return fmt.Sprintf(`{"logs":[{"vertex":%q,"stream":%d,"data":%q,"timestamp":%q}]}`, digest, stream,
		base64.StdEncoding.EncodeToString([]byte(text)), at.Format(time.RFC3339Nano))
}

const podmanSays = `[1/2] STEP 1/2: FROM docker.io/library/debian:12 AS base
[1/2] STEP 2/2: RUN make
--> Using cache 0f1e2d3c
--> 0f1e2d3c
[2/2] STEP 1/2: FROM base
[2/2] STEP 2/2: RUN echo hello
hello
--> 3fbb54d38df
`

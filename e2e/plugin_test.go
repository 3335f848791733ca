//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dockerWith is the docker command line with drydock for a plugin, and no daemon.
type dockerWith struct {
	docker, config, dir string
}

func dockerPlugin(t *testing.T) *dockerWith {
	t.Helper()
	d := &dockerWith{docker: insist(t, "docker", "apt-get install -y docker-cli, or take the one of docker.com"), config: t.TempDir(), dir: t.TempDir()}
	plugins := filepath.Join(d.config, "cli-plugins")
	if err := os.Mkdir(plugins, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(world.drydock, filepath.Join(plugins, "docker-drydock")); err != nil { // as make install-plugin does
		t.Fatal(err)
	}
	for name, text := range map[string]string{"Dockerfile": "FROM debian:12\nMAINTAINER x\n", "clean/Dockerfile": "FROM scratch\n"} {
		name = filepath.Join(d.dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *dockerWith) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.docker, args...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+d.config, "DOCKER_HOST=unix://"+filepath.Join(d.config, "no.sock"), "DOCKER_CONTEXT=")
	return cmd
}

// run gives what docker writes, and its exit code.
func (d *dockerWith) run(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := d.command(t.Context(), args...)
	var out, errs strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.String(), errs.String(), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), 0
}

func TestDockerPlugin(t *testing.T) {
	d := dockerPlugin(t)

	out, _, _ := d.run(t, "", "info", "--format", "{{json .ClientInfo.Plugins}}") // there is no daemon, which it says too
	var plugins []struct{ Name, Vendor, Version, SchemaVersion, ShortDescription, Err string }
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &plugins); err != nil {
		t.Fatalf("docker info: %v\n%s", err, out)
	}
	if len(plugins) != 1 || plugins[0].Name != "drydock" || plugins[0].Vendor != "drydock" || plugins[0].SchemaVersion != "0.1.0" || plugins[0].Version == "" || plugins[0].Err != "" {
		t.Errorf("docker info: %+v", plugins)
	}
	if out, _, _ := d.run(t, "", "--help"); !strings.Contains(out, "drydock*") || !strings.Contains(out, "Rewrite Dockerfiles") {
		t.Errorf("docker --help lists no drydock:\n%s", out)
	}

	for _, c := range []struct {
		args, stdin string
		code        int
		out, errs   string
	}{
		{args: "drydock diff", code: 1, out: "-MAINTAINER x\n+LABEL"},
		{args: "drydock check clean"},
		{args: "--log-level error --context default drydock check clean"},
		{args: "drydock check Dockerfile", code: 1, out: "Dockerfile:2: label-not-maintainer"},
		{args: "drydock check nowhere", code: 2, errs: "no such file"},
		{args: "drydock fix --nope", code: 64, errs: "see docker drydock --help"},
		{args: "drydock fix -", stdin: "FROM debian:12\nMAINTAINER y\n", out: `LABEL org.opencontainers.image.authors="y"`},
		{args: "drydock --version", out: "drydock version"},
		{args: "drydock --help", out: "docker drydock VERB"},
		{args: "drydock fix --help", out: "docker drydock fix - "},
		{args: "help drydock", out: "docker drydock VERB"},
		{args: "__complete drydock diff --form", out: "--format\t"},
		{args: "__complete drydock diff clean --format js", out: "json\n:4"},
		{args: "__complete drydock di", out: "diff\t"},
		{args: "drydock fix Dockerfile", out: "1 changed"},
	} {
		out, errs, code := d.run(t, c.stdin, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
			t.Errorf("docker %s: exit code %d, want %d, stdout with %q, stderr with %q\n%s\n%s", c.args, code, c.code, c.out, c.errs, out, errs)
		}
	}
	if text, err := os.ReadFile(filepath.Join(d.dir, "Dockerfile")); err != nil || !strings.Contains(string(text), "LABEL") {
		t.Errorf("docker drydock fix wrote %q, %v", text, err)
	}
}

// A signal that docker alone gets ends the plugin: it waits for standard input here, and says that it was interrupted.
func TestDockerPluginInterrupted(t *testing.T) {
	d := dockerPlugin(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		cmd := d.command(ctx, "drydock", "check", "-")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var errs strings.Builder
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitForPlugin(t, cmd.Process.Pid)
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		err = cmd.Wait()
		in.Close()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(errs.String(), "interrupted") {
			t.Errorf("%v: %v\n%s", signal, err, errs.String())
		}
	}
}

// waitForPlugin waits until docker's plugin waits for its input: it is there, and has its own copy of docker's socket.
func waitForPlugin(t *testing.T, docker int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		children, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, stat := range children {
			text, err := os.ReadFile(stat)
			if err != nil {
				continue // it ended
			}
			_, rest, _ := strings.Cut(string(text), ") ")
			f := strings.Fields(rest)
			if !strings.Contains(string(text), "(docker-drydock)") || len(f) < 2 || f[1] != strconv.Itoa(docker) {
				continue
			}
			if links, _ := filepath.Glob(filepath.Join(filepath.Dir(stat), "fd", "*")); holdsSocket(links) {
				return
			}
		}
	}
	t.Fatal("docker started no plugin")
}

func holdsSocket(links []string) bool {
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && strings.HasPrefix(to, "socket:") {
			return true
		}
	}
	return false
}

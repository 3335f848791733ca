package verify

import (
	"fmt"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"drydock/verify/imagefs"
	"drydock/verify/probe"
	"drydock/verify/probe/wire"
)

// A folder that the program makes is told once, not again for each file and folder
// below it; what it writes elsewhere is told too.
func TestUnwritable(t *testing.T) {
	before := &subject{img: &imagefs.Image{Tree: imagefs.Tree{}}, saw: &probe.Result{Writes: []wire.Write{
		{Path: "/app/data", Folder: true, New: true},
		{Path: "/app/data/deep", Folder: true, New: true},
		{Path: "/app/data/deep/a.db", New: true},
		{Path: "/srv/log", New: true},
		{Path: "/srv/more", New: true},
		{Path: "/srv/sub/x", New: true},
		{Path: "/tmp/x", New: true},
	}}}
	root := func(mode int64) *imagefs.Node { return &imagefs.Node{Type: '5', Mode: mode} }
	after := &subject{saw: &probe.Result{}, img: &imagefs.Image{
		Config: v1.ConfigFile{Config: v1.Config{User: "1000"}},
		Tree:   imagefs.Tree{".": root(0o755), "app": root(0o755), "srv": root(0o755), "srv/sub": root(0o755), "tmp": root(0o777)},
	}}
	var got []string
	for _, f := range unwritable(before, after) {
		got = append(got, f.Names...)
	}
	want := []string{"/app/data", "/srv", "/srv/sub"}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("told %q, want %q", got, want)
	}
}

// npm as root keeps its state below /root; run by node it does so below /home/node.
func TestUnwritableInTheHome(t *testing.T) {
	passwd := "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\nbare:x:1001:1001::/home/bare:/bin/sh\n"
	files := contents{"etc/passwd": passwd, "root/": "", "root/.config/": "", "home/": "", "home/node/": ""}
	wrote := &probe.Result{Writes: []wire.Write{{Path: "/root/.config/npm.json", New: true}}}
	for _, c := range []struct {
		name, user string
		was        v1.Config
		breaks     int
	}{
		{"a home of its own", "node", v1.Config{}, 0},
		{"a home that isn't there", "bare", v1.Config{}, 1},
		{"nobody known", "4711", v1.Config{}, 1},
		{"HOME as it was", "node", v1.Config{Env: []string{"HOME=/root"}}, 1},
		{"in a volume", "node", v1.Config{Volumes: map[string]struct{}{"/root/.config": {}}}, 1},
	} {
		before := &subject{img: files.image(t, c.was), saw: wrote}
		after := &subject{img: files.image(t, v1.Config{User: c.user, Env: c.was.Env}), saw: &probe.Result{}}
		after.img.Tree["home/node"].UID = 1000
		if got := unwritable(before, after); len(got) != c.breaks {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// What a platform sets is set where the command asks for it and the image doesn't.
func TestSpecSetsPort(t *testing.T) {
	shell := func(text string) []string { return []string{"/bin/sh", "-c", text} }
	for _, c := range []struct {
		argv, env, given []string
		want             string
	}{
		{shell("exec gunicorn --bind :$PORT main:app"), nil, nil, "[PORT=8080] [8080]"},
		{shell("serve -p ${PORT}"), []string{"PORTS=1"}, nil, "[PORT=8080] [8080]"},
		{shell("serve -p $PORT"), []string{"PORT=3000"}, nil, "[] [3000]"},
		{shell("serve -p $PORT"), nil, []string{"PORT=5000"}, "[PORT=5000] [5000]"},
		{shell("serve -p ${PORT:-80}"), nil, nil, "[] []"},
		{shell("serve -p $PORTAL"), nil, nil, "[] []"},
		{[]string{"python", "app.py"}, nil, nil, "[] []"},
	} {
		p := &Prover{opt: Options{Probe: Probe{Env: c.given}}}
		s, err := p.spec(v1.Config{Env: c.env}, c.argv)
		if got := fmt.Sprint(s.Env, " ", s.Ports); err != nil || got != c.want {
			t.Errorf("%q: %s, %v; want %s", c.argv, got, err, c.want)
		}
	}
}

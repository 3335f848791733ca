package multistage

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// binaries is a split whose build stage compiles programs that need no
// toolchain when they run: Go's and Rust's.
type binaries struct {
	*split
	outputs   []output
	made      []madePath
	repeats   []*rewrite.Instruction // RUNs that make accounts and folders, and nothing else
	last      *rewrite.Instruction   // the last step of the build
	copies    []string               // image paths besides the programs
	computed  string                 // file:line that opens a computed path
	binDirs   map[string]string      // output path -> path in the runtime stage
	generates bool                   // a RUN writes files that the context doesn't hold

	ran     *rewrite.Instruction  // CMD or ENTRYPOINT that compiled when it started
	ranLine []string              // what it says now
	folders []string              // of the context: the packages that are built
	noData  func() *regexp.Regexp // entries of the project that no program reads

	needs     []string        // why the runtime image is one with a shell and a package manager
	installed map[string]bool // packages of the build that the program may use
	devs      []string        // -dev packages of the build, whose libraries may be linked
	apk       []string        // packages that Alpine installs in the runtime stage
	passes    bool            // a script starts what CMD says
	scripts   []string        // scripts of the project that start
	certs     bool            // certificates of authorities may be read
	runAs     string          // USER of an image without /etc/passwd
	tz        bool            // time zones are read
	unlike    string          // what scratch lacks and the program may need
}

// output is a program that a build writes.
type output struct {
	path string // in the image
	root string // the module's or package's folder in the image
	in   *rewrite.Instruction
	step rewrite.Step

	pkg   *repo.GoPackage // of Go
	mod   *repo.Go
	cgo   bool // built with cgo
	cross bool // GOOS and GOARCH are BuildKit's TARGETOS and TARGETARCH

	musl bool // of Rust: linked with musl
}

// madePath is a path that a file command makes.
type madePath struct {
	in   *rewrite.Instruction
	path string
}

// moved follows a binary that is renamed or copied.
func (b *binaries) moved(in *rewrite.Instruction, st rewrite.Step) bool {
	var words []string
	for _, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			words = append(words, abs(st.Dir, a))
		}
	}
	if len(words) < 2 || strings.ContainsAny(strings.Join(words, ""), "$`*?[") {
		return b.decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
	}
	to := words[len(words)-1]
	folder := len(words) > 2 || strings.HasSuffix(st.Args[len(st.Args)-1], "/") || b.isDir(in, to)
	for _, from := range words[:len(words)-1] {
		dest := to
		if folder {
			dest = path.Join(to, path.Base(from))
		}
		i := slices.IndexFunc(b.outputs, func(o output) bool { return o.path == from })
		if i < 0 {
			b.made = append(b.made, madePath{in, dest})
			continue
		}
		o := b.outputs[i]
		o.path = dest
		if st.Name == "mv" {
			b.outputs = slices.Delete(b.outputs, i, i+1)
		}
		b.outputs = append(slices.DeleteFunc(b.outputs, func(have output) bool { return have.path == dest }), o)
	}
	return true
}

func abs(dir, p string) string {
	if strings.HasPrefix(p, "/") {
		return path.Clean(p)
	}
	return path.Join(dir, p)
}

// touches notes paths that mkdir and touch make; accounts and modes of files
// don't reach the runtime stage.
func (b *binaries) touches(in *rewrite.Instruction, st rewrite.Step) {
	if st.Name != "mkdir" && st.Name != "touch" && st.Name != "ln" && st.Name != "install" && st.Name != "tee" {
		return
	}
	for _, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			b.made = append(b.made, madePath{in, abs(st.Dir, a)})
		}
	}
}

// mades declines for folders and files that the program may expect.
func (b *binaries) mades() bool {
	for _, m := range b.made {
		if b.kept != nil {
			b.makes(m.path)
			continue
		}
		known := false
		for _, o := range b.outputs {
			known = known || rewrite.Inside(o.path, m.path) || m.path == o.root || rewrite.Inside(o.root, m.path)
		}
		wd := b.stage.At(nil).Workdir
		if ctx, by := b.stage.Origin(nil, m.path, b.p.Repo, b.p.Name); by != nil && !(b.p.Repo.IsDir(ctx) && b.holdsData(ctx, 0)) {
			known = true // the context brings it: a file, or a folder of source
		}
		if known || m.path == wd || m.path == "/go" || strings.HasPrefix(m.path, "/tmp") || strings.HasPrefix(m.path, "/root/.ssh") {
			continue
		}
		if slices.Contains(b.repeats, m.in) {
			b.wants("line %s makes %s", lineOf(m.in), m.path)
		} else {
			return b.decline(m.in, "it makes %s, which the runtime image would lack", m.path)
		}
	}
	return true
}

func lowPort(in *rewrite.Instruction) bool {
	for _, f := range in.Fields() {
		p, _, _ := strings.Cut(f.Text, "/")
		if n := atoiOr0(p); n > 0 && n < 1024 {
			return true
		}
	}
	return false
}

// isDir: -o names a folder that exists when go build runs.
func (b *binaries) isDir(in *rewrite.Instruction, p string) bool {
	switch p {
	case "/bin", "/usr", "/usr/bin", "/usr/local", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin", "/go", "/go/bin", "/go/src", "/tmp", "/opt", "/root", "/home", "/srv", "/etc", "/var", "/mnt", "/":
		return true
	}
	for _, i := range b.stage.Instructions {
		if i == in {
			break
		}
		if rewrite.Inside(i.Stage.At(i.Next()).Workdir, p) && i.Next() != nil {
			return true
		}
		for _, t := range b.p.Effects(i).Trees {
			if rewrite.Inside(t.Dest, p) && (t.Dest != p || t.Dir) {
				return true
			}
		}
	}
	for _, m := range b.made {
		if rewrite.Inside(m.path, p) {
			return true
		}
	}
	ctx, by := b.stage.Origin(in, p, b.p.Repo, b.p.Name)
	return by != nil && b.p.Repo.IsDir(ctx)
}

func newBinaries(s *split) binaries {
	return binaries{split: s, binDirs: map[string]string{}, installed: map[string]bool{}}
}

// reads is the beginning of the assumption: which files there are.
func (b *binaries) reads() string {
	if b.computed != "" {
		return b.computed + " opens paths that only a run shows: they lie in the project's data, all of which is copied, or are given from outside"
	}
	return "the program reads no files but those that its source names"
}

// others is the end of the assumption: which other programs there are.
func (b *binaries) others() string {
	if len(b.needs) == 0 {
		return ", and it starts no other program"
	}
	return ", and it starts no programs but those that it names"
}

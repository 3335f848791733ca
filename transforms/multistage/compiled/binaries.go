package compiled

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// Binaries is a split whose build stage compiles programs that need no
// toolchain when they run: Go's and Rust's.
type Binaries struct {
	*split.Split
	Outputs   []Output
	made      []MadePath
	repeats   []*rewrite.Instruction // RUNs that make accounts and folders, and nothing else
	Last      *rewrite.Instruction   // the last step of the build
	copies    []string               // image paths besides the programs
	computed  string                 // file:line that opens a computed path
	binDirs   map[string]string      // output path -> path in the runtime stage
	generates bool                   // a RUN writes files that the context doesn't hold

	ran     *rewrite.Instruction  // CMD or ENTRYPOINT that compiled when it started
	ranLine []string              // what it says now
	Folders []string              // of the context: the packages that are built
	NoData  func() *regexp.Regexp // entries of the project that no program reads

	Needs     []string        // why the runtime image is one with a shell and a package manager
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

// Output is a program that a build writes.
type Output struct {
	Path string // in the image
	root string // the module's or package's folder in the image
	In   *rewrite.Instruction
	Step rewrite.Step

	Pkg        *repo.GoPackage // of Go
	mod        *repo.Go
	Cgo        bool          // built with cgo
	cross      bool          // GOOS and GOARCH are BuildKit's TARGETOS and TARGETARCH
	CgoEnabled string        // what CGO_ENABLED says where it is built, "" where nothing does
	fixed      bool          // the recipe of a makefile that builds it sets CGO_ENABLED
	maker      *rewrite.Step // the make of the RUN whose recipe builds it; nil where the RUN builds by itself

	musl bool // of Rust: linked with musl
}

// MadePath is a path that a file command makes.
type MadePath struct {
	In   *rewrite.Instruction
	Path string
}

// moved follows a binary that is renamed or copied.
func (b *Binaries) moved(in *rewrite.Instruction, st rewrite.Step) bool {
	var words []string
	for _, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			words = append(words, cmdline.Abs(st.Dir, a))
		}
	}
	if len(words) < 2 || strings.ContainsAny(strings.Join(words, ""), "$`*?[") {
		return b.Decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
	}
	to := words[len(words)-1]
	folder := len(words) > 2 || strings.HasSuffix(st.Args[len(st.Args)-1], "/") || b.isDir(in, to)
	for _, from := range words[:len(words)-1] {
		dest := to
		if folder {
			dest = path.Join(to, path.Base(from))
		}
		i := slices.IndexFunc(b.Outputs, func(o Output) bool { return o.Path == from })
		if i < 0 {
			b.made = append(b.made, MadePath{in, dest})
			continue
		}
		o := b.Outputs[i]
		o.Path = dest
		if st.Name == "mv" {
			b.Outputs = slices.Delete(b.Outputs, i, i+1)
		}
		b.Outputs = append(slices.DeleteFunc(b.Outputs, func(have Output) bool { return have.Path == dest }), o)
	}
	return true
}

// touches notes paths that mkdir and touch make; accounts and modes of files
// don't reach the runtime stage.
func (b *Binaries) touches(in *rewrite.Instruction, st rewrite.Step) {
	if st.Name != "mkdir" && st.Name != "touch" && st.Name != "ln" && st.Name != "install" && st.Name != "tee" {
		return
	}
	for _, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			b.made = append(b.made, MadePath{in, cmdline.Abs(st.Dir, a)})
		}
	}
}

// mades declines for folders and files that the program may expect.
func (b *Binaries) mades() bool {
	for _, m := range b.made {
		if b.Kept != nil {
			b.Makes(m.Path)
			continue
		}
		known := false
		for _, o := range b.Outputs {
			known = known || rewrite.Inside(o.Path, m.Path) || m.Path == o.root || rewrite.Inside(o.root, m.Path)
		}
		wd := b.Stage.At(nil).Workdir
		if ctx, by := b.Stage.Origin(nil, m.Path, b.Pass.Repo, b.Pass.Name); by != nil && !(b.Pass.Repo.IsDir(ctx) && b.holdsData(ctx, 0)) {
			known = true // the context brings it: a file, or a folder of source
		}
		if known || m.Path == wd || m.Path == "/go" || strings.HasPrefix(m.Path, "/tmp") || strings.HasPrefix(m.Path, "/root/.ssh") {
			continue
		}
		if slices.Contains(b.repeats, m.In) {
			b.wants("line %s makes %s", cmdline.LineOf(m.In), m.Path)
		} else {
			return b.Decline(m.In, "it makes %s, which the runtime image would lack", m.Path)
		}
	}
	return true
}

// isDir: -o names a folder that exists when go build runs.
func (b *Binaries) isDir(in *rewrite.Instruction, p string) bool {
	switch p {
	case "/bin", "/usr", "/usr/bin", "/usr/local", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin", "/go", "/go/bin", "/go/src", "/tmp", "/opt", "/root", "/home", "/srv", "/etc", "/var", "/mnt", "/":
		return true
	}
	for _, i := range b.Stage.Instructions {
		if i == in {
			break
		}
		if rewrite.Inside(i.Stage.At(i.Next()).Workdir, p) && i.Next() != nil {
			return true
		}
		for _, t := range b.Pass.Effects(i).Trees {
			if rewrite.Inside(t.Dest, p) && (t.Dest != p || t.Dir) {
				return true
			}
		}
	}
	for _, m := range b.made {
		if rewrite.Inside(m.Path, p) {
			return true
		}
	}
	ctx, by := b.Stage.Origin(in, p, b.Pass.Repo, b.Pass.Name)
	return by != nil && b.Pass.Repo.IsDir(ctx)
}

// New is a stage that compiles programs, of which nothing is known yet.
func New(s *split.Split) Binaries {
	return Binaries{Split: s, binDirs: map[string]string{}, installed: map[string]bool{}}
}

// reads is the beginning of the assumption: which files there are.
func (b *Binaries) reads() string {
	if b.computed != "" {
		return b.computed + " opens paths that only a run shows: they lie in the project's data, all of which is copied, or are given from outside"
	}
	return "the program reads no files but those that its source names"
}

// others is the end of the assumption: which other programs there are.
func (b *Binaries) others() string {
	if len(b.Needs) == 0 {
		return ", and it starts no other program"
	}
	return ", and it starts no programs but those that it names"
}

package rewrite

import (
	"maps"
	"path"
	"strings"
	"sync"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"drydock/images"
)

// State is what holds at one place of a stage, stages it is built from
// included. Values are expanded with BuildKit's own lexer; a variable without
// a known value stays as written.
type State struct {
	Env     map[string]string // set by ENV in this file
	Args    map[string]string // declared by ARG with a default; an ENV of that name wins unless the ARG comes later
	Workdir string            // absolute; "" when it depends on a base that isn't known
	User    string            // as written; "" when only the base decides
	Shell   []string          // by SHELL; nil for the default
	Base    *images.Image     // facts about the image at the root of the chain; not nil, shared
	Known   bool              // whether Base is known

	late map[string]string // those of Args that came after an ENV of the same name
}

// Root reports whether the user is certainly root.
func (s State) Root() bool {
	u := s.User
	if u == "" {
		if !s.Known {
			return false
		}
		u = s.Base.User
	}
	name, _, _ := strings.Cut(u, ":")
	return name == "" || name == "root" || name == "0"
}

// Abs resolves a path of the image against the working directory; ok is false
// when that isn't known or the path holds a variable.
func (s State) Abs(p string) (string, bool) {
	if strings.ContainsAny(p, "$`*?[{~") {
		return "", false
	}
	if strings.HasPrefix(p, "/") {
		return path.Clean(p), true
	}
	if s.Workdir == "" {
		return "", false
	}
	return path.Join(s.Workdir, p), true
}

// Expand replaces the variables of a word as BuildKit would.
func (s State) Expand(word string) string {
	return expand(s.lookup(), '\\', word)
}

func (s State) lookup() envs { return envs{s.late, s.Env, s.Args} }

// envs is a shell.EnvGetter: the first map wins.
type envs [3]map[string]string

func (e envs) Get(k string) (string, bool) {
	for _, m := range e {
		if v, ok := m[k]; ok {
			return v, true
		}
	}
	return "", false
}

func (e envs) Keys() []string {
	var out []string
	for _, m := range e {
		for k := range m {
			out = append(out, k)
		}
	}
	return out
}

// lexers are BuildKit's word lexers for the two escape tokens there are, kept
// since each holds its buffers.
var (
	lexers         = sync.Pool{New: func() any { return newLex('\\') }}
	backtickLexers = sync.Pool{New: func() any { return newLex('`') }}
)

func newLex(escape rune) *shell.Lex {
	lex := shell.NewLex(escape)
	lex.SkipUnsetEnv = true
	return lex
}

func expand(env envs, escape rune, word string) string {
	if !strings.ContainsAny(word, "$\"'"+string(escape)) {
		return word
	}
	pool := &lexers
	if escape != '\\' {
		pool = &backtickLexers
	}
	lex := pool.Get().(*shell.Lex)
	out, _, err := lex.ProcessWord(word, env)
	pool.Put(lex)
	if err != nil {
		return word
	}
	return out
}

// globals are the ARG defaults from before the first FROM.
func (d *Document) globals() map[string]string {
	out := map[string]string{}
	for _, in := range d.Instructions {
		if in.Stage != nil {
			break
		}
		if cmd, ok := in.Cmd.(*instructions.ArgCommand); ok {
			for _, a := range cmd.Args {
				if a.Value != nil {
					out[a.Key] = d.expandGlobal(out, *a.Value)
				}
			}
		}
	}
	return out
}

// expandGlobal replaces the variables of FROM and of the ARGs in front of it.
// Where a name isn't among args nobody sets it, so what ${X:-y} and ${X-y} hold
// for that case counts. $X stays: State.Expand's rule.
func (d *Document) expandGlobal(args map[string]string, word string) string {
	for from := 0; ; {
		at := strings.Index(word[from:], "${")
		if at < 0 {
			return expand(envs{args}, rune(d.Escape), word)
		}
		at += from
		from = at + 2
		end, depth := from, 1
		for ; end < len(word) && depth > 0; end++ {
			switch word[end] {
			case '{':
				depth++
			case '}':
				depth--
			}
		}
		name, unset, ok := strings.Cut(word[from:max(end-1, from)], "-")
		name = strings.TrimSuffix(name, ":")
		if _, set := args[name]; ok && depth == 0 && !set && !strings.ContainsAny(name, "{$:+#%/") {
			word, from = word[:at]+unset+word[end:], at
		}
	}
}

// Global is the default of an ARG in front of the first FROM; ok is false when
// there is none.
func (d *Document) Global(name string) (value string, ok bool) {
	value, ok = d.globals()[name]
	return value, ok
}

// BaseName is the reference after FROM with global ARG defaults filled in.
func (s *Stage) BaseName() string {
	s.facts.baseOnce.Do(s.resolve)
	return s.facts.base
}

// Parent is the earlier stage that this one is built from, nil for an image.
func (s *Stage) Parent() *Stage {
	s.facts.baseOnce.Do(s.resolve)
	if s.facts.parent < 0 {
		return nil
	}
	return s.doc.Stages[s.facts.parent]
}

func (s *Stage) resolve() {
	f := s.facts
	f.base, f.parent = s.From.Cmd.(*instructions.Stage).BaseName, -1
	if strings.ContainsAny(f.base, "$\"'\\`") { // FROM "python" is python
		f.base = s.doc.expandGlobal(s.doc.globals(), f.base)
	}
	name := strings.ToLower(f.base)
	for i := s.Index - 1; i >= 0 && f.parent < 0; i-- {
		if p := s.doc.Stages[i]; p.Name != "" && p.Name == name {
			f.parent = i
		}
	}
	f.windows = WindowsImage(s.From.Args.Text)
}

// root is the stage at the start of the chain of parents.
func (s *Stage) root() *Stage {
	for {
		p := s.Parent()
		if p == nil {
			return s
		}
		s = p
	}
}

// windows reports whether the chain starts from an image for Windows.
func (s *Stage) windows() bool { return s.root().facts.windows }

// Image gives the facts about the image that the chain starts from.
func (s *Stage) Image() (images.Image, bool) {
	if s.doc.images == nil {
		return images.Image{}, false
	}
	f := s.facts
	f.imageOnce.Do(func() {
		if ref, err := images.ParseRef(s.root().BaseName()); err == nil {
			f.image, f.known = s.doc.images.Image(ref)
		}
	})
	return f.image, f.known
}

// At is the state just before instruction in; with nil, at the stage's end. Its
// maps are shared: callers must not change them.
func (s *Stage) At(in *Instruction) State {
	f := s.facts
	f.statesOnce.Do(func() { f.states = s.walk() })
	if in == nil || in.Stage != s || in == s.From {
		return *f.states[len(f.states)-1]
	}
	return *f.states[in.state]
}

// setsState reports whether the state behind an instruction may be another.
func setsState(in *Instruction) bool {
	switch in.Keyword {
	case "env", "arg", "workdir", "user", "shell":
		return true
	}
	return false
}

// walk works out the states of a stage.
func (s *Stage) walk() []*State {
	var st State
	if p := s.Parent(); p != nil {
		st = p.At(nil) // ARGs included: dockerfile2llb's dispatchState.init
	} else {
		st.Base = &images.Image{}
		if img, ok := s.Image(); ok {
			st.Base, st.Known = &img, true
		}
		switch {
		case s.BaseName() == "scratch":
			st.Base, st.Known, st.Workdir = &images.Image{Libc: "none"}, true, "/"
		case st.Known && st.Base.Workdir != "":
			st.Workdir = st.Base.Workdir
		case st.Known:
			st.Workdir = "/"
		default:
			if ref, err := images.ParseRef(s.BaseName()); err == nil {
				st.Workdir = images.Folder(ref)
			}
		}
		st.Env, st.Args = map[string]string{}, map[string]string{}
	}
	out := []*State{&st}
	for _, in := range s.Instructions {
		if setsState(in) {
			next := out[len(out)-1].after(in)
			out = append(out, &next)
		}
	}
	return out
}

// after is the state behind an instruction. Maps that change are copied first.
func (s State) after(in *Instruction) State {
	escape := rune(in.doc.Escape)
	switch cmd := in.Cmd.(type) {
	case *instructions.EnvCommand:
		before := s.lookup()
		s.Env, s.late = clone(s.Env), maps.Clone(s.late)
		for _, kv := range cmd.Env {
			k := expand(before, escape, kv.Key)
			s.Env[k] = expand(before, escape, kv.Value)
			delete(s.late, k)
		}
	case *instructions.ArgCommand:
		s.Args, s.late = clone(s.Args), maps.Clone(s.late)
		for _, a := range cmd.Args {
			var v string
			if a.Value != nil {
				v = expand(s.lookup(), escape, *a.Value)
			} else if g, ok := in.doc.globals()[a.Key]; ok {
				v = g
			} else {
				continue
			}
			s.Args[a.Key] = v
			if _, ok := s.Env[a.Key]; ok {
				if s.late == nil {
					s.late = map[string]string{}
				}
				s.late[a.Key] = v
			}
		}
	case *instructions.WorkdirCommand:
		p := expand(s.lookup(), escape, cmd.Path)
		switch {
		case strings.Contains(p, "$"):
			s.Workdir = ""
		case strings.HasPrefix(p, "/"):
			s.Workdir = path.Clean(p)
		case s.Workdir != "":
			s.Workdir = path.Join(s.Workdir, p)
		}
	case *instructions.UserCommand:
		s.User = expand(s.lookup(), escape, cmd.User)
	case *instructions.ShellCommand:
		s.Shell = cmd.Shell
	}
	return s
}

func clone(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}

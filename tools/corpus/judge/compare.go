package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The fields a Drift can be about, and the names Declared.Fields uses. A name
// after a colon narrows it: "env:PATH", "labels:maintainer", "exec-env:CC".
const (
	Cmd         = "cmd"
	Entrypoint  = "entrypoint"
	Env         = "env"
	User        = "user"
	Workdir     = "workdir"
	Ports       = "ports"
	Volumes     = "volumes"
	Labels      = "labels"
	Healthcheck = "healthcheck"
	StopSignal  = "stopsignal"
	OnBuild     = "onbuild"
	Shell       = "shell"
	Author      = "author"

	CommandLost  = "command-lost"
	CommandAdded = "command-added"
	PackageLost  = "package-lost"
	ExecEnv      = "exec-env"
	ExecUser     = "exec-user"
	ExecCwd      = "exec-cwd"
	ExecShell    = "exec-shell"
	ExecOpts     = "exec-opts" // umask, set -u, sourced files
	Flow         = "flow"      // the condition a command runs under, what its failure does
	Mounts       = "mounts"    // also network, security, secrets
	CopyLost     = "copy-lost"
	CopyAdded    = "copy-added"
	Bases        = "bases"
	Stages       = "stages" // a named stage is gone, or another one cannot be built
)

// Drift is one difference.
type Drift struct {
	Field string `json:"field"`
	Name  string `json:"name,omitempty"` // the variable, label, command or copy
	Stage string `json:"stage,omitempty"`
	Was   string `json:"was,omitempty"`
	Is    string `json:"is,omitempty"`
	At    string `json:"-"` // the command, for those about how one runs
}

func (d Drift) String() string {
	s := d.Field
	if d.Name != "" {
		s += " " + fmt.Sprintf("%.120q", d.Name)
	}
	if d.Stage != "" {
		s += " in stage " + d.Stage
	}
	if d.Was != "" || d.Is != "" {
		s += fmt.Sprintf(": %.80q became %.80q", d.Was, d.Is)
	}
	return s
}

// Compare lists what after does differently from before.
func Compare(before, after *Image) []Drift {
	before = before.onBasesOf(after)
	out := compareConfig("", before.Config, after.Config)
	for _, name := range slices.Sorted(maps.Keys(before.Stages)) {
		b, ok := after.Stages[name]
		if !ok {
			out = append(out, Drift{Field: Stages, Name: name, Was: "present", Is: "gone"})
			continue
		}
		out = append(out, compareConfig(name, before.Stages[name], b)...)
	}
	for _, d := range diff(before.Failed, after.Failed, "", Stages) {
		d.Is = "cannot be built alone"
		out = append(out, d)
	}
	out = append(out, compareCommands(before.Commands, after.Commands)...)
	out = append(out, diff(before.Copies, after.Copies, CopyLost, CopyAdded)...)
	out = append(out, diff(before.Bases, after.Bases, Bases, Bases)...)
	have := packages(after.Commands)
	for _, p := range slices.Sorted(maps.Keys(packages(before.Commands))) {
		if !have[p] {
			out = append(out, Drift{Field: PackageLost, Name: p})
		}
	}
	return out
}

// onBasesOf is the image with the base images of after in its copies and
// mounts, where both have as many: a stage that does nothing is known by its
// base, and that the base is another one is told anyway.
func (img *Image) onBasesOf(after *Image) *Image {
	if len(img.Bases) != len(after.Bases) || slices.Equal(img.Bases, after.Bases) {
		return img
	}
	var pairs []string
	for i, b := range img.Bases {
		if b != after.Bases[i] {
			pairs = append(pairs, b+":", after.Bases[i]+":", b+" ", after.Bases[i]+" ")
		}
	}
	rename := strings.NewReplacer(pairs...)
	out := *img
	out.Copies = slices.Clone(img.Copies)
	for i, c := range out.Copies {
		if !slices.Contains(after.Copies, c) { // an image named by --from itself stays
			out.Copies[i] = rename.Replace(c)
		}
	}
	out.Commands = slices.Clone(img.Commands)
	for i := range out.Commands {
		mounts := slices.Clone(out.Commands[i].State.Mounts)
		for k := range mounts {
			mounts[k] = rename.Replace(mounts[k])
		}
		out.Commands[i].State.Mounts = mounts
	}
	return &out
}

// diff compares two multisets; without a field, a side is not reported.
func diff(before, after []string, lost, added string) []Drift {
	count := map[string]int{}
	for _, s := range before {
		count[s]++
	}
	for _, s := range after {
		count[s]--
	}
	var out []Drift
	for _, s := range slices.Sorted(maps.Keys(count)) {
		n := count[s]
		for ; n > 0 && lost != ""; n-- {
			out = append(out, Drift{Field: lost, Name: s, Was: "present"})
		}
		for ; n < 0 && added != ""; n++ {
			out = append(out, Drift{Field: added, Name: s, Is: "present"})
		}
	}
	return out
}

func compareCommands(before, after []Command) []Drift {
	old, now := byText(before), byText(after)
	var a, b []string
	for _, c := range before {
		a = append(a, c.Text)
	}
	for _, c := range after {
		b = append(b, c.Text)
	}
	out := diff(a, b, CommandLost, CommandAdded)
	for _, text := range slices.Sorted(maps.Keys(old)) {
		x, y := rest(old[text], now[text]), rest(now[text], old[text])
		for i := 0; i < len(x); i++ { // those that differ in mounts only belong together, also where others are gone
			a := x[i]
			a.Mounts = nil
			j := slices.IndexFunc(y, func(b State) bool { b.Mounts = nil; return a.key() == b.key() })
			if j >= 0 {
				out = append(out, compareStates(text, x[i], y[j])...)
				x, y = slices.Delete(x, i, i+1), slices.Delete(y, j, j+1)
				i--
			}
		}
		// Of the states that are left, those that differ least belong together; of
		// several the ones whose conditions begin alike.
		for len(x) > 0 && len(y) > 0 {
			bi, bj, least, alike := -1, -1, []Drift(nil), 0
			for i, a := range x {
				for j, b := range y {
					d, n := compareStates(text, a, b), commonPrefix(a.Flow, b.Flow)
					if bi < 0 || len(d) < len(least) || len(d) == len(least) && n > alike {
						bi, bj, least, alike = i, j, d, n
					}
				}
			}
			out = append(out, least...)
			x, y = slices.Delete(x, bi, bi+1), slices.Delete(y, bj, bj+1)
		}
	}
	return out
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func byText(cs []Command) map[string][]State {
	out := map[string][]State{}
	for _, c := range cs {
		out[c.Text] = append(out[c.Text], c.State)
	}
	return out
}

// rest gives the states of x that y doesn't have, in a fixed order.
func rest(x, y []State) []State {
	have := map[string]int{}
	for _, s := range y {
		have[s.key()]++
	}
	var out []State
	for _, s := range x {
		if k := s.key(); have[k] > 0 {
			have[k]--
		} else {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b State) int { return cmp.Compare(a.key(), b.key()) })
	return out
}

func (s State) key() string {
	return strings.Join([]string{
		s.User, s.Cwd, s.Shell, s.Opts, s.Flow, strings.Join(s.Env, "\x01"), strings.Join(s.Mounts, "\x01"), // a change of mounts keeps the order
	}, "\x00")
}

func compareStates(text string, a, b State) []Drift {
	var out []Drift
	add := func(field, was, is string) {
		if was != is {
			out = append(out, Drift{Field: field, Name: text, Was: was, Is: is, At: text})
		}
	}
	add(ExecUser, a.User, b.User)
	add(ExecCwd, a.Cwd, b.Cwd)
	add(ExecShell, a.Shell, b.Shell)
	add(ExecOpts, a.Opts, b.Opts)
	add(Flow, a.Flow, b.Flow)
	add(Mounts, strings.Join(a.Mounts, ", "), strings.Join(b.Mounts, ", "))
	x, y := table(a.Env), table(b.Env)
	for _, k := range slices.Sorted(maps.Keys(union(x, y))) {
		was, before := x[k]
		is, after := y[k]
		if was != is || before != after {
			out = append(out, Drift{Field: ExecEnv, Name: k, Was: was, Is: is + " (at " + text + ")", At: text})
		}
	}
	return out
}

func table(env []string) map[string]string {
	out := map[string]string{}
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		out[k] = v
	}
	return out
}

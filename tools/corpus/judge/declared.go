package judge

import (
	"sort"
	"strings"
)

// Declared is what the applied transforms say they change.
type Declared struct {
	Fields  []string // field names from the list above, "env:NAME" for one name; "*" for everything
	Added   []string // commands, as shell source; may hold several simple commands
	Dropped []string
	Applied map[string]int // changes by transform
	// Narrowed are folders of other stages of which parts are copied in the place of the whole.
	Narrowed []Narrowed
}

// Narrowed is a folder that was copied whole.
type Narrowed struct {
	Src, Dest string
	Kept      []string // paths below it that are copied to their old places
}

// narrows excuses the copies that a narrowed folder makes of one: the whole that goes, and
// each of the parts that comes from the same stage with the same owner and mode.
func (d Declared) narrows(drifts []Drift) map[int]bool {
	out := map[int]bool{}
	for _, n := range d.Narrowed {
		for i, x := range drifts {
			from, rest, ok := cutCopy(x.Name, n.Src, n.Dest)
			if x.Field != CopyLost || !ok || out[i] {
				continue
			}
			out[i] = true
			for _, k := range n.Kept {
				for j, y := range drifts {
					f, r, ok := cutCopy(y.Name, n.Src+"/"+k, n.Dest+"/"+k)
					if y.Field == CopyAdded && ok && f == from && r == rest && !out[j] {
						out[j] = true
						break
					}
				}
			}
			break
		}
	}
	return out
}

// cutCopy reads the text of a copy from src to dest: what it comes from, and its owner
// and mode.
func cutCopy(text, src, dest string) (from, rest string, ok bool) {
	from, text, ok = strings.Cut(text, ": "+src)
	if !ok {
		return "", "", false
	}
	text = strings.TrimPrefix(text, "/")
	text, ok = strings.CutPrefix(text, " -> "+dest)
	text = strings.TrimPrefix(text, "/")
	return from, text, ok && (text == "" || text[0] == ' ')
}

// Undeclared leaves the drifts that d doesn't announce. A dropped command does not
// announce a lost package: that takes the field "package-lost:INSTALLER NAME".
func (d Declared) Undeclared(drifts []Drift) []Drift {
	fields := map[string]bool{}
	for _, f := range d.Fields {
		fields[f] = true
	}
	if fields["*"] {
		return nil
	}
	added, dropped := newPool(d.Added), newPool(d.Dropped)
	// A command that goes at one place and comes at another isn't one that runs
	// differently.
	moved := newPool(d.Added).both(newPool(d.Dropped))
	narrowed := d.narrows(drifts)
	var out []Drift
	for i, x := range drifts {
		name := x.Name
		switch {
		case narrowed[i]:
		case fields[x.Field], fields[x.Field+":"+name]:
		case x.At != "" && moved[loose(x.At)]:
		case x.Field == ExecEnv && (fields[Env] || fields[Env+":"+name]):
		case x.Field == ExecShell && fields[Shell]:
		case x.Field == Flow && without(x.Was, d.Dropped) == without(x.Is, d.Added):
		case x.Field == CommandAdded && added.take(name):
		case x.Field == CommandLost && dropped.take(name):
		default:
			out = append(out, x)
		}
	}
	return out
}

// without is a condition with the declared commands taken out of it.
func without(flow string, commands []string) string {
	flow = loose(flow)
	const gone = "\x00"
	for _, c := range commands {
		if c = loose(c); c != "" {
			flow = strings.ReplaceAll(flow, c, gone)
		}
	}
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(flow, " && "+gone, ""), gone+" && ", ""), gone, "")
}

// pool holds declared commands, each of which excuses one drift.
type pool map[string]int

func newPool(scripts []string) pool {
	p := pool{}
	for _, src := range scripts {
		steps, ok := splitScript(src, "/", "")
		if !ok {
			p[loose(src)]++
			continue
		}
		var texts []string
		for _, s := range steps {
			texts = append(texts, loose(s.text))
		}
		sort.Strings(texts)
		for _, t := range texts {
			p[t]++
		}
	}
	return p
}

func (p pool) take(text string) bool {
	k := loose(text)
	if p[k] == 0 {
		return false
	}
	p[k]--
	return true
}

// both are the commands of two pools.
func (p pool) both(q pool) map[string]bool {
	out := map[string]bool{}
	for k := range p {
		if q[k] > 0 {
			out[k] = true
		}
	}
	return out
}

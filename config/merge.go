package config

import (
	"maps"

	"drydock/transforms"
)

// Effective is what holds for one Dockerfile.
type Effective struct {
	Files    []*File // that were read for it, from the top down
	Safety   Value   // Safe or Unsafe
	Base     Value   // the last kind that was asked for; Rules has what it means
	Context  Value   // folder, absolute
	Rules    map[string]Rule
	Ignores  []Ignore // those for this Dockerfile, ended ones too
	Excluded Value    // the pattern that leaves it out; not set when none does
}

// effective merges files, which go from the top down, for the Dockerfile at the absolute
// path: each file's settings come over those of the files above it, and in a file those of
// the overrides that take the Dockerfile, in their order, over the file's own. Ignores add up.
// Of exclude patterns the last one of the nearest file that speaks of the Dockerfile decides.
func effective(files []*File, abs string) *Effective {
	e := &Effective{Files: files, Rules: map[string]Rule{}}
	for _, f := range files {
		rel, within := f.relative(abs)
		e.apply(f.Settings)
		for _, o := range f.Overrides {
			if _, takes := o.match.Match(rel); within && takes {
				e.apply(o.Settings)
			}
		}
		for _, i := range f.Ignores {
			if _, takes := i.match.Match(rel); i.Path == "" || within && takes {
				e.Ignores = append(e.Ignores, i)
			}
		}
		if at, takes := f.exclude.Match(rel); within && at >= 0 {
			e.Excluded = Value{}
			if takes {
				e.Excluded = f.Exclude[at]
			}
		}
	}
	return e
}

func (e *Effective) apply(s Settings) {
	e.Safety, e.Base, e.Context = s.Safety.or(e.Safety), s.Base.or(e.Base), s.Context.or(e.Context)
	if s.Base.Set() {
		maps.Copy(e.Rules, baseRules(e.Rules, s.Base))
	}
	for name, r := range s.Rules {
		e.Rules[name] = e.Rules[name].over(r)
	}
}

// baseRules are what a kind of base means to the transforms that choose one, as with
// --base: the policy of those that know it, and those run that only run when asked for.
func baseRules(now map[string]Rule, kind Value) map[string]Rule {
	out := map[string]Rule{}
	for _, name := range BaseTransforms {
		t, r := transforms.ByName(name), now[name]
		r.Policy = Value{}
		if t.OptIn {
			r.Run = Value{}
		}
		if KnowsBase(t, kind.Text) {
			r.Policy = Value{kind.Text, kind.File, kind.Line}
			if t.OptIn {
				r.Run = Value{on, kind.File, kind.Line}
			}
		}
		out[name] = r
	}
	return out
}

// over is a rule with what a nearer one says.
func (r Rule) over(near Rule) Rule {
	return Rule{near.Run.or(r.Run), near.Policy.or(r.Policy), near.Safety.or(r.Safety), near.Severity.or(r.Severity)}
}

func (v Value) or(other Value) Value {
	if v.Set() {
		return v
	}
	return other
}

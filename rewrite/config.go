package rewrite

import (
	"fmt"
	"sort"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// ConfigFields is a set of image config fields.
type ConfigFields uint16

// The fields of an image config, and the base that supplies what isn't set.
const (
	FieldBase ConfigFields = 1 << iota
	FieldEnv
	FieldUser
	FieldWorkdir
	FieldCmd
	FieldEntrypoint
	FieldShell
	FieldExpose
	FieldVolumes
	FieldLabels
	FieldHealthcheck
	FieldStopSignal
	FieldOnBuild
	FieldMaintainer
)

var fieldNames = []string{"base", "ENV", "USER", "WORKDIR", "CMD", "ENTRYPOINT", "SHELL", "EXPOSE", "VOLUME", "LABEL", "HEALTHCHECK", "STOPSIGNAL", "ONBUILD", "MAINTAINER"}

func (f ConfigFields) String() string {
	var out []string
	for i, n := range fieldNames {
		if f&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return strings.Join(out, ", ")
}

// Config is the image config that a stage results in, one text per field. What
// the base image sets itself is not in it.
type Config [14]string

// Diff is the set of fields in which two configs differ.
func (c Config) Diff(o Config) ConfigFields {
	var f ConfigFields
	for i := range c {
		if c[i] != o[i] {
			f |= 1 << i
		}
	}
	return f
}

// Field gives the text of one field.
func (c Config) Field(f ConfigFields) string {
	for i := range c {
		if f == 1<<i {
			return c[i]
		}
	}
	return ""
}

// Config is the image config at the end of the stage.
func (s *Stage) Config() Config {
	s.facts.configOnce.Do(func() { s.facts.config = s.resultingConfig() })
	return s.facts.config
}

func (s *Stage) resultingConfig() Config {
	b := newConfigBuilder()
	s.apply(b)
	st := s.At(nil)
	var c Config
	c[0] = strings.ToLower(s.root().BaseName())
	if p := s.root().From.Cmd.(*instructions.Stage).Platform; p != "" {
		c[0] += " --platform=" + p
	}
	c[1], c[2], c[3] = mapText(st.Env), st.User, b.workdir
	if st.Workdir != "" {
		c[3] = st.Workdir
	}
	c[4], c[5], c[6] = b.cmd, b.entrypoint, b.shell
	c[7], c[8], c[9] = setText(b.expose), setText(b.volumes), mapText(b.labels)
	c[10], c[11], c[12], c[13] = b.health, b.stop, strings.Join(b.onbuild, "\n"), b.maintainer
	return c
}

type configBuilder struct {
	workdir, cmd, entrypoint, shell, health, stop, maintainer string
	cmdSet                                                    bool
	expose, volumes                                           map[string]bool
	labels                                                    map[string]string
	onbuild                                                   []string
}

func newConfigBuilder() *configBuilder {
	return &configBuilder{expose: map[string]bool{}, volumes: map[string]bool{}, labels: map[string]string{}}
}

// apply replays the stage's instructions that set config, parents first, with
// BuildKit's rules (dockerfile2llb): ENTRYPOINT drops an inherited CMD.
func (s *Stage) apply(b *configBuilder) {
	if p := s.Parent(); p != nil {
		p.apply(b)
		b.cmdSet = false
		b.onbuild = nil
	}
	for _, in := range s.Instructions {
		word := func(w string) string {
			if !strings.ContainsAny(w, `$"'\`+"`") {
				return w
			}
			return expand(s.At(in).lookup(), rune(s.doc.Escape), w)
		}
		switch cmd := in.Cmd.(type) {
		case *instructions.WorkdirCommand:
			if p := word(cmd.Path); strings.HasPrefix(p, "/") {
				b.workdir = p
			} else {
				b.workdir += "/" + p
			}
		case *instructions.CmdCommand:
			b.cmd, b.cmdSet = cmdText(cmd.ShellDependantCmdLine, s, in), true
		case *instructions.EntrypointCommand:
			b.entrypoint = cmdText(cmd.ShellDependantCmdLine, s, in)
			if !b.cmdSet {
				b.cmd = "none"
			}
		case *instructions.ShellCommand:
			b.shell = strings.Join(cmd.Shell, "\x00")
		case *instructions.ExposeCommand:
			for _, p := range cmd.Ports {
				b.expose[word(p)] = true
			}
		case *instructions.VolumeCommand:
			for _, v := range cmd.Volumes {
				b.volumes[word(v)] = true
			}
		case *instructions.LabelCommand:
			for _, kv := range cmd.Labels {
				b.labels[word(kv.Key)] = word(kv.Value)
			}
		case *instructions.HealthCheckCommand:
			if h := cmd.Health; h != nil {
				b.health = fmt.Sprintf("%q %v %v %v %v %d", h.Test, h.Interval, h.Timeout, h.StartPeriod, h.StartInterval, h.Retries)
			}
		case *instructions.StopSignalCommand:
			b.stop = word(cmd.Signal)
		case *instructions.OnbuildCommand:
			b.onbuild = append(b.onbuild, cmd.Expression)
		case *instructions.MaintainerCommand:
			b.maintainer = cmd.Maintainer
		}
	}
}

func cmdText(c instructions.ShellDependantCmdLine, s *Stage, in *Instruction) string {
	if c.PrependShell {
		return fmt.Sprintf("shell %q %q", s.At(in).Shell, c.CmdLine)
	}
	return fmt.Sprintf("exec %q", []string(c.CmdLine))
}

func mapText(m map[string]string) string {
	out := make([]string, 0, len(m))
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

func setText(m map[string]bool) string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

package split

import (
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// AddWords puts words behind word i of a command, and env assignments in front
// of it, and notes both keys for the gate.
func (s *Split) AddWords(in *rewrite.Instruction, c rewrite.Command, i int, after []string, env string) bool {
	sh, _ := in.Shell()
	assigns, args, redirs := cmdline.KeyWords(sh, c)
	old := cmdline.JoinKey(assigns, args, redirs)
	if len(after) > 0 {
		sp, ok := sh.Span(c.Words[i].Start, c.Words[i].End)
		if !ok {
			return s.Decline(in, "a word of %s is broken over lines", c.Name)
		}
		s.Edits = append(s.Edits, rewrite.Edit{Span: rewrite.Span{Start: sp.End, End: sp.End}, New: " " + strings.Join(after, " ")})
		args = append(append(append([]string{}, args[:i+1]...), after...), args[i+1:]...)
	}
	if env != "" {
		at, ok := sh.Span(c.Words[0].Start, c.Words[0].End)
		if !ok {
			return s.Decline(in, "a word of %s is broken over lines", c.Name)
		}
		s.Edits = append(s.Edits, rewrite.Edit{Span: rewrite.Span{Start: at.Start, End: at.Start}, New: env + " "})
		assigns = append(assigns, env)
	}
	s.Drops = append(s.Drops, old)
	s.Adds = append(s.Adds, cmdline.JoinKey(assigns, args, redirs))
	return true
}

// ReplaceWord puts another word in the place of word i; more edits of the same
// command aren't possible then.
func (s *Split) ReplaceWord(in *rewrite.Instruction, c rewrite.Command, i int, word string) bool {
	sh, _ := in.Shell()
	sp, ok := sh.Span(c.Words[i].Start, c.Words[i].End)
	if !ok {
		return s.Decline(in, "a word of %s is broken over lines", c.Name)
	}
	assigns, args, redirs := cmdline.KeyWords(sh, c)
	s.Edits = append(s.Edits, rewrite.Edit{Span: sp, New: word})
	s.Drops = append(s.Drops, cmdline.JoinKey(assigns, args, redirs))
	args[i] = word
	s.Adds = append(s.Adds, cmdline.JoinKey(assigns, args, redirs))
	return true
}

// Env gives a variable as the command sees it: from its own assignments, else
// from ENV and ARG.
func (s *Split) Env(in *rewrite.Instruction, c rewrite.Command, name string) (string, bool) {
	if c.Call != nil {
		for _, a := range c.Call.Assigns {
			if a.Name != nil && a.Name.Value == name {
				sh, _ := in.Shell()
				_, v, _ := strings.Cut(sh.Source(a), "=")
				return strings.Trim(v, `"'`), true
			}
		}
	}
	st := in.Stage.At(in)
	if v, ok := st.Env[name]; ok {
		return v, true
	}
	v, ok := st.Args[name]
	return v, ok
}

package multistage

import (
	"strings"

	"drydock/rewrite"
)

// keyWords are the parts that Command.Key is joined from.
func keyWords(sh *rewrite.Script, c rewrite.Command) (assigns, args, redirs []string) {
	for _, a := range c.Call.Assigns {
		assigns = append(assigns, sh.Source(a))
	}
	for _, a := range c.Call.Args {
		args = append(args, sh.Source(a))
	}
	for _, r := range c.Stmt.Redirs {
		redirs = append(redirs, sh.Source(r))
	}
	return assigns, args, redirs
}

func joinKey(parts ...[]string) string {
	var all []string
	for _, p := range parts {
		all = append(all, p...)
	}
	return strings.Join(all, " ")
}

// addWords puts words behind word i of a command, and env assignments in front
// of it, and notes both keys for the gate.
func (s *split) addWords(in *rewrite.Instruction, c rewrite.Command, i int, after []string, env string) bool {
	sh, _ := in.Shell()
	assigns, args, redirs := keyWords(sh, c)
	old := joinKey(assigns, args, redirs)
	if len(after) > 0 {
		sp, ok := sh.Span(c.Words[i].Start, c.Words[i].End)
		if !ok {
			return s.decline(in, "a word of %s is broken over lines", c.Name)
		}
		s.edits = append(s.edits, rewrite.Edit{Span: rewrite.Span{Start: sp.End, End: sp.End}, New: " " + strings.Join(after, " ")})
		args = append(append(append([]string{}, args[:i+1]...), after...), args[i+1:]...)
	}
	if env != "" {
		at, ok := sh.Span(c.Words[0].Start, c.Words[0].End)
		if !ok {
			return s.decline(in, "a word of %s is broken over lines", c.Name)
		}
		s.edits = append(s.edits, rewrite.Edit{Span: rewrite.Span{Start: at.Start, End: at.Start}, New: env + " "})
		assigns = append(assigns, env)
	}
	s.drops = append(s.drops, old)
	s.adds = append(s.adds, joinKey(assigns, args, redirs))
	return true
}

// replaceWord puts another word in the place of word i; more edits of the same
// command aren't possible then.
func (s *split) replaceWord(in *rewrite.Instruction, c rewrite.Command, i int, word string) bool {
	sh, _ := in.Shell()
	sp, ok := sh.Span(c.Words[i].Start, c.Words[i].End)
	if !ok {
		return s.decline(in, "a word of %s is broken over lines", c.Name)
	}
	assigns, args, redirs := keyWords(sh, c)
	s.edits = append(s.edits, rewrite.Edit{Span: sp, New: word})
	s.drops = append(s.drops, joinKey(assigns, args, redirs))
	args[i] = word
	s.adds = append(s.adds, joinKey(assigns, args, redirs))
	return true
}

// env gives a variable as the command sees it: from its own assignments, else
// from ENV and ARG.
func (s *split) env(in *rewrite.Instruction, c rewrite.Command, name string) (string, bool) {
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

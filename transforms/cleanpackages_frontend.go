package transforms

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

const frontendVar = "DEBIAN_FRONTEND"

// frontend turns ENV DEBIAN_FRONTEND into ARG: each step of the build sees the
// same variable, the container doesn't.
func (pp *packagePass) frontend() {
	if !strings.Contains(pp.Doc.Src, frontendVar) {
		return
	}
	for _, s := range pp.Shipping() {
		var found *rewrite.Instruction
		var kv instructions.KeyValuePair
		again := false
		for _, in := range s.Instructions {
			if cmd, ok := in.Cmd.(*instructions.EnvCommand); ok {
				for _, e := range cmd.Env {
					switch {
					case e.Key != frontendVar:
					case found == nil:
						found, kv = in, e
					default:
						again = again || e.Value != kv.Value
					}
				}
			}
		}
		if found == nil || again || unset(kv.Value) { // set back below: somebody took care
			continue
		}
		if why := frontendKept(s, found); why != "" {
			pp.Decline(found, "ENV %s stays: %s", frontendVar, why)
			continue
		}
		edits, ok := envToArg(pp.Doc, found)
		if !ok {
			pp.Decline(found, "ENV %s stays: a comment stands beside it, or it is broken over lines", frontendVar)
			continue
		}
		pp.out = append(pp.out, rewrite.Change{
			Title:   "ARG in place of ENV " + frontendVar,
			Why:     "with ENV it is in force in every container and in every image built from this one; ARG holds for the build alone (Docker's reference, ENV: a variable needed only during the build)",
			Assumes: "nothing that runs in the container, and no image built from this one, relies on " + frontendVar,
			Safety:  rewrite.Assumes,
			At:      found,
			Edits:   edits,
			Config:  rewrite.FieldEnv,
		})
	}
}

// unset: a value that stands for the default.
func unset(v string) bool {
	v = strings.Trim(v, `"'`)
	return v == "" || v == "newt" || v == "dialog" || v == "teletype" || v == "readline"
}

// frontendKept says who would miss the variable, "" for nobody.
func frontendKept(s *rewrite.Stage, found *rewrite.Instruction) string {
	st := s.At(found)
	if _, ok := st.Env[frontendVar]; ok {
		return "an earlier ENV sets it too"
	}
	if _, ok := st.Base.Env[frontendVar]; ok {
		return "the base image sets it too"
	}
	for _, in := range s.Instructions {
		text := in.Inner().Text
		switch in.Keyword {
		case "onbuild":
			if strings.Contains(text, "apt") || in.Inner().Keyword == "run" {
				return "steps behind ONBUILD may need it"
			}
		case "cmd", "entrypoint", "healthcheck":
			if strings.Contains(text, "apt-get") || strings.Contains(text, "dpkg") || strings.Contains(text, frontendVar) {
				return "the container installs packages when it starts"
			}
		case "env", "label":
			if in != found && strings.Contains(text, "$"+frontendVar) {
				return "another instruction refers to it"
			}
		case "arg":
			if cmd := in.Cmd.(*instructions.ArgCommand); slices.ContainsFunc(cmd.Args, func(a instructions.KeyValuePairOptional) bool { return a.Key == frontendVar }) {
				return "an ARG of that name is there already"
			}
		}
	}
	return ""
}

// envToArg gives the edits that take the variable out of an ENV and put an ARG
// in front of it, or change the one word where it stands alone.
func envToArg(d *rewrite.Document, in *rewrite.Instruction) ([]rewrite.Edit, bool) {
	key := rewrite.Span{Start: in.Head.Start, End: in.Head.Start + len("env")}
	arg := "ARG"
	if d.Src[key.Start:key.End] == "env" {
		arg = "arg"
	}
	ws := in.Assignments()
	cmd := in.Cmd.(*instructions.EnvCommand)
	if len(cmd.Env) == 1 {
		edits := []rewrite.Edit{{Span: key, New: arg}}
		if len(ws) >= 2 && ws[0].Text == frontendVar { // ENV name value
			sp, ok := in.SrcSpan(ws[0].End, ws[1].Start)
			if !ok || len(ws) > 2 {
				return nil, false
			}
			return append(edits, rewrite.Edit{Span: sp, New: "="}), true
		}
		return edits, len(ws) == 1
	}
	i := slices.IndexFunc(ws, func(w rewrite.Word) bool { return strings.HasPrefix(w.Text, frontendVar+"=") })
	if i < 0 || len(ws) != len(cmd.Env) {
		return nil, false
	}
	own, ok := in.WordSpan(ws[i])
	if !ok {
		return nil, false
	}
	out := own
	if i > 0 {
		out.Start = in.SrcPos(ws[i-1].End-1) + 1
	} else {
		out.End = in.SrcPos(ws[1].Start)
	}
	if slices.ContainsFunc(in.Comments, func(c rewrite.Span) bool { return out.Contains(c) }) {
		return nil, false
	}
	indent := d.Src[in.Span.Start:in.Head.Start]
	return []rewrite.Edit{{Span: out}, {Span: rewrite.Span{Start: in.Span.Start, End: in.Span.Start}, New: indent + arg + " " + ws[i].Text + "\n"}}, true
}

package split

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// RUNs that the runtime stage would repeat, and needn't, or not as they are.

// spareFolders leaves a RUN that makes nothing but the working directory, or a folder above
// it, to the build stage: WORKDIR makes it in the runtime stage.
func (s *Split) spareFolders(cut int) {
	ins := s.Stage.Instructions
	for i, in := range ins[:cut+1] {
		if in.Keyword != "run" || s.Roles[in] != InBoth || s.Stage.At(in).User != "" || len(in.Flags) > 0 {
			continue
		}
		all, why := in.Steps()
		if why != "" {
			continue
		}
		made := []string{}
		for _, st := range all {
			for _, a := range st.Args[1:] {
				switch {
				case st.Name != "mkdir" || strings.ContainsAny(a, "$`*{"):
					made = append(made, "") // it does more
				case a != "-p" && a != "--parents":
					made = append(made, cmdline.Abs(st.Dir, a))
				}
			}
			if st.Name != "mkdir" {
				made = append(made, "")
			}
		}
		if len(made) > 0 && !slices.ContainsFunc(made, func(dir string) bool { return !s.entered(ins[i+1:], dir) }) {
			s.Roles[in] = InBuild
		}
	}
}

// entered reports whether a WORKDIR of the runtime stage makes a folder before one of its
// RUNs may want it.
func (s *Split) entered(rest []*rewrite.Instruction, dir string) bool {
	for _, in := range rest {
		switch {
		case dir == "" || s.Roles[in] == InBuild && s.Instead[in] == nil:
		case in.Keyword == "workdir":
			if rewrite.Inside(path.Clean(s.Stage.At(in.Next()).Workdir), dir) {
				return true
			}
		case in.Keyword == "run" && (strings.Contains(in.Text, dir) || !strings.HasPrefix(dir, "/")):
			return false
		}
	}
	return false
}

// joinRepeated writes required packages into an install of apt that the runtime stage
// repeats from the build stage, whose last instruction is cut. It reports false where there is
// none: what follows cut isn't written anew.
func (s *Split) joinRepeated(names []string, cut int) bool {
	for _, in := range s.Stage.Instructions[:cut+1] {
		if s.Roles[in] != InBoth || in.Keyword != "run" {
			continue
		}
		all, why := in.Steps()
		sh, _ := in.Shell()
		updated := false
		for _, st := range all {
			a, ok := distro.ReadApt(st)
			updated = updated || ok && a.Verb == "update"
			if why != "" || !ok || !updated || a.Verb != "install" || len(a.Words) == 0 || a.Bad != "" || !distro.AssumesYes(a.Flags) {
				continue
			}
			k := slices.Index(st.Args, a.Words[0])
			sp, ok := sh.Span(st.Words[k].Start, st.Words[k].Start)
			if !ok || sp.Start < in.Span.Start {
				continue
			}
			text, off := s.Doc.Src[in.Span.Start:in.Span.End], sp.Start-in.Span.Start
			more := strings.Join(names, " ") + " "
			if lead := text[strings.LastIndexByte(text[:off], '\n')+1 : off]; strings.TrimSpace(lead) == "" && lead != text[:off] { // a package a line
				more = strings.Join(names, " "+string(s.Doc.Escape)+"\n"+lead) + " " + string(s.Doc.Escape) + "\n" + lead
			}
			if s.again == nil {
				s.again = map[*rewrite.Instruction]string{}
			}
			s.again[in] = strings.TrimRight(strings.ReplaceAll(text[:off]+more+text[off:], "\r\n", "\n"), "\n") + "\n"
			for _, c := range sh.Commands() {
				key := c.Key
				if c.Stmt == st.Stmt {
					words := strings.Fields(key)
					at := slices.Index(words, a.Words[0])
					if at < 0 {
						return false
					}
					key = strings.Join(slices.Concat(words[:at], names, words[at:]), " ")
				}
				s.Adds = append(s.Adds, key)
			}
			return true
		}
	}
	return false
}

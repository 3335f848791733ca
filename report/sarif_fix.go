package report

import (
	"strconv"
	"strings"
)

// fixes are the fixes of a file by the index of the outcome that has them. Each place of
// a patch is in one fix, that of the first change that made it, so that all fixes of
// a log together are what fix writes; with names for the other changes of a place
// the outcome that has it. What was read back from JSON has no steps: its diff is one fix, of
// the first change that is ready.
func (s *SARIF) fixes(base string, f *File) (fixes map[int][]sarifFix, with map[int]int) {
	if f.Written || f.Error != nil {
		return nil, nil
	}
	if len(f.Steps) == 0 {
		if all := f.applied(); len(all) > 0 {
			return map[int][]sarifFix{all[0]: s.wholeFix(base, f)}, nil
		}
		return nil, nil
	}
	changes := map[int][]sarifChange{}
	with = map[int]int{}
	for _, p := range f.Patches {
		for _, h := range f.Hunks(p) {
			owners := f.owners(h)
			if len(owners) == 0 {
				continue
			}
			own := owners[0]
			for _, other := range owners[1:] {
				if _, ok := with[other]; !ok {
					with[other] = own
				}
			}
			list := changes[own]
			at := len(list) - 1
			if at < 0 || list[at].patch != p {
				list = append(list, sarifChange{Artifact: s.artifact(base, p.file()), patch: p})
				at++
			}
			list[at].Replacements = append(list[at].Replacements, h.replacement())
			changes[own] = list
		}
	}
	fixes = map[int][]sarifFix{}
	for i, list := range changes {
		fixes[i] = []sarifFix{{sarifText{f.Outcomes[i].Title}, list}}
	}
	return fixes, with
}

// replacement is the hunk as unifiedBlock has it.
func (h Hunk) replacement() sarifReplacement {
	b := unifiedBlock{line: h.Line, deleted: len(h.Old), open: len(h.Old) > 0 && !strings.HasSuffix(h.Old[len(h.Old)-1], "\n")}
	for _, l := range h.New {
		b.added.WriteString(l)
	}
	return b.replacement()
}

// wholeFix is the diff of a file as one fix, nil without one.
func (s *SARIF) wholeFix(base string, f *File) []sarifFix {
	var changes []sarifChange
	for _, c := range parseUnified(f.WholeDiff()) {
		change := sarifChange{Artifact: s.artifact(base, c.path)}
		for _, b := range c.blocks {
			change.Replacements = append(change.Replacements, b.replacement())
		}
		if len(change.Replacements) > 0 {
			changes = append(changes, change)
		}
	}
	if changes == nil {
		return nil
	}
	n := 0
	for _, o := range f.Outcomes {
		if o.Status == "applied" {
			n++
		}
	}
	text := "make this change"
	if n > 1 {
		text = "make all " + strconv.Itoa(n) + " changes of " + f.Path + " that are ready"
	}
	return []sarifFix{{sarifText{text}, changes}}
}

// WholeDiff is the unified diff of all patches of a file: Diff where it is
// filled in, as it is in what was read back from JSON, else that of Patches.
func (f *File) WholeDiff() string {
	if f.Diff != "" {
		return f.Diff
	}
	return f.unified()
}

// unifiedFile is one file of a unified diff.
type unifiedFile struct {
	path   string
	blocks []*unifiedBlock
}

// unifiedBlock is a run of deleted and added lines.
type unifiedBlock struct {
	line    int // 1-based, of the first deleted line, or of the one to insert above
	deleted int // lines
	added   strings.Builder
	open    bool // the last deleted line has no line break
}

// replacement: whole lines are deleted with their line breaks, up to the first
// column of the line behind them; a last line without a line break up to its end.
func (b *unifiedBlock) replacement() sarifReplacement {
	r := sarifReplacement{Deleted: sarifRegion{StartLine: b.line, StartColumn: 1, EndLine: b.line + b.deleted, EndColumn: 1}}
	if b.open {
		r.Deleted.EndLine, r.Deleted.EndColumn = b.line+b.deleted-1, 0
	}
	if text := b.added.String(); text != "" {
		r.Inserted = &sarifText{text}
	}
	return r
}

// parseUnified reads a diff as Patch.Unified writes it: several files, each with a
// classic header. Text that is no diff gives nothing.
func parseUnified(diff string) []*unifiedFile {
	var out []*unifiedFile
	var file *unifiedFile
	var block *unifiedBlock
	line, oldLeft, newLeft := 0, 0, 0 // the hunk's lines that are still to come
	last := byte(' ')
	for _, l := range strings.SplitAfter(diff, "\n") {
		if l == "" {
			continue
		}
		if oldLeft <= 0 && newLeft <= 0 || l[0] == '\\' {
			switch {
			case l[0] == '\\' && block != nil && last == '+':
				text := strings.TrimSuffix(block.added.String(), "\n")
				block.added.Reset()
				block.added.WriteString(text)
			case l[0] == '\\' && block != nil && last == '-':
				block.open = true
			case strings.HasPrefix(l, "+++ "):
				file = &unifiedFile{path: unifiedPath(l[4:])}
				out = append(out, file)
				block = nil
			case strings.HasPrefix(l, "@@ ") && file != nil:
				line, oldLeft, newLeft = hunkHeader(l)
				block, last = nil, ' '
			}
			continue
		}
		if (l[0] == '-' || l[0] == '+') && block == nil {
			block = &unifiedBlock{line: line}
			file.blocks = append(file.blocks, block)
		}
		switch l[0] {
		case '-':
			block.deleted++
			line++
			oldLeft--
		case '+':
			block.added.WriteString(l[1:])
			newLeft--
		default:
			block = nil
			line++
			oldLeft--
			newLeft--
		}
		last = l[0]
	}
	return out
}

// unifiedPath undoes what a header does to a path: the prefix b/, a tab behind
// it, C quotes.
func unifiedPath(s string) string {
	s = strings.TrimRight(s, "\r\n")
	if strings.HasPrefix(s, `"`) {
		if q, err := strconv.Unquote(s); err == nil {
			s = q
		}
	} else {
		s = strings.TrimSuffix(s, "\t")
	}
	return strings.TrimPrefix(s, "b/")
}

// hunkHeader reads "@@ -1,4 +1,6 @@": the first line to come, and how many of
// the old and the new file.
func hunkHeader(l string) (line, oldLen, newLen int) {
	fields := strings.Fields(l)
	if len(fields) < 3 {
		return 0, 0, 0
	}
	pair := func(s string) (start, n int) {
		a, b, found := strings.Cut(strings.TrimLeft(s, "-+"), ",")
		start, _ = strconv.Atoi(a)
		n = 1
		if found {
			n, _ = strconv.Atoi(b)
		}
		return start, n
	}
	line, oldLen = pair(fields[1])
	_, newLen = pair(fields[2])
	if oldLen == 0 {
		line++ // of no line the header names the one before
	}
	return line, oldLen, newLen
}

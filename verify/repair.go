package verify

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/verify/finding"
	"drydock/verify/probe"
)

// maxRepairs bounds how often a candidate is mended: a library may bring another
// need to light.
const maxRepairs = 4

// repaired proves a candidate, and as long as something breaks that can be mended
// in the Dockerfile, mends it and proves it again. What isn't mended in full is
// given as it was before any repair.
func (p *Prover) repaired(ctx context.Context, text string, files map[string]string, changes []rewrite.Outcome) (*attempt, error) {
	side, err := p.candidate(text, files)
	if err != nil {
		return nil, err
	}
	key := p.key(ctx, side, declared(changes))
	if kept := p.opt.Cache.get(key); kept != nil {
		return &attempt{text: text, files: files, proof: kept}, nil
	}
	a, err := p.mend(ctx, side, files, changes)
	if err != nil {
		return nil, err
	}
	if len(a.repairs) == 0 { // else the proof is of another text, and the repairs are worked out anew
		p.opt.Cache.put(key, a.proof)
	}
	return a, nil
}

// declared are the fields that changes mean to alter, for the cache's key.
func declared(changes []rewrite.Outcome) string {
	if changes == nil {
		return "as written"
	}
	var f rewrite.ConfigFields
	for _, c := range changes {
		f |= c.Config
	}
	return f.String()
}

// candidate is the side that a text makes, with the ignore file among files.
func (p *Prover) candidate(text string, files map[string]string) (Side, error) {
	side := p.origin
	side.Dockerfile = text
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".dockerignore") {
			return side, fmt.Errorf("%s is changed too, and only the Dockerfile and its ignore file can be proven", name)
		}
		ignore := files[name]
		side.Ignore = &ignore
	}
	return side, nil
}

func (p *Prover) mend(ctx context.Context, side Side, files map[string]string, changes []rewrite.Outcome) (*attempt, error) {
	proof, after, err := p.prove(ctx, side, changes)
	if err != nil {
		return nil, err
	}
	first := &attempt{text: side.Dockerfile, files: files, proof: proof}
	a := *first
	for range maxRepairs {
		if a.proof.Holds() {
			return &a, nil
		}
		if after == nil {
			break
		}
		m := &mender{p: p, before: p.before, after: after, stage: p.final(after.doc)}
		edits := m.edits(a.proof.Breaks)
		if len(edits) == 0 {
			break
		}
		text, steps, err := p.mended(a.text, edits)
		if err != nil {
			return nil, err
		}
		if len(steps) == 0 {
			break
		}
		side.Dockerfile = text
		if proof, after, err = p.prove(ctx, side, changes); err != nil {
			return nil, err
		}
		a = attempt{text: text, files: files, repairs: append(slices.Clone(a.repairs), steps...), proof: proof}
	}
	if a.proof.Holds() {
		return &a, nil
	}
	if after != nil {
		first.proof = a.proof // what is left when all that can be mended is
	}
	return first, nil
}

// mended makes mendings one after the other. One that finds nothing to edit, or
// can't be made, is left out: the proof tells what is still broken.
func (p *Prover) mended(text string, all []mending) (string, []rewrite.Outcome, error) {
	var steps []rewrite.Outcome
	for _, m := range all {
		doc, err := rewrite.Parse(p.path, text, images.Catalogue())
		if err != nil {
			return "", nil, err
		}
		edits := m.edits(doc, p.final(doc))
		for i := range edits {
			edits[i].New = setAs(doc, edits[i].New)
		}
		next, err := rewrite.Apply(text, edits)
		if err != nil || next == text {
			continue
		}
		if !strings.HasSuffix(text, "\n") {
			next = strings.TrimRight(next, "\r\n")
		}
		steps = append(steps, repairOutcome(m.title, m.why, text, next))
		text = next
	}
	return text, steps, nil
}

// setAs gives lines the line breaks and the escape character of a file.
func setAs(doc *rewrite.Document, lines string) string {
	lines = strings.ReplaceAll(lines, "\r\n", "\n")
	if doc.Escape != '\\' {
		lines = strings.ReplaceAll(lines, "\\\n", string(doc.Escape)+"\n")
	}
	return strings.ReplaceAll(lines, "\n", doc.EOL)
}

func repairOutcome(title, why, before, after string) rewrite.Outcome {
	o := rewrite.Outcome{Status: rewrite.Applied, Transform: Repair, Title: title, Why: why, Before: before, After: after}
	line := 0
	for _, d := range rewrite.DiffLines(before, after) {
		if d.Op != '-' {
			line++
		}
		if d.Op == '+' {
			o.Line = line
			break
		}
	}
	return o
}

// A mending is one edit of a candidate with its reason. edits are made for the
// document as the mendings before left it.
type mending struct {
	title, why string
	edits      func(doc *rewrite.Document, final *rewrite.Stage) []rewrite.Edit
}

// A mender works out what mends the breaks of a candidate, from the image before.
type mender struct {
	p             *Prover
	before, after *subject
	stage         *rewrite.Stage // the candidate's final one
}

// edits are the mendings for what breaks; none when some break can't be mended.
func (m *mender) edits(breaks []finding.Finding) []mending {
	n := &needs{packages: map[string]string{}}
	var out []mending
	symptoms := 0
	for _, b := range breaks {
		switch b.Class {
		case finding.Library:
			for _, so := range b.Names {
				m.library(so, b.Message, n)
			}
		case finding.Command, finding.Interpreter:
			for _, name := range b.Names {
				if at := m.before.img.Command(name); at != "" {
					m.owner(at, b.Message, n)
				}
			}
		case finding.Certificates:
			m.packaged("ca-certificates", "/etc/ssl/certs/ca-certificates.crt", b.Message, n)
		case finding.TimeZones:
			m.packaged("tzdata", "/usr/share/zoneinfo", b.Message, n)
		case finding.Temp:
			if m.has("/tmp") {
				out = append(out, m.temp(b.Message)...)
			}
		case finding.File:
			if b.Path != "" && m.has(b.Path) && !m.owner(b.Path, b.Message, n) {
				n.copy(b.Path, b.Message, b.Path)
			}
		case finding.Permission:
			if e, ok := m.owned(b); ok {
				out = append(out, e)
			}
		default:
			symptoms++
		}
	}
	if len(n.packages)+len(n.copies)+len(out) == 0 && symptoms > 0 {
		m.opened(n)
	}
	if len(n.packages) > 0 {
		out = append(out, m.install(n.packages))
	}
	if len(n.copies) > 0 {
		out = append(out, m.copying(n.copies)...)
	}
	return out
}

// needs are packages with the reason, and files.
type needs struct {
	packages map[string]string
	copies   []copied
}

// copied is one thing with all paths that belong to it.
type copied struct {
	what, why string
	paths     []string
}

func (n *needs) copy(what, why string, paths ...string) {
	n.copies = append(n.copies, copied{what, why, paths})
}

// has: the image before holds a path.
func (m *mender) has(at string) bool { return m.before.img.Tree[strings.TrimPrefix(at, "/")] != nil }

// library brings a soname that lacks: the package that owns it, else its files.
func (m *mender) library(so, why string, n *needs) {
	at := m.before.img.Library(so)
	if at == "" && m.before.saw != nil {
		for _, p := range m.before.saw.Maps {
			if path.Base(p) == so {
				at = p
			}
		}
	}
	if at == "" || m.owner(at, why, n) {
		return
	}
	if files := m.before.img.Closure(m.after.img, so); len(files) > 0 {
		n.copy(so, why, files...)
	}
}

// owner notes the package that owns a path of the image before, where the new
// image can install it.
func (m *mender) owner(at, why string, n *needs) bool {
	owner := m.before.img.Owner(at)
	if owner == "" || !m.installs() {
		return false
	}
	n.packages[owner] = why
	return true
}

// packaged brings what a package of the same name on all systems holds.
func (m *mender) packaged(pkg, at, why string, n *needs) {
	if m.installs() {
		n.packages[pkg] = why
	} else if m.has(at) {
		n.copy(at, why, at)
	}
}

// opened brings the libraries that the program before was seen to open while it
// ran, and that the new image lacks: no file says that it needs them.
func (m *mender) opened(n *needs) {
	if m.before.saw == nil {
		return
	}
	for _, at := range m.before.saw.Maps {
		so := path.Base(at)
		if m.before.img.Owner(at) == "" || m.after.img.Library(so) != "" || m.after.img.Tree[strings.TrimPrefix(at, "/")] != nil {
			continue
		}
		m.library(so, fmt.Sprintf("the program was seen to open %s, which the new image lacks", at), n)
	}
}

// installs: the new image has the package manager of the old one, and its final
// stage begins as root.
func (m *mender) installs() bool {
	pm := m.after.img.PackageManager()
	return (pm == "apt" || pm == "apk") && pm == m.before.img.PackageManager() && m.beginsAsRoot()
}

// beginsAsRoot: what stands directly below FROM runs as root.
func (m *mender) beginsAsRoot() bool {
	if len(m.stage.Instructions) == 0 {
		return m.stage.At(nil).Root()
	}
	return m.stage.At(m.stage.Instructions[0]).Root()
}

// Manner is what a proof's program did, for messages.
func (p *Proof) Manner() string {
	switch p.Verdict {
	case probe.Same:
		return "same behaviour: " + p.After.Did
	case probe.SameFailure:
		return "same failure: " + p.After.Did
	case probe.NotRun:
		return "built and compared, not run"
	}
	return "broken: " + reason(p.Breaks)
}

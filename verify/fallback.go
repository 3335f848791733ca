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
	"drydock/transforms/multistage/distro"
	"drydock/verify/imagefs"
)

// Fallback is the name under which the fallback stands among the outcomes.
const Fallback = "copy-built"

// What the fallback leaves behind: the state and caches of package managers, logs,
// documentation, headers, and what the system makes anew.
var leftBehind = []string{
	"var/lib/dpkg", "var/lib/apt", "var/lib/apk", "lib/apk", "etc/apk", "var/cache", "var/log", "var/backups", "var/lib/pam", "var/lib/systemd", "tmp", "var/tmp", "run", "root/.cache", "root/.npm", "root/.gem", "root/.cargo",
	"usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "usr/include", "etc/ld.so.cache", "etc/apt", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/.pwd.lock", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-",
	"proc", "sys", "dev",
}

// accounts are the files in which the system keeps its users.
var accounts = []string{"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"}

// maxCopied bounds the lines of the fallback: what is spread over more places than
// this isn't an application beside its base.
const maxCopied = 24

// fallback is for languages that no recipe knows: the file as it is becomes the
// build stage, and what it added above its base goes onto the slim image of the same
// release. It is for Debian and Ubuntu: what apk installed can't be told from what the
// build wrote (imagefs.Packages), and its images are small already. Only a proof can
// tell whether that is all the program needs, so there is no such transform. False
// where it doesn't apply.
func (p *Prover) fallback(ctx context.Context, src string) (out rewrite.Outcome, ok bool, err error) {
	doc, err := rewrite.Parse(p.path, src, images.Catalogue())
	if err != nil || len(doc.Stages) != 1 || doc.Final().Name != "" || p.opt.Build.Target != "" {
		return out, false, err
	}
	stage := doc.Final()
	ref, err := images.ParseRef(stage.BaseName())
	if err != nil || strings.Contains(stage.From.Text, "$") || len(stage.From.Flags) > 0 {
		return out, false, nil
	}
	slim, _, found := images.Catalogue().Slim(ref)
	if !found {
		return out, false, nil
	}
	kept, edits, fine := runtimeLines(doc, stage)
	if !fine {
		return out, false, nil
	}
	if err := p.ready(ctx); err != nil {
		return out, false, err
	}
	if p.base == nil || p.before.img.PackageManager() != "apt" {
		return out, false, nil
	}
	packages, paths := added(p.base, p.before.img)
	if len(paths) == 0 || len(paths) > maxCopied {
		return out, false, nil
	}

	edits = append(edits, rewrite.Edit{Span: rewrite.Span{Start: stage.From.Head.End, End: stage.From.Head.End}, New: " AS builder"})
	built, err := rewrite.Apply(src, edits)
	if err != nil {
		return out, false, fmt.Errorf("%s: the fallback: %w", p.path, err)
	}
	var tail strings.Builder
	fmt.Fprintf(&tail, "\nFROM %s\n", slim)
	if len(packages) > 0 {
		tail.WriteString(aptInstall(doc, packages))
	}
	for _, at := range paths {
		if strings.ContainsAny(at, " \t$\\\"'[]*?") {
			return out, false, nil
		}
		fmt.Fprintf(&tail, "COPY --from=builder /%s /%s\n", at, at)
	}
	tail.WriteString(kept)
	after := strings.TrimRight(built, "\r\n") + doc.EOL + setAs(doc, tail.String())
	if !strings.HasSuffix(src, "\n") {
		after = strings.TrimRight(after, "\r\n")
	}
	return rewrite.Outcome{
		Status: rewrite.Applied, Transform: Fallback, Safety: rewrite.Assumes, Line: stage.From.Line, Config: rewrite.FieldBase, Before: src, After: after,
		Title:   "build on " + ref.String() + ", run on " + slim.String(),
		Why:     "no recipe knows how to split this file; what its build added above the base runs on the slim image of the same release",
		Assumes: "what the program needs shows when it is built, compared and run",
		Plan:    []string{fmt.Sprintf("copied: what the build wrote: /%s", strings.Join(paths, ", /"))},
	}, true, nil
}

// runtimeLines are the instructions that set the image's configuration, for the
// runtime stage, and the edits that take those of them out of the build stage that
// no build step can see. False where one can't be repeated.
func runtimeLines(doc *rewrite.Document, stage *rewrite.Stage) (lines string, edits []rewrite.Edit, ok bool) {
	steps := -1 // the last instruction that does something
	for i, in := range stage.Instructions {
		switch in.Keyword {
		case "run", "copy", "add":
			steps = i
		}
	}
	var b strings.Builder
	args := map[string]string{}
	for i, in := range stage.Instructions {
		moves := i > steps
		switch in.Keyword {
		case "arg":
			name, _, _ := strings.Cut(in.Args.Text, "=")
			args[name] = doc.Lines(in.Span)
			continue
		case "onbuild":
			return "", nil, false
		case "label", "expose", "volume", "stopsignal", "healthcheck", "entrypoint", "cmd", "maintainer":
			moves = true
		case "env", "workdir", "user", "shell":
		default:
			continue
		}
		text := doc.Lines(in.Span)
		for _, name := range slices.Sorted(maps.Keys(args)) {
			if strings.Contains(text, "$"+name) || strings.Contains(text, "${"+name) {
				b.WriteString(args[name])
				delete(args, name)
			}
		}
		if moves {
			edits = append(edits, doc.Delete(in))
			text = doc.Lines(in.Attached())
		}
		b.WriteString(text)
	}
	return b.String(), edits, true
}

// aptInstall is a RUN that installs packages, its lines set as the file sets them.
func aptInstall(doc *rewrite.Document, names []string) string {
	return "RUN " + doc.Chained([]string{"apt-get update", "apt-get install -y --no-install-recommends " + strings.Join(names, " "), "rm -rf /var/lib/apt/lists/*"}) + "\n"
}

// added tells what an image has above its base: the packages of the system that
// somebody asked for, those for building left out, and the fewest paths that hold
// everything else that a program may need.
func added(base, img *imagefs.Image) (packages, paths []string) {
	had, has := base.Tree.Packages(), img.Tree.Packages()
	owned := map[string]bool{}
	for name, pkg := range has {
		if had[name] != nil {
			continue
		}
		for _, f := range pkg.Files {
			owned[f] = true
		}
		if pkg.Manual && !distro.BuildOnly(name) {
			packages = append(packages, name)
		}
	}
	slices.Sort(packages)
	fresh := map[string]bool{}
	for at, n := range img.Tree {
		if n.Type == '5' || owned[at] || left(at) {
			continue
		}
		if slices.Contains(accounts, at) && len(has) != len(had) {
			continue // its packages make their users
		}
		b := base.Tree[at]
		if b == nil || b.String() != n.String() || b.SHA256 != n.SHA256 {
			fresh[at] = true
		}
	}
	// A folder that the base doesn't have is copied whole, but for one that a
	// package brought.
	top := map[string]bool{}
	for at := range fresh {
		to := at
		for dir := path.Dir(at); dir != "." && dir != "/"; dir = path.Dir(dir) {
			if base.Tree[dir] == nil && !owned[dir] {
				to = dir
			}
		}
		top[to] = true
	}
	return packages, slices.Sorted(maps.Keys(top))
}

// left: a path that stays behind.
func left(at string) bool {
	return slices.ContainsFunc(leftBehind, func(dir string) bool { return at == dir || strings.HasPrefix(at, dir+"/") }) ||
		strings.Contains(at, "/__pycache__/") || strings.HasSuffix(at, ".a") || strings.HasSuffix(at, ".pyc")
}

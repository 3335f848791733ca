package bulktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"drydock/bulk/result"
)

// unchanged is what becomes of a repository with nothing to change.
func (r *Repository) unchanged() { r.Status, r.Changed = result.Unchanged, nil }

func (r *Repository) left(s result.Status, reason string) {
	r.Status, r.Reason, r.Changed = s, reason, nil
}

const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

// kinds are all kinds. What stands in a commit is what counts; a work tree with
// other things in it stays as it is.
var kinds = []kind{
	{"clean", func(m *maker, _ *Repository) { m.project(Changeable) }},
	{"settled", func(m *maker, want *Repository) {
		m.project(Settled)
		want.unchanged()
	}},
	{"dirty", func(m *maker, _ *Repository) {
		m.project(Changeable)
		m.write("Dockerfile", Settled)
		m.write("main.py", "changed\n")
	}},
	{"deleted", func(m *maker, _ *Repository) {
		m.project(Changeable)
		m.do(os.Remove(filepath.Join(m.dir, "Dockerfile")))
	}},
	{"staged", func(m *maker, want *Repository) {
		m.project(Settled)
		m.write("Dockerfile", Changeable)
		m.git("add", "Dockerfile")
		want.unchanged()
	}},
	{"untracked", func(m *maker, want *Repository) {
		m.project(Settled)
		m.write("docker/Dockerfile", Changeable)
		want.unchanged()
	}},
	{"ignored", func(m *maker, want *Repository) {
		m.project(Settled, ".gitignore", "out/\n")
		m.write("out/Dockerfile", Changeable)
		want.unchanged()
	}},
	{"bare", func(m *maker, want *Repository) {
		bare := m.dir + ".git"
		m.dir = m.elsewhere
		m.project(Changeable)
		m.gitIn(filepath.Dir(m.elsewhere), "clone", "-q", "--bare", "--template=", m.elsewhere, bare)
		want.Name, want.Dir = m.name+".git", bare
	}},
	{"submodule", func(m *maker, _ *Repository) {
		super := m.dir
		m.dir = m.elsewhere
		m.project(Changeable)
		m.dir = super
		m.project(Changeable)
		m.git("submodule", "--quiet", "add", m.elsewhere, "sub")
		m.commit()
	}},
	{"lfs", func(m *maker, _ *Repository) {
		m.project(Changeable, ".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n", "model.bin", pointer)
		m.git("config", "filter.lfs.smudge", m.trap())
		m.git("config", "filter.lfs.clean", m.trap())
		m.git("config", "filter.lfs.required", "true")
	}},
	{"linked", func(m *maker, want *Repository) {
		m.project(Changeable)
		m.git("worktree", "add", "-q", "-b", "other", m.dir+"-tree")
		linked := m.expect(m.dir+"-tree", m.name+"-tree")
		linked.left(result.Skipped, "linked work tree")
		m.repos = append(m.repos, *linked)
	}},
	{"detached", func(m *maker, _ *Repository) {
		m.project(Changeable)
		m.git("checkout", "-q", "--detach")
	}},
	{"shallow", func(m *maker, _ *Repository) {
		dir := m.dir
		m.dir = m.elsewhere
		m.project(Changeable)
		m.write("more", "more\n")
		m.commit()
		m.dir = dir
		m.do(os.MkdirAll(filepath.Dir(dir), 0o777))
		m.gitIn(filepath.Dir(dir), "clone", "-q", "--template=", "--depth=1", "file://"+m.elsewhere, dir)
	}},
	{"none", func(m *maker, want *Repository) {
		m.init()
		m.write("README", "no image\n")
		m.commit()
		want.left(result.Skipped, "no Dockerfile")
	}},
	{"ten", func(m *maker, want *Repository) {
		var files []string
		want.Changed = nil
		for i := range 9 {
			name := fmt.Sprintf("services/s%d/Dockerfile", i)
			files = append(files, name, Changeable)
			want.Changed = append(want.Changed, name)
		}
		m.project(Changeable, files...)
		want.Changed = append([]string{"Dockerfile"}, want.Changed...)
	}},
	{"broken HEAD", func(m *maker, want *Repository) {
		m.project(Changeable)
		m.write(".git/HEAD", "\x00garbage\n")
		want.left(result.Failed, "damaged")
	}},
	{"broken objects", func(m *maker, want *Repository) {
		m.project(Changeable)
		m.do(os.RemoveAll(filepath.Join(m.dir, ".git/objects")))
		m.do(os.Mkdir(filepath.Join(m.dir, ".git/objects"), 0o777))
		want.left(result.Failed, "damaged")
	}},
	{"broken index", func(m *maker, want *Repository) {
		m.project(Changeable)
		m.write(".git/index", "DIRCgarbage that is long enough to be taken for one")
		want.left(result.Failed, "damaged")
	}},
	{"loops", func(m *maker, _ *Repository) {
		m.project(Changeable)
		for name, to := range map[string]string{"a": "b", "b": "a", "self": ".", "up": "..", "deep/er/loop": "../..", "root": "/"} {
			m.do(os.MkdirAll(filepath.Dir(filepath.Join(m.dir, name)), 0o777))
			m.do(os.Symlink(to, filepath.Join(m.dir, name)))
		}
		m.commit()
	}},
	{"huge", func(m *maker, _ *Repository) {
		m.project(Changeable)
		m.write("disk.img", "")
		m.do(os.Truncate(filepath.Join(m.dir, "disk.img"), 3<<30)) // holes: no space on the disk
	}},
	{"hostile name", func(m *maker, want *Repository) {
		m.project(Changeable, "a b;c\nd/Dockerfile", Changeable, "-x", "x\n", "ü\x1b[0m", "x\n")
		want.Changed = []string{"Dockerfile", "a b;c\nd/Dockerfile"}
	}},
	{"empty", func(m *maker, want *Repository) {
		m.init()
		m.write("Dockerfile", Changeable)
		want.left(result.Skipped, "no commit")
	}},
	{"folder", func(m *maker, want *Repository) {
		m.write("Dockerfile", Changeable)
		want.NoGit = true
	}},
	{"crlf", func(m *maker, _ *Repository) { m.project(strings.ReplaceAll(Changeable, "\n", "\r\n")) }},
	{"eol", func(m *maker, _ *Repository) {
		m.project(Changeable, ".gitattributes", "* text=auto eol=crlf\n")
	}},
	{"merging", func(m *maker, _ *Repository) {
		m.conflict()
		_, _ = m.try(m.dir, "merge", "-q", "side") // it stops at the conflict
	}},
	{"rebasing", func(m *maker, _ *Repository) {
		m.conflict()
		_, _ = m.try(m.dir, "rebase", "-q", "side")
	}},
	{"filter", func(m *maker, _ *Repository) {
		m.project(Changeable)
		m.write(".gitattributes", "* filter=evil\n")
		m.commit()
		for _, key := range []string{"clean", "smudge", "process"} {
			m.git("config", "filter.evil."+key, m.trap())
		}
		// Changed in time only: git status has to compare it.
		m.write("Dockerfile", Changeable)
	}},
	{"hooks", func(m *maker, _ *Repository) {
		m.project(Changeable)
		for _, h := range strings.Fields("post-checkout post-index-change reference-transaction pre-commit prepare-commit-msg commit-msg post-commit pre-push fsmonitor-watchman pre-auto-gc") {
			m.writeAt(filepath.Join(m.dir, ".git/hooks", h), "#!/bin/sh\n"+m.trap()+"\n", 0o777)
		}
	}},
	{"programs", func(m *maker, _ *Repository) {
		m.project(Changeable)
		for _, key := range []string{"core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.gitProxy", "diff.external", "credential.helper", "gpg.program", "core.askPass", "uploadpack.packObjectsHook", "sequence.editor", "pager.status", "pager.log"} {
			m.git("config", key, "!"+m.trap())
		}
	}},
	{"sparse", func(m *maker, want *Repository) {
		m.project(Settled, "a/x", "x\n", "b/Dockerfile", Changeable)
		m.git("sparse-checkout", "set", "a")
		want.Changed = []string{"b/Dockerfile"}
	}},
	{"assumed", func(m *maker, _ *Repository) {
		m.project(Changeable)
		m.git("update-index", "--assume-unchanged", "Dockerfile")
		m.write("Dockerfile", Settled)
	}},
	{"apart", func(m *maker, _ *Repository) {
		m.do(os.MkdirAll(m.dir, 0o777))
		m.git("init", "-q", "--template=", "--separate-git-dir="+m.elsewhere)
		m.write("Dockerfile", Changeable)
		m.commit()
	}},
	{"sha256", func(m *maker, _ *Repository) {
		m.init("--object-format=sha256")
		m.write("Dockerfile", Changeable)
		m.commit()
	}},
	{"packed", func(m *maker, _ *Repository) {
		m.project(Changeable)
		m.git("update-index", "--index-version=4")
		m.git("stash", "push", "-q", "--include-untracked") // nothing to stash
		m.git("gc", "-q")
	}},
	{"stash", func(m *maker, _ *Repository) {
		m.project(Changeable)
		m.write("main.py", "stashed\n")
		m.git("stash", "push", "-q")
	}},
}

// conflict makes two branches that change the same line of the Dockerfile.
func (m *maker) conflict() {
	m.project(Changeable)
	m.git("checkout", "-q", "-b", "side")
	m.write("Dockerfile", strings.Replace(Changeable, "curl", "wget", 1))
	m.commit()
	m.git("checkout", "-q", "main")
	m.write("Dockerfile", strings.Replace(Changeable, "curl", "jq", 1))
	m.commit()
}

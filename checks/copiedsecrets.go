package checks

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// copiedSecrets finds files with secrets in the folders that a COPY brings into
// the image.
var _ = register(&rewrite.Check{
	Name:    "copied-secrets",
	Summary: "A copied folder holds a key, a credential or a file of secrets",
	Doc: "COPY . and COPY of a folder take every file in it: the .env of this machine, a private key, a token in a settings\n" +
		"file. Everyone who can pull the image has them, also where a later step deletes them\n" +
		"(https://docs.docker.com/build/building/secrets/). Leave the file out by .dockerignore\n" +
		"(https://docs.docker.com/build/concepts/context/#dockerignore-files), give it to the step that\n" +
		"needs it (`RUN --mount=type=secret,id=…`) or to the container when it starts; and change what images had already.\n\n" +
		"A file is found by its name and its contents together: private keys, .env with a secret written out, .netrc, .pgpass\n" +
		"and their like, .npmrc and pip.conf with a token, service accounts and cloud credentials; and by its contents alone\n" +
		"where a settings file (YAML, JSON, TOML, INI, .properties) near the top holds a token of a known form. Only files that are in the\n" +
		"context as it lies there count, those that .dockerignore leaves out don't. A folder that a build stage copies counts where\n" +
		"the image takes it from that stage. A file that the COPY names itself is the check secrets' business.",
	Passes: "Files below folders for tests, fixtures, examples, documentation and templates, files named *.example, *.sample,\n" +
		"*.template or *.dist; public keys and certificates; values that are variables or placeholders; installed packages;\n" +
		"stages that don't ship.",
	Run: func(_ context.Context, p *rewrite.Pass) error {
		var secret map[string]string // file -> what it is; looked for once there is a folder
		for _, c := range folderCopies(p) {
			if secret == nil {
				secret = secretFiles(p)
			}
			if len(secret) == 0 {
				return nil
			}
			c.find(p, secret)
		}
		return nil
	},
})

// shipped is a COPY or ADD whose files ship.
type shipped struct {
	in *rewrite.Instruction
	// only are the image paths that shipping stages take from its own; nil when
	// that ships as a whole.
	only []string
}

// folderCopies lists the COPY and ADD instructions of folders whose files ship:
// those of shipping stages, and those of other stages from which one of them copies.
func folderCopies(p *rewrite.Pass) (out []shipped) {
	if !p.Repo.Known() {
		return nil
	}
	shipping := p.Shipping()
	for _, s := range p.Doc.Stages {
		var only []string
		if !slices.Contains(shipping, s) {
			if only = takenFrom(p, shipping, s); len(only) == 0 {
				continue
			}
		}
		for _, in := range s.Instructions {
			in = in.Inner()
			sources, _, from, ok := in.Copy()
			if ok && from == "" && slices.ContainsFunc(sources, func(src string) bool { return repo.Wild(src) || p.Repo.IsDir(rewrite.ContextPath(src)) }) {
				out = append(out, shipped{in, only})
			}
		}
	}
	return out
}

// takenFrom lists the paths that shipping stages copy from another stage.
func takenFrom(p *rewrite.Pass, shipping []*rewrite.Stage, stage *rewrite.Stage) []string {
	var out []string
	for _, s := range shipping {
		for _, in := range s.Instructions {
			sources, _, from, ok := in.Copy()
			if ok && from != "" && p.Doc.StageByRef(from, s.Index) == stage {
				for _, src := range sources {
					out = append(out, path.Clean("/"+src))
				}
			}
		}
	}
	return out
}

// find reports the secret files that the COPY brings.
func (c shipped) find(p *rewrite.Pass, secret map[string]string) {
	in := c.in
	sources, _, _, _ := in.Copy()
	brought, _ := in.Brings(slices.Sorted(maps.Keys(secret)), p.Repo, p.Name)
	var found []string
	for _, b := range brought {
		named := slices.ContainsFunc(sources, func(s string) bool { return rewrite.ContextPath(s) == b.Ctx })
		ships := c.only == nil || slices.ContainsFunc(c.only, func(dir string) bool { return rewrite.Inside(b.Dest, dir) })
		if what := b.Ctx + " (" + secret[b.Ctx] + ")"; !named && ships && !slices.Contains(found, what) {
			found = append(found, what)
		}
	}
	if len(found) == 0 {
		return
	}
	p.Find(in, fmt.Sprintf("%s brings what looks secret into the image: %s", strings.ToUpper(in.Keyword), several(found, 5)),
		"leave it out by "+p.Repo.Ignore(p.Name).Path+", mount it where it is needed (RUN --mount=type=secret), and change what was in an image")
}

// several names the first n of a list and counts the others.
func several(list []string, n int) string {
	if more := len(list) - n; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:n], ", "), more)
	}
	return strings.Join(list, ", ")
}

// secretFiles lists the files of the context that look secret by name and
// contents, with what they are.
func secretFiles(p *rewrite.Pass) map[string]string {
	const maxSettings, maxSize = 50, 64 << 10
	out, settings := map[string]string{}, 0
	files, _ := p.Repo.Files()
	for _, f := range files {
		if harmless(f) {
			continue
		}
		kind := secretFile(f)
		switch {
		case kind != "":
			if _, holds := contents(p, f, kind); holds {
				if kind == envFile || kind == tokenFile {
					kind = envShared
				}
				out[f] = kind
			}
		case settingsFile(f) && settings < maxSettings:
			settings++
			if src, err := p.Repo.ReadFile(f); err == nil && len(src) <= maxSize {
				if what := shapeIn(string(src)); what != "" {
					out[f] = "it holds " + what
				}
			}
		}
	}
	return out
}

// settingsFile: a file of settings in the root or a folder of it.
func settingsFile(f string) bool {
	if strings.Count(f, "/") > 1 {
		return false
	}
	switch path.Ext(f) {
	case ".yml", ".yaml", ".json", ".toml", ".ini", ".cfg", ".conf", ".properties":
		return !strings.Contains(path.Base(f), "lock")
	}
	return false
}

// harmlessWords are parts of names of files and folders whose secrets are made up.
var harmlessWords = []string{"test", "tests", "testing", "testdata", "fixture", "fixtures", "spec", "specs", "example", "examples", "sample", "samples", "template", "templates", "mock", "mocks", "demo", "demos", "doc", "docs", "documentation", "dist", "default", "defaults", "dummy", "fake", "e2e", "cypress", "snakeoil", "localhost", "snapshots", "stories", "public"}

func harmless(f string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(f), func(r rune) bool { return strings.ContainsRune("/._-", r) }), func(w string) bool {
		return slices.Contains(harmlessWords, w)
	})
}

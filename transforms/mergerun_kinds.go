package transforms

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// What a RUN is for, and whether joining it with its neighbour is worth it.

// stepKind sorts RUNs by what they are for.
type stepKind int

const (
	kindOther    stepKind = iota
	kindPackages          // system packages, and what their sources need
	kindFetch             // downloads and what is done with them
	kindFiles             // directories, owners, accounts, small files
	kindInstall           // language packages
	kindClean             // nothing but deleting and changing owners or modes
)

var packageCommands = words(`apt-get apt apt-key apt-cache apt-mark add-apt-repository dpkg dpkg-reconfigure apk yum dnf microdnf zypper rpm yum-config-manager
	update-ca-certificates debconf-set-selections update-alternatives`)

var fetchCommands = words(`curl wget tar unzip gunzip bunzip2 gpg dirmngr sha256sum sha1sum sha512sum md5sum`)

var fileCommands = words(`locale-gen update-locale localedef ldconfig useradd adduser groupadd addgroup usermod groupmod chpasswd passwd
	mkdir touch chmod chown chgrp ln cp mv rm install echo printf cat tee sed grep true test [ find xargs rmdir`)

// builtins, and what only reads or computes, say nothing about what a step is for.
var builtins = words(`cd set export umask : exit cut head tail awk tr sort uniq wc jq uname arch nproc date basename dirname`)

var cleanCommands = words(`rm rmdir mv chmod chown chgrp find xargs strip`)

var installCommands = words(`pip pip3 pip2 pipenv poetry uv conda mamba npm npx yarn pnpm bun gem bundle bundler composer go cargo cpan cpanm mix dotnet mvn gradle sbt luarocks pear pecl docker-php-ext-install easy_install R Rscript opam cabal stack`)

// kindOf is the kind of a RUN.
func kindOf(in *rewrite.Instruction) stepKind {
	s, why := in.Shell()
	if why != "" {
		return kindOther
	}
	return s.Memo(kindKey{}, func() any { return scriptKind(s) }).(stepKind)
}

type kindKey struct{}

func scriptKind(s *rewrite.Script) stepKind {
	kind, clean, does := kindOther, true, false
	for _, c := range s.Commands() {
		if len(c.Args) == 0 || builtins[c.Name] {
			continue
		}
		does = true
		clean = clean && (cleanCommands[c.Name] || cleansCache(c))
		k := kindOther
		switch {
		case packageCommands[c.Name]:
			k = kindPackages
		case cleansCache(c):
			continue
		case installCommands[c.Name]:
			return kindInstall
		case fetchCommands[c.Name]:
			k = kindFetch
		case fileCommands[c.Name]:
			k = kindFiles
		default:
			return kindOther
		}
		if kind == kindOther || k < kind {
			kind = k
		}
	}
	if clean && does {
		return kindClean
	}
	return kind
}

// cleansCache: clean-up verbs of package managers.
func cleansCache(c rewrite.Command) bool {
	if !packageCommands[c.Name] && !installCommands[c.Name] {
		return false
	}
	for _, a := range c.Args[min(1, len(c.Args)):] {
		switch a {
		case "clean", "autoclean", "autoremove", "purge", "remove", "del", "erase":
			return true
		case "cache":
			return slices.Contains(c.Args, "clean") || slices.Contains(c.Args, "purge")
		}
	}
	return false
}

// touches: b deletes or changes what the steps before it wrote: a path of it
// occurs there, or is a cache of a tool that ran there.
func touches(b *rewrite.Instruction, group []*rewrite.Instruction) bool {
	s, _ := b.Shell()
	for _, c := range s.Commands() {
		if cleansCache(c) && mentions(group, c.Name) {
			return true
		}
		for _, a := range c.Args[min(1, len(c.Args)):] {
			if strings.HasPrefix(a, "-") {
				continue
			}
			for _, k := range cachePaths {
				if strings.Contains(a, k.path) && mentions(group, k.tool) {
					return true
				}
			}
			parts := strings.FieldsFunc(a, func(r rune) bool { return strings.ContainsRune("/*?{},$", r) })
			for i, part := range parts {
				if len(part) > 1 && (i == len(parts)-1 || !commonFolders[part]) && mentions(group, part) {
					return true
				}
			}
		}
	}
	return false
}

// cachePaths are where a tool leaves what it needs no more; "" stands for any.
var cachePaths = []struct{ path, tool string }{
	{"/var/lib/apt", "apt"}, {"/var/cache/apt", "apt"}, {"/var/cache/debconf", "apt"}, {"/var/cache/apk", "apk"}, {"/var/cache/yum", "yum"},
	{"/var/cache/dnf", "dnf"}, {"/usr/share/doc", "apt"}, {"/usr/share/man", "apt"}, {"/.cache", ""}, {"/.npm", "npm"}, {"/tmp", ""}, {"/var/tmp", ""},
}

// commonFolders say nothing about who wrote below them.
var commonFolders = words(`usr local share lib bin sbin etc var opt home root srv tmp cache src doc include log run mnt`)

// mentions: the text of a step, or the directory that it runs in, has the word.
func mentions(group []*rewrite.Instruction, word string) bool {
	return slices.ContainsFunc(group, func(in *rewrite.Instruction) bool {
		return strings.Contains(in.Raw(), word) || strings.Contains(in.State().Workdir, word)
	})
}

// ownParagraph: both are chains of their own, and a blank line and a comment
// keep them apart. One layer less isn't worth what a reader loses.
func ownParagraph(a, b *rewrite.Instruction) bool {
	chain := func(in *rewrite.Instruction) bool {
		s, _ := in.Shell()
		return s != nil && len(s.Commands()) > 1
	}
	blank, comment := false, false
	for _, l := range strings.Split(a.Doc().Src[a.Span.End:b.Span.Start], "\n") {
		l = strings.TrimSpace(l)
		comment = comment || strings.HasPrefix(l, "#")
		blank = blank || l == ""
	}
	return blank && comment && chain(a) && chain(b)
}

// cleanedUp finds how far the set-up steps that begin at i reach to a RUN that
// deletes something, i when there is none: all of them belong together then,
// or the deleted files ship in the layer of an earlier one.
func (m *merger) cleanedUp(ins []*rewrite.Instruction, i int) int {
	if i < m.bare {
		return i
	}
	until, writes, cleans := i, false, false
	var group []*rewrite.Instruction
	k := i
	for ; k < len(ins) && ins[k].Keyword == ins[i].Keyword && ins[k].Inner().Keyword == "run"; k++ {
		switch in := ins[k].Inner(); kindOf(in) {
		case kindPackages, kindFetch:
			writes = true
		case kindFiles:
		case kindClean:
			cleans = true
			if writes && deletes(in) && touches(in, group) {
				until = k
			}
		default:
			return until
		}
		group = append(group, ins[k].Inner())
	}
	if !cleans {
		m.bare = k
	}
	return until
}

// deletes: the step removes files or walks a whole tree, so that it undoes or
// doubles what the layer before it holds.
func deletes(in *rewrite.Instruction) bool {
	s, _ := in.Shell()
	for _, c := range s.Commands() {
		if c.Name == "rm" || c.Name == "mv" || cleansCache(c) || slices.Contains(c.Args, "-R") || slices.Contains(c.Args, "-delete") {
			return true
		}
	}
	return false
}

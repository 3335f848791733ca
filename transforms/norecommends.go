package transforms

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"drydock/rewrite"
)

// no-recommends installs what was asked for and what that needs, not what is
// merely recommended beside it.
var _ = register(&rewrite.Transform{
	Name:      "no-recommends",
	Summary:   "Install packages without those that are only recommended",
	Phase:     rewrite.PhasePackages,
	Rules:     []string{"DL3015"},
	AllAssume: true,
	Apart:     true,
	Doc: `apt-get, dnf and zypper also install what a package recommends: what is "found
together with it in all but unusual installations"
(https://www.debian.org/doc/debian-policy/ch-relationships.html). A container is
such an unusual installation: documentation, editors, mail servers and fonts come
with it and stay. Docker's best practices
(https://docs.docker.com/build/building/best-practices/#apt-get) and hadolint DL3015
say --no-install-recommends.

For dnf the words are --setopt=install_weak_deps=False, for microdnf =0
(https://dnf.readthedocs.io/en/latest/conf_ref.html), for zypper --no-recommends
(https://en.opensuse.org/SDB:Zypper_usage).`,
	Declines: `Where what is recommended is what the package is there for: desktops and tasks
(their packages are nothing but recommendations), compilers without the C library's
headers, pip without a compiler, curl, wget and git without ca-certificates where
https is used later, and the like: each with the package to name. Where the packages
come from a variable or a file, where recommended packages are asked for or switched
off already, and in stages that don't ship.`,
	Assumes: `Nothing in the image needs a package that is only recommended by those that are
installed by name. Name such a package itself.`,
	Run: runNoRecommends,
})

// recommending are the subcommands that install what is recommended, by family.
var recommending = map[string]map[string]bool{"apt-get": words("install"), "dnf": words("install"), "zypper": words("install in")}

// recommendsWord switches that off.
var recommendsWord = map[string]string{"apt-get": "--no-install-recommends", "dnf": "--setopt=install_weak_deps=False", "zypper": "--no-recommends",
	"microdnf": "--setopt=install_weak_deps=0"} // it knows 0 and 1 alone (microdnf, dnf/dnf-main.c)

// recommenders are words that a RUN holds which may install what is recommended.
var recommenders = []string{"apt", "dnf", "zypper"}

func runNoRecommends(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	runs := packageRuns(p.Doc, recommenders)
	if len(runs) == 0 {
		return nil, nil
	}
	ships := p.Shipping()
	pp := &packagePass{Pass: p}
	lower := strings.ToLower(p.Doc.Src)
	for i := range runs {
		r := &runs[i]
		if r.s == nil || !slices.Contains(ships, r.in.Stage) {
			continue
		}
		e := r.s.Edit()
		word := ""
		var mention []string
		for _, k := range r.calls {
			family := toolOf(k.tool)
			if !recommending[family][k.verb] || k.tool == "yum" || k.tool == "tdnf" || k.says("recommends") || k.says("weak_deps") || k.flag("-s", "--simulate", "--dry-run", "--download-only", "-d", "--print-uris") {
				continue
			}
			if strings.Contains(lower, "install-recommends") && configuresRecommends(p.Doc) || strings.Contains(lower, "install_weak_deps=") && strings.Contains(lower, "dnf.conf") || strings.Contains(lower, "onlyrequires") {
				continue // the file's own configuration
			}
			names, why := packageNames(r, k)
			if why == "" && len(names) == 0 {
				continue // apt-get install -f
			}
			if why == "" && family == "apt-get" {
				var more string
				why, more = neededRecommends(r, names)
				if more != "" {
					mention = append(mention, more)
				}
			} else if why == "" {
				why = grouped(names)
			}
			if why != "" {
				p.Decline(r.at, "recommended packages stay: %s", why)
				continue
			}
			word = cmp.Or(recommendsWord[k.tool], recommendsWord[family])
			e.Insert(k.Command, behindYes(k), word)
		}
		c := rewrite.Change{
			Title:   "install with " + word,
			Why:     "what is only recommended is installed too and stays in the image (Docker's best practices, apt-get; hadolint DL3015)",
			Gain:    "often 10 to 60 % of what the step installs",
			Assumes: "nothing in the image needs a package that is only recommended by those installed by name",
		}
		if len(mention) > 0 {
			slices.Sort(mention)
			c.Assumes += "; in particular not " + strings.Join(slices.Compact(mention), ", ")
		}
		pp.propose(r, e, c)
	}
	return pp.out, nil
}

// behindYes is the place behind the subcommand and the -y that follows it.
func behindYes(k call) int {
	i := k.verbAt + 1
	for i < len(k.Args) && (k.Args[i] == "--yes" || k.Args[i] == "--assume-yes" || strings.HasPrefix(k.Args[i], "-") && strings.Trim(k.Args[i], "-yqf") == "" && k.Args[i] != "--") {
		i++
	}
	return i
}

// configuresRecommends: a step or a copied file sets APT::Install-Recommends.
func configuresRecommends(d *rewrite.Document) bool {
	for _, in := range d.Instructions {
		if raw := in.Raw(); strings.Contains(raw, "APT::Install-Recommends") || strings.Contains(raw, "Install-Recommends \"") || strings.Contains(raw, "Install-Recommends=") {
			return true
		}
	}
	return false
}

// packageNames are the packages that a call installs, without versions,
// architectures and releases; why says why they can't be told.
func packageNames(r *packageRun, k call) (names []string, why string) {
	value := false
	for _, a := range k.Args[k.verbAt+1:] {
		switch {
		case value:
			value = false
			continue
		case a == "-o" || a == "-t" || a == "-c" || a == "--target-release" || a == "--enablerepo" || a == "--disablerepo" || a == "-x" || a == "--exclude" || a == "--repo":
			value = true
			continue
		case strings.HasPrefix(a, "-"):
			continue
		}
		a = strings.Trim(a, `"'`)
		if strings.ContainsAny(a, "$`") {
			// linux-headers-$(uname -r) and postgresql-${PG} still say what they are
			head := a[:strings.IndexAny(a, "$`")]
			if len(head) < 4 {
				if a = r.in.State().Expand(a); strings.ContainsAny(a, "$`") {
					return nil, "the packages come from a variable"
				}
			} else {
				a = strings.TrimRight(head, "-=") + a[len(a):]
			}
		}
		for _, n := range strings.Fields(a) {
			if i := strings.IndexAny(n, "=/:"); i > 0 && !strings.HasPrefix(n, ".") {
				n = n[:i]
			}
			names = append(names, strings.TrimSuffix(n, "-"))
		}
	}
	if k.Args[0] == "xargs" || slices.Contains(k.Args[:k.at], "xargs") {
		return nil, "the packages come from a file or a pipe"
	}
	return names, ""
}

// grouped: groups and patterns are made of recommendations.
func grouped(names []string) string {
	for _, n := range names {
		if strings.HasPrefix(n, "@") || strings.HasPrefix(n, "pattern") || strings.Contains(n, "desktop") {
			return n + " is a group, which is made of recommendations"
		}
	}
	return ""
}

// neededRecommends says which recommended package the packages are of no use
// without; mention is one that may be needed.
func neededRecommends(r *packageRun, names []string) (why, mention string) {
	later := ""
	for i := range recommendations {
		rec := &recommendations[i]
		n := slices.IndexFunc(names, rec.is)
		if n < 0 || slices.ContainsFunc(rec.unless, func(u string) bool { return slices.Contains(names, u) || namedBefore(r, u) }) {
			continue
		}
		if rec.base != nil && r.in.State().Known && rec.base(r) {
			continue
		}
		if len(rec.when) > 0 {
			if later == "" {
				later = usedFrom(r)
			}
			if !slices.ContainsFunc(rec.when, func(w string) bool { return strings.Contains(later, w) }) {
				mention = rec.needs
				continue
			}
		}
		return fmt.Sprintf("%s only recommends %s: %s", names[n], rec.needs, rec.why), ""
	}
	return "", mention
}

// namedBefore reports whether the step or one before it in the stage and its
// parents installs a package by name.
func namedBefore(r *packageRun, name string) bool {
	for s := r.in.Stage; s != nil; s = s.Parent() {
		for _, in := range s.Instructions {
			if in.Keyword == "run" && (s != r.in.Stage || in.Index <= r.at.Index) && namesPackage(in.Raw(), name) {
				return true
			}
		}
	}
	return false
}

// namesPackage finds a package's name between blanks.
func namesPackage(text, word string) bool {
	for i := 0; ; {
		j := strings.Index(text[i:], word)
		if j < 0 {
			return false
		}
		j += i
		end := j + len(word)
		if (j == 0 || strings.IndexByte(" \t\n\"'", text[j-1]) >= 0) && (end == len(text) || strings.IndexByte(" \t\r\n\"'=:\\;", text[end]) >= 0) {
			return true
		}
		i = end
	}
}

// usedFrom is what the step itself, all that comes behind it in the file and
// the variables before it say, comments apart.
func usedFrom(r *packageRun) string {
	var b strings.Builder
	for _, in := range r.at.Doc().Instructions {
		if in.Index < r.at.Index && in.Keyword != "env" && in.Keyword != "arg" {
			continue
		}
		b.WriteString(in.Text)
		for _, h := range in.Heredocs {
			b.WriteString(r.at.Doc().Src[h.Body.Start:h.Body.End])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

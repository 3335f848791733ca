package images

import (
	"embed"
	"strings"
	"sync"
)

//go:embed catalogue/*.txt
var files embed.FS

// A family is a repository of the catalogue, read from its file.
type family struct {
	repository  string
	source      string // who lists the tags, and when
	date        string
	datesSource string // who gives release and end of life; "" nobody
	datesDate   string
	sizes       string          // who gives the sizes of the rules being read, and when
	depth       int             // components of a version that name a line: 2 for 3.12, 1 for 20
	base        string          // distribution when the tag says none
	from        string          // version since which the rules hold; "" all
	baseRelease string          // and its release, where all tags stand on one
	unsure      bool            // base doesn't hold for tags that are no longer listed
	words       map[string]bool // what may stand in a tag besides version, release, slim and alpine
	neutral     map[string]bool // words that change nothing about the release
	anyWord     bool            // a repository that isn't in the catalogue: every word may stand in a tag
	versions    map[string]bool // words that stand in the place of a version: lts, mainline
	pinAlias    bool            // a line is named by its code name: debian:trixie
	noSlim      string          // why slim is no counterpart
	retired     string          // day the repository was given up
	replacedBy  string
	follow      map[string]string // moving tag to line where they are different images: debian's stable
	lines       []line            // newest first
	byLine      map[string]int    // names and aliases
	rows        []row
	byTag       map[string]int
	past        map[string]*past // by line
	rules       []rule
	lts         map[string]string // line to the end of its long-term support, where that is another team's
}

// A line is a release line: python 3.12.
type line struct {
	name, released, eol string
	ended               bool // the day isn't known
	aliases             []string
}

// supported tells whether the line is supported on a day.
func (l *line) supported(day string) bool { return !l.ended && (l.eol == "" || l.eol > day) }

// A row is one image: all its tags name the same manifest on the catalogue's date.
type row struct {
	line, version string // "" when the tags don't say
	release       string // the tag word that names the release: "trixie", "alpine3.24"
	pre           bool   // release candidate, development branch
	gone          string // day the tags were last listed; "" still listed
}

// past tells what the tags of a line meant while it was built: the default
// release of the bare, the slim and the alpine tag from which version on.
type past struct {
	version  string // last one
	seen     string // day the line was last listed; "" still listed
	steps    map[string][]step
	explicit map[string]string // suffixes with a release that were listed ("slim-buster"), and since which version
}

// had tells whether version was listed with a suffix that names a release.
func (p *past) had(version, suffix string) bool {
	from, ok := p.explicit[suffix]
	return ok && (compare(from, version) <= 0 || within(from, version))
}

type step struct{ from, release string } // release "" unknown

// at is the release that tag kind had for version; listed is false when no
// such tag was listed.
func (p *past) at(kind, version string) (release string, listed bool) {
	if major, build, ok := strings.Cut(version, "_"); ok && !strings.Contains(major, ".") { // temurin's 17_35 is 17.0.0_35
		version = major + ".0.0_" + build
	}
	for _, s := range p.steps[kind] {
		if s.from != "" && compare(s.from, version) > 0 && !within(s.from, version) {
			break
		}
		release, listed = s.release, true
	}
	return release, listed
}

// rowOf is a listed, stable row of the line that carries the line's own tag,
// with or without suffix; nil when there is none.
func (f *family) rowOf(l *line) *row {
	for i := range f.rows {
		if r := &f.rows[i]; r.line == l.name && !r.pre && r.gone == "" {
			return r
		}
	}
	return nil
}

// lineTag is the tag that names l: its code name where that is the custom.
func (f *family) lineTag(l *line, r *row) string {
	if f.pinAlias && len(l.aliases) > 0 {
		return l.aliases[0]
	}
	if _, ok := f.byTag["v"+l.name]; ok { // traefik:v3.7 is how its documentation writes it
		return "v" + l.name
	}
	if f.depth == 1 && r.version != "" && f.listed(l.name) == nil && f.listed(r.version) != nil { // elasticsearch has full versions only
		return r.version
	}
	return l.name
}

func (f *family) line(name string) *line {
	if i, ok := f.byLine[name]; ok {
		return &f.lines[i]
	}
	return nil
}

// listed is the row that tag names on the catalogue's date.
func (f *family) listed(tag string) *row {
	if i, ok := f.byTag[tag]; ok && f.rows[i].gone == "" {
		return &f.rows[i]
	}
	return nil
}

type entry struct {
	once sync.Once
	f    *family
}

var families sync.Map // repository to *entry

// familyOf reads the file of a repository on first use; nil when there is none.
func familyOf(repository string) *family {
	if e, ok := families.Load(repository); ok {
		return e.(*entry).load(repository)
	}
	name := fileOf(repository)
	if _, err := files.Open(name); err != nil {
		return nil // not remembered: names come from the outside
	}
	e, _ := families.LoadOrStore(repository, new(entry))
	return e.(*entry).load(repository)
}

func (e *entry) load(repository string) *family {
	e.once.Do(func() {
		data, err := files.ReadFile(fileOf(repository))
		if err == nil {
			e.f, err = parseFamily(repository, string(data))
		}
		if err != nil { // a test reads every file
			e.f = nil
		}
	})
	return e.f
}

func fileOf(repository string) string {
	return "catalogue/" + strings.ReplaceAll(repository, "/", "+") + ".txt"
}

// repositories are the names of everything that the catalogue holds in files.
var repositories = sync.OnceValue(func() (names []string) {
	es, _ := files.ReadDir("catalogue")
	for _, e := range es {
		names = append(names, strings.ReplaceAll(strings.TrimSuffix(e.Name(), ".txt"), "+", "/"))
	}
	return names
})

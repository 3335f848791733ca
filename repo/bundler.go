package repo

import (
	"bytes"
	"path"
	"strings"
)

// Bundler is what "bundle install" reads in one folder.
type Bundler struct {
	Files   []string // all it reads; exact unless Unknown
	Lock    string   // Gemfile.lock, "" when there is none
	Unknown string   // why more than Files may be read
	// Settings is .bundle/config, "" when there is none; Moves tells what in it
	// changes what is read or where it goes. BUNDLE_APP_CONFIG puts another in its place.
	Settings, Moves string
}

// Bundler returns the facts about the Gemfile in folder dir (a path as in
// Exists); nil when there is none. A Gemfile is a Ruby program: one that does
// more than name gems, groups and sources is not understood.
//
// Sources: https://bundler.io/man/gemfile.5.html,
// https://bundler.io/man/bundle-config.1.html.
func (r *Repo) Bundler(dir string) *Bundler {
	dir, ok := clean(dir)
	if !ok || !r.isFile(path.Join(dir, "Gemfile")) {
		return nil
	}
	return r.facts.bundler.get(dir, func() *Bundler {
		b := &Bundler{Files: r.has(dir, "Gemfile", "Gemfile.lock")}
		if l := r.has(dir, "Gemfile.lock"); l != nil {
			b.Lock = l[0]
		}
		b.Unknown = b.needsMore(r, dir)
		return b
	})
}

func (b *Bundler) needsMore(r *Repo, dir string) string {
	src, err := r.ReadFile(b.Files[0])
	if err != nil {
		return b.Files[0] + " cannot be read"
	}
	if why := b.gemfile(r, dir, lines(src)); why != "" {
		return why
	}
	if b.Lock != "" {
		src, err := r.ReadFile(b.Lock)
		switch {
		case err != nil:
			return b.Lock + " cannot be read"
		case bytes.Contains(src, []byte("PATH\n")), bytes.Contains(src, []byte("PATH\r\n")):
			return b.Lock + " locks a local path"
		}
	}
	for _, f := range r.has(dir, "gems.rb", ".bundle/plugin/index") {
		return "Bundler reads " + f + " too"
	}
	if d := path.Join(dir, "vendor/cache"); r.IsDir(d) {
		return "Bundler installs from " + d
	}
	for _, f := range r.has(dir, ".bundle/config") {
		b.Settings, b.Moves = f, bundleConfig(r, f)
	}
	return ""
}

var (
	// gemWords begin the lines of a Gemfile that reads nothing else.
	gemWords = lazy(`^(source|gem|group|end|else|if|elsif|unless|platforms?|ruby|git|github|git_source|install_if|env)\b|^[}\])]`)
	// gemFile is a file that "ruby file:" names.
	gemFile = lazy(`^ruby\s*\(?\s*(?::file\s*=>|file:)\s*["']([\w./-]+)["']\s*\)?$`)
	// gemReads are words that may bring in what isn't in the file.
	gemReads = lazy("\\b(path|gemspec|eval_gemfile|plugin|File|FileTest|Dir|IO|Pathname|YAML|JSON|Psych|Kernel|Object|Bundler|__dir__|__FILE__|__method__|open|readlines?|eval|instance_eval|class_eval|send|public_send|load|system|exec|spawn|popen|binding|method|const_get)\\b|`|%x|<<[~-]?[A-Z\"'`]|;|\\brequire(_relative)?[ (]+[^:=> ]")
)

// gemfile reads the lines; a line that ends with a comma or an open bracket
// goes on in the next.
func (b *Bundler) gemfile(r *Repo, dir string, ls []string) string {
	open := false
	for i, l := range ls {
		if n := strings.Index(l, "#"); n >= 0 && (strings.TrimSpace(l[:n]) == "" || l[n-1] == ' ') && strings.Count(l[:n], `"`)%2 == 0 && strings.Count(l[:n], "'")%2 == 0 {
			l = l[:n]
		}
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		at := place(b.Files[0], i+1)
		if m := gemFile.FindStringSubmatch(l); m != nil {
			f := path.Join(dir, m[1])
			if strings.HasPrefix(m[1], "/") || !r.isFile(f) {
				return at + " reads " + m[1]
			}
			b.Files = append(b.Files, f)
			continue
		}
		if gemReads.MatchString(l) {
			return at + " may read other files: " + short(l)
		}
		if !open && !gemWords.MatchString(l) {
			return at + " isn't a plain list of gems: " + short(l)
		}
		open = strings.HasSuffix(l, ",") || strings.HasSuffix(l, "(") || strings.HasSuffix(l, "[") || strings.HasSuffix(l, "{") || strings.HasSuffix(l, `\`) || strings.HasSuffix(l, "=>")
	}
	return ""
}

// bundleSettings change neither what is read nor where it goes.
var bundleSettings = map[string]bool{"BUNDLE_WITHOUT": true, "BUNDLE_WITH": true, "BUNDLE_JOBS": true, "BUNDLE_RETRY": true, "BUNDLE_FROZEN": true,
	"BUNDLE_FORCE_RUBY_PLATFORM": true, "BUNDLE_SILENCE_ROOT_WARNING": true, "BUNDLE_DISABLE_SHARED_GEMS": true}

func bundleConfig(r *Repo, file string) string {
	src, err := r.ReadFile(file)
	if err != nil {
		return file + " cannot be read"
	}
	for _, l := range lines(src) {
		key, _, ok := strings.Cut(l, ":")
		if key = strings.TrimSpace(key); ok && strings.HasPrefix(key, "BUNDLE_") && !bundleSettings[key] && !strings.HasPrefix(key, "BUNDLE_BUILD__") {
			return file + " sets " + key
		}
	}
	return ""
}

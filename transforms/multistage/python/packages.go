package python

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// nativeNeeds are Python packages that need a library or a program which full
// Debian-based images bring by chance (docker-library/buildpack-deps) and slim
// ones don't: what they link to when pip compiles them (no wheel on PyPI), load
// by name or call. The value lists Debian packages, by bookworm's names, and
// behind each | other packages that bring them along; "" where it isn't known
// what is needed. What the full image hasn't either (libzbar0 for pyzbar, ffmpeg
// for pydub, tesseract-ocr for pytesseract) is there only where the file
// installs it, and the runtime stage installs it then, too. Sources: each
// project's installation notes, and runs in the lab (uwsgi, psycopg2,
// mysqlclient: "cannot open shared object").
var nativeNeeds = map[string]string{
	// compiled against a library, no wheels for Linux
	"psycopg2": "libpq5|postgresql-client", "psycopg2cffi": "libpq5|postgresql-client", "psycopg": "libpq5|postgresql-client", "psycopg-c": "libpq5|postgresql-client", "pygresql": "libpq5|postgresql-client",
	"mysqlclient": "libmariadb3|mariadb-client|default-mysql-client", "mysql-python": "libmariadb3|mariadb-client|default-mysql-client", "mysql": "libmariadb3|mariadb-client|default-mysql-client",
	"flask-mysqldb": "libmariadb3|mariadb-client|default-mysql-client", "mariadb": "libmariadb3|mariadb-client|default-mysql-client",
	"uwsgi": "libxml2", "python-ldap": "libldap-2.5-0 libsasl2-2", "pyldap": "libldap-2.5-0 libsasl2-2", "django-auth-ldap": "libldap-2.5-0 libsasl2-2",
	"pillow-simd": "libjpeg62-turbo libtiff6 libwebp7 libwebpmux3 libwebpdemux2 libopenjp2-7 liblcms2-2 libfreetype6 libxcb1",
	"pycairo":     "libcairo2", "rlpycairo": "libcairo2", "xhtml2pdf": "libcairo2", "pyicu": "libicu72", "kerberos": "libgssapi-krb5-2", "pykerberos": "libgssapi-krb5-2", "gssapi": "libgssapi-krb5-2",
	"opencv-python": "libglib2.0-0|ffmpeg", "opencv-contrib-python": "libglib2.0-0|ffmpeg", "ibm-db": "", "cx-oracle": "", "python-apt": "",
	// loaded by name (dlopen)
	"python-magic": "libmagic1|file", "weasyprint": pango + "|weasyprint", "django-weasyprint": pango + "|weasyprint", "flask-weasyprint": pango + "|weasyprint",
	"cairocffi": "libcairo2", "cairosvg": "libcairo2", "pangocffi": "libpango-1.0-0 libpangoft2-1.0-0", "pangocairocffi": "libpangocairo-1.0-0 libcairo2", "wand": "libmagickwand-6.q16-6|imagemagick", "pyexiv2": "",
	// call a program
	"gitpython": "git", "pre-commit": "git", "ansible": "openssh-client|ssh", "ansible-core": "openssh-client|ssh", "mercurial": "mercurial", "python-hglib": "mercurial", "svn": "subversion", "python-gnupg": "gnupg", "gnupg": "gnupg",
	"playwright": "", "pyppeteer": "", "cppyy": "g++", "theano": "g++", "pymc3": "g++", "aesara": "g++", "pytensor": "g++", "pystan": "g++", "cmdstanpy": "g++", "brian2": "g++", "triton": "gcc", "vllm": "gcc", "deepspeed": "g++",
	"weave": "gcc", "mkdocs-git-revision-date-localized-plugin": "git", "mkdocs-git-revision-date-plugin": "git", "dvc": "git", "copier": "git", "cookiecutter": "git", "gitlint": "git",
}

// pango as weasyprint loads it, with cairo and gdk-pixbuf for versions before 53
// (https://doc.courtbouillon.org/weasyprint/stable/first_steps.html).
const pango = "libpango-1.0-0 libpangoft2-1.0-0 libpangocairo-1.0-0 libcairo2 libgdk-pixbuf-2.0-0"

// bundled are extras with which the package brings its library along.
var bundled = map[string][]string{"psycopg": {"binary"}}

// WheelSince are packages with C code whose Linux wheels bring the libraries:
// the first version with a wheel for a Python minor (PyPI's file lists,
// November 2026). An older pin is compiled, against the libraries of wheelLibs.
var WheelSince = map[string]map[string]string{
	"lxml":            {"3.6": "3.7.2", "3.7": "4.2.2", "3.8": "4.4.1", "3.9": "4.5.2", "3.10": "4.6.3", "3.11": "4.9.1", "3.12": "4.9.3", "3.13": "5.3.0", "3.14": "6.0.1", "3.15": "6.1.2"},
	"pillow":          {"3.6": "4.0.0", "3.7": "5.2.0", "3.8": "6.2.1", "3.9": "8.0.0", "3.10": "8.3.2", "3.11": "9.2.0", "3.12": "10.0.0", "3.13": "10.4.0", "3.14": "11.3.0", "3.15": "12.3.0"},
	"pycurl":          {"3.8": "7.45.3", "3.9": "7.45.3", "3.10": "7.45.3", "3.11": "7.45.3", "3.12": "7.45.3", "3.13": "7.45.4", "3.14": "7.45.7", "3.15": "7.48.0"},
	"h5py":            {"3.6": "2.6.0", "3.7": "2.8.0", "3.8": "2.9.0", "3.9": "3.0.0", "3.10": "3.6.0", "3.11": "3.8.0", "3.12": "3.10.0", "3.13": "3.12.0", "3.14": "3.15.0"},
	"psycopg2-binary": {"3.6": "2.7.1", "3.7": "2.7.5", "3.8": "2.8.4", "3.9": "2.8.6", "3.10": "2.9.2", "3.11": "2.9.5", "3.12": "2.9.9", "3.13": "2.9.10", "3.14": "2.9.11"},
	"pyyaml":          {"3.6": "5.4", "3.7": "5.4", "3.8": "5.4", "3.9": "5.4", "3.10": "6.0", "3.11": "6.0", "3.12": "6.0.1", "3.13": "6.0.2", "3.14": "6.0.3"},
	"shapely":         {"3.6": "1.6.0", "3.7": "1.7.0", "3.8": "1.7.0", "3.9": "1.7.1", "3.10": "1.8.0", "3.11": "1.8.5", "3.12": "2.0.2", "3.13": "2.0.6", "3.14": "2.1.2", "3.15": "2.2.0"},
}

// wheelLibs are what those packages link to when they are compiled, by bookworm's
// names. h5py and shapely find nothing of theirs on the full image, so that the
// file names the -dev package (DevLibrary).
var wheelLibs = map[string]string{
	"lxml": "libxml2 libxslt1.1", "pillow": "libjpeg62-turbo libtiff6 libwebp7 libwebpmux3 libwebpdemux2 libopenjp2-7 liblcms2-2 libfreetype6 libxcb1",
	"pycurl": "libcurl4", "psycopg2-binary": "libpq5|postgresql-client", "pyyaml": "libyaml-0-2", "h5py": "", "shapely": "",
}

// ExactPin matches a requirement of one version; group 1 is that.
var ExactPin = lazily(`===?\s*([0-9][0-9.]*)`)

// packages checks what is installed by name; "" when nothing speaks against
// the slim image.
func (py *App) packages() string {
	for _, p := range py.Asked {
		if why := py.Needs(p); why != "" {
			return why
		}
	}
	return ""
}

// Needs installs what a package needs beyond the slim image, or tells why that
// can't be.
func (py *App) Needs(p repo.Package) string {
	if need, ok := nativeNeeds[p.Name]; ok {
		if slices.ContainsFunc(bundled[p.Name], func(e string) bool { return slices.Contains(p.Extras, e) }) {
			return ""
		}
		if need == "" {
			return Says(p) + p.Name + " needs libraries that the slim image hasn't, and which they are isn't known"
		}
		return py.bring(p, need)
	}
	since := WheelSince[p.Name]
	if since == nil {
		return ""
	}
	minor, compiled := py.Minor(), py.noBinary(p.Name)
	if pin := ExactPin().FindStringSubmatch(p.Spec); pin != nil && minor != "" {
		compiled = compiled || since[minor] == "" || cmdline.VersionLess(pin[1], since[minor])
	}
	if !compiled || wheelLibs[p.Name] == "" {
		return ""
	}
	return py.bring(p, wheelLibs[p.Name])
}

// Says is where a package is asked for, "requirements.txt:3: "; "" where no file does.
func Says(p repo.Package) string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", p.File, p.Line)
}

// bring installs the Debian packages of a need in the runtime stage.
func (py *App) bring(p repo.Package, need string) string {
	pkgs, others, _ := strings.Cut(need, "|")
	for _, o := range strings.Split(others, "|") {
		if o != "" && py.HasPackage(o) {
			return ""
		}
	}
	names := strings.Fields(pkgs)
	if distro.BuildTools[names[0]] {
		return Says(p) + p.Name + " needs " + names[0] + " at run time, which the slim image hasn't"
	}
	if py.SameBase {
		return "" // what was there came from apt, and comes from there again
	}
	why := p.Name
	if p.File != "" {
		why += fmt.Sprintf(" (%s:%d)", p.File, p.Line)
	}
	if names[0] == "git" {
		names = append(names, "openssh-client")
	}
	names = slices.DeleteFunc(names, py.HasPackage)
	if missing := py.Requires(names, why); missing != "" {
		return Says(p) + p.Name + " needs " + missing + " at run time, and what " + cmp.Or(py.Image.Distro, "the distribution") + " " + py.Image.Release + " calls it isn't known"
	}
	return ""
}

// noBinary: the wheels of a package are refused on the command line.
func (py *App) noBinary(name string) bool {
	for _, i := range py.installs {
		for n, a := range i.step.Args {
			v, ok := strings.CutPrefix(a, "--no-binary")
			if !ok {
				continue
			}
			if v = strings.TrimPrefix(v, "="); v == "" && n+1 < len(i.step.Args) {
				v = i.step.Args[n+1]
			}
			for _, w := range strings.Split(v, ",") {
				if w == ":all:" || pep503(w) == name {
					return true
				}
			}
		}
	}
	return false
}

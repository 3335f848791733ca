package multistage

import (
	"fmt"
	"slices"
	"strings"

	"drydock/repo"
)

// nativeNeeds are Python packages that need a library or a program which full
// Debian-based images bring by chance and slim ones don't: what they link to
// when pip compiles them (no wheel on PyPI), load by name or call. The value
// lists the Debian packages one of which mends it, parted by |; "" for none. Sources: each project's installation notes, and
// runs in the lab (uwsgi, psycopg2, mysqlclient: "cannot open shared object").
var nativeNeeds = map[string]string{
	// compiled against a library, no wheels for Linux
	"psycopg2": "libpq5|postgresql-client", "psycopg2cffi": "libpq5", "psycopg": "libpq5", "psycopg-c": "libpq5", "pygresql": "libpq5",
	"mysqlclient": "libmariadb3|mariadb-client|default-mysql-client", "mysql-python": "libmariadb3", "mariadb": "libmariadb3", "uwsgi": "libxml2", "python-ldap": "libldap-2.5-0", "pyldap": "libldap-2.5-0",
	"pillow-simd": "libjpeg62-turbo", "gdal": "", "pygobject": "libgirepository-1.0-1", "pycairo": "libcairo2", "xmlsec": "libxmlsec1-openssl", "python3-saml": "libxmlsec1-openssl",
	"pylibmc": "libmemcached11", "pyicu": "", "pyaudio": "libportaudio2", "python-snappy": "libsnappy1v5", "m2crypto": "openssl", "dbus-python": "libdbus-1-3", "systemd-python": "libsystemd0",
	"pycups": "libcups2", "rpy2": "r-base|r-base-core", "pygraphviz": "graphviz", "mod-wsgi": "apache2", "pysqlcipher3": "libsqlcipher0", "kerberos": "libgssapi-krb5-2", "pykerberos": "libgssapi-krb5-2",
	"gssapi": "libgssapi-krb5-2", "ibm-db": "", "pyscard": "libpcsclite1", "pyusb": "libusb-1.0-0", "hidapi": "libusb-1.0-0", "pymssql": "libsybdb5", "cx-oracle": "", "python-apt": "",
	"bjoern": "libev4", "leveldb": "libleveldb1d", "python-prctl": "libcap2", "pyfuse3": "libfuse3-3", "fusepy": "libfuse2", "opencv-python": "libglib2.0-0|libglib2.0-0t64|ffmpeg", "opencv-contrib-python": "libglib2.0-0|libglib2.0-0t64|ffmpeg",
	// loaded by name (dlopen)
	"python-magic": "libmagic1|file", "weasyprint": "libpango-1.0-0|libpangoft2-1.0-0|libpangocairo-1.0-0|weasyprint", "cairocffi": "libcairo2", "cairosvg": "libcairo2", "pyzbar": "libzbar0", "wand": "libmagickwand-6.q16-6|imagemagick", "pyodbc": "unixodbc|msodbcsql17|msodbcsql18|tdsodbc",
	"xvfbwrapper": "xvfb", "pyvirtualdisplay": "xvfb", "pangocffi": "libpango-1.0-0", "python-vlc": "vlc", "libusb1": "libusb-1.0-0", "pyexiv2": "",
	// call a program
	"gitpython": "git", "pre-commit": "git", "ansible": "openssh-client|ssh", "ansible-core": "openssh-client|ssh", "mercurial": "mercurial", "python-gnupg": "gnupg", "gnupg": "gnupg",
	"pytesseract": "tesseract-ocr", "pdf2image": "poppler-utils", "pydub": "ffmpeg", "playwright": "", "pyppeteer": "chromium", "cppyy": "g++", "pyximport": "gcc", "theano": "g++", "pymc3": "g++", "aesara": "g++", "pytensor": "g++",
	"weave": "gcc", "mkdocs-git-revision-date-localized-plugin": "git", "mkdocs-git-revision-date-plugin": "git", "dvc": "git", "copier": "git", "cookiecutter": "git", "gitlint": "git",
}

// bundled are extras with which the package brings its library along.
var bundled = map[string][]string{"psycopg": {"binary"}}

// wheelSince are packages with C code whose Linux wheels bring the libraries:
// the first version with a wheel for a Python minor (PyPI's file lists,
// November 2026). An older pin is compiled, against libraries that the slim
// image hasn't.
var wheelSince = map[string]map[string]string{
	"lxml":    {"3.6": "3.7.2", "3.7": "4.2.2", "3.8": "4.4.1", "3.9": "4.5.2", "3.10": "4.6.3", "3.11": "4.9.1", "3.12": "4.9.3", "3.13": "5.3.0", "3.14": "6.0.1", "3.15": "6.1.2"},
	"pillow":  {"3.6": "4.0.0", "3.7": "5.2.0", "3.8": "6.2.1", "3.9": "8.0.0", "3.10": "8.3.2", "3.11": "9.2.0", "3.12": "10.0.0", "3.13": "10.4.0", "3.14": "11.3.0", "3.15": "12.3.0"},
	"pycurl":  {"3.8": "7.45.3", "3.9": "7.45.3", "3.10": "7.45.3", "3.11": "7.45.3", "3.12": "7.45.3", "3.13": "7.45.4", "3.14": "7.45.7", "3.15": "7.48.0"},
	"h5py":    {"3.6": "2.6.0", "3.7": "2.8.0", "3.8": "2.9.0", "3.9": "3.0.0", "3.10": "3.6.0", "3.11": "3.8.0", "3.12": "3.10.0", "3.13": "3.12.0", "3.14": "3.15.0"},
	"shapely": {"3.6": "1.6.0", "3.7": "1.7.0", "3.8": "1.7.0", "3.9": "1.7.1", "3.10": "1.8.0", "3.11": "1.8.5", "3.12": "2.0.2", "3.13": "2.0.6", "3.14": "2.1.2", "3.15": "2.2.0"},
}

var exactPin = lazily(`===?\s*([0-9][0-9.]*)`)

// packages checks what is installed by name; "" when nothing speaks against
// the slim image.
func (py *pythonSplit) packages() string {
	for _, p := range py.asked {
		if why := py.needs(p); why != "" {
			return why
		}
	}
	return ""
}

func (py *pythonSplit) needs(p repo.Package) string {
	at := ""
	if p.File != "" {
		at = fmt.Sprintf("%s:%d: ", p.File, p.Line)
	}
	if lib, ok := nativeNeeds[p.Name]; ok {
		for _, e := range bundled[p.Name] {
			if slices.Contains(p.Extras, e) {
				return ""
			}
		}
		for _, l := range strings.Split(lib, "|") {
			if py.apt.runtime[l] {
				return ""
			}
		}
		if lib == "" {
			return at + p.Name + " needs libraries that the slim image hasn't"
		}
		lib, _, _ = strings.Cut(lib, "|")
		return at + p.Name + " needs " + lib + " at run time, which the slim image hasn't"
	}
	since := wheelSince[p.Name]
	if since == nil {
		return ""
	}
	minor := py.minor()
	want, pin := since[minor], exactPin().FindStringSubmatch(p.Spec)
	switch {
	case py.noBinary():
		return at + p.Name + " is compiled, against libraries that the slim image hasn't"
	case pin == nil || minor == "":
		return ""
	case want == "" || versionLess(pin[1], want):
		return at + p.Name + " " + pin[1] + " has no wheel for Python " + minor + ", so it is compiled against libraries that the slim image hasn't"
	}
	return ""
}

// noBinary: wheels are refused on the command line.
func (py *pythonSplit) noBinary() bool {
	for _, i := range py.installs {
		for _, a := range i.step.Args {
			if strings.HasPrefix(a, "--no-binary") {
				return true
			}
		}
	}
	return false
}

// versionLess compares dotted numbers.
func versionLess(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := 0; i < max(len(x), len(y)); i++ {
		m, n := 0, 0
		if i < len(x) {
			m = atoiOr0(x[i])
		}
		if i < len(y) {
			n = atoiOr0(y[i])
		}
		if m != n {
			return m < n
		}
	}
	return false
}

func atoiOr0(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

package transforms

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"slices"
	"strings"

	"drydock/repo"
)

// tarName reports whether the name is one that tar archives have, those
// included that don't look so: gems, OVA images, Alpine packages, npm and Rust packages.
func tarName(s string) bool {
	base := strings.ToLower(path.Base(s))
	switch path.Ext(base) {
	case ".tar", ".gz", ".tgz", ".taz", ".bz2", ".tbz", ".tbz2", ".tb2", ".xz", ".txz", ".lzma", ".tlz", ".zst", ".tzst", ".z", ".lz4",
		".gem", ".ova", ".apk", ".crate", ".unitypackage", ".gtar", ".cbt", ".oci", ".box", ".vbox", ".conda", ".xbps", ".pkg":
		return true
	}
	return strings.Contains(base, ".tar.")
}

// plainName reports whether no tar archive has the name: by its extension, or
// because everyone knows the file.
func plainName(s string) bool {
	base := strings.ToLower(path.Base(s))
	if slices.Contains(plainFiles, base) {
		return true
	}
	ext := strings.TrimPrefix(path.Ext(base), ".")
	if ext == "" {
		return false
	}
	_, ok := slices.BinarySearch(plainExtensions, ext)
	return ok
}

// plainFiles are files and folders without a telling extension that are text or
// folders wherever they occur.
var plainFiles = []string{
	"gemfile", "rakefile", "makefile", "dockerfile", "procfile", "pipfile", "jenkinsfile", "vagrantfile", "caddyfile", "brewfile", "podfile", "berksfile", "guardfile",
	"license", "copying", "notice", "readme", "changelog", "authors", "version", "crontab", "sudoers", "hosts", "passwd", "group", "motd", "sources.list",
	"gradlew", "mvnw", "artisan", "manage", "entrypoint", "docker-entrypoint", "configure", "nsswitch.conf",
	"requirements", "src", "scripts", "config", "conf", "conf.d", "etc", "templates", "static", "public", "docs", "test", "tests", "views", "gradle",
	".env", ".gitignore", ".dockerignore", ".npmrc", ".yarnrc", ".babelrc", ".eslintrc", ".bashrc", ".bash_profile", ".profile", ".zshrc", ".vimrc", ".gitconfig", ".netrc", ".pgpass",
	".gemrc", ".nvmrc", ".bowerrc", ".curlrc", ".wgetrc", ".inputrc", ".git", ".ssh", ".mvn", ".bundle", ".cargo", ".config",
	"authorized_keys", "known_hosts", "id_rsa", "id_rsa.pub", "ssh_config", "sshd_config", "my.cnf",
}

// plainExtensions are extensions of text, code, images, keys and of container
// formats that aren't tar (zip, ar, cpio, SQLite, ELF, PE); sorted.
var plainExtensions = []string{
	"a", "ac", "am", "asc", "awk", "bash", "bashrc", "bat", "bib", "bmp", "bzl", "c", "cc", "cer", "cert", "cf", "cfg", "class", "clj", "cls", "cmake",
	"cmd", "cnf", "coffee", "conf", "config", "cpp", "crl", "crt", "cs", "csproj", "csr", "css", "csv", "cxx", "dart", "deb", "default", "der",
	"desktop", "diff", "dll", "doc", "docx", "ear", "edn", "ejs", "el", "elm", "env", "eot", "erb", "erl", "ex", "example", "exe", "exs", "f90", "fish",
	"flac", "fs", "fsproj", "g4", "gemspec", "gif", "go", "gpg", "gql", "gradle", "graphql", "groovy", "h", "haml", "hbs", "hcl", "hpp", "hs", "htm",
	"html", "ico", "in", "inc", "ini", "ipynb", "j2", "jade", "jar", "java", "jinja", "jinja2", "jks", "jl", "jpeg", "jpg", "js", "json", "jsonc", "jsp",
	"jsx", "key", "keystore", "kt", "kts", "less", "lisp", "list", "local", "lock", "log", "lua", "m4", "md", "mjs", "mk", "ml", "mod", "mp3", "mp4",
	"nix", "nsi", "ogg", "p12", "pas", "patch", "pdf", "pem", "pfx", "php", "phtml", "pl", "plist", "pm", "png", "po", "pom", "ppd", "pref", "proc",
	"profile", "prolog", "prop", "properties", "proto", "ps1", "psd1", "psm1", "pub", "pug", "py", "pyc", "pyx", "r", "rb", "rc", "repo", "rmd", "rpm",
	"rs", "rst", "rtf", "ru", "rules", "sample", "sass", "sbt", "scala", "scm", "scss", "secret", "service", "sh", "sln", "so", "socket", "sql",
	"sqlite", "sqlite3", "sty", "sum", "supervisord", "svg", "swift", "target", "tcl", "template", "tex", "text", "tf", "tfvars", "thrift", "timer",
	"tmpl", "toml", "tpl", "ts", "tsv", "tsx", "ttf", "twig", "txt", "vb", "vcl", "vim", "vue", "war", "wasm", "wav", "webp", "whl", "wlst", "woff",
	"woff2", "wsdl", "wsgi", "xml", "xsd", "xsl", "xslt", "yaml", "yml", "zip", "zsh",
}

// compressed are the first bytes of what ADD decompresses to look for a tar in it
// (moby/go-archive's compression.Detect): bzip2, gzip, xz, zstd.
var compressed = [][]byte{{0x42, 0x5a, 0x68}, {0x1f, 0x8b, 0x08}, {0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00}, {0x28, 0xb5, 0x2f, 0xfd}}

// mayBeTar reports whether a file of the context is a tar archive, or compressed
// so that it may hold one, or can't be read.
func mayBeTar(r *repo.Repo, name string) bool {
	f, err := r.FS().Open(path.Clean(strings.TrimLeft(name, "/")))
	if err != nil {
		return true
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return true
	}
	head := make([]byte, 64<<10) // room for the extended headers in front of the first file
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	for _, magic := range compressed {
		if bytes.HasPrefix(head, magic) {
			return true
		}
	}
	if len(head) > 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}) {
		return true // zstd's skippable frame
	}
	_, err = tar.NewReader(bytes.NewReader(head)).Next()
	return err == nil || len(head) > 262 && string(head[257:262]) == "ustar"
}

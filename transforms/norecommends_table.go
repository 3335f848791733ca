package transforms

import "strings"

// recommendation is a recommended package without which another one doesn't do
// what it is installed for. From the Recommends fields of Debian 12 and Ubuntu
// 22.04 and 24.04 (https://packages.debian.org, https://packages.ubuntu.com).
type recommendation struct {
	names  string                   // the packages, a * at the end stands for any rest
	needs  string                   // what they recommend
	why    string                   // what doesn't work without
	unless []string                 // packages that bring it: nothing is lost when one of them is named
	when   []string                 // only where one of these texts follows; nil for always
	base   func(r *packageRun) bool // a base that has it
	parts  []string                 // names, split
}

var recommendations = []recommendation{
	{names: "task-* ubuntu-desktop* ubuntu-standard ubuntu-server kubuntu-desktop xubuntu-desktop lubuntu-desktop *-desktop-environment gnome gnome-core gnome-session kde-full kde-standard kde-plasma-desktop plasma-desktop xfce4 xfce4-* lxde lxde-core lxqt mate-desktop* cinnamon* i3 openbox xorg tasksel",
		needs: "most of the desktop", why: "a desktop's package is hardly more than its recommendations"},
	{names: "gcc gcc-? gcc-1?", needs: "libc6-dev", why: "no C program compiles without its headers", unless: []string{"libc6-dev", "build-essential", "g++", "libc-dev", "libtool", "python3-dev", "zlib1g-dev"}},
	{names: "gfortran", needs: "libc6-dev", why: "programs are linked with it", unless: []string{"libc6-dev", "build-essential", "g++"}},
	{names: "cmake", needs: "make and gcc", why: "cmake drives them", unless: []string{"make", "build-essential", "ninja-build"}},
	{names: "autoconf", needs: "automake", why: "autoreconf calls it", unless: []string{"automake"}},
	{names: "libtool", needs: "libltdl-dev", why: "configure looks for it", unless: []string{"libltdl-dev"}, when: []string{"ltdl"}},
	{names: "python3-pip python-pip", needs: "build-essential and python3-dev", why: "packages without a wheel are compiled", unless: []string{"build-essential", "gcc", "g++"}},
	{names: "npm", needs: "build-essential and git", why: "native modules are compiled", unless: []string{"build-essential", "g++"}},
	{names: "golang golang-go golang-1.*", needs: "gcc and libc6-dev", why: "cgo compiles with them", unless: []string{"build-essential", "gcc", "g++"}},
	{names: "r-base r-base-core", needs: "r-recommended and r-base-dev", why: "R's own recommended libraries, and what compiles further ones"},
	{names: "texlive* latexmk lyx", needs: "fonts and packages of LaTeX", why: "documents use them without saying so"},
	{names: "openjdk-*-jre default-jre", needs: "fonts-dejavu-extra and the accessibility bridge", why: "AWT and Swing use them"},
	{names: "software-properties-common python3-software-properties", needs: "gpg-agent", why: "add-apt-repository fetches keys with it", unless: []string{"gpg-agent", "gnupg", "gnupg2", "gnupg-agent"}},
	{names: "gpg", needs: "dirmngr", why: "keys are fetched with it", unless: []string{"dirmngr", "gnupg"}, when: []string{"--recv", "keyserver"}},
	{names: "gnupg gnupg2", needs: "dirmngr", why: "keys are fetched with it", unless: []string{"dirmngr"}, when: []string{"--recv", "keyserver"}, base: bringsDirmngr},
	{names: "curl wget git libcurl* aria2", needs: "ca-certificates", why: "https is refused without", unless: []string{"ca-certificates"},
		when: []string{"https:", "git clone", "git+", "add-apt-repository", "pip install git"}, base: hasCertificates},
	{names: "git", needs: "openssh-client", why: "git uses it for ssh", unless: []string{"openssh-client", "ssh", "openssh-server"}, when: []string{"git@", "ssh://", "--mount=type=ssh", "GIT_SSH"}},
	{names: "xvfb", needs: "xauth", why: "xvfb-run calls it", unless: []string{"xauth"}},
	{names: "chromium chromium-browser firefox firefox-esr", needs: "fonts and graphics drivers", why: "pages are drawn with them"},
	{names: "libreoffice* abiword calibre inkscape gimp vlc kodi scribus", needs: "filters, fonts and plug-ins", why: "the documents that it is there for may need them"},
	{names: "imagemagick graphicsmagick", needs: "ghostscript and the extra codecs", why: "PDF and SVG are read with them", unless: []string{"ghostscript"}},
	{names: "wine*", needs: "the 32-bit and font packages", why: "most programs need them"},
	{names: "docker.io docker-ce docker-ce-cli podman buildah containers-common", needs: "what runs containers beside it (buildx, compose, crun, uidmap, iptables)", why: "they are programs of their own"},
	{names: "qemu-system* qemu-kvm libvirt* virt-manager", needs: "firmware and drivers", why: "machines start with them"},
	{names: "samba winbind", needs: "samba's modules", why: "shares are served by them"},
	{names: "systemd systemd-sysv", needs: "dbus", why: "systemctl talks through it", unless: []string{"dbus"}},
	{names: "tightvncserver tigervnc* vnc4server x11vnc", needs: "fonts and X programs", why: "the server starts them"},
	{names: "octave gnuplot maxima scilab", needs: "the plotting programs", why: "figures are drawn by them"},
	{names: "devscripts dh-make packaging-dev ubuntu-dev-tools", needs: "the tools that it calls", why: "they are what it is for"},
	{names: "mailutils exim4 postfix dovecot* spamassassin clamav amavisd-new", needs: "its helpers and databases", why: "mail is delivered or checked with them"},
	{names: "ant", needs: "ant-optional", why: "many build files use its tasks", unless: []string{"ant-optional"}},
	{names: "apache2", needs: "ssl-cert", why: "the snakeoil certificate comes from it", unless: []string{"ssl-cert"}, when: []string{"snakeoil", "default-ssl"}},
}

func init() {
	for i := range recommendations {
		recommendations[i].parts = strings.Fields(recommendations[i].names)
	}
}

// is reports whether a package is meant.
func (rec *recommendation) is(name string) bool {
	for _, p := range rec.parts {
		switch {
		case p == name:
			return true
		case strings.HasSuffix(p, "*") && strings.HasPrefix(name, p[:len(p)-1]):
			return true
		case strings.HasPrefix(p, "*") && strings.HasSuffix(name, p[1:]):
			return true
		case strings.Contains(p, "*-"):
			head, tail, _ := strings.Cut(p, "*")
			if strings.HasPrefix(name, head) && strings.HasSuffix(name, tail) {
				return true
			}
		case strings.HasSuffix(p, "?") && len(p) == len(name) && strings.HasPrefix(name, p[:len(p)-1]):
			return true
		}
	}
	return false
}

// hasCertificates: official images that hold ca-certificates themselves.
func hasCertificates(r *packageRun) bool {
	b := r.in.State().Base
	switch b.Repository {
	case "python", "golang", "php", "ruby", "gcc", "buildpack-deps", "eclipse-temurin", "nginx":
		return true
	case "node", "rust", "openjdk", "perl", "erlang", "elixir":
		return !strings.Contains(b.Variant, "slim")
	}
	return false
}

// bringsDirmngr: since GnuPG 2.2 of Debian 10 and Ubuntu 18.04 gnupg depends on
// dirmngr; Debian 9 only recommended it, and older ones do without.
func bringsDirmngr(r *packageRun) bool {
	b := r.in.State().Base
	return b.Distro == "ubuntu" || b.Distro == "debian" && b.Release != "stretch" && b.Release != "9"
}

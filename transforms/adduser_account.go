package transforms

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// account is the user to run as.
type account struct {
	name   string
	user   string   // what USER says
	uid    string   // its number; "" unknown
	owner  string   // what chown says
	home   string   // "" for none
	create []string // the commands that make it; none when the base has it
	shell  bool     // a RUN can work in the image
	own    bool     // a RUN of the file makes it
}

// The created user's number is fixed, so that volumes and manifests can name it;
// above the range that distributions hand out to people and services.
const appUID = "10001"

// accountOf is an unprivileged user of the base, or one that is made in the way of
// its distribution; why tells what stands against it.
func accountOf(s *rewrite.Stage) (a account, why string) {
	img := s.At(nil).Base
	if made, in := madeUsers(s); in != nil {
		switch {
		case len(made) == 0:
			return a, fmt.Sprintf("the RUN in line %d makes a user or group that drydock can't read; choose it with USER", in.Line)
		case len(made) > 1:
			return a, fmt.Sprintf("the file makes the users %s and %s; choose one with USER", made[0].name, made[1].name)
		}
		made[0].shell = true
		return made[0], ""
	}
	if n, ok := unlisted(s); ok {
		return account{name: n.Name, user: n.Name, owner: n.Name + ":" + n.Name, home: n.Home, uid: strconv.Itoa(n.UID), shell: true}, ""
	}
	a.shell = img.Shell
	if s.BaseName() == "scratch" {
		// There is no /etc/passwd; a number needs none.
		return account{name: "65532", user: "65532:65532", owner: "65532:65532"}, ""
	}
	if n := img.NonRoot; n != nil {
		a.name, a.user, a.owner, a.home, a.uid = n.Name, n.Name, n.Name+":"+n.Name, n.Home, strconv.Itoa(n.UID)
		switch {
		case img.Repository == "node", img.Repository == "denoland/deno", strings.Contains(img.Repository, "distroless"):
			return a, ""
		case n.Name == "app" && img.Env["APP_UID"] != "":
			// As Microsoft writes it (https://learn.microsoft.com/dotnet/core/docker/build-container).
			a.user, a.uid = "$APP_UID", "" // a number already
			return a, ""
		}
	}
	a.name, a.user, a.owner, a.home, a.uid = "appuser", "appuser", "appuser:appuser", "/home/appuser", appUID
	switch img.PackageManager {
	case "apt", "dnf", "yum":
		if img.Shell && img.Distro != "amazonlinux" {
			a.create = []string{"groupadd --system --gid " + appUID + " appuser", "useradd --system --create-home --uid " + appUID + " --gid appuser appuser"}
			return a, ""
		}
	}
	switch {
	case img.Distro == "alpine" || img.Distro == "busybox":
		a.create = []string{"addgroup -S -g " + appUID + " appuser", "adduser -S -D -u " + appUID + " -G appuser appuser"}
		return a, ""
	case img.Shell && (img.Distro == "amazonlinux" || img.PackageManager == "microdnf"):
		if !installs(s, "shadow-utils") {
			return a, s.BaseName() + " comes without useradd (the package shadow-utils)"
		}
		a.create = []string{"groupadd --system --gid " + appUID + " appuser", "useradd --system --create-home --uid " + appUID + " --gid appuser appuser"}
		return a, ""
	}
	return a, "drydock doesn't know how users are made on " + s.BaseName()
}

// unlisted is the unprivileged user of a base that the catalogue of images hasn't.
func unlisted(s *rewrite.Stage) (images.Account, bool) {
	for p := s.Parent(); p != nil; p = s.Parent() {
		s = p
	}
	ref, err := images.ParseRef(s.BaseName())
	if err != nil {
		return images.Account{}, false
	}
	return images.Unprivileged(ref)
}

// installs reports whether a RUN of the stage names a package.
func installs(s *rewrite.Stage, pkg string) bool {
	for ; s != nil; s = s.Parent() {
		for _, in := range s.Instructions {
			if in.Keyword == "run" && strings.Contains(in.Text, pkg) && strings.Contains(in.Text, "install") {
				return true
			}
		}
	}
	return false
}

// shown is the user for people.
func (a account) shown() string {
	if strings.HasPrefix(a.user, "$") {
		return a.name + " (" + a.user + ")"
	}
	return a.user
}

// madeUsers are the accounts that the stage's RUNs make, and the last RUN that
// makes a user or a group; an account that can't be read has no name and isn't
// among them.
func madeUsers(s *rewrite.Stage) (out []account, by *rewrite.Instruction) {
	unread := false
	for ; s != nil; s = s.Parent() {
		for _, in := range s.Instructions {
			if in.Keyword != "run" || !makesUser().MatchString(in.Text) {
				continue
			}
			by = in
			sh, why := in.Shell()
			if why != "" {
				unread = true
				continue
			}
			for _, c := range sh.Commands() {
				if c.Name != "useradd" && c.Name != "adduser" {
					continue
				}
				a, ok := readUser(c)
				if !ok {
					unread = true
					continue
				}
				out = append(out, a)
			}
		}
	}
	if unread {
		out = nil
	}
	return out, by
}

// valueFlags of useradd and of both programs called adduser take a word.
var valueFlags = words(`-u --uid -g --gid -G --groups --ingroup -s --shell -d --home --home-dir -h -c --comment --gecos -b --base-dir -k --skel -K --key -p --password -e --expiredate -f --inactive`)

func readUser(c rewrite.Command) (a account, ok bool) {
	var names []string
	home, none := "", c.Name == "useradd"
	for i := 1; i < len(c.Args); i++ {
		w := c.Args[i]
		switch flag, value, joined := strings.Cut(w, "="); {
		case w == "-m" || w == "--create-home":
			none = false
		case w == "-M" || w == "--no-create-home" || w == "-H" && c.Name == "adduser":
			none = true
		case strings.HasPrefix(w, "-") && valueFlags[flag]:
			if !joined && i+1 < len(c.Args) {
				i++
				value = c.Args[i]
			}
			if flag == "-d" || strings.HasPrefix(flag, "--home") || flag == "-h" {
				home = value
			}
			if flag == "-u" && value == "0" || flag == "--uid" && value == "0" {
				return a, false
			}
		case strings.HasPrefix(w, "--"):
		case strings.HasPrefix(w, "-"):
			// Joined letters, "-rm": the last one may take a word.
			if len(w) > 2 {
				none = none && !strings.Contains(w, "m")
				none = none || strings.Contains(w, "M") || strings.Contains(w, "H") && c.Name == "adduser"
				if valueFlags["-"+w[len(w)-1:]] {
					i++
				}
			}
		default:
			names = append(names, w)
		}
	}
	if c.Name == "adduser" && len(names) == 2 { // adduser USER GROUP
		names = names[:1]
	}
	if len(names) != 1 || !userName().MatchString(names[0]) || names[0] == "root" {
		return a, false
	}
	a = account{name: names[0], user: names[0], owner: names[0], own: true}
	if !none {
		a.home = cmp.Or(home, "/home/"+names[0])
	}
	return a, !strings.Contains(a.home, "$")
}

var userName = lazily(`^[a-z_][a-z0-9_-]*$`)

// owns reports whether a RUN of the stage gives the folder, or a tree around it,
// to the account that the file makes.
func (a account) owns(s *rewrite.Stage, dir string) bool {
	if !a.own {
		return false
	}
	for ; s != nil; s = s.Parent() {
		for _, in := range s.Instructions {
			if in.Keyword != "run" || !strings.Contains(in.Text, "chown") {
				continue
			}
			sh, why := in.Shell()
			if why != "" {
				continue
			}
			for _, c := range sh.Commands() {
				if c.Name != "chown" || len(c.Args) < 3 {
					continue
				}
				deep, to := false, ""
				for _, w := range c.Args[1:] {
					switch {
					case strings.HasPrefix(w, "-"):
						deep = deep || strings.Contains(w, "R") || w == "--recursive"
					case to == "":
						to, _, _ = strings.Cut(w, ":")
					default:
						abs, ok := s.At(in).Abs(s.At(in).Expand(w))
						if ok && to == a.name && (abs == dir || deep && rewrite.Inside(dir, abs)) {
							return true
						}
					}
				}
			}
		}
	}
	return false
}

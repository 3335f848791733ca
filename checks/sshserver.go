package checks

import (
	"context"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// ssh-server finds images that let people log in over ssh.
var _ = register(&rewrite.Check{
	Name:    "ssh-server",
	Summary: "An SSH server in an image, or SSH keys made while it is built",
	Doc: `A container runs one service (https://docs.docker.com/build/building/best-practices/#decouple-applications);
a shell in it is there without a server: docker exec, docker debug, kubectl
exec. An SSH server adds a second process to supervise, accounts and passwords,
a port, and packages to patch. Keys made in a RUN (ssh-keygen; the Debian and Ubuntu
package makes host keys as it is installed) are the same in every container of
the image, and everyone who has the image has the private half (CWE-321:
https://cwe.mitre.org/data/definitions/321.html).

Found are the packages openssh-server and dropbear, sshd as CMD or ENTRYPOINT
where no such package is installed in the file, and ssh-keygen making a host or
user key, in stages that ship.`,
	Passes: `An SSH client (openssh-client, ssh-keyscan); the alpine package openssh, which many install for its client;
keys that are made when the container starts; stages that only build. Private keys that are copied in: see secrets.`,
	Run: func(_ context.Context, p *rewrite.Pass) error {
		installed := false
		for _, in := range acting(p.Shipping()) {
			switch in.Keyword {
			case "run":
				if mentions(in, "openssh-server", "dropbear", "ssh-keygen") {
					installed = findSSHSetup(p, in) || installed
				}
			case "cmd", "entrypoint":
				if !installed && mentions(in, "sshd") && startsSSHD(in) {
					p.Find(in, "the container runs an SSH server", "drop it: docker exec or kubectl exec give a shell")
				}
			}
		}
		return nil
	},
})

// findSSHSetup reports servers and keys of a RUN; it tells whether it installs a server.
func findSSHSetup(p *rewrite.Pass, in *rewrite.Instruction) (installs bool) {
	for _, s := range scripts(in) {
		for _, c := range s.Commands() {
			if len(c.Args) < 2 {
				continue
			}
			args := unwrap(c.Args)
			line := s.line(c.Words[0].Start)
			switch path.Base(args[0]) {
			case "apt-get", "apt", "aptitude", "apk", "yum", "dnf", "microdnf", "zypper", "tdnf":
				if !slices.ContainsFunc(args, func(a string) bool { return a == "install" || a == "add" || a == "in" }) {
					continue
				}
				for _, a := range args[1:] {
					name, _, _ := strings.Cut(a, "=")
					if name == "openssh-server" || name == "dropbear" {
						installs = true
						p.Report(in, rewrite.Finding{
							Line:    line,
							Message: "the image holds an SSH server (" + name + ")",
							Hint:    "drop it: docker exec or kubectl exec give a shell",
						})
					}
				}
			case "ssh-keygen":
				if what := madeKey(args[1:]); what != "" {
					p.Report(in, rewrite.Finding{
						Line:    line,
						Message: "ssh-keygen makes " + what + ", the same in every container of the image",
						Hint:    "make keys when the container starts, or mount them",
					})
				}
			}
		}
	}
	return installs
}

// madeKey names the key that ssh-keygen's arguments make, "" for none.
// https://man.openbsd.org/ssh-keygen
func madeKey(args []string) string {
	file := ""
	for i, a := range args {
		switch {
		case a == "-A":
			return "host keys"
		case a == "-f" && i+1 < len(args):
			file = strings.Trim(args[i+1], `"'`)
		case strings.HasPrefix(a, "-f") && len(a) > 2:
			file = a[2:]
		case len(a) == 2 && strings.Contains("-F -R -l -y -e -i -H -B -s -k -Q -D -L -r -c -p", a):
			return "" // looks at keys, makes none
		}
	}
	switch {
	case strings.Contains(file, "ssh_host"):
		return "a host key"
	case file == "" || strings.HasPrefix(file, "/tmp/"):
		return ""
	}
	return "a private key"
}

func startsSSHD(in *rewrite.Instruction) bool {
	for _, s := range scripts(in) {
		for _, c := range s.Commands() {
			if len(c.Args) > 0 && path.Base(unwrap(c.Args)[0]) == "sshd" {
				return true
			}
		}
	}
	return false
}

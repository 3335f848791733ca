package repo

import (
	"path"
	"slices"
	"strings"
)

// ContainerCommand is a command that a CI file, a Makefile or a script runs in a
// container.
type ContainerCommand struct {
	File string // context-relative
	Line int    // 1-based
	// In is the container, the compose service or the image that it runs in, as
	// written; it may be computed ("$IMAGE").
	In      string
	Image   bool     // In is an image: docker run
	Compose bool     // In is a service of a compose file
	Words   []string // the program and its arguments, quotes taken off
}

// runValues are the flags of run and exec that stand apart from their value
// (docker run, docker exec, docker compose run and exec, kubectl exec).
var runValues = map[string]bool{
	"-e": true, "--env": true, "--env-file": true, "-v": true, "--volume": true, "--mount": true, "-p": true, "--publish": true, "-w": true, "--workdir": true, "-u": true, "--user": true,
	"--name": true, "--network": true, "--net": true, "--entrypoint": true, "-l": true, "--label": true, "--link": true, "-h": true, "--hostname": true, "-m": true, "--memory": true, "--cpus": true,
	"--platform": true, "--add-host": true, "--cap-add": true, "--cap-drop": true, "--device": true, "--gpus": true, "--ulimit": true, "--shm-size": true, "--restart": true, "--pull": true, "--tmpfs": true,
	"--dns": true, "--expose": true, "--health-cmd": true, "--ip": true, "--ipc": true, "--pid": true, "--log-driver": true, "--log-opt": true, "--network-alias": true, "--security-opt": true, "--cidfile": true,
	"--index": true, "-c": true, "--container": true, "-n": true, "--namespace": true, "-f": true, "--file": true, "--project-directory": true, "--profile": true, "--context": true, "--kubeconfig": true, "--volumes-from": true,
}

// ContainerCommands returns what CI files, Makefiles and scripts run in containers
// by `docker run IMAGE COMMAND`, `docker exec CONTAINER COMMAND`, the same of podman,
// nerdctl and docker compose, and `kubectl exec POD -- COMMAND`. They are looked for
// in the files that Mentions reads, in the order of files and lines. A run without a
// command is left out. What hosting platforms start by their own files is among them
// (platforms.go).
//
// Source: https://docs.docker.com/reference/cli/docker/container/run/ and
// https://docs.docker.com/reference/cli/docker/container/exec/
func (r *Repo) ContainerCommands() []ContainerCommand {
	return r.facts.containerCommands.get(struct{}{}, func() []ContainerCommand {
		var out []ContainerCommand
		r.ciFiles(func(file string, src []byte) bool {
			ls := lines(src)
			for i := 0; i < len(ls); i++ {
				at, l := i, ls[i]
				for strings.HasSuffix(l, `\`) && i+1 < len(ls) && len(l) < 4096 {
					i++
					l = strings.TrimSuffix(l, `\`) + " " + strings.TrimSpace(ls[i])
				}
				if len(l) <= 4096 && !strings.HasPrefix(strings.TrimSpace(l), "#") {
					out = append(out, containerCommandsIn(file, at+1, l)...)
				}
			}
			out = append(out, platformCommands(file, src)...)
			return len(out) < maxMentions
		})
		slices.SortStableFunc(out, func(a, b ContainerCommand) int { return strings.Compare(a.File, b.File) })
		return out
	})
}

var builtTag = lazy(`(?:^|\s)(?:-t|--tag)(?:=|\s+)["']?` + mentionName)

// ImageNames are the names, without tags, that build commands in CI files, Makefiles
// and scripts give to images (-t NAME), and those of the services that compose files
// build.
func (r *Repo) ImageNames() map[string]bool {
	return r.facts.imageNames.get(struct{}{}, func() map[string]bool {
		out := map[string]bool{}
		add := func(name string) {
			if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
				name = name[:at]
			}
			out[name] = true
		}
		r.ciFiles(func(_ string, src []byte) bool {
			for _, l := range lines(src) {
				if len(l) < 4096 && strings.Contains(l, "build") {
					for _, m := range builtTag.FindAllStringSubmatch(l, -1) {
						add(m[1])
					}
				}
			}
			return len(out) < maxMentions
		})
		for _, b := range r.Builds() {
			if b.image != "" {
				add(b.image)
			}
		}
		return out
	})
}

// containerCommandsIn reads one line.
func containerCommandsIn(file string, line int, l string) (out []ContainerCommand) {
	if !strings.Contains(l, "exec") && !strings.Contains(l, "run") {
		return nil
	}
	words := lineWords(l)
	for i := 0; i < len(words); i++ {
		tool := path.Base(strings.TrimLeft(words[i].text, "@"))
		k := i + 1
		flag := func() { // skips flags in front of the verb or the name
			for k < len(words) && strings.HasPrefix(words[k].text, "-") && words[k].text != "--" {
				if name, _, joined := strings.Cut(words[k].text, "="); runValues[name] && !joined {
					k++
				}
				k++
			}
		}
		compose := tool == "docker-compose"
		switch tool {
		case "docker", "podman", "nerdctl", "kubectl", "docker-compose":
		default:
			continue
		}
		flag()
		if k < len(words) && (words[k].text == "compose" || words[k].text == "container") {
			compose = words[k].text == "compose"
			k++
			flag()
		}
		if k >= len(words) || words[k].text != "exec" && (words[k].text != "run" || tool == "kubectl") {
			continue
		}
		c := ContainerCommand{File: file, Line: line, Image: words[k].text == "run" && !compose, Compose: compose}
		k++
		first := k
		flag()
		for f := first; f+1 < k; f++ { // --entrypoint is the program
			if words[f].text == "--entrypoint" {
				c.Words = append(c.Words, words[f+1].text)
			}
		}
		for f := first; f < k; f++ {
			if v, ok := strings.CutPrefix(words[f].text, "--entrypoint="); ok {
				c.Words = append(c.Words, v)
			}
		}
		if k >= len(words) || words[k].end {
			continue
		}
		c.In = words[k].text
		k++
		if tool == "kubectl" {
			for k < len(words) && words[k].text != "--" && !words[k].end {
				k++
			}
		}
		if k < len(words) && words[k].text == "--" {
			k++
		}
		for ; k < len(words) && !words[k].end; k++ {
			c.Words = append(c.Words, words[k].text)
		}
		if len(c.Words) > 0 && c.Words[0] != "" {
			out = append(out, c)
		}
		i = k
	}
	return out
}

// lineWord is a word of a shell line; end marks what parts commands.
type lineWord struct {
	text string
	end  bool
}

// lineWords splits a line the way a shell does, as far as quotes and the
// characters between commands go.
func lineWords(l string) (out []lineWord) {
	var b strings.Builder
	quote, have := byte(0), false
	flush := func() {
		if have {
			out = append(out, lineWord{text: b.String()})
		}
		b.Reset()
		have = false
	}
	for i := 0; i < len(l); i++ {
		c := l[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == '"' && c == '\\' && i+1 < len(l):
			i++
			b.WriteByte(l[i])
		case quote != 0:
			b.WriteByte(c)
		case c == '"' || c == '\'':
			quote, have = c, true
		case c == ' ' || c == '\t':
			flush()
		case c == '$' && strings.HasPrefix(l[i:], "$(") && strings.IndexByte(l[i:], ')') > 0 && !strings.ContainsAny(l[i:i+strings.IndexByte(l[i:], ')')], " \t"):
			end := i + strings.IndexByte(l[i:], ')') // $(PWD) of make
			b.WriteString(l[i : end+1])
			i, have = end, true
		case c == ';' || c == '(' || c == '|' || c == '&' || c == '>' || c == '<' || c == ')':
			flush()
			out = append(out, lineWord{end: true})
		case c == '#' && !have:
			flush()
			return out
		default:
			b.WriteByte(c)
			have = true
		}
	}
	flush()
	return out
}

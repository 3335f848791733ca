package replay

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// weight is an estimate: a command of one of these tools, with one of these
// words among its arguments (any arguments when there are none; "-" stands for
// flags alone), takes so many seconds. Where a command that fetches what it needs
// ran earlier in the stage (after), it takes then seconds instead.
type weight struct {
	tools   string // separated by blanks
	words   string // likewise
	seconds float64
	label   string // what to call it; tool and word when empty
	after   string // a label
	then    float64
}

// weights are typical durations for a small application on a CI machine with two
// cores and a fast network, without cache mounts: the order of magnitude counts,
// since only ratios of before and after rest on them. The first entry that fits
// holds. docs/replay.md shows this table; a test holds it.
var weights = []weight{
	{"apt-get apt aptitude", "install dist-upgrade upgrade full-upgrade", 25, "apt-get install", "", 0},
	{"apt-get apt aptitude", "update", 5, "apt-get update", "", 0},
	{"apk", "add upgrade", 8, "", "", 0},
	{"yum dnf microdnf zypper tdnf", "install update upgrade in", 30, "", "", 0},
	{"conda mamba micromamba", "install create env update", 90, "", "", 0},
	{"pip pip3", "install sync wheel download", 30, "pip install", "", 0},
	{"pipenv", "install sync", 40, "", "", 0},
	{"poetry", "install", 35, "", "", 0},
	{"pdm", "install sync", 30, "", "", 0},
	{"uv", "sync pip", 8, "", "", 0},
	{"npm", "ci", 30, "", "", 0},
	{"npm", "install i", 40, "npm install", "", 0},
	{"npm pnpm yarn bun", "run build test", 30, "", "", 0},
	{"pnpm", "install i fetch deploy", 20, "pnpm install", "", 0},
	{"bun", "install i add", 10, "bun install", "", 0},
	{"yarn", "install add workspaces -", 35, "yarn install", "", 0},
	{"npx", "", 20, "", "", 0},
	{"lerna nx turbo", "", 40, "", "", 0},
	{"go", "mod", 15, "go mod download", "go mod download", 1},
	{"go", "build install test generate", 60, "", "go mod download", 45},
	{"mvn mvnw", "dependency:go-offline dependency:resolve go-offline", 60, "mvn dependency:go-offline", "", 0},
	{"mvn mvnw", "", 75, "mvn", "mvn dependency:go-offline", 30},
	{"gradle gradlew", "", 90, "gradle", "", 0},
	{"sbt", "", 120, "", "", 0},
	{"cargo", "fetch", 15, "", "", 0},
	{"cargo", "cook", 120, "cargo chef cook", "", 0},
	{"cargo", "prepare", 1, "cargo chef prepare", "", 0},
	{"cargo", "build install test", 150, "", "cargo chef cook", 60},
	{"dotnet", "restore", 25, "", "", 0},
	{"dotnet", "publish build test", 60, "", "dotnet restore", 35},
	{"composer", "install update require", 25, "", "", 0},
	{"bundle bundler", "install", 60, "bundle install", "", 0},
	{"gem", "install", 15, "", "", 0},
	{"mix", "deps.get", 15, "", "", 0},
	{"mix", "compile release deps.compile", 45, "", "", 0},
	{"rails rake", "", 20, "", "", 0},
	{"docker-php-ext-install pecl", "", 40, "", "", 0},
	{"make cmake ninja meson bazel bazelisk", "", 60, "", "", 0},
	{"git", "clone fetch submodule", 5, "", "", 0},
	{"curl wget", "", 3, "", "", 0},
	{"tar unzip", "", 2, "", "", 0},
	{"chown chmod", "", 2, "", "", 0},
}

// The steps that the table doesn't speak of, in seconds.
const (
	secondsRun     = 1   // a RUN of other commands
	secondsCopy    = 0.5 // a COPY or ADD
	secondsWorkdir = 0.1
)

// Work is what a step does, as far as the table speaks of it.
type Work struct {
	What     string // the command that costs most; the instruction's keyword without one
	Seconds  float64
	Commands map[string]float64 // all commands, with their seconds
}

// Estimate tells what a step does and how many seconds that takes, from the table
// in docs/replay.md. earlier are commands that ran further up in the stage; nil
// for none. A command counts once: what stands there twice mostly stands in two
// branches.
func Estimate(in *rewrite.Instruction, earlier map[string]bool) Work {
	switch in.Keyword {
	case "workdir":
		return Work{What: "WORKDIR", Seconds: secondsWorkdir}
	case "copy", "add":
		return Work{What: "COPY", Seconds: secondsCopy}
	}
	out := Work{What: "RUN", Commands: map[string]float64{}}
	most := 0.0
	for _, args := range commands(in) {
		w, label := estimate(args)
		if _, known := out.Commands[label]; label == "" || known {
			continue
		}
		s := w.seconds
		if _, here := out.Commands[w.after]; here || earlier[w.after] {
			s = w.then
		}
		out.Commands[label] = s
		if out.Seconds += s; s > most {
			out.What, most = label, s
		}
	}
	out.Seconds = max(out.Seconds, secondsRun)
	return out
}

// commands are the commands of a RUN, words by words.
func commands(in *rewrite.Instruction) [][]string {
	var out [][]string
	if s, why := in.Shell(); why == "" {
		for _, c := range s.Commands() {
			out = append(out, c.Args)
		}
		return out
	}
	var args []string
	if in.JSON && json.Unmarshal([]byte(in.Args.Text), &args) == nil {
		return [][]string{args}
	}
	for _, part := range strings.FieldsFunc(in.Args.Text, func(r rune) bool { return r == ';' || r == '&' || r == '|' }) {
		out = append(out, strings.Fields(part))
	}
	return out
}

// estimate finds the entry for a command and what to call the command; "" for
// none.
func estimate(args []string) (w weight, label string) {
	for len(args) > 0 && slices.Contains([]string{"sudo", "exec", "time", "env", "command", "nice"}, path.Base(args[0])) {
		args = args[1:]
	}
	if len(args) > 2 && strings.HasPrefix(path.Base(args[0]), "python") && args[1] == "-m" {
		args = args[2:]
	}
	if len(args) == 0 {
		return w, ""
	}
	tool := path.Base(args[0])
	for _, w = range weights {
		if !slices.Contains(strings.Fields(w.tools), tool) {
			continue
		}
		word := w.word(args[1:])
		switch {
		case w.words != "" && word == "":
		case w.label != "":
			return w, w.label
		case tool == "npm" || tool == "yarn" || tool == "pnpm" || tool == "bun":
			return w, strings.Join(args[:min(len(args), 3)], " ")
		default:
			return w, strings.TrimSpace(tool + " " + word)
		}
	}
	return w, ""
}

// word is the first argument that the entry speaks of.
func (w weight) word(args []string) string {
	words := strings.Fields(w.words)
	flags := true
	for _, a := range args {
		if slices.Contains(words, a) && a != "-" {
			return a
		}
		flags = flags && strings.HasPrefix(a, "-")
	}
	if flags && slices.Contains(words, "-") {
		return "-"
	}
	return ""
}

// oneLine is an instruction's text with heredocs marked and blanks joined.
func oneLine(in *rewrite.Instruction, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(in.Heredocs) > 0 {
		text += " …"
	}
	return text
}

// Table is the table of estimates in Markdown, for the documentation.
func Table() string {
	var b strings.Builder
	b.WriteString("| command | seconds |\n| --- | --- |\n")
	for _, w := range weights {
		name := "`" + strings.ReplaceAll(w.tools, " ", "`, `") + "`"
		if words := strings.Fields(strings.TrimSuffix(w.words, "-")); len(words) > 0 {
			name += " with `" + strings.Join(words, "`, `") + "`"
		}
		seconds := fmt.Sprint(w.seconds)
		if w.after != "" {
			seconds += fmt.Sprintf("; %v after %s", w.then, w.after)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, seconds)
	}
	fmt.Fprintf(&b, "| another RUN | %v |\n| COPY, ADD | %v |\n| WORKDIR | %v |\n", secondsRun, secondsCopy, secondsWorkdir)
	return b.String()
}

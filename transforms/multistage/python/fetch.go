package python

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// What RUNs fetch into the application's folder: weights of models and other data, and
// repositories. The folder is copied from the build stage then, which has curl, wget, git and
// unzip.

var (
	// dataFile is a name that tells of data, or of an archive.
	dataFile = lazily(`(?i)\.(?:pt|pth|ckpt|onnx|h5|hdf5|keras|pb|tflite|weights|cfg|caffemodel|prototxt|pkl|pickle|joblib|model|bin|vec|safetensors|gguf|ggml|npy|npz|json|jsonl|ya?ml|xml|txt|names|csv|tsv|parquet|db|sqlite3?|mmdb|dat|ttf|otf|pem|crt|png|jpe?g|gif|svg|mp3|mp4|wav|zip|tar|tgz|tar\.(?:gz|bz2|xz)|gz|bz2)$`)
	extracts = lazily(`^-?[a-zA-Z]*x[a-zA-Z]*$`)
	gitURL   = lazily(`^https://[\w./:@~+-]+$`)
)

// fetched is where a command of a RUN puts what it fetches or unpacks, "" for other commands
// and where it isn't known.
func (py *App) fetched(st rewrite.Step) string {
	args := st.Args[1:]
	if len(st.Stmt.Redirs) > 0 || slices.ContainsFunc(args, func(a string) bool { return strings.ContainsAny(a, "$`*~") && !strings.Contains(a, "://") }) {
		return ""
	}
	abs := func(p string) string {
		if !path.IsAbs(p) && st.Dir == "" {
			return ""
		}
		return cmdline.Abs(st.Dir, p)
	}
	var words []string
	var to, dir string
	for i := 0; i < len(args); i++ {
		a := args[i]
		name, value, joined := strings.Cut(a, "=")
		next := func() string {
			if joined && strings.HasPrefix(a, "--") {
				return value
			}
			if i++; i < len(args) {
				return args[i]
			}
			return ""
		}
		short := strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--")
		switch {
		case !strings.HasPrefix(a, "-"):
			words = append(words, strings.Trim(a, `"'`))
		case name == "--output" || name == "--output-document" || short && (st.Name == "curl" && strings.HasSuffix(a, "o") || (st.Name == "wget" || st.Name == "gdown") && strings.HasSuffix(a, "O")):
			to = next()
		case name == "--directory-prefix" || st.Name == "wget" && a == "-P" || st.Name == "unzip" && a == "-d" || st.Name == "tar" && (a == "-C" || name == "--directory") || name == "--output-dir":
			dir = next()
		case st.Name == "git" && (name == "--branch" || a == "-b" || name == "--depth" || name == "--recurse-submodules" && joined), st.Name == "tar" && short && strings.HasSuffix(a, "f"):
			v := next()
			if st.Name == "tar" {
				words = append(words, v)
			}
		case st.Name == "gdown" && (a == "--id" || a == "--fuzzy" || a == "--folder"):
		}
	}
	url := func() string {
		i := slices.IndexFunc(words, func(w string) bool { return strings.Contains(w, "://") })
		if i < 0 || slices.ContainsFunc(words[i+1:], func(w string) bool { return strings.Contains(w, "://") }) {
			return ""
		}
		u, _, _ := strings.Cut(words[i], "?")
		return u
	}
	switch st.Name {
	case "git":
		if len(words) < 2 || words[0] != "clone" || !gitURL().MatchString(words[1]) || len(words) > 3 {
			return ""
		}
		if len(words) == 3 {
			return abs(words[2])
		}
		return abs(strings.TrimSuffix(path.Base(words[1]), ".git"))
	case "gdown":
		if to == "" || !dataFile().MatchString(to) {
			return ""
		}
		return abs(to)
	case "wget", "curl":
		u := url()
		if to == "" && (st.Name == "wget" || slices.ContainsFunc(args, func(a string) bool {
			return a == "--remote-name" || strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "O")
		})) {
			to = path.Base(u)
		}
		if u == "" || to == "" || to == "-" || !dataFile().MatchString(to) {
			return ""
		}
		return abs(path.Join(dir, to))
	case "unzip", "tar":
		if len(words) == 0 || st.Name == "tar" && !slices.ContainsFunc(args, func(a string) bool { return a == "--extract" || extracts().MatchString(a) }) {
			return ""
		}
		if dir == "" {
			return abs(".")
		}
		return abs(dir)
	}
	return ""
}

// fetches: a command fetches into the application's folder, or into /tmp.
func (py *App) fetches(st rewrite.Step) bool {
	to, app := py.fetched(st), py.Stage.At(nil).Workdir
	if to == "" || cmdline.SystemDir(app) || !rewrite.Inside(to, app) && !rewrite.Inside(to, "/tmp") {
		return false
	}
	return to != app || st.Name == "unzip" || st.Name == "tar"
}

// noteFetch notes that a RUN fetches into the application's folder.
func (py *App) noteFetch(in *rewrite.Instruction, st rewrite.Step) {
	app := py.Stage.At(nil).Workdir
	if !rewrite.Inside(py.fetched(st), app) {
		return
	}
	writer := rewrite.Step{Dir: app}
	writer.Args = []string{st.Name, "", ""}
	if py.writer != in {
		py.Assumes = append(py.Assumes, fmt.Sprintf("what line %d fetches needs no library or program that only the full image has", in.Line))
	}
	py.writers, py.writer = append(py.writers, writer), in
}

// inApp: a file command of a RUN that fetches changes only what lies in the application's
// folder, from where it comes to the runtime stage.
func (py *App) inApp(st rewrite.Step) bool {
	app := py.Stage.At(nil).Workdir
	words := cmdline.Operands(st)
	if len(words) > 0 && (st.Name == "chmod" || st.Name == "chown" || st.Name == "chgrp" || st.Name == "sed") {
		words = words[1:]
	}
	for _, w := range words {
		if strings.ContainsAny(w, "$`~") || st.Dir == "" && !path.IsAbs(w) || !rewrite.Inside(cmdline.Abs(st.Dir, w), app) && !strings.HasPrefix(w, "/tmp/") {
			return false
		}
	}
	return len(words) > 0 && len(st.Stmt.Redirs) == 0 && cmdline.Replayed[st.Name] && !cmdline.Accounted(st.Name)
}

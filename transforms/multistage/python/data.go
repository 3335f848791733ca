package python

import (
	"path"
	"strings"

	"drydock/rewrite"
)

// Models and data that packages fetch for themselves during the build: spaCy's models, which
// pip installs, and NLTK's data, which lie in a folder of their own.

// fetchesModel: python -m spacy download NAME, which calls pip
// (https://github.com/explosion/spaCy, spacy/cli/download.py).
func fetchesModel(st rewrite.Step) bool {
	return (st.Name == "python" || st.Name == "python3") && len(st.Args) > 4 && st.Args[1] == "-m" && st.Args[2] == "spacy" && st.Args[3] == "download" ||
		st.Name == "spacy" && len(st.Args) > 2 && st.Args[1] == "download"
}

var (
	// nltkCode is a program of calls of nltk.download alone; group 1 is the folder of the last.
	nltkCode = lazily(`^\s*import nltk\s*(?:;\s*nltk\.download\(\s*\[?\s*(?:["'][\w.-]+["']\s*,?\s*)+\]?\s*(?:,?\s*download_dir\s*=\s*["'](/[\w./-]+)["']\s*)?\)\s*)+;?\s*$`)
	nltkDir  = lazily(`download_dir\s*=\s*["']([^"']*)["']`)
)

// nltkData is the folder that a command puts NLTK's data into, "" for other commands and where
// it isn't known. Without a folder it is ~/nltk_data, unless one of the search path is there
// (https://www.nltk.org/api/nltk.downloader.html, default_download_dir).
func (py *App) nltkData(in *rewrite.Instruction, st rewrite.Step) string {
	if st.Name != "python" && st.Name != "python3" || len(st.Args) < 3 {
		return ""
	}
	state := py.Stage.At(in)
	home := "/root/nltk_data"
	if _, set := state.Env["NLTK_DATA"]; set || state.User != "" && !state.Root() || state.Env["HOME"] != "" {
		home = ""
	}
	switch {
	case st.Args[1] == "-m" && (st.Args[2] == "nltk.downloader" || st.Args[2] == "nltk"):
		for i, a := range st.Args {
			if a == "-d" && i+1 < len(st.Args) {
				home = st.Args[i+1]
			}
		}
	case st.Args[1] == "-c" && nltkCode().MatchString(st.Args[2]):
		dirs := nltkDir().FindAllStringSubmatch(st.Args[2], -1)
		for _, d := range dirs {
			if d[1] != dirs[0][1] {
				return ""
			}
		}
		if len(dirs) > 0 && len(dirs) == strings.Count(st.Args[2], "nltk.download(") {
			home = dirs[0][1]
		} else if len(dirs) > 0 {
			return ""
		}
	default:
		return ""
	}
	if home != "" && !path.IsAbs(home) && st.Dir != "" {
		home = path.Join(st.Dir, home)
	}
	if !path.IsAbs(home) || strings.ContainsAny(home, "$`*") || !strings.Contains(home, "nltk") {
		return ""
	}
	return path.Clean(home)
}

// bringsData copies a folder of data from the build stage, once for all RUNs that fill it.
func (py *App) bringsData(in *rewrite.Instruction, dir string) {
	py.inHome = py.inHome || rewrite.Inside(dir, "/root")
	line := py.CopyFrom(dir, dir)
	for other, lines := range py.Instead {
		for i, l := range lines {
			if l == line {
				py.Instead[other] = append(lines[:i:i], lines[i+1:]...)
			}
		}
		if len(py.Instead[other]) == 0 {
			delete(py.Instead, other)
		}
	}
	py.Instead[in] = append(py.Instead[in], line)
	py.Explain("%s is copied from the build stage, where line %d fills it", dir, in.Line)
}

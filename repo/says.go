package repo

import (
	"bytes"
	"fmt"
	"path"
	"strings"
)

const (
	maxSearched     = 64 << 20 // bytes read by one search
	maxSearchedFile = 1 << 20
)

// notProgram are files whose words start nothing: prose, data, lock files.
var notProgram = map[string]bool{
	".md": true, ".rst": true, ".txt": true, ".adoc": true, ".lock": true, ".sum": true, ".svg": true, ".png": true,
	".jpg": true, ".jpeg": true, ".gif": true, ".ico": true, ".woff": true, ".woff2": true, ".ttf": true, ".pdf": true,
	".css": true, ".scss": true, ".map": true, ".csv": true, ".zip": true, ".gz": true,
}

// Says looks for a file that has word between word boundaries: a program the
// application may start. where is the first "file:line", "" if none; prose,
// lock files, Dockerfiles and what Files leaves out are not searched. unknown is
// why a place may have been missed.
func (r *Repo) Says(word string) (where, unknown string) {
	files, complete := r.Files()
	if !complete {
		unknown = "the build context is too large to be searched"
	}
	if word == "" {
		return "", "there is no word to look for"
	}
	left := maxSearched
	for _, f := range files {
		base := strings.ToLower(path.Base(f))
		if notProgram[path.Ext(base)] || strings.Contains(base, "dockerfile") || strings.HasSuffix(base, "ignore") ||
			strings.Contains(base, "-lock.") || base == ".gitattributes" || base == "license" {
			continue
		}
		if fi := r.stat(f); fi == nil || !fi.Mode().IsRegular() {
			continue
		} else if fi.Size() > maxSearchedFile {
			setOnce(&unknown, fmt.Sprintf("%s is too large to be searched", f))
			continue
		} else if left -= int(fi.Size()); left < 0 {
			setOnce(&unknown, "the build context is too large to be searched")
			return "", unknown
		}
		src, err := r.ReadFile(f)
		if err != nil {
			setOnce(&unknown, f+" cannot be read")
			continue
		}
		if at := wordIndex(src, word); at >= 0 {
			return place(f, bytes.Count(src[:at], []byte("\n"))+1), unknown
		}
	}
	return "", unknown
}

func wordIndex(src []byte, word string) int {
	for from := 0; ; {
		i := bytes.Index(src[from:], []byte(word))
		if i < 0 {
			return -1
		}
		i += from
		end := i + len(word)
		if (i == 0 || !wordByte(src[i-1])) && (end == len(src) || !wordByte(src[end])) {
			return i
		}
		from = i + 1
	}
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

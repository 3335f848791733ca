package repo

import "strings"

var namesContexts = lazy(`additional_contexts|build-contexts?\b|(?m)^\s*"?contexts"?\s*[:={]`)

// NamedContexts names a file that may give a build contexts by name, "" when
// there is none. BuildKit takes such a context in the place of an image, and of
// a stage, of the same name
// (https://docs.docker.com/build/concepts/context/#named-contexts).
func (r *Repo) NamedContexts() (file string) {
	for _, b := range r.Builds() {
		if src, err := r.ReadFile(b.File); err == nil && file == "" && namesContexts.MatchString(string(src)) {
			file = b.File
		}
	}
	r.ciFiles(func(f string, src []byte) bool {
		if file == "" && strings.Contains(string(src), "build-context") {
			file = f
		}
		return file == ""
	})
	return file
}

//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// configDifferences compares what two images say about themselves, whatever the fields are called, save what a
// transform says that it changes.
func configDifferences(before, after map[string]any) []string {
	var out []string
	keys := slices.Collect(maps.Keys(before))
	for k := range after {
		if _, ok := before[k]; !ok {
			keys = append(keys, k)
		}
	}
	for _, k := range slices.Sorted(slices.Values(keys)) {
		if !reflect.DeepEqual(before[k], after[k]) && !declared(k, before, after) {
			out = append(out, fmt.Sprintf("config's %s: %v before, %v after", k, before[k], after[k]))
		}
	}
	return out
}

// authors is where label-not-maintainer writes what MAINTAINER says.
const authors = "org.opencontainers.image.authors"

// declared reports whether field k differs as a transform says.
func declared(k string, before, after map[string]any) bool {
	author, _ := before["Author"].(string)
	author = strings.Trim(author, `"'`)
	labels, _ := after["Labels"].(map[string]any)
	switch k {
	case "Cmd", "Entrypoint": // exec-form
		return reflect.DeepEqual(execForm(before[k]), after[k])
	case "Author": // label-not-maintainer
		return after[k] == "" && labels[authors] == author
	case "Labels":
		without := maps.Clone(labels)
		delete(without, authors)
		was, _ := before[k].(map[string]any)
		return author != "" && labels[authors] == author && maps.Equal(without, was)
	case "Env": // clean-packages: ENV DEBIAN_FRONTEND becomes ARG
		was, _ := before[k].([]any)
		return reflect.DeepEqual(after[k], slices.DeleteFunc(slices.Clone(was), func(v any) bool { return v == "DEBIAN_FRONTEND=noninteractive" }))
	case "Shell": // pipefail; what the image does is the same, an image built from it may differ
		return before[k] == nil && reflect.DeepEqual(after[k], []any{"/bin/bash", "-o", "pipefail", "-c"})
	}
	return false
}

// plainCommand: no quotes, variables, globs, operators or leading assignment; its words mean the same without a shell.
var plainCommand = regexp.MustCompile(`^(exec )?[\w./@+-]+( [\w./@+:,=-]+)*$`)

// execForm is a plain command in shell form as its words, anything else as it stands.
func execForm(command any) any {
	words, _ := command.([]any)
	if len(words) != 3 || words[0] != "/bin/sh" || words[1] != "-c" || !plainCommand.MatchString(words[2].(string)) {
		return command
	}
	var out []any
	for _, w := range strings.Fields(strings.TrimPrefix(words[2].(string), "exec ")) {
		out = append(out, w)
	}
	return out
}

package main

// drydock as a plugin of the docker command line: the same program, called
// docker-drydock. The contract: https://docs.docker.com/reference/cli/docker/ and
// github.com/docker/cli/cli-plugins.

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/cli/cli-plugins/metadata"
	"github.com/docker/cli/cli-plugins/socket"
)

// pluginSchema is the version of the contract; docker refuses what it doesn't know.
const pluginSchema = "0.1.0"

// isPlugin tells by the name that the program was called by.
func isPlugin(program string) bool {
	return strings.EqualFold(strings.TrimSuffix(filepath.Base(program), ".exe"), metadata.NamePrefix+"drydock")
}

// underDocker prepares a run that docker started: its flags count for the programs that
// drydock calls, and its end is the run's. On a terminal a plugin hears Ctrl-C itself;
// elsewhere docker alone does, and closes the socket that it named.
func underDocker(ctx context.Context, args []string) (context.Context, []string) {
	args, environment := asPlugin(args)
	for _, e := range environment {
		name, value, _ := strings.Cut(e, "=")
		if err := os.Setenv(name, value); err != nil {
			fmt.Fprintf(os.Stderr, "drydock: docker's flags can't be handed on: %v\n", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	socket.ConnectAndWait(cancel)
	return ctx, args
}

// writeMetadata answers docker's question what the plugin is.
func writeMetadata(w io.Writer) error {
	return json.NewEncoder(w).Encode(metadata.Metadata{
		SchemaVersion:    pluginSchema,
		Vendor:           "drydock",
		Version:          version(),
		ShortDescription: "Rewrite Dockerfiles: smaller images, better caching, safer containers",
	})
}

type dockerFlag struct {
	names []string
	value bool
	env   string
}

// dockerFlags are docker's own flags, which stand before the plugin's name, with
// the variable that says the same to the docker and buildx that drydock calls; ""
// for those that only docker itself acts on. Values are "1" where none is taken.
var dockerFlags = []dockerFlag{
	{[]string{"--config"}, true, "DOCKER_CONFIG"},
	{[]string{"--context", "-c"}, true, "DOCKER_CONTEXT"},
	{[]string{"--host", "-H"}, true, "DOCKER_HOST"},
	{[]string{"--log-level", "-l"}, true, ""},
	{[]string{"--tlscacert"}, true, ""},
	{[]string{"--tlscert"}, true, ""},
	{[]string{"--tlskey"}, true, ""},
	{[]string{"--tlsverify"}, false, "DOCKER_TLS_VERIFY"},
	{[]string{"--tls"}, false, "DOCKER_TLS"},
	{[]string{"--debug", "-D"}, false, ""},
}

// asPlugin takes the words that docker adds off a plugin's arguments: docker hands
// on its own, in which its flags and "drydock" come first, and for completions
// "__complete drydock". environment is what those flags mean to docker's other
// programs, NAME=VALUE. Arguments without the word are those of somebody who calls
// docker-drydock by hand.
func asPlugin(args []string) (out, environment []string) {
	rest := args[1:]
	if len(rest) > 1 && rest[0] == completeWord && rest[1] == "drydock" {
		return slices.Concat(args[:1], rest[:1], rest[2:]), nil
	}
	if len(rest) > 1 && rest[0] == "help" && rest[1] == "drydock" { // docker help drydock VERB
		return slices.Concat(args[:1], rest[2:], []string{"--help"}), nil
	}
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		name, value, given := strings.Cut(rest[0], "=")
		at := slices.IndexFunc(dockerFlags, func(f dockerFlag) bool { return slices.Contains(f.names, name) })
		if at < 0 && len(name) > 2 && name[1] != '-' { // -Htcp://…
			name, value, given = rest[0][:2], rest[0][2:], true
			at = slices.IndexFunc(dockerFlags, func(f dockerFlag) bool { return f.value && slices.Contains(f.names, name) })
		}
		if at < 0 {
			return args, nil
		}
		f := dockerFlags[at]
		rest = rest[1:]
		switch {
		case f.value && !given:
			if len(rest) == 0 {
				return args, nil
			}
			value, rest = rest[0], rest[1:]
		case !f.value && value == "false":
			continue
		case !f.value:
			value = "1"
		}
		if f.env != "" {
			environment = append(environment, f.env+"="+value)
		}
	}
	if len(rest) == 0 || rest[0] != "drydock" {
		return args, nil
	}
	return append(args[:1:1], rest[1:]...), environment
}

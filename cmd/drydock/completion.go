package main

import (
	_ "embed"
	"fmt"

	"github.com/urfave/cli/v2"
)

// Each script asks drydock at every Tab (see completeWord), so that it never grows old.
var (
	//go:embed completion/drydock.bash
	bashScript string
	//go:embed completion/drydock.zsh
	zshScript string
	//go:embed completion/drydock.fish
	fishScript string
)

func completionScript(shell string) (script string, known bool) {
	switch shell {
	case "bash":
		return bashScript, true
	case "zsh":
		return zshScript, true
	case "fish":
		return fishScript, true
	}
	return "", false
}

// shells are those that there is a script for.
func shells() []candidate {
	return []candidate{{"bash", "source <(drydock completion bash)"}, {"zsh", "source <(drydock completion zsh)"}, {"fish", "drydock completion fish | source"}}
}

func completionCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the script that makes a shell complete verbs, flags, their values and paths",
		ArgsUsage: "SHELL",
		Description: `SHELL is bash, zsh or fish. For one session:

   source <(drydock completion bash)
   source <(drydock completion zsh)
   drydock completion fish | source

For good (docs/integrations.md tells more):

   drydock completion bash >~/.local/share/bash-completion/completions/drydock
   drydock completion zsh >FOLDER/_drydock, with FOLDER in zsh's fpath
   drydock completion fish >~/.config/fish/completions/drydock.fish`,
		Action: func(c *cli.Context) error {
			script, known := completionScript(c.Args().First())
			if c.NArg() != 1 || !known {
				var names []string
				for _, k := range shells() {
					names = append(names, k.word)
				}
				return usagef("completion needs a shell: %s", either(names))
			}
			_, err := fmt.Fprint(s.out, script)
			return err
		},
	}
}

package repo

import (
	"encoding/json"
	"path"
	"strings"
)

// What hosting platforms start in a container beside, or in the place of, the image's
// own command.

var (
	platformKey = lazy(`^\s*["']?(release_command|dockerCommand|preDeployCommand|initialDeployHook|startCommand|run_command)["']?\s*[:=]\s*(.+?),?\s*$`)
	processKey  = lazy(`^\s*["']?[\w-]+["']?\s*[:=]\s*(.+?)\s*$`)
	section     = lazy(`^(\[+\s*["']?([\w.-]+)|(\w+):\s*$)`)
)

// platformCommands reads a file of Fly.io (fly.toml), Heroku (heroku.yml), Render
// (render.yaml), Railway (railway.json, railway.toml), DigitalOcean or Amazon ECS (a task
// definition in JSON); the image is the one that is built here, and so computed.
//
// Source: https://fly.io/docs/reference/configuration/,
// https://devcenter.heroku.com/articles/build-docker-images-heroku-yml,
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
func platformCommands(file string, src []byte) (out []ContainerCommand) {
	base := strings.ToLower(path.Base(file))
	add := func(line int, shell, args bool, words ...string) {
		if shell {
			words = []string{"sh", "-c", strings.Join(words, " ")}
		}
		if len(words) > 0 && words[0] != "" {
			out = append(out, ContainerCommand{File: file, Line: line, In: "$image", Image: args, Words: words})
		}
	}
	switch {
	case strings.HasSuffix(base, ".json") && strings.Contains(string(src), "containerDefinitions"):
		for _, d := range taskDefinitions(src) {
			add(1, false, true, d.Command...)
			add(1, false, false, d.EntryPoint...)
			if h := d.HealthCheck.Command; len(h) > 1 {
				add(1, h[0] == "CMD-SHELL", false, h[1:]...)
			}
		}
		return out
	case !strings.HasPrefix(base, "fly") && base != "heroku.yml" && !strings.HasPrefix(base, "render.y") && !strings.HasPrefix(base, "railway."):
		return nil
	}
	in := ""
	for n, l := range lines(src) {
		if m := section.FindStringSubmatch(l); m != nil {
			in = m[2] + m[3]
			continue
		}
		value, heroku := "", base == "heroku.yml"
		switch m := platformKey.FindStringSubmatch(l); {
		case m != nil:
			value = m[2]
		case in == "processes" && strings.HasPrefix(base, "fly"), in == "run" && heroku:
			if m := processKey.FindStringSubmatch(l); m != nil {
				value = m[1]
			}
		case in == "release" && heroku && strings.HasPrefix(strings.TrimSpace(l), "- "):
			value = strings.TrimPrefix(strings.TrimSpace(l), "- ")
		}
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		if value == "" || strings.HasPrefix(value, "[") || strings.HasPrefix(value, "|") {
			continue
		}
		if heroku { // it starts what it is given with a shell
			add(n+1, true, false, value)
			continue
		}
		var words []string
		for _, w := range lineWords(value) {
			if w.end {
				words = []string{"sh", "-c", value}
				break
			}
			words = append(words, w.text)
		}
		add(n+1, false, true, words...)
	}
	return out
}

type taskDefinition struct {
	Command, EntryPoint []string
	HealthCheck         struct{ Command []string }
}

// taskDefinitions are the containers of an ECS task definition, bare or as the CLI
// describes it.
func taskDefinitions(src []byte) []taskDefinition {
	var t struct {
		ContainerDefinitions []taskDefinition
		TaskDefinition       struct{ ContainerDefinitions []taskDefinition }
	}
	if json.Unmarshal(src, &t) != nil {
		return nil
	}
	return append(t.ContainerDefinitions, t.TaskDefinition.ContainerDefinitions...)
}

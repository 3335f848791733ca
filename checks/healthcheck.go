package checks

import (
	"context"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// healthcheck finds services that nobody can ask whether they still serve.
var _ = register(&rewrite.Check{
	Name:    "healthcheck",
	Rules:   []string{"DL3057"},
	Summary: "A service without HEALTHCHECK",
	OptIn:   true,
	Doc: `Without a HEALTHCHECK Docker and Swarm know only that the process runs, not
that it answers (https://docs.docker.com/reference/dockerfile/#healthcheck). What a service
answers to is its own affair, so there is no fix to guess. Found are an image
with EXPOSE and a command but no HEALTHCHECK, and HEALTHCHECK NONE, which turns
off the one of the base image. Kubernetes doesn't read HEALTHCHECK at all, which is why this
check runs only when asked for (CIS Docker Benchmark 4.6; hadolint DL3057:
https://github.com/hadolint/hadolint/wiki/DL3057).`,
	Passes: `Images without EXPOSE (tools, jobs) or without CMD and ENTRYPOINT (bases for other images); a
HEALTHCHECK in the stage that the last one starts from.`,
	Run: func(_ context.Context, p *rewrite.Pass) error {
		s := p.Doc.Final()
		for _, in := range s.Instructions {
			if c, ok := in.Cmd.(*instructions.HealthCheckCommand); ok && c.Health != nil && len(c.Health.Test) > 0 && c.Health.Test[0] == "NONE" {
				p.Find(in, "HEALTHCHECK NONE turns the health check of the base image off", "give it a command that asks the service itself")
				return nil
			}
		}
		c := s.Config()
		if c.Field(rewrite.FieldExpose) == "" || c.Field(rewrite.FieldHealthcheck) != "" || c.Field(rewrite.FieldCmd)+c.Field(rewrite.FieldEntrypoint) == "" {
			return nil
		}
		p.Find(s.From, "a service (it has EXPOSE and a command) without HEALTHCHECK", "add HEALTHCHECK CMD with a command that asks the service itself")
		return nil
	},
})

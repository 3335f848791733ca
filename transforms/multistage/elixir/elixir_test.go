package elixir_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/transforms/multistage/splittest"
)

func elixirApp(dockerfile string) map[string]string {
	return map[string]string{"Dockerfile": dockerfile, "mix.exs": "defmodule Tides.MixProject do\n  use Mix.Project\n  def project, do: [app: :tides, version: \"1.0.0\"]\nend\n", "lib/tides.ex": "defmodule Tides do\nend\n", "start.sh": "#!/bin/sh\nmix ecto.migrate\n"}
}

func TestElixir(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"Alpine, by the tag", "FROM hexpm/elixir:1.16.2-erlang-26.2.3-alpine-3.19.1\nRUN apk add --no-cache build-base git\nWORKDIR /app\nENV MIX_ENV=prod\nCOPY . .\nRUN mix deps.get && mix release tides\nCMD [\"_build/prod/rel/tides/bin/tides\", \"start\"]\n",
			"FROM alpine:3.19.1\nRUN apk add --no-cache libstdc++ ncurses openssl\nWORKDIR /app\nENV MIX_ENV=prod\nCOPY --from=builder /app/_build/prod/rel /app/_build/prod/rel\nCMD [\"_build/prod/rel/tides/bin/tides\", \"start\"]\n"},
		{"a release that is copied elsewhere", "FROM elixir:1.18\nWORKDIR /app\nCOPY . .\nRUN mix deps.get && MIX_ENV=prod mix release && cp -r _build/prod/rel/tides /opt/tides\nCMD [\"/opt/tides/bin/tides\", \"start\"]\n",
			"FROM elixir:1.18-slim\nWORKDIR /app\nCOPY --from=builder /opt/tides /opt/tides\nCMD [\"/opt/tides/bin/tides\", \"start\"]\n"},
		{"mix do", "FROM elixir:1.18\nWORKDIR /app\nENV MIX_ENV=prod\nCOPY . .\nRUN mix do deps.get + release --path /opt/tides\nCMD [\"/opt/tides/bin/tides\", \"start\"]\n",
			"FROM elixir:1.18-slim\nWORKDIR /app\nENV MIX_ENV=prod\nCOPY --from=builder /opt/tides /opt/tides\nCMD [\"/opt/tides/bin/tides\", \"start\"]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := splittest.Files(t, elixirApp(c.body))
			_, runtime, _ := strings.Cut(res.After, "\n\n")
			if d := cmp.Diff(c.want, strings.ReplaceAll(runtime, "\n\n", "\n")); d != "" {
				t.Errorf("(-want +got)\n%s\ndeclined: %s", d, splittest.Reasons(res))
			}
		})
	}
}

func TestElixirDeclines(t *testing.T) {
	built := "WORKDIR /app\nCOPY . .\nENV MIX_ENV=prod\nRUN mix deps.get && mix release\n"
	cmd := "CMD [\"_build/prod/rel/tides/bin/tides\", \"start\"]\n"
	for _, c := range []struct{ dockerfile, want string }{
		{"FROM elixir:1.17\nWORKDIR /app\nCOPY . .\nRUN mix compile\nCMD mix run --no-halt\n", "it runs the source by Mix"},
		{"FROM elixir:1.17\n" + built + "CMD [\"mix\", \"phx.server\"]\n", "CMD runs mix"},
		{"FROM elixir:1.17\n" + built + "CMD [\"./start.sh\"]\n", "isn't part of the release"},
		{"FROM hexpm/elixir:1.16.2-erlang-26.2.3-ubuntu-jammy-20240125\n" + built + cmd, "isn't known"},
		{"FROM elixir\n" + built + cmd, "which -slim tag"},
		{"FROM elixir:1.17\nENV MIX_BUILD_PATH=/b\n" + built + cmd, "MIX_BUILD_PATH moves the release"},
		{"FROM elixir:1.17\nRUN make nif\n" + built + cmd, "the effects of make nif"},
		{"FROM hexpm/elixir:1.16.2-erlang-26.2.3-alpine-3.19.1\nRUN apk add vips-dev\n" + built + cmd, "vips-dev may be needed"},
	} {
		res := splittest.Files(t, elixirApp(c.dockerfile))
		if res.Changed() || !strings.Contains(splittest.Reasons(res), c.want) {
			t.Errorf("%s\nchanged: %v\ndeclined with %q, want %q", c.dockerfile, res.Changed(), splittest.Reasons(res), c.want)
		}
	}
}

func TestElixirDistillery(t *testing.T) {
	files := elixirApp("FROM elixir:1.8\nWORKDIR /app\nCOPY . .\nRUN MIX_ENV=prod mix do deps.get, release\nCMD [\"_build/prod/rel/tides/bin/tides\", \"foreground\"]\n")
	files["rel/config.exs"] = "environment :prod do\n  set include_erts: false\nend\n"
	if res := splittest.Files(t, files); res.Changed() || !strings.Contains(splittest.Reasons(res), "rel/config.exs leaves Erlang's runtime out") {
		t.Errorf("changed: %v, declined with %q", res.Changed(), splittest.Reasons(res))
	}
}

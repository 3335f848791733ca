package ruby_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/transforms/multistage/split"
	"drydock/transforms/multistage/splittest"
)

const gemHead = "GEM\n  remote: https://rubygems.org/\n  specs:\n"

func gemLock(gems ...string) string {
	return gemHead + "    " + strings.Join(gems, "\n    ") + "\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  rack\n"
}

// rubyApp is a context with a Gemfile and the given gems locked.
func rubyApp(dockerfile string, gems ...string) map[string]string {
	return map[string]string{"Dockerfile": dockerfile, "Gemfile": "source 'https://rubygems.org'\ngem 'rack'\n", "Gemfile.lock": gemLock(gems...), "app.rb": "puts 1\n"}
}

const rubyCmd = "CMD [\"bundle\", \"exec\", \"ruby\", \"app.rb\"]\n"

func TestRuby(t *testing.T) {
	usual := "WORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install\nCOPY . .\n" + rubyCmd
	for _, c := range []struct {
		name, base, body string
		gems             []string
		want             string // the runtime stage
	}{
		{"the code from the context, the gems from the build stage", "ruby:3.3", usual, []string{"rack (3.0.9)"},
			"FROM ruby:3.3-slim\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY . .\n" + rubyCmd},
		{"libraries behind native gems, by release", "ruby:3.3-bookworm", usual, []string{"charlock_holmes (0.7.7)", "mysql2 (0.5.6)", "nokogiri (1.16.0-x86_64-linux)", "pg (1.5.4)", "rmagick (5.3.0)", "sqlite3 (1.4.2)"},
			"FROM ruby:3.3-slim-bookworm\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends libicu72 libmagickcore-6.q16-6-extra libmagickwand-6.q16-6 libmariadb3 libpq5 libsqlite3-0 && \\\n    rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY . .\n" + rubyCmd},
		{"zoneinfo left Debian's images with 13", "ruby:3.4-trixie", usual, []string{"tzinfo (2.0.6)"},
			"FROM ruby:3.4-slim-trixie\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends tzdata && \\\n    rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY . .\n" + rubyCmd},
		{"what the install may change comes from the build stage", "ruby:3.3", "WORKDIR /app\nCOPY . .\nRUN bundle install\n" + rubyCmd, []string{"rack (3.0.9)"},
			"FROM ruby:3.3-slim\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY --from=builder /app /app\n" + rubyCmd},
		{"vendor/bundle lies in the application", "ruby:3.3", "WORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN bundle config set --local path vendor/bundle && bundle install\nCOPY . .\n" + rubyCmd, []string{"rack (3.0.9)"},
			"FROM ruby:3.3-slim\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY --from=builder /app /app\nCOPY . .\n" + rubyCmd},
		{"BUNDLE_PATH moves the gems", "ruby:3.3", "ENV BUNDLE_PATH=/gems\n" + usual, []string{"rack (3.0.9)"},
			"FROM ruby:3.3-slim\nENV BUNDLE_PATH=/gems\nWORKDIR /app\nCOPY --from=builder /gems /gems\nCOPY . .\n" + rubyCmd},
		{"a setting of the home directory is made again", "ruby:3.3", "RUN bundle config --global frozen 1\n" + usual, []string{"rack (3.0.9)"},
			"FROM ruby:3.3-slim\nRUN bundle config --global frozen 1\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY . .\n" + rubyCmd},
		{"accounts are made again beside an install", "ruby:3.3", "WORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN useradd -m harbour && bundle install\nCOPY . .\nUSER harbour\n" + rubyCmd, []string{"rack (3.0.9)"},
			"FROM ruby:3.3-slim\nWORKDIR /app\nRUN useradd -m harbour\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY . .\nUSER harbour\n" + rubyCmd},
		{"the owner of the folder itself", "ruby:3.3", "RUN useradd harbour\nWORKDIR /app\nCOPY . .\nRUN bundle install && chown -R harbour:harbour /app\nUSER harbour\n" + rubyCmd, []string{"rack (3.0.9)"},
			"FROM ruby:3.3-slim\nRUN useradd harbour\nCOPY --from=builder --chown=harbour:harbour /app /app\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nUSER harbour\n" + rubyCmd},
		{"slim with compilers", "ruby:3.3-slim-bookworm", "RUN apt-get update && apt-get install -y build-essential git libpq-dev\n" + usual, []string{"pg (1.5.4)"},
			"FROM ruby:3.3-slim-bookworm\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends libpq5 && \\\n    rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY . .\n" + rubyCmd},
		{"Alpine with compilers", "ruby:3.3-alpine3.20", "RUN apk add --no-cache build-base git postgresql-dev tzdata yaml-dev\n" + usual, []string{"pg (1.5.4)"},
			"FROM ruby:3.3-alpine3.20\nRUN apk add --no-cache libpq tzdata\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY . .\n" + rubyCmd},
		{"Node stays where a gem loads a JavaScript runtime", "ruby:3.3", "RUN apt-get update && apt-get install -y nodejs\nWORKDIR /app\nCOPY . .\nRUN bundle install\nRUN bundle exec rails assets:precompile\n" + rubyCmd, []string{"execjs (2.9.1)"},
			"FROM ruby:3.3-slim\nRUN apt-get update && apt-get install -y nodejs\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY --from=builder /app /app\n" + rubyCmd},
		{"Node stays behind where none does", "ruby:3.3", "RUN apt-get update && apt-get install -y nodejs yarnpkg\nWORKDIR /app\nCOPY . .\nRUN bundle install && yarn install\nRUN bundle exec rails assets:precompile\n" + rubyCmd, []string{"rack (3.0.9)"},
			"FROM ruby:3.3-slim\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY --from=builder /app /app\n" + rubyCmd},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := splittest.Files(t, rubyApp("FROM "+c.base+"\n"+c.body, c.gems...))
			_, runtime, _ := strings.Cut(res.After, "\n\n")
			if d := cmp.Diff(c.want, strings.ReplaceAll(runtime, "\n\n", "\n")); d != "" {
				t.Errorf("(-want +got)\n%s\ndeclined: %s", d, splittest.Reasons(res))
			}
		})
	}
}

func TestRubyDeclines(t *testing.T) {
	install := "FROM ruby:3.3-bookworm\nWORKDIR /app\nCOPY . .\nRUN bundle install\n"
	for _, c := range []struct {
		dockerfile string
		gem        string
		want       string
	}{
		{install + rubyCmd, "rugged (1.7.1)", "rugged (Gemfile.lock:4) links whatever"},
		{install + rubyCmd, "ruby-oci8 (2.2.12)", "Oracle"},
		{install + "CMD make run && ruby app.rb\n", "rack (3.0.9)", "CMD runs make"},
		{install + "RUN rake db:seed\n" + rubyCmd, "rack (3.0.9)", "where rake db:seed writes isn't known"},
		{install + "RUN bundle exec ruby seed.rb\n" + rubyCmd, "rack (3.0.9)", "where bundle exec ruby writes"},
		{install + "RUN make docs\n" + rubyCmd, "rack (3.0.9)", "the effects of make docs"},
		{"FROM ruby:3.3-bookworm\nCOPY . .\nRUN bundle install\n" + rubyCmd, "rack (3.0.9)", "give it a WORKDIR"},
		{"FROM ruby:3.3-bookworm\nWORKDIR /app\nCOPY . .\nRUN bundle update\n" + rubyCmd, "rack (3.0.9)", "bundle update installs other gems"},
		{"FROM ruby:3.3-bookworm\nWORKDIR /app\nCOPY . .\nRUN gem update --system && bundle install\n" + rubyCmd, "rack (3.0.9)", "gem update --system"},
		{"FROM ruby:3.3-bookworm\nWORKDIR /app\nCOPY . .\nRUN bundle config --global path /gems && bundle install\n" + rubyCmd, "rack (3.0.9)", "home directory"},
		{"FROM ruby:3.3-bookworm\nWORKDIR /app\nCOPY . .\nENV GEM_PATH=/x\nRUN bundle install\n" + rubyCmd, "rack (3.0.9)", "GEM_PATH puts a part of Bundler in /x"},
		{"FROM ruby:3.3-alpine3.20\nRUN apk add build-base imagemagick-dev\nWORKDIR /app\nCOPY . .\nRUN bundle install\n" + rubyCmd, "rack (3.0.9)", "imagemagick-dev needs its library"},
		{install, "rack (3.0.9)", "no CMD or ENTRYPOINT"},
	} {
		res := splittest.Files(t, rubyApp(c.dockerfile, c.gem))
		if res.Changed() || !strings.Contains(splittest.Reasons(res), c.want) {
			t.Errorf("%s\nchanged: %v\ndeclined with %q, want %q", c.dockerfile, res.Changed(), splittest.Reasons(res), c.want)
		}
	}
	local := rubyApp(install+rubyCmd, "rack (3.0.9)")
	local["Gemfile.lock"] = "PATH\n  remote: gems/tides\n  specs:\n    tides (1.0.0)\n\n" + local["Gemfile.lock"]
	local["gems/tides/tides.gemspec"] = "Gem::Specification.new { |s| s.files = `git ls-files`.split }\n"
	if res := splittest.Files(t, local); res.Changed() || !strings.Contains(splittest.Reasons(res), "tides.gemspec runs git") {
		t.Errorf("a gemspec that runs git: changed %v, declined %q", res.Changed(), splittest.Reasons(res))
	}
	commented := rubyApp(install+rubyCmd, "rack (3.0.9)")
	commented["app.rb"] = "# run `git log` by hand\nputs 1\n"
	if res := splittest.Files(t, commented); !res.Changed() {
		t.Errorf("a comment runs nothing: declined %q", splittest.Reasons(res))
	}
	commented["app.rb"] = "puts `make version`\n"
	if res := splittest.Files(t, commented); res.Changed() || !strings.Contains(splittest.Reasons(res), "app.rb:1 runs make") {
		t.Errorf("it runs make: changed %v, declined %q", res.Changed(), splittest.Reasons(res))
	}
	commented["app.rb"] = "puts `git log -1`\n"
	if res := splittest.Files(t, commented); !strings.Contains(res.After, "install -y --no-install-recommends ca-certificates git") {
		t.Errorf("it runs git: %s\ndeclined %q", res.After, splittest.Reasons(res))
	}
	// There is no distroless Ruby: another policy says so and takes slim.
	files := rubyApp("FROM ruby:3.3\nWORKDIR /app\nCOPY . .\nRUN bundle install\n"+rubyCmd, "rack (3.0.9)")
	files["POLICY"] = split.Distroless
	if res := splittest.Files(t, files); !res.Changed() || !strings.Contains(res.After, "FROM ruby:3.3-slim") || !strings.Contains(strings.Join(res.Outcomes[0].Plan, "\n"), "no distroless image with Ruby") {
		t.Errorf("distroless: %+v\n%s", res.Outcomes, res.After)
	}
	// A slim image without compilers has nothing to leave behind.
	if res := splittest.Files(t, rubyApp("FROM ruby:3.3-slim\nWORKDIR /app\nCOPY . .\nRUN bundle install\n"+rubyCmd, "rack (3.0.9)")); res.Changed() || splittest.Reasons(res) != "" {
		t.Errorf("slim: changed %v, declined %q", res.Changed(), splittest.Reasons(res))
	}
}

package ruby_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
	"drydock/transforms/multistage/splittest"
)

// Ruby's own interpreter on distroless cc, and each fact that keeps it off.
func TestRubyOwn(t *testing.T) {
	const head = "WORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install\nCOPY . .\n"
	const cmd = `CMD ["bundle", "exec", "puma"]` + "\n"
	const code = "WORKDIR /app\nCOPY . .\nRUN bundle install\n"
	puma := []string{"puma (6.4.2)", "  nio4r (~> 2.0)", "nio4r (2.7.0)", "rack (3.0.9)"}
	gems := func(more ...string) []string { return append(puma[:len(puma):len(puma)], more...) }
	for _, c := range []struct {
		base, body string
		gems       []string
		app        string
		want       string
	}{
		{"3.3", head + cmd, puma, "", "FROM ruby:3.3-trixie AS builder\n"},
		{"3.3", head + cmd, puma, "", "\n\nFROM ruby:3.3-trixie AS ruby\nWORKDIR /usr/local/lib/ruby\n"},
		{"3.3", head + cmd, puma, "", "\n\nFROM gcr.io/distroless/cc-debian13:nonroot\nENV LANG=C.UTF-8 \\\n    GEM_HOME=/usr/local/bundle \\\n    BUNDLE_APP_CONFIG=/usr/local/bundle \\\n    PATH=/usr/local/bundle/bin:$PATH\nCOPY --from=ruby /runtime /\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY . .\nCMD"},
		{"3.3-bookworm", head + cmd, puma, "", "FROM ruby:3.3-bookworm AS builder\n"},
		{"3.3 AS app", head + cmd, puma, "", "FROM gcr.io/distroless/cc-debian13:nonroot AS app\n"},
		{"3", head + cmd, puma, "", "FROM ruby:3-trixie AS builder\n"},
		{"3.3", "ENV GEM_HOME=/usr/local/bundle\n" + head + cmd, puma, "", "\nENV LANG=C.UTF-8 \\\n    BUNDLE_APP_CONFIG"}, // the file says it itself
		{"3.3", "USER root\n" + head + cmd, puma, "", "BUNDLE_SILENCE_ROOT_WARNING=1"},
		{"3.3-slim", "RUN apt-get update && apt-get install -y gcc\n" + head + cmd, puma, "", "/runtime/usr/lib/ && \\\n    cp -a /usr/local/bin /runtime"}, // no strip
		{"3.3", head + `CMD ["puma"]` + "\n", puma, "", "cc-debian13:nonroot"},
		{"3.3", head + `CMD ["/usr/local/bundle/bin/puma"]` + "\n", puma, "", "cc-debian13:nonroot"},
		{"3.3", head + `CMD ["bundle", "exec", "rackup"]` + "\n", puma, "", "cc-debian13:nonroot"},
		{"3.3", head + `ENTRYPOINT ["bundle", "exec"]` + "\n" + `CMD ["puma"]` + "\n", puma, "", "cc-debian13:nonroot"},
		{"3.3", head + `ENTRYPOINT ["bundle", "exec"]` + "\n" + `CMD ["jekyll", "serve"]` + "\n", gems("jekyll (4.3.3)"), "", "ENTRYPOINT runs bundle"},
		{"3.3", head + `ENTRYPOINT ["bundle"]` + "\n" + `CMD ["exec", "puma"]` + "\n", puma, "", "ENTRYPOINT runs bundle"},
		{"3.3", head + `CMD ["ruby", "app.rb"]` + "\n", puma, "", "cc-debian13:nonroot"},
		{"3.3", head + `HEALTHCHECK CMD ["ruby", "-e", "exit"]` + "\n" + cmd, puma, "", "cc-debian13:nonroot"},
		{"3.3", head + "EXPOSE 80\n" + cmd, puma, "", "cc-debian13:nonroot"},
		{"3.3", head + "VOLUME /data\n" + cmd, puma, "", "FROM gcr.io/distroless/cc-debian13:latest\n"},
		{"3.3", head + "USER 1000\n" + cmd, puma, "File.write('log', 'x')\n", "cc-debian13:nonroot"}, // as before
		{"3.3", head + cmd, gems("tzinfo (2.0.6)"), "", "cc-debian13:nonroot"},                       // which has zoneinfo
		{"3.3", "RUN apt-get update && apt-get install -y libpq-dev tzdata\n" + head + cmd, gems("pg (1.5.4)"), "", "cp -L $(awk '$3 ~ /^\\// && !seen[$3]++ && $3 !~ /^\\/usr\\/local\\// && $3 !~ /\\/lib(crypt|gmp|z)\\./ && $3 !~ /\\/" + distro.InCC + "\\./ { print $3 }' /tmp/libraries) /libraries/\n"},
		{"3.3", head + cmd, gems("pg (1.5.4)"), "", "\nCOPY --from=builder /libraries/ /usr/lib/\n"},
		{"3.3", head + cmd, gems("taglib-ruby (1.1.3)"), "", "{ print $3 }' /tmp/libraries | xargs -r cp -Lt /libraries\n"}, // in no table
		{"3.3", "ENV BUNDLE_PATH=/gems\n" + head + cmd, gems("taglib-ruby (1.1.3)"), "", "find /gems -name '*.so' -exec ldd {} ';'"},
		{"3.3", "ENV BUNDLE_PATH=/gems\n" + head + cmd, gems("taglib-ruby (1.1.3)"), "", "$3 !~ /^\\/gems\\//"},
		{"3.3", "ENV BUNDLE_DEPLOYMENT=1\n" + code + cmd, gems("taglib-ruby (1.1.3)"), "", "/app/vendor/bundle -name '*.so'"},
		{"3.3", head + cmd, puma, "conn.exec('SELECT 1')\nx = /a/.exec\n# system('ls')\nKernel.exit\nsystem_name = 1\n", "cc-debian13:nonroot"},
		{"3.3", head + cmd, gems("sassc (2.4.0)", "  ffi (~> 1.9)", "ffi (1.16.3)"), "", "cc-debian13:nonroot"},
		{"3.3", head + cmd, gems("execjs (2.9.1)", "mini_racer (0.9.0)"), "", "cc-debian13:nonroot"},
		// accounts, and files that a RUN makes where the folder is copied
		{"3.3", "RUN useradd -m clerk\n" + code + "RUN mkdir -p tmp && chown clerk tmp\nUSER clerk\n" + cmd, puma, "File.write('tmp/x', 'x')\n",
			"RUN mkdir -p tmp && chown clerk tmp\n\nFROM ruby:3.3-trixie AS ruby\n"},
		{"3.3", "RUN useradd -m clerk\n" + code + "RUN mkdir -p tmp && chown clerk tmp\nUSER clerk\n" + cmd, puma, "File.write('tmp/x', 'x')\n",
			"COPY --from=ruby /runtime /\nCOPY --from=builder /etc/passwd /etc/group /etc/\nCOPY --from=builder --chown=clerk /home/clerk /home/clerk\nWORKDIR /app\nCOPY --from=builder /usr/local/bundle /usr/local/bundle\nCOPY --from=builder /app /app\nUSER clerk\n"},
		{"3.3", "RUN useradd --system clerk\n" + head + "USER clerk\n" + cmd, puma, "", "/etc/passwd /etc/group /etc/\nWORKDIR /app\n"},
		{"3.3", "RUN useradd clerk --create-home --shell /bin/bash\n" + head + "USER clerk\n" + cmd, puma, "", "--chown=clerk /home/clerk /home/clerk\n"},
		{"3.3", "RUN groupadd -r clerk && useradd -rmg clerk clerk\n" + head + "USER clerk\n" + cmd, puma, "", "--chown=clerk /home/clerk /home/clerk\n"},
		{"3.3", "RUN groupadd admin && useradd -gadmin clerk\n" + head + "USER clerk\n" + cmd, puma, "", "/etc/passwd /etc/group /etc/\nWORKDIR"}, // no home
		{"3.3", "RUN useradd -m -d /srv/clerk clerk\n" + head + "USER clerk\n" + cmd, puma, "", "useradd is given -d, and which home folder"},
		{"3.3", head + "USER www-data\n" + cmd, puma, "", "/etc/passwd /etc/group /etc/\n"},

		{"3.3-alpine3.20", "RUN apk add build-base\n" + head + cmd, puma, "", "Alpine's Ruby needs musl"},
		{"3.3", "ENV GEM_HOME=/gems BUNDLE_APP_CONFIG=/gems\n" + head + cmd, gems("taglib-ruby (1.1.3)"), "", "find /gems -name"},
		{"3.3", "WORKDIR /app\nCOPY . .\nRUN bundle config set path /gems && bundle config set deployment true && bundle install\n" + cmd, gems("taglib-ruby (1.1.3)"), "", "find /usr/local/bundle /gems -name"}, // no vendor/bundle
		{"2.7-bullseye", head + cmd, puma, "", "isn't known to be Ruby 3.1 or later"},
		{"3.2-bullseye", head + cmd, puma, "", "linked with OpenSSL 1.1"},
		{"3.3", head + "CMD bundle exec puma -p $PORT && true\n", puma, "", "CMD is in shell form"},
		{"3.3", head + `CMD ["foreman", "start"]` + "\n", gems("foreman (0.87.2)"), "", "CMD runs foreman"},
		{"3.3", head + `CMD ["bundle", "exec", "jekyll", "serve"]` + "\n", gems("jekyll (4.3.3)"), "", "CMD runs bundle"},
		{"3.3", head + `CMD ["puma"]` + "\n", []string{"rack (3.0.9)"}, "", "CMD runs puma"}, // whose gem is unknown
		{"3.3", head + `CMD ["./start"]` + "\n", puma, "", "CMD runs ./start"},
		{"3.3", head + "HEALTHCHECK CMD ruby -e exit\n" + cmd, puma, "", "HEALTHCHECK is in shell form"},
		{"3.3", "RUN apt-get update && apt-get install -y tini\n" + head + cmd, puma, "", "the runtime stage installs tini"},
		{"3.3", "RUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2\n" + head + cmd, puma, "", "the runtime stage installs libjemalloc2"},
		{"3.3", "ENV LD_PRELOAD=/opt/j.so\n" + head + cmd, puma, "", "LD_PRELOAD=/opt/j.so tells the loader"},
		{"3.3", head + cmd, gems("mysql2 (0.5.6)"), "", "the runtime stage installs libmariadb3"},
		{"3.3", head + cmd, gems("ethon (0.16.0)", "  ffi (>= 1.15.0)", "ffi (1.16.3)"), "", "ethon (Gemfile.lock:8) calls a library by ffi"},
		{"3.3", head + cmd, gems("ruby-vips (2.2.1)", "  ffi (~> 1.12)", "ffi (1.16.3)"), "", "ruby-vips (Gemfile.lock:8) calls a library by ffi"},
		{"3.3", head + cmd, gems("resque (2.6.0)"), "", "resque (Gemfile.lock:8) starts programs of the system"},
		{"3.3", head + cmd, gems("uglifier (4.2.0)"), "", "uglifier (Gemfile.lock:8) needs a JavaScript runtime"},
		{"3.3", head + cmd, gems("railties (7.1.3)"), "", "Rails (Gemfile.lock:8) writes to log and tmp"},
		{"3.3", head + cmd, gems("activerecord (7.1.3)", "sqlite3 (1.7.2)"), "", "sqlite3 (Gemfile.lock:9) writes a database"},
		{"3.3", "RUN bundle config --global frozen 1\n" + head + cmd, puma, "", "line 2 runs in the runtime stage too"},
		{"3.3", code + "RUN chmod 700 /app\n" + cmd, puma, "", "line 5 runs in the runtime stage too"}, // COPY doesn't keep it
		{"3.3", "RUN useradd clerk\n" + head + cmd, puma, "", "it makes users and runs as root"},
		{"3.3", head + cmd, puma, "puts system('date')\n", "app.rb:1 may start other programs"},
		{"3.3", head + cmd, puma, "x = 1\nputs `date`\n", "app.rb:2 may start other programs"},
		{"3.3", head + cmd, puma, "pid = spawn 'date'\n", "app.rb:1 may start other programs"},
		{"3.3", head + cmd, puma, "Process.spawn(command)\n", "app.rb:1 may start other programs"},
		{"3.3", head + cmd, puma, "IO.popen(%w[date])\n", "app.rb:1 may start other programs"},
		{"3.3", head + cmd, puma, "require 'open3'\nOpen3.capture2(cmd)\n", "app.rb:2 may start other programs"},
		{"3.3", head + cmd, puma, "require 'fiddle'\n", "app.rb:1 loads a library by its name"},
		{"3.3", head + cmd, puma, "extend FFI::Library\n", "app.rb:1 loads a library by its name"},
		{"3.3", head + cmd, puma, "require \"curses\"\n", "app.rb:1 requires curses"},
		{"3.3", head + cmd, puma, "puts ENV.fetch('RUBY_VERSION')\n", "app.rb:1 reads RUBY_VERSION"},
		{"3.3", head + cmd, puma, "File.write('log', 'x')\n", "for which it would stay root"},
		{"3.3", head + cmd, puma, "Dir.chroot '/srv'\n", "app.rb:1 does what only root may"},
		{"3.3", head + `CMD ["bundle", "exec", "rake", "work"]` + "\n", gems("rake (13.1.0)"), "", "Rakefile:2 may start other programs"},
		{"3.3", head + `CMD ["bundle", "exec", "rackup"]` + "\n", puma, "", "cc-debian13"}, // no tasks run
	} {
		files := rubyApp("FROM ruby:"+c.base+"\n"+c.body, c.gems...)
		files["POLICY"], files["Rakefile"] = split.Smallest, "task :work do\n  sh 'date'\nend\n"
		if c.app != "" {
			files["app.rb"] = c.app
		}
		res := splittest.Files(t, files)
		text := res.After + splittest.Reasons(res)
		for _, o := range res.Outcomes {
			text += strings.Join(o.Plan, "\n")
		}
		if !strings.Contains(text, c.want) {
			t.Errorf("%s %q: no %q in\n%s", c.base, c.body, c.want, text)
		}
	}
}

// A project's own script starts where it begins with Ruby; not where it's a shell's.
func TestRubyOwnScript(t *testing.T) {
	files := rubyApp("FROM ruby:3.3\nWORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install\nCOPY . .\nCMD [\"bin/serve\"]\n", "rack (3.0.9)")
	files["POLICY"] = split.Smallest
	for head, want := range map[string]bool{"#!/usr/bin/env ruby\n": true, "#!/usr/local/bin/ruby -w\n": true, "#!/bin/sh\n": false, "": false, "#!/usr/bin/env ruby\nexec 'date'\n": false} {
		files["bin/serve"] = head + "puts 1\n"
		if res := splittest.Files(t, files); strings.Contains(res.After, "cc-debian13") != want {
			t.Errorf("%q: distroless cc %v, want %v\n%s%s", head, !want, want, res.After, splittest.Reasons(res))
		}
	}
}

package compiled_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/transforms/multistage/splittest"
)

const (
	rustMain = "fn main() {\n    println!(\"ahoy\");\n}\n"
	rustToml = "[package]\nname = \"buoy\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"
)

// rustFiles is a Rust project around a Dockerfile; the lock file names crates.
func rustFiles(dockerfile, main string, crates ...string) map[string]string {
	lock, deps := "version = 4\n", "\n[dependencies]\n"
	needs := ""
	for _, c := range crates {
		lock += "\n[[package]]\nname = \"" + c + "\"\nversion = \"1.0.0\"\n"
		needs += "\"" + c + "\", "
		deps += c + " = \"1\"\n"
	}
	lock += "\n[[package]]\nname = \"buoy\"\nversion = \"0.1.0\"\ndependencies = [" + needs + "]\n"
	return map[string]string{"Dockerfile": dockerfile, "Cargo.toml": rustToml + deps, "Cargo.lock": lock, "src/main.rs": main}
}

const rustBuild = "WORKDIR /app\nCOPY . .\nRUN cargo build --release\nCMD [\"/app/target/release/buoy\"]\n"

// The base by what the program links.
func TestRustBase(t *testing.T) {
	for _, c := range []struct {
		name, base string
		crates     []string
		policy     string
		want       string
	}{
		{"nothing", "rust:1.80-bookworm", nil, "", "FROM gcr.io/distroless/cc-debian12:nonroot\n"},
		{"bullseye", "rust:1.80-slim-bullseye", nil, "", "FROM gcr.io/distroless/cc-debian12:nonroot\n"},
		{"trixie", "rust:1.90-trixie", nil, "", "FROM gcr.io/distroless/cc-debian13:nonroot\n"},
		{"nightly", "rustlang/rust:nightly-bookworm", nil, "", "FROM gcr.io/distroless/cc-debian12:nonroot\n"},
		{"bundled sources", "rust:1.80-bookworm", []string{"zstd-sys", "ring", "windows-sys", "tikv-jemalloc-sys"}, "", "FROM gcr.io/distroless/cc-debian12:nonroot\n"},
		{"openssl", "rust:1.80-bookworm", []string{"openssl-sys"}, "", "FROM debian:bookworm-slim\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends ca-certificates libssl3 && \\"},
		{"openssl, trixie", "rust:1.90-trixie", []string{"openssl-sys"}, "", "--no-install-recommends ca-certificates libssl3t64 && \\"},
		{"openssl, bullseye", "rust:1.80-bullseye", []string{"openssl-sys"}, "", "--no-install-recommends ca-certificates libssl1.1 && \\"},
		{"openssl, distroless", "rust:1.80-bookworm", []string{"openssl-sys"}, "distroless", "FROM gcr.io/distroless/cc-debian12:nonroot\n"},
		{"openssl 1.1, distroless", "rust:1.80-bullseye", []string{"openssl-sys"}, "distroless", "--no-install-recommends ca-certificates libssl1.1 && \\"},
		{"openssl, vendored", "rust:1.80-bookworm", []string{"openssl-sys", "openssl-src"}, "", "FROM gcr.io/distroless/cc-debian12:nonroot\n"},
		{"PostgreSQL", "rust:1.80-bookworm", []string{"pq-sys"}, "distroless", "FROM debian:bookworm-slim\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends libpq5 && \\"},
		{"PostgreSQL, smallest", "rust:1.80-bookworm", []string{"pq-sys"}, "smallest", "FROM gcr.io/distroless/cc-debian12:nonroot\nWORKDIR /app\nCOPY --from=builder /libraries/ /usr/lib/\n"},
		{"MariaDB, smallest", "rust:1.80-bookworm", []string{"mysqlclient-sys"}, "smallest", "--no-install-recommends libmariadb3 && \\"},
		{"another platform, smallest", "--platform=linux/arm64 rust:1.80-bookworm", []string{"pq-sys"}, "smallest", "--no-install-recommends libpq5 && \\"},
		{"SQLite of the system", "rust:1.80-bookworm", []string{"libsqlite3-sys"}, "", "--no-install-recommends libsqlite3-0 && \\"},
		{"SQLite that sqlx bundles", "rust:1.80-bookworm", []string{"libsqlite3-sys", "sqlx-sqlite"}, "", "FROM gcr.io/distroless/cc-debian12:nonroot\n"},
		{"musl", "rust:1.80-alpine3.20", nil, "", "FROM gcr.io/distroless/static-debian13:nonroot\n"},
		{"musl, smallest", "rust:1.80-alpine3.20", nil, "smallest", "FROM scratch\nWORKDIR /app\nCOPY --from=builder /app/target/release/buoy /app/target/release/buoy\nUSER 65532:65532\n"},
		{"musl, smallest, certificates", "rust:1.80-alpine3.20", []string{"rustls-native-certs"}, "smallest", "FROM scratch\nWORKDIR /app\nCOPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt\n"},
		{"time zones, openssl", "rust:1.90-trixie", []string{"openssl-sys", "iana-time-zone"}, "", "--no-install-recommends ca-certificates libssl3t64 tzdata && \\"},
		{"musl, smallest, time zones", "rust:1.80-alpine3.20", []string{"iana-time-zone"}, "smallest", "FROM gcr.io/distroless/static-debian13:nonroot\n"},
		{"musl, smallest, users", "rust:1.80-alpine3.20", []string{"uzers"}, "smallest", "FROM gcr.io/distroless/static-debian13:nonroot\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := rustFiles("FROM "+c.base+"\n"+rustBuild, rustMain, c.crates...)
			if c.policy != "" {
				files["POLICY"] = c.policy
			}
			if res := splittest.Files(t, files); !strings.Contains(res.After, c.want) {
				t.Errorf("want %s\n%s\ndeclined: %s", c.want, res.After, splittest.Reasons(res))
			}
		})
	}
}

// A program that writes files stays root.
func TestRustWrites(t *testing.T) {
	writes := "fn main() {\n    std::fs::write(\"log.txt\", \"x\").unwrap();\n}\n"
	res := splittest.Files(t, rustFiles("FROM rust:1.80-bookworm\n"+rustBuild, writes))
	if !strings.Contains(res.After, "FROM gcr.io/distroless/cc-debian12:latest\n") || !strings.Contains(strings.Join(res.Outcomes[0].Plan, "\n"), "it stays root: src/main.rs:2") {
		t.Errorf("%s\n%q", res.After, res.Outcomes[0].Plan)
	}
}

// What cargo writes, by its flags and settings.
func TestRustOutputs(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		more        map[string]string
		want        []string // image paths that are copied
	}{
		{"a profile and a target", "RUN rustup target add x86_64-unknown-linux-musl\nRUN cargo build --profile dist --target=x86_64-unknown-linux-musl\nCMD [\"./target/x86_64-unknown-linux-musl/dist/buoy\"]\n", nil, []string{"/app/target/x86_64-unknown-linux-musl/dist/buoy"}},
		{"CARGO_TARGET_DIR", "ENV CARGO_TARGET_DIR=/out\nRUN cargo build -r\nCMD [\"/out/release/buoy\"]\n", nil, []string{"/out/release/buoy"}},
		{"programs found by cargo", "RUN cargo build --release\nCMD [\"/app/target/release/ebb\"]\n", map[string]string{"src/bin/ebb.rs": rustMain, "src/bin/flood/main.rs": rustMain},
			[]string{"/app/target/release/buoy", "/app/target/release/ebb", "/app/target/release/flood"}},
		{"one of them", "RUN cargo build --release --bin ebb\nCMD [\"/app/target/release/ebb\"]\n", map[string]string{"src/bin/ebb.rs": rustMain}, []string{"/app/target/release/ebb"}},
		{"one without its feature", "RUN cargo build --release\nCMD [\"/app/target/release/buoy\"]\n", map[string]string{"Cargo.toml": rustToml + "\n[[bin]]\nname = \"ebb\"\npath = \"src/ebb.rs\"\nrequired-features = [\"tides\"]\n\n[features]\ntides = []\n", "src/ebb.rs": rustMain},
			[]string{"/app/target/release/buoy"}},
		{"install", "RUN cargo install --root /opt/buoy --path .\nCMD [\"/opt/buoy/bin/buoy\"]\n", nil, []string{"/opt/buoy/bin/buoy"}},
		{"moved and tidied", "RUN cargo build --release && mv target/release/buoy /usr/local/bin/ && rm -rf target\nCMD [\"buoy\"]\n", nil, []string{"/usr/local/bin/buoy"}},
		{"a member of a workspace", "RUN cargo build --release -p ebb\nCMD [\"/app/target/release/ebb\"]\n", map[string]string{"Cargo.toml": "[workspace]\nmembers = [\"crates/*\"]\n", "crates/ebb/Cargo.toml": strings.Replace(rustToml, "buoy", "ebb", 1), "crates/ebb/src/main.rs": rustMain,
			"crates/buoy/Cargo.toml": rustToml, "crates/buoy/src/main.rs": rustMain}, []string{"/app/target/release/ebb"}},
		{"Rocket's files", "RUN cargo build --release\nCMD [\"/app/target/release/buoy\"]\n", map[string]string{"Cargo.toml": rustToml + "\n[dependencies]\nrocket = \"0.5\"\n", "Rocket.toml": "[default]\n", "static/x.css": "",
			"Cargo.lock":  "[[package]]\nname = \"buoy\"\nversion = \"0.1.0\"\ndependencies = [\"rocket\"]\n\n[[package]]\nname = \"rocket\"\nversion = \"0.5.0\"\n",
			"src/main.rs": "use rocket::fs::FileServer;\n\nfn main() {\n    rocket::build().mount(\"/\", FileServer::from(\"static\"));\n}\n"}, []string{"/app/Rocket.toml", "/app/static", "/app/target/release/buoy"}},
		{"a computed path", "RUN cargo build --release\nCMD [\"/app/target/release/buoy\"]\n", map[string]string{"data/x.csv": "", "buoy.toml": "", "src/main.rs": "fn main() {\n    std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();\n}\n"},
			[]string{"/app/buoy.toml", "/app/data", "/app/target/release/buoy"}},
		{"what is compiled in", "RUN cargo build --release\nCMD [\"/app/target/release/buoy\"]\n", map[string]string{"page.html": "", "src/main.rs": "const PAGE: &str = include_str!(\"../page.html\"); // \"page.html\"\n\nfn main() {\n    println!(\"{PAGE}\");\n}\n"},
			[]string{"/app/target/release/buoy"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := rustFiles("FROM rust:1.80-bookworm\nWORKDIR /app\nCOPY . .\n"+c.lines, rustMain)
			for k, v := range c.more {
				files[k] = v
			}
			res := splittest.Files(t, files)
			var got []string
			for _, l := range strings.Split(res.After, "\n") {
				if f := strings.Fields(l); len(f) == 4 && f[1] == "--from=builder" {
					got = append(got, f[2])
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got)\n%s\n%s\ndeclined: %s", d, res.After, splittest.Reasons(res))
			}
		})
	}
}

func TestRustRun(t *testing.T) {
	for cmd, want := range map[string][2]string{
		`CMD ["cargo", "run", "--", "--port", "80"]`: {"\nRUN cargo build\n", "COPY --from=builder /app/target/debug/buoy /usr/local/bin/buoy\nCMD [\"buoy\", \"--port\", \"80\"]\n"},
		`ENTRYPOINT cargo run --release`:             {"\nRUN cargo build --release\n", "\nENTRYPOINT [\"buoy\"]\n"},
	} {
		res := splittest.Files(t, rustFiles("FROM rust:1.80-bookworm\nWORKDIR /app\nCOPY . .\n"+cmd+"\n", rustMain))
		if !strings.Contains(res.After, want[0]) || !strings.HasSuffix(res.After, want[1]) {
			t.Errorf("%s: declined %q\n%s", cmd, splittest.Reasons(res), res.After)
		}
	}
	res := splittest.Files(t, rustFiles("FROM rust:1.80-bookworm\nWORKDIR /app\nCOPY . .\nRUN cargo build --release\nCMD [\"cargo\", \"run\", \"--release\"]\n", rustMain))
	if !strings.HasSuffix(res.After, "CMD [\"/app/target/release/buoy\"]\n") || strings.Count(res.After, "cargo build") != 1 {
		t.Errorf("it is compiled already: %s\n%s", splittest.Reasons(res), res.After)
	}
}

func TestRustDeclines(t *testing.T) {
	spawns := "use std::process::Command;\n\nfn main() {\n    Command::new(\"bash\").arg(\"-c\").arg(\"x\").status().unwrap();\n}\n"
	clap := "use clap::Command;\n\nfn main() {\n    Command::new(\"terraform\").get_matches();\n}\n"
	for _, c := range []struct {
		lines, main string
		crates      []string
		want        string // "" where it splits
	}{
		{rustBuild, spawns, nil, "src/main.rs:4 starts a shell"},
		{rustBuild, clap, []string{"clap"}, ""},
		{rustBuild, rustMain, []string{"pyo3-ffi"}, "the crate pyo3-ffi"},
		{"WORKDIR /app\nCOPY . .\nRUN cargo build --release --target wasm32-wasip1\nCMD [\"/app/target/wasm32-wasip1/release/buoy\"]\n", rustMain, nil, "it builds for wasm32-wasip1"},
		{"WORKDIR /app\nCOPY . .\nRUN cargo build --release\nCMD [\"/app/buoy\"]\n", rustMain, nil, "CMD runs /app/buoy, which no build step writes there"},
		{"WORKDIR /app\nCOPY . .\nRUN cargo build --release && cargo clean\nRUN cargo make x\nCMD [\"/app/buoy\"]\n", rustMain, nil, "the effects of cargo make aren't known"},
		{"WORKDIR /app\nCOPY . .\nRUN RUSTFLAGS=\"-C prefer-dynamic\" cargo build\nCMD [\"/app/target/debug/buoy\"]\n", rustMain, nil, "the standard library of the toolchain"},
		{"WORKDIR /app\nCOPY . .\nCMD [\"cargo\", \"watch\"]\n", rustMain, nil, "it compiles when it starts (cargo watch)"},
		{"WORKDIR /app\nCOPY . .\nCMD [\"cargo\", \"run\"]\n", "fn main() {\n    std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n}\n", nil, "src/main.rs:2 reads a variable that only cargo run sets"},
	} {
		res := splittest.Files(t, rustFiles("FROM rust:1.80-bookworm\n"+c.lines, c.main, c.crates...))
		if res.Changed() != (c.want == "") || !strings.Contains(splittest.Reasons(res), c.want) {
			t.Errorf("%s%s\nchanged: %v\ndeclined with %q, want %q", c.lines, c.main, res.Changed(), splittest.Reasons(res), c.want)
		}
	}
}

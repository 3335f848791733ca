package slimbase

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/python"
	"drydock/transforms/multistage/split"
)

// Installs of Python's and Node's packages by a RUN of the stage: the small image
// has no compiler, so that each must be known to need none.

// purePython are packages which, like all that they depend on, have wheels for
// every Python 3 on any platform (or C code that is left out where nothing
// compiles it: MarkupSafe). Source: the file lists and metadata on PyPI.
var purePython = words(`flask jinja2 werkzeug click itsdangerous blinker markupsafe requests urllib3 idna certifi charset-normalizer six python-dateutil pytz tzdata django asgiref sqlparse gunicorn packaging waitress whitenoise python-dotenv environs
	flask-cors flask-login flask-wtf wtforms flask-restful flask-caching flask-limiter flask-mail flask-jwt-extended pyjwt redis boto3 botocore s3transfer jmespath bottle cherrypy colorama tqdm tabulate rich typer markdown markdown-it-py pygments
	prometheus-client starlette anyio sniffio h11 uvicorn httpx httpcore dj-database-url django-cors-headers django-filter django-environ djangorestframework django-extensions feedparser beautifulsoup4 soupsieve html5lib pyparsing attrs jsonschema
	simplejson docopt toml tomli python-json-logger structlog loguru tenacity retry cachetools schedule apscheduler paho-mqtt pymysql pymongo dnspython kafka-python pika slack-sdk slackclient python-telegram-bot tweepy praw openpyxl et-xmlfile xlrd
	networkx sortedcontainers more-itertools requests-oauthlib oauthlib requests-toolbelt google-auth google-api-python-client httplib2 uritemplate stripe twilio sendgrid pyyaml-env-tag ansible-runner plumbum marshmallow apispec connexion inflection
	aiofiles websockets pytest pytest-cov black flake8 isort mypy-extensions setuptools wheel pip`)

// wheelsPython are packages with C, Rust or Fortran code whose newest releases have
// wheels for Linux on amd64 and arm64, and no need of the system's libraries.
var wheelsPython = words(`numpy pandas scipy scikit-learn matplotlib pydantic pydantic-core fastapi sqlalchemy flask-sqlalchemy greenlet cryptography pyopenssl cffi aiohttp yarl multidict frozenlist uvloop httptools watchfiles orjson msgpack psutil lxml pillow pyyaml
	psycopg2-binary grpcio protobuf bcrypt argon2-cffi asyncpg ujson regex tornado cython gevent zstandard lz4 coverage mypy alembic flask-migrate celery kombu tiktoken tokenizers pyzmq rpds-py xxhash ruamel.yaml`)

// pipOn: pip installs the same without a compiler; known is false where the
// command isn't pip's.
func pipOn(s *split.Split, in *rewrite.Instruction, st rewrite.Step) (why string, known bool) {
	verb, args, isPip := python.PipArgs(st)
	switch {
	case !isPip:
		return "", false
	case verb == "cache" || verb == "freeze" || verb == "list" || verb == "check" || verb == "--version" || verb == "":
		return "", true
	case verb != "install":
		return "the effects of pip " + verb + " aren't known", true
	case slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--no-binary") }):
		return "--no-binary compiles, for which the slim image has no compiler", true
	}
	reader := split.New(s.Pass, s.Stage, s.Ref)
	reader.Quiet, reader.Base = true, s.Base
	py := &python.App{Split: reader, Files: map[string]bool{}, Manifests: map[string]bool{}}
	if !py.Install(in, st, args) {
		return reader.Reason, true
	}
	if py.Local || py.Editable {
		return "it installs the project itself, and whether that compiles isn't known", true
	}
	py.Split = s
	for _, p := range py.Asked {
		if why := hasWheel(s, py, p); why != "" {
			return why, true
		}
	}
	return "", true
}

// hasWheel tells why pip may have to compile a package.
func hasWheel(s *split.Split, py *python.App, p repo.Package) string {
	pin := python.ExactPin().FindStringSubmatch(p.Spec)
	since := python.WheelSince[p.Name][py.Minor()]
	switch {
	case purePython[p.Name] && !strings.Contains(p.Spec, "://"):
	case !wheelsPython[p.Name] || strings.Contains(p.Spec, "://"):
		return python.Says(p) + p.Name + " isn't known to have wheels, and the slim image has no compiler"
	case s.Variant.Alpine:
		return python.Says(p) + p.Name + " has wheels of its own for musl, and whether for this version isn't known"
	case pin != nil && (since == "" || cmdline.VersionLess(pin[1], since)):
		return fmt.Sprintf("%s%s is pinned, and whether %s has a wheel for Python %s isn't known; the slim image has no compiler", python.Says(p), p.Name, pin[1], py.Minor())
	}
	return py.Needs(p)
}

// quietScripts are packages whose own scripts compile nothing: they print, or fetch
// or check a program that is linked for the platform.
var quietScripts = words(`core-js core-js-pure core-js-bundle es5-ext protobufjs esbuild fsevents @nestjs/core nodemon styled-components highlight.js preact msw vue-demi ejs postinstall-postinstall @firebase/util @scarf/scarf unrs-resolver @swc/core`)

// globals are programs from npm that are JavaScript alone.
var pureGlobals = words(`pm2 nodemon serve http-server pnpm yarn npm corepack typescript ts-node concurrently cross-env rimraf json-server live-server lite-server npm-check-updates eslint prettier dotenv-cli`)

// npmOn: npm installs, or runs a script of the project, the same without a
// compiler, Python and git; known is false where the command isn't a package
// manager's.
func npmOn(s *split.Split, in *rewrite.Instruction, st rewrite.Step) (why string, known bool) {
	switch st.Name {
	case "npm":
	case "corepack":
		return "", len(st.Args) > 1 && st.Args[1] == "enable"
	case "yarn", "pnpm", "bun":
		return "the lock file of " + st.Name + " doesn't tell which packages compile when they are installed", true
	default:
		return "", false
	}
	verb, rest, global := "", []string{}, false
	for _, a := range st.Args[1:] {
		switch {
		case a == "-g" || a == "--global" || a == "--location=global":
			global = true
		case strings.HasPrefix(a, "-"):
		case verb == "":
			verb = a
		default:
			rest = append(rest, a)
		}
	}
	switch verb {
	case "ci", "install", "i", "clean-install":
	case "cache", "config", "set", "prune", "version", "":
		return "", true
	case "run", "run-script":
		if len(rest) == 0 {
			return "", true
		}
		return npmScript(s, in, st, rest[0], 0), true
	case "start", "test":
		return npmScript(s, in, st, verb, 0), true
	default:
		return "the effects of npm " + verb + " aren't known", true
	}
	if len(rest) > 0 {
		for _, name := range rest {
			if at := strings.LastIndexByte(name, '@'); at > 0 {
				name = name[:at]
			}
			if !global || !pureGlobals[name] {
				return "npm installs " + name + ", and whether that or what it depends on compiles isn't known", true
			}
		}
		return "", true
	}
	return npmInstall(s, in, st), true
}

// projectOf is the package whose package.json stands where a command runs.
func projectOf(s *split.Split, in *rewrite.Instruction, st rewrite.Step) *repo.Node {
	ctx, ok := contextFile(s, in, path.Join(st.Dir, "package.json"))
	if !ok {
		return nil
	}
	if n := s.Pass.Repo.Node(path.Dir(ctx)); n != nil && n.Err == nil {
		return n
	}
	return nil
}

// contextFile is the file of the build context that stands at an image path when an instruction
// runs: copied from there, or from a stage that has it from there.
func contextFile(s *split.Split, in *rewrite.Instruction, file string) (ctx string, ok bool) {
	if ctx, by := s.Stage.Origin(in, file, s.Pass.Repo, s.Pass.Name); by != nil {
		return ctx, true
	}
	for i := s.Stage.From; i != nil && i.Index < in.Index; i = i.Next() {
		if _, _, from, copies := i.Copy(); copies && from != "" {
			return s.Stage.Trace(file, s.Pass.Repo, s.Pass.Name)
		}
	}
	return "", false
}

// npmInstall tells why npm may have to compile something, or to ask git.
func npmInstall(s *split.Split, in *rewrite.Instruction, st rewrite.Step) string {
	n := projectOf(s, in, st)
	if n == nil {
		return "package.json doesn't come from the build context, or can't be read"
	}
	file := path.Join(n.Dir, "package.json")
	scripts, git, known := n.ScriptPackages()
	if !known {
		return "no lock file of npm (version 2 or later) tells which packages compile when they are installed"
	}
	if ok, why := n.LockInSync(); !ok {
		return "whether the lock file holds what npm installs isn't known: " + why
	}
	if _, ok := contextFile(s, in, path.Join(st.Dir, path.Base(n.Lock))); !ok {
		return n.Lock + " isn't copied, so that npm installs other versions"
	}
	for _, p := range scripts {
		if !quietScripts[p] && !strings.HasPrefix(p, "@fortawesome/") { // theirs prints a notice
			return n.Lock + ": " + p + " runs a script when it is installed, which may compile"
		}
	}
	if len(git) > 0 {
		return n.Lock + ": git fetches " + git[0] + ", which the slim image hasn't"
	}
	if n.Gyp {
		return file + ": the project has a binding.gyp, which npm compiles"
	}
	for _, name := range n.Lifecycle() {
		if why := npmScript(s, in, st, name, 0); why != "" {
			return why
		}
	}
	return ""
}

// npmScript tells what a script of package.json runs that the small image hasn't.
func npmScript(s *split.Split, in *rewrite.Instruction, st rewrite.Step, name string, depth int) string {
	n := projectOf(s, in, st)
	if n == nil {
		return "which script npm runs isn't known"
	}
	return s.ScriptOn(n, name, depth, func(program string) bool { return s.Lacks(program) != "" })
}

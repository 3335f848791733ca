package multistage

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
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
func (s *split) pipOn(in *rewrite.Instruction, st rewrite.Step) (why string, known bool) {
	verb, args, isPip := pipArgs(st)
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
	reader := newSplit(s.p, s.stage, s.ref)
	reader.quiet, reader.base = true, s.base
	py := &pythonSplit{split: reader, files: map[string]bool{}, manifests: map[string]bool{}}
	if !py.install(in, st, args) {
		return reader.reason, true
	}
	if py.local || py.editable {
		return "it installs the project itself, and whether that compiles isn't known", true
	}
	py.split = s
	for _, p := range py.asked {
		if why := s.hasWheel(py, p); why != "" {
			return why, true
		}
	}
	return "", true
}

// hasWheel tells why pip may have to compile a package.
func (s *split) hasWheel(py *pythonSplit, p repo.Package) string {
	pin := exactPin().FindStringSubmatch(p.Spec)
	since := wheelSince[p.Name][py.minor()]
	switch {
	case purePython[p.Name] && !strings.Contains(p.Spec, "://"):
	case !wheelsPython[p.Name] || strings.Contains(p.Spec, "://"):
		return says(p) + p.Name + " isn't known to have wheels, and the slim image has no compiler"
	case s.variant.alpine:
		return says(p) + p.Name + " has wheels of its own for musl, and whether for this version isn't known"
	case pin != nil && (since == "" || versionLess(pin[1], since)):
		return fmt.Sprintf("%s%s is pinned, and whether %s has a wheel for Python %s isn't known; the slim image has no compiler", says(p), p.Name, pin[1], py.minor())
	}
	return py.needs(p)
}

// quietScripts are packages whose own scripts compile nothing: they print, or fetch
// or check a program that is linked for the platform.
var quietScripts = words(`core-js core-js-pure core-js-bundle es5-ext protobufjs esbuild fsevents @nestjs/core nodemon styled-components highlight.js preact msw vue-demi ejs postinstall-postinstall @firebase/util @scarf/scarf unrs-resolver @swc/core`)

// globals are programs from npm that are JavaScript alone.
var pureGlobals = words(`pm2 nodemon serve http-server pnpm yarn npm corepack typescript ts-node concurrently cross-env rimraf json-server live-server lite-server npm-check-updates eslint prettier dotenv-cli`)

// npmOn: npm installs, or runs a script of the project, the same without a
// compiler, Python and git; known is false where the command isn't a package
// manager's.
func (s *split) npmOn(in *rewrite.Instruction, st rewrite.Step) (why string, known bool) {
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
		return s.npmScript(in, st, rest[0], 0), true
	case "start", "test":
		return s.npmScript(in, st, verb, 0), true
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
	return s.npmInstall(in, st), true
}

// projectOf is the package whose package.json stands where a command runs.
func (s *split) projectOf(in *rewrite.Instruction, st rewrite.Step) *repo.Node {
	ctx, by := s.stage.Origin(in, path.Join(st.Dir, "package.json"), s.p.Repo, s.p.Name)
	if by == nil {
		return nil
	}
	if n := s.p.Repo.Node(path.Dir(ctx)); n != nil && n.Err == nil {
		return n
	}
	return nil
}

// npmInstall tells why npm may have to compile something, or to ask git.
func (s *split) npmInstall(in *rewrite.Instruction, st rewrite.Step) string {
	n := s.projectOf(in, st)
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
	if _, by := s.stage.Origin(in, path.Join(st.Dir, path.Base(n.Lock)), s.p.Repo, s.p.Name); by == nil {
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
		if why := s.npmScript(in, st, name, 0); why != "" {
			return why
		}
	}
	return ""
}

// npmScript tells what a script of package.json runs that the small image hasn't.
func (s *split) npmScript(in *rewrite.Instruction, st rewrite.Step, name string, depth int) string {
	n := s.projectOf(in, st)
	if n == nil {
		return "which script npm runs isn't known"
	}
	return s.scriptOn(n, name, depth, func(program string) bool { return s.lacks(program) != "" })
}

// scriptOn looks at the commands of a script of package.json, and at the scripts
// that those run.
func (s *split) scriptOn(n *repo.Node, name string, depth int, lacks func(program string) bool) string {
	file, body := path.Join(n.Dir, "package.json"), n.Scripts[name]
	if depth > 4 {
		return file + ": the scripts run each other"
	}
	if nativeModule().MatchString(body) || strings.Contains(body, "node-gyp") {
		return fmt.Sprintf("%s: the script %s compiles", file, name)
	}
	cmds, err := scriptCommands(body)
	if err != nil {
		return file + ": the script " + name + " can't be read"
	}
	for _, args := range cmds {
		if lacks(args[0]) {
			return fmt.Sprintf("%s: the script %s runs %s, which the slim image hasn't", file, name, args[0])
		}
		for _, a := range args {
			if why := s.scriptLacks(a, 1); why != "" {
				return why
			}
		}
		if inner := scriptOf(args); inner != "" && inner != name && n.Scripts[inner] != "" {
			if why := s.scriptOn(n, inner, depth+1, lacks); why != "" {
				return why
			}
		}
	}
	return ""
}

// startScriptLacks looks at the npm script that a start command runs, with the
// scripts around it.
func (s *split) startScriptLacks(args []string) string {
	name := scriptOf(args)
	if name == "" || s.ref.Repository() != "node" {
		return ""
	}
	ctx, ok := s.stage.Trace(path.Join(s.stage.At(nil).Workdir, "package.json"), s.p.Repo, s.p.Name)
	if !ok {
		return ""
	}
	n := s.p.Repo.Node(path.Dir(ctx))
	if n == nil || n.Err != nil {
		return ""
	}
	for _, script := range []string{"pre" + name, name, "post" + name} {
		why := s.scriptOn(n, script, 0, func(program string) bool { return s.lacksCommand(program, ctx) })
		if why != "" {
			return why
		}
	}
	return ""
}

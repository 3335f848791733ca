// Package dotnet has the recipe for .NET.
package dotnet

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

var words, lazily = rewrite.Words, rewrite.Lazily

// .NET. The folder that dotnet publish writes is copied to the same path of
// Microsoft's runtime image of the same version and system: aspnet for what needs
// ASP.NET Core, runtime for what needs .NET alone, runtime-deps for what brings its
// runtime along. The program starts in its old working directory, which is its
// content root, so settings and wwwroot found there are copied as well.
//
// Microsoft's chiseled images are not taken for --base distroless: they stand on
// another system, run as another user and have no culture data.
//
// It declines for dotnet run, which compiles when the container starts and
// takes addresses and environment from launchSettings.json; where the runtime
// image's own address (ASPNETCORE_URLS, ASPNETCORE_HTTP_PORTS) would replace the
// default of the SDK image; on Alpine, whose runtime images have no culture data,
// unless the program does without; and for RUNs that it doesn't know.

// Recipe is the recipe for .NET.
var Recipe = split.Recipe{
	Name:    "dotnet",
	Bases:   words("mcr.microsoft.com/dotnet/sdk mcr.microsoft.com/dotnet/core/sdk"),
	Words:   words("dotnet"),
	AnySize: true,
	Doc: `- .NET: the published folder on Microsoft's aspnet, runtime or runtime-deps image of
  the same version and system.`,
	Split: splitDotnet,
}

type dotnetSplit struct {
	artefacts.List
	version, suffix string // "8.0", "-alpine"
	publishes       []dotnetPublish
	last            *rewrite.Instruction
	users           map[string]bool
	start           string // the published folder that starts
	urls            bool   // the command line says where it listens
}

// dotnetPublish is one dotnet publish.
type dotnetPublish struct {
	project repo.DotnetProject
	dir     string // the project's folder in the image
	out     string // -o, in the image; "" without
	own     string // "true" or "false" of --self-contained
	in      *rewrite.Instruction
}

func splitDotnet(s *split.Split) bool {
	d := &dotnetSplit{List: artefacts.List{Split: s}, users: map[string]bool{}}
	if rewrite.WindowsImage(s.Stage.BaseName()) {
		return false
	}
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !d.run(in) {
			return false
		}
	}
	if !d.runs0() {
		return false
	}
	if len(d.publishes) == 0 {
		return s.Decline(s.Stage.From, "no RUN publishes the program")
	}
	s.SettleUpdates()
	if !d.tag() {
		return false
	}
	if s.Kept != nil {
		return d.forKept()
	}
	if _, ok := s.CanStart(); !ok {
		return false
	}
	if !d.starts() || !d.listens() || !d.content() || !d.place() || !d.accounts() || !d.chooseBase() {
		return false
	}
	d.LeaveWorkdirs()
	d.Copies(d.last, func(p string) bool { return p == d.start })
	s.Why = "the SDK's compiler and the downloaded packages are of no use to the published program"
	s.Gain = "the SDK stays behind: about 200 to 300 MB (compressed)"
	s.Assumes = append(s.Assumes, "the program reads no files but those that are published and those that its command line and its source name")
	return true
}

// run sorts one RUN.
func (d *dotnetSplit) run(in *rewrite.Instruction) bool {
	all, ok := d.Steps(in)
	if !ok {
		return false
	}
	if slices.ContainsFunc(all, func(st rewrite.Step) bool { return st.Name == "apk" }) {
		return d.Decline(in, "packages of Alpine are beyond this recipe")
	}
	rest, ok := d.System(in, all)
	if !ok {
		return false
	}
	replays := len(rest) > 0
	for _, st := range rest {
		replays = replays && (cmdline.Accounted(st.Name) || st.Name == "mkdir" || st.Name == "chown")
	}
	if replays && len(rest) == len(all) {
		for _, st := range rest {
			for _, a := range st.Args[1:] {
				if cmdline.Accounted(st.Name) {
					d.users[a] = true
				} else if strings.HasPrefix(a, "/") && !cmdline.SystemDir(a) && d.Stage.At(in).Workdir != a && strings.ContainsAny(a, "$*") {
					return d.Decline(in, "%s changes the computed path %s", st.Name, a)
				}
			}
		}
		d.Roles[in] = split.InBoth
		return true
	}
	for _, st := range rest {
		if st.Name != "dotnet" || len(st.Args) < 2 {
			if slices.Contains([]string{"dir", "rm"}, st.Name) && (st.Name == "dir" || !strings.HasPrefix(st.Args[len(st.Args)-1], "/")) {
				continue
			}
			return d.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
		}
		switch st.Args[1] {
		case "restore", "build", "test", "clean", "--version", "--info", "format":
		case "publish":
			if !d.publish(in, st) {
				return false
			}
		default:
			return d.Decline(in, "the effects of dotnet %s aren't known", st.Args[1])
		}
	}
	return true
}

// publish reads a dotnet publish.
func (d *dotnetSplit) publish(in *rewrite.Instruction, st rewrite.Step) bool {
	call := rewrite.ReadDotnet(st.Args[1:])
	p := dotnetPublish{in: in}
	if call.Unknown != "" || st.Dir == "" {
		return d.Decline(in, "dotnet publish's %s isn't known, or where it runs", call.Unknown)
	}
	for i, a := range st.Args {
		name, v, ok := strings.Cut(a, "=")
		if !ok && i+1 < len(st.Args) {
			v = st.Args[i+1]
		}
		switch name {
		case "-o", "--output":
			if strings.ContainsAny(v, "$`*") {
				return d.Decline(in, "it publishes to the computed folder %s", v)
			}
			p.out = cmdline.Abs(st.Dir, v)
		case "--self-contained", "--sc":
			if p.own = "true"; v == "false" {
				p.own = v
			}
		case "--no-self-contained":
			p.own = "false"
		}
		if l := strings.ToLower(a); strings.Contains(l, "selfcontained=") || strings.Contains(l, "publishaot=") {
			p.own = fmt.Sprint(strings.Contains(l, "=true"))
		}
		if l := strings.ToLower(a); strings.Contains(l, "publishdir") || strings.Contains(l, "outputpath") || strings.Contains(l, "assemblyname") || strings.Contains(l, "targetframework") {
			return d.Decline(in, "%s decides what is published, and where", a)
		}
	}
	at := cmdline.Abs(st.Dir, cmp.Or(call.Project, "."))
	ctx, by := d.Stage.Origin(in, at, d.Pass.Repo, d.Pass.Name)
	if by == nil {
		return d.Decline(in, "the project %s isn't in the build context", at)
	}
	project, ok := d.Pass.Repo.DotnetProject(ctx)
	switch {
	case !ok:
		return d.Decline(in, "which project of %s is published isn't known", ctx)
	case project.Unknown != "":
		return d.Decline(in, "%s", project.Unknown)
	}
	p.project = project
	if p.dir = at; project.File == ctx {
		p.dir = path.Dir(at)
	}
	d.publishes = append(d.publishes, p)
	d.last = in
	return true
}

// runs0 declines for a container that compiles when it starts.
func (d *dotnetSplit) runs0() bool {
	for _, in := range d.Stage.Instructions {
		line, _ := cmdline.StartLine(in)
		text := strings.Join(line, " ")
		for _, verb := range []string{"run", "watch", "test", "build"} {
			if strings.HasPrefix(text, "dotnet "+verb) {
				return d.Decline(in, "dotnet %s compiles when the container starts, in the debug configuration and with the addresses of launchSettings.json; publish in a RUN and start the result", verb)
			}
		}
	}
	return true
}

// tag reads version and system of the SDK image.
func (d *dotnetSplit) tag() bool {
	version, suffix, ok := strings.Cut(d.Ref.Tag, "-")
	if ok {
		suffix = "-" + suffix
	}
	parts := strings.Split(version, ".")
	if len(parts) < 2 || strings.Trim(version, "0123456789.") != "" {
		return d.Decline(d.Stage.From, "which .NET %s holds isn't said by its tag", d.Ref.String())
	}
	switch os := strings.TrimRight(suffix, "0123456789."); os {
	case "", "-bookworm-slim", "-bullseye-slim", "-buster-slim", "-jammy", "-noble", "-focal", "-bionic", "-trixie-slim", "-alpine":
	default:
		return d.Decline(d.Stage.From, "which runtime image goes with %s isn't known", d.Ref.String())
	}
	d.version, d.suffix = parts[0]+"."+parts[1], suffix
	return true
}

// starts finds the published program that the container starts.
func (d *dotnetSplit) starts() bool {
	all, ok := d.Started()
	if !ok {
		return false
	}
	for _, b := range d.Runs() {
		if len(b.Command)+len(b.Entrypoint) > 0 {
			return d.Decline(d.Stage.From, "%s starts another command in the container", b.File)
		}
	}
	for _, c := range all {
		args := cmdline.Unwrap(c.Args)
		if len(args) == 0 || c.Where == "CMD" && d.HasEntrypoint() {
			for _, a := range args {
				d.Argument(a)
				d.urls = d.urls || strings.HasPrefix(a, "--urls")
			}
			continue
		}
		program := args[0]
		if program == "dotnet" && len(args) > 1 {
			program, args = args[1], args[1:]
		} else if !strings.Contains(program, "/") {
			if cmdline.BothHave[program] {
				continue
			}
			return d.Decline(c.From, "%s runs %s, which the runtime image may lack", c.Where, program)
		}
		if strings.ContainsAny(program, "$*") {
			return d.Decline(c.From, "%s starts a computed program", c.Where)
		}
		at := cmdline.Abs(d.Stage.At(nil).Workdir, program)
		if why := d.published(at, args[0] == c.Args[0]); why != "" {
			return d.Decline(c.From, "%s starts %s, %s", c.Where, program, why)
		}
		for _, a := range args[1:] {
			d.Argument(a)
			d.urls = d.urls || strings.HasPrefix(a, "--urls")
		}
	}
	if d.start == "" {
		return d.Decline(d.Stage.From, "neither CMD nor ENTRYPOINT starts what is published")
	}
	return true
}

// published notes the folder of a program, or tells why it isn't a published one.
func (d *dotnetSplit) published(at string, _ bool) string {
	folder, name := path.Dir(at), strings.TrimSuffix(path.Base(at), ".dll")
	for _, p := range d.publishes {
		out := p.out
		if rest, ok := strings.CutPrefix(folder, p.dir+"/bin/"); out == "" && ok && strings.HasSuffix(rest, "/publish") {
			out = folder
		}
		if out != folder {
			continue
		}
		switch {
		case name != p.project.Assembly:
			return fmt.Sprintf("but %s makes %s.dll", p.project.File, p.project.Assembly)
		case rewrite.Inside(p.dir, out):
			return fmt.Sprintf("which is published among its sources in %s", out)
		case len(p.project.Frameworks) != 1:
			return fmt.Sprintf("and %s doesn't name one framework", p.project.File)
		}
		if f := strings.TrimPrefix(strings.TrimPrefix(p.project.Frameworks[0], "netcoreapp"), "net"); f != d.version {
			return fmt.Sprintf("which is built for %s, and the image holds .NET %s", p.project.Frameworks[0], d.version)
		}
		d.start = folder
		d.Need(folder, "dotnet publish writes the program there ("+p.project.File+")")
		return ""
	}
	return "and no dotnet publish is known to write it there"
}

// listens: the runtime image's own address must not take the place of another.
func (d *dotnetSplit) listens() bool {
	env := d.Stage.At(nil).Env
	web := slices.ContainsFunc(d.publishes, func(p dotnetPublish) bool { return p.project.Web && p.project.Executable })
	if !web || d.urls || env["ASPNETCORE_URLS"] != "" || env["ASPNETCORE_HTTP_PORTS"] != "" || env["URLS"] != "" || env["DOTNET_URLS"] != "" {
		return true
	}
	said := false
	d.Sources([]string{".cs", ".fs", ".vb"}, dotnetTest, func(_, text string) bool {
		said = said || dotnetAddress().MatchString(text)
		return true
	})
	if said || !d.Pass.Unsafe {
		return true
	}
	return d.Decline(d.Stage.From, "the runtime image sets the address that the program listens on, where the SDK image leaves it to the program; set ASPNETCORE_URLS in the file")
}

var dotnetAddress = lazily(`\.UseUrls\s*\(|\.Listen(?:AnyIP|Localhost)?\s*\(|\bRun\s*\(\s*"http`)

func dotnetTest(f string) bool {
	l := strings.ToLower(f)
	return repo.TestFile(f) || strings.Contains(l, "tests/") || strings.Contains(l, ".test")
}

// content notes what the program finds in its working directory.
func (d *dotnetSplit) content() bool {
	wd := d.Stage.At(nil).Workdir
	if wd != d.start {
		for _, n := range []string{"appsettings.json", "appsettings.Production.json", "appsettings.Development.json", "wwwroot", "Views", "Pages"} {
			p := path.Join(wd, n)
			if ctx, ok := d.FromContext(p); ok && (d.Pass.Repo.Exists(ctx) || d.Pass.Repo.IsDir(ctx)) {
				d.Need(p, "the working directory is the content root")
			}
		}
	}
	return d.Sources([]string{".cs", ".fs", ".vb"}, dotnetTest, func(file, text string) bool {
		if at := dotnetSpawn().FindStringIndex(text); at != nil {
			return d.Decline(d.Stage.From, "%s:%s starts other programs, which the runtime image may lack", file, cmdline.LineAt(text, at[0]))
		}
		if at := dotnetCompiler().FindStringIndex(text); at != nil {
			return d.Decline(d.Stage.From, "%s:%s uses the SDK (%s)", file, cmdline.LineAt(text, at[0]), text[at[0]:at[1]])
		}
		return d.Named(file, text, []string{"bin", "obj"}, func(ctx, _ string) bool {
			return dotnetSource[path.Ext(ctx)] || d.onlySource(ctx)
		})
	})
}

var dotnetSource = words(`.cs .fs .vb .csproj .fsproj .vbproj .cshtml`)

// onlySource: a folder holds nothing but what the compiler reads, and so a string that
// happens to name it ("Commands", for a log) reads no file there.
func (d *dotnetSplit) onlySource(dir string) bool {
	files, complete := d.Pass.Repo.Files()
	n := 0
	for _, f := range files {
		if rewrite.Inside(f, dir) && f != dir {
			if n++; !dotnetSource[path.Ext(f)] {
				return false
			}
		}
	}
	return complete && n > 0
}

var (
	dotnetSpawn    = lazily(`\bProcess\.Start\s*\(|\bnew\s+ProcessStartInfo\b`)
	dotnetCompiler = lazily(`\bMSBuildLocator\b|\bMicrosoft\.Build\.\w+|\bMSBuildWorkspace\b`)
)

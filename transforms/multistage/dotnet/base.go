package dotnet

import (
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// place decides where COPY and ADD go: what lands in a project stays in the build
// stage, the rest is repeated.
func (d *dotnetSplit) place() bool {
	for _, in := range d.Stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" || in.Index > d.last.Index {
			continue
		}
		e := d.Pass.Effects(in)
		if e.Unknown != "" || len(e.Trees) == 0 {
			return d.Decline(in, "what it brings isn't known")
		}
		inside := false
		for _, t := range e.Trees {
			for _, p := range d.publishes {
				inside = inside || rewrite.Inside(t.Dest, p.dir) || rewrite.Inside(p.dir, t.Dest)
			}
			wd := d.Stage.At(d.last).Workdir
			inside = inside || rewrite.Inside(t.Dest, wd) && wd != "/"
		}
		if d.Roles[in] = split.InBoth; inside {
			d.Roles[in] = split.InBuild
		}
	}
	return true
}

// accounts: users that the runtime image has too.
func (d *dotnetSplit) accounts() bool {
	known := func(name string) bool {
		return name == "" || name == "root" || strings.Trim(name, "0123456789") == "" || d.users[name] || name == "app" && cmdline.Number(strings.Split(d.version, ".")[0]) >= 8
	}
	for _, in := range d.Stage.Instructions {
		if in.Keyword != "user" {
			continue
		}
		name, group, _ := strings.Cut(in.Stage.At(in).Expand(in.Args.Text), ":")
		if name == "$APP_UID" || name == "${APP_UID}" { // the images set it
			name = "app"
		}
		if !known(name) || !known(group) {
			return d.Decline(in, "the runtime image has no user %s", name)
		}
	}
	return true
}

// plainPackages start the names of packages that ask for no framework besides
// .NET itself.
var plainPackages = strings.Fields(`Newtonsoft.Json System. Microsoft.Extensions. Microsoft.Data. Microsoft.EntityFrameworkCore FSharp.Core Serilog Dapper Npgsql CommandLineParser StackExchange.Redis RabbitMQ.Client Confluent.Kafka NLog Polly AutoMapper MySqlConnector
	Spectre.Console YamlDotNet CsvHelper MongoDB. Azure. AWSSDK. Google.Protobuf Grpc.Net.Client Grpc.Tools Suave Bogus Humanizer MediatR FluentValidation Quartz MailKit MimeKit`)

// chooseBase picks the runtime image.
func (d *dotnetSplit) chooseBase() bool {
	if strings.Contains(d.Stage.From.Fields()[0].Text, "$") {
		return d.Decline(d.Stage.From, "the base is computed from a build argument")
	}
	kind, own := "runtime", true
	for _, p := range d.publishes {
		if p.project.Invariant && strings.HasPrefix(d.suffix, "-alpine") {
			continue
		}
		if strings.HasPrefix(d.suffix, "-alpine") {
			return d.Decline(p.in, "Alpine's SDK image has culture data and its runtime image has none, and %s doesn't set InvariantGlobalization", p.project.File)
		}
	}
	for _, p := range d.publishes {
		own = own && (p.own == "true" || p.own == "" && p.project.SelfContained)
		if p.project.Web {
			kind = "aspnet"
		}
		for _, pkg := range p.project.Packages {
			if kind == "runtime" && !plainPackage(pkg) {
				kind = "aspnet"
				d.Explain("aspnet rather than runtime, since %s (%s) may ask for ASP.NET Core", pkg, p.project.File)
			}
		}
	}
	repository := strings.TrimSuffix(d.Ref.Repository(), "sdk")
	tag := d.version + d.suffix
	if strings.Contains(repository, "/core/") {
		switch d.version {
		case "2.1", "2.2", "3.0", "3.1": // the lines of that repository
		default:
			return d.Decline(d.Stage.From, "%s has no .NET %s", repository, d.version)
		}
	} else if ref, err := images.ParseRef(repository + kind + ":" + tag); err != nil {
		return d.Decline(d.Stage.From, "%s%s:%s is no reference", repository, kind, tag)
	} else if _, ok := d.Pass.Images.Image(ref); !ok {
		return d.Decline(d.Stage.From, "%s isn't known to exist", ref.String())
	}
	if own { // its tags go with those of runtime
		kind = "runtime-deps"
		d.Explain("the program brings its runtime along, so the image needs the system's libraries alone")
	}
	d.Base = repository + kind + ":" + tag
	if d.Pass.Policy == split.Distroless || d.Pass.Policy == split.Smallest {
		d.Explain("chiseled images won't do: they run as another user and have no culture data")
	}
	d.Explain("%s is the runtime of the same version and system as %s", d.Base, d.Stage.BaseName())
	return true
}

func plainPackage(name string) bool {
	if strings.Contains(name, "AspNetCore") {
		return false
	}
	for _, p := range plainPackages {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

package transforms

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// referenceText is what an edit may take out of a file, and put into it.
var referenceText = regexp.MustCompile(`^[A-Za-z0-9._:@/-]*$`)

// written is a file that names images in one of the forms there are.
type written struct {
	src   string
	store fakeStore
}

func drawWritten(rt *rapid.T) written {
	w := written{store: fakeStore{}}
	var head, body, last strings.Builder
	pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(rt, what) }
	eol := pick("line end", "\n", "\r\n")
	for i := range rapid.IntRange(1, 4).Draw(rt, "images") {
		n := fmt.Sprint(i)
		domain := pick("registry", "", "docker.io", "index.docker.io", "reg.example.com", "reg.example.com:5000", "localhost:5000", "public.ecr.aws/docker", "127.0.0.1:80")
		name := pick("name", "python", "node", "golang", "alpine", "debian", "team/app", "a/b-c/d_e", "x.y/z")
		if domain != "" && !strings.Contains(domain, "reg") && !strings.Contains(name, "/") {
			name = "library/" + name
		}
		version := pick("version", "", "latest", "3", "3.14", "lts", "1.2.3", "slim", "alpine", "3-slim", "nonroot", "stable", "trixie")
		digest := ""
		if rapid.IntRange(0, 9).Draw(rt, "digest") == 0 {
			digest = "@" + digestOf(n)
		}
		repository := name
		if domain != "" {
			repository = domain + "/" + name
		}
		text := repository
		if version != "" {
			text += ":" + version
		}
		ref, err := images.ParseRef(text)
		if err != nil {
			rt.Fatal(err)
		}
		// The registry: what the tag names has a version too, or it hasn't; or no answer.
		if kind := pick("answer", "proof", "no proof", "none", "refused"); kind != "none" {
			tags := w.store[ref.Repository()]
			if tags == nil {
				tags = map[string]fakeTag{}
				w.store[ref.Repository()] = tags
			}
			d := fakeTag{digest: digestOf(text), platforms: []string{"linux/amd64", "linux/arm64/v8"}}
			if kind == "refused" {
				d.err = images.ErrUnauthorized
			}
			tags[tagOf(ref)] = d
			if kind == "proof" {
				suffix := ""
				for _, s := range []string{"slim", "alpine"} {
					if strings.Contains(version, s) {
						suffix = "-" + s
					}
				}
				tags["3.14.5"+suffix], tags["3.14"+suffix] = d, d
			}
		}
		platform := pick("platform", "", "", "--platform=linux/amd64 ", "--platform=$BUILDPLATFORM ", "--platform=linux/s390x ")
		q := pick("quote", "", `"`, "'")
		from, as := pick("keyword", "FROM ", "from "), pick("alias", "", " AS s"+n, " as S"+n)
		line := func(word string) { body.WriteString(from + platform + word + as + eol + "RUN true" + eol) }
		switch form := pick("form", "plain", "quoted", "over lines", "whole", "tag", "repository", "braces", "registry", "copy", "mount", "onbuild", "syntax"); form {
		case "plain":
			line(text + digest)
		case "quoted":
			line(`"` + text + digest + `"`)
		case "over lines":
			line("\\" + eol + "  # a comment" + eol + "  " + text + digest + " \\" + eol + " ")
		case "whole":
			head.WriteString("ARG X" + n + "=" + q + text + digest + q + eol)
			line("$X" + n)
		case "tag":
			head.WriteString("ARG A" + n + "=1 T" + n + "=" + q + version + digest + q + eol)
			sep := ":"
			if version == "" {
				sep = ""
			}
			line(repository + sep + "${T" + n + "}")
		case "repository":
			head.WriteString("ARG R" + n + "=" + q + repository + q + eol)
			line("${R" + n + "}" + strings.TrimPrefix(text, repository) + digest)
		case "braces":
			line("${X" + n + ":-" + text + digest + "}")
		case "registry":
			head.WriteString("ARG H" + n + "=" + q + domain + q + eol)
			word := text
			if domain != "" {
				word = "$H" + n + strings.TrimPrefix(text, domain)
			}
			line(word + digest)
		case "copy":
			last.WriteString("COPY --chown=1 --from=" + text + digest + " /a /b" + eol)
		case "mount":
			last.WriteString("RUN --mount=type=bind,from=" + text + digest + ",target=/x true" + eol)
		case "onbuild":
			last.WriteString("ONBUILD COPY --from=" + text + digest + " /a /b" + eol)
		case "syntax":
			if !strings.HasPrefix(head.String(), "#") {
				rest := head.String()
				head.Reset()
				head.WriteString(pick("directive", "# syntax=", "#syntax = ", "#  SYNTAX=") + pick("frontend", "docker/dockerfile", "docker/dockerfile:latest", "docker/dockerfile:1.4", text) + eol + rest)
			}
		}
	}
	w.src = head.String() + body.String() + "FROM scratch" + eol + last.String()
	return w
}

// Whatever names an image, wherever it stands: a pin changes the tag and the
// digest, keeps what the tag says besides the version, and is made once.
func TestPinKeeps(t *testing.T) {
	pinned := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWritten(rt)
		policy := rapid.SampledFrom([]string{"tag", "minor", "digest"}).Draw(rt, "policy")
		source := images.Live(w.store, images.Date)
		if _, err := rewrite.Parse("Dockerfile", w.src, source); err != nil {
			rt.Skip(err) // a stage's name twice, and the like
		}
		p := &rewrite.Pass{Doc: reparsed(rt, w.src, source), Repo: repo.Load(nil), Images: source, Name: "Dockerfile", Unsafe: true, Policy: policy}
		changes, err := runPinBase(context.Background(), p)
		if err != nil {
			rt.Fatal(err)
		}
		for _, c := range changes {
			for _, e := range c.Edits {
				if old := w.src[e.Span.Start:e.Span.End]; !referenceText.MatchString(old) || !referenceText.MatchString(e.New) {
					rt.Fatalf("%s: %q becomes %q in\n%s", c.Title, old, e.New, w.src)
				}
			}
		}
		o := rewrite.Options{Unsafe: true, Policies: map[string]string{"pin-base": policy}}
		in := rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: w.src, Images: source}
		res, err := rewrite.Run(context.Background(), in, []*rewrite.Transform{ByName("pin-base")}, o)
		if err != nil {
			rt.Fatal(err)
		}
		for _, out := range res.Outcomes {
			if out.Status == rewrite.Dropped {
				rt.Fatalf("%s: a gate had to drop it: %s\n%s", out.Title, out.Gate, w.src)
			}
		}
		after := reparsed(rt, res.After, source)
		before, now := placesOf(p, p.Doc), placesOf(p, after)
		if len(before) != len(now) {
			rt.Fatalf("%d images became %d:\n%s", len(before), len(now), res.After)
		}
		for i, b := range before {
			n := now[i]
			if b.Why != "" {
				if n.Text != b.Text {
					rt.Fatalf("%s: %s became %s", b.Why, b.Text, n.Text)
				}
				continue
			}
			if n.Why != "" || n.Kind != b.Kind || n.Ref.Domain != b.Ref.Domain || n.Ref.Path != b.Ref.Path || fmt.Sprint(n.Platforms) != fmt.Sprint(b.Platforms) {
				rt.Fatalf("%s became %s (%s)\n%s", b.Text, n.Text, n.Why, res.After)
			}
			for word := range strings.SplitSeq(b.Ref.Tag, "-") {
				if (word == "slim" || word == "alpine") && !strings.Contains(n.Ref.Tag, word) {
					rt.Fatalf("%s became %s", b.Text, n.Text)
				}
			}
			switch {
			case b.Ref.Digest != "" && n.Text != b.Text:
				rt.Fatalf("%s had a digest and became %s", b.Text, n.Text)
			case policy != "digest" && n.Ref.Digest != b.Ref.Digest:
				rt.Fatalf("%s became %s", b.Text, n.Text)
			case policy == "digest" && n.Ref.Digest != "" && b.Ref.Digest == "":
				if tag := w.store[n.Ref.Repository()][tagOf(n.Ref)]; tag.err != nil || tag.digest != n.Ref.Digest {
					rt.Fatalf("%s became %s, and the registry says %s", b.Text, n.Text, tag.digest)
				}
			}
			if n.Text != b.Text {
				pinned++
			}
		}
		if len(before) == 0 && res.Changed() {
			rt.Fatalf("it names no image and became\n%s", res.After)
		}
		in.Src = res.After
		again, err := rewrite.Run(context.Background(), in, []*rewrite.Transform{ByName("pin-base")}, o)
		if err != nil {
			rt.Fatal(err)
		}
		if again.Changed() {
			rt.Fatalf("a second pin makes\n%s\nof\n%s", again.After, res.After)
		}
	})
	if pinned < 20 {
		t.Errorf("%d images were pinned: that proves little", pinned)
	}
}

func reparsed(rt *rapid.T, src string, source images.Source) *rewrite.Document {
	doc, err := rewrite.Parse("Dockerfile", src, source)
	if err != nil {
		rt.Fatal(err)
	}
	return doc
}

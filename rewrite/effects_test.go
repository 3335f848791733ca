package rewrite

import (
	"strings"
	"testing"

	"drydock/repo"
)

// commute asks for the last two instructions of a file.
func commute(t *testing.T, src string, rp *repo.Repo, settled ...string) (bool, string) {
	t.Helper()
	d := parse(t, src)
	n := len(d.Instructions)
	a, b := d.Instructions[n-2].Effects(rp, "Dockerfile"), d.Instructions[n-1].Effects(rp, "Dockerfile")
	c := Commuter{Repo: rp, Name: "Dockerfile", Settled: settled}
	ok, why := c.Commute(a, b)
	if back, _ := c.Commute(b, a); back != ok {
		t.Errorf("%q: the answer depends on which comes first", src)
	}
	if ok == (why != "") {
		t.Errorf("%q: %v with reason %q", src, ok, why)
	}
	return ok, why
}

// The soundness core: which neighbours may change places. want is a part of the
// reason, "" where they may. Each case is the end of a file that begins with
// FROM scratch and WORKDIR /app, in a context of a small project.
func TestCommute(t *testing.T) {
	node := []string{"package.json={\"name\":\"x\",\"version\":\"1.0.0\"}", "package-lock.json={\"lockfileVersion\":3,\"packages\":{}}", "index.js=", "src/a.js=", "requirements.txt=flask\n", "go.mod=module x\n\ngo 1.22\n", "main.go=package main\n", "conf/nginx.conf=", "app.deb="}
	ignoring := append([]string{".dockerignore=node_modules\n.venv\n"}, node...)
	for _, c := range []struct{ name, src, want string }{
		// Metadata.
		{"EXPOSE and a RUN", "EXPOSE 80\nRUN anything at all", ""},
		{"EXPOSE of a variable and its ENV", "ENV P=80\nEXPOSE $P", "one uses P"},
		{"EXPOSE twice", "EXPOSE 80\nEXPOSE 81", "both set EXPOSE"},
		{"CMD and ENTRYPOINT", "CMD [\"a\"]\nENTRYPOINT [\"b\"]", "both set CMD, ENTRYPOINT"},
		{"CMD and COPY", "CMD [\"a\"]\nCOPY . .", ""},
		{"LABEL and VOLUME", "LABEL a=b\nVOLUME /v", ""},
		{"VOLUME and a RUN that may write there", "VOLUME /v\nRUN mkdir -p /v/x", "VOLUME"},
		{"VOLUME and COPY", "VOLUME /v\nCOPY . .", "VOLUME"},
		{"HEALTHCHECK and USER", "HEALTHCHECK CMD x\nUSER app", ""},
		{"SHELL and shell-form CMD", "SHELL [\"bash\",\"-c\"]\nCMD x", "SHELL becomes part"},
		{"SHELL and exec-form CMD", "SHELL [\"bash\",\"-c\"]\nCMD [\"x\"]", ""},
		{"SHELL and RUN", "SHELL [\"bash\",\"-c\"]\nRUN mkdir /x", "depends on SHELL"},
		{"ONBUILD twice", "ONBUILD RUN a\nONBUILD RUN b", "both set ONBUILD"},

		// Variables.
		{"ENV and RUN", "ENV A=1\nRUN mkdir /x", "a RUN sees A"},
		{"ARG and RUN", "ARG A\nRUN mkdir /x", "a RUN sees A"},
		{"ENV and ENV", "ENV A=1\nENV B=2", ""},
		{"ENV and ENV of it", "ENV A=1\nENV B=$A", "one uses A"},
		{"the same ENV", "ENV A=1\nENV A=2", "both set A"},
		{"ENV and ARG of a name", "ARG A=1\nENV A=2", "both set A"},
		{"ENV and COPY", "ENV A=1\nCOPY . .", ""},
		{"ENV and COPY to it", "ENV A=/x\nCOPY index.js $A/", "one uses A"},
		{"ARG and --chown of it", "ARG U=1\nCOPY --chown=$U . .", "one uses U"},
		{"ENV and a heredoc that holds it", "ENV A=1\nCOPY <<E /x\n$A\nE", "one uses A"},
		{"ENV with a computed name", "ENV $K=1\nCOPY index.js $A/", "computed"},
		{"ENV and WORKDIR of it", "ENV A=/x\nWORKDIR $A", "one uses A"},
		{"ENV and USER of it", "ENV A=x\nUSER ${A:-y}", "one uses A"},

		// WORKDIR and USER.
		{"WORKDIR and relative COPY", "WORKDIR /w\nCOPY index.js .", "depends on WORKDIR"},
		{"WORKDIR and absolute COPY into a folder", "WORKDIR /w\nCOPY index.js /x/", ""},
		{"WORKDIR and a COPY that lands there or in it", "WORKDIR /w\nCOPY index.js /w", "whether /w is a folder"},
		{"WORKDIR and a COPY of a stage that lands there", "WORKDIR /w/x\nCOPY --from=s f /w", "whether /w is a folder"},
		{"WORKDIR and RUN", "WORKDIR /w\nRUN mkdir /x", "depends on WORKDIR"},
		{"WORKDIR and WORKDIR", "WORKDIR /w\nWORKDIR /x", "depends on WORKDIR"},
		{"WORKDIR and ENV", "WORKDIR /w\nENV A=1", ""},
		{"WORKDIR and USER", "USER app\nWORKDIR /w", "belongs to the user"},
		{"WORKDIR of a user and COPY below it", "USER app\nENV A=1\nWORKDIR /w\nCOPY index.js /w/", "who makes /w first"},
		{"USER and RUN", "USER app\nRUN mkdir /x", "depends on USER"},
		{"USER and COPY", "USER app\nCOPY . .", ""},
		{"USER twice", "USER a\nUSER b", "both set USER"},

		// COPY and COPY.
		{"two files", "COPY index.js .\nCOPY package.json .", ""},
		{"one file twice", "COPY index.js x.js\nCOPY package.json x.js", "both copy to /app/x.js"},
		{"the same bytes", "COPY package.json .\nCOPY . .", ""},
		{"a file that the tree brings otherwise", "COPY index.js package.json\nCOPY . .", "both copy to"},
		{"trees over each other", "COPY src .\nCOPY . .", "both copy to"},
		{"trees apart", "COPY src /a\nCOPY conf /b", ""},
		{"a file where a folder may be", "COPY index.js /x\nCOPY package.json /x/package.json", "both copy to"},
		{"owners of the folder between", "COPY --chown=1:1 index.js /x/a/\nCOPY package.json /x/b/", "who makes /x first"},
		{"owners under /app", "COPY --chown=1:1 index.js a/\nCOPY package.json b/", ""},
		{"COPY --from and COPY apart", "COPY --from=s /x /x\nCOPY . .", ""},
		{"COPY --from into the tree", "COPY --from=s /x dist\nCOPY index.js dist/", "lands in"},
		{"a pattern without a match", "COPY *.nope ./\nCOPY . .", "both copy to /app"},

		// COPY and RUN.
		{"an unknown command", "COPY . .\nRUN make", "doesn't know what make"},
		{"an unknown command and a pattern without a match", "COPY *.nope ./\nRUN make", "doesn't know what make"},
		{"mkdir elsewhere", "COPY . .\nRUN mkdir -p /data/x", ""},
		{"mkdir in the tree, of what isn't there", "COPY . .\nRUN mkdir logs", ""},
		{"mkdir in the tree, of what is there", "COPY . .\nRUN mkdir -p src", "the copy brings src"},
		{"mkdir in a folder that COPY makes", "COPY . /x\nRUN mkdir /x/logs", "the copy lands in /x"},
		{"mkdir -p beside it", "COPY . /x/y\nRUN mkdir -p /x/logs", ""},
		{"mkdir -p of a user", "USER app\nCOPY . /x/y\nRUN mkdir -p /x/logs", "who makes /x first"},
		{"mkdir of what COPY lands on", "RUN mkdir -p /x/y\nCOPY index.js /x", "whether /x is a folder already"},
		{"braces", "SHELL [\"bash\",\"-c\"]\nCOPY . .\nRUN mkdir -p {src,logs}", "computed path"},
		{"touch a file of the tree", "COPY . .\nRUN touch index.js", "the copy brings index.js"},
		{"chmod a file of the tree", "COPY . .\nRUN chmod +x index.js", "the copy brings index.js"},
		{"rm of a pattern", "COPY . .\nRUN rm -rf *.md", "computed path"},
		{"a redirection into the tree", "COPY . .\nRUN echo x > index.js", "the copy brings index.js"},
		{"a redirection below a folder that COPY makes", "COPY . /x\nRUN echo x > /x/new", "the copy lands in /x"},
		{"cd", "COPY . .\nRUN cd src && rm a.js", "the copy brings src"},
		{"a computed command", "COPY . .\nRUN $X", "doesn't know what $X"},
		{"a function", "COPY . .\nRUN f() { true; }; true", "it defines a shell function"},
		{"exec form", "COPY . .\nRUN [\"mkdir\", \"/x\"]", "exec form"},
		{"a bind mount", "COPY . .\nRUN --mount=target=/x mkdir /y", "mounts files"},
		{"a cache mount", "COPY . .\nRUN --mount=type=cache,target=/x mkdir /y", ""},
		{"links of /usr", "RUN rm /usr/bin/x\nCOPY index.js /bin/x", "the copy brings index.js"},
		{"the tools come from a stage", "COPY --from=s /bin /bin\nRUN mkdir /x", "one writes /usr/bin"},
		{"the toolchain comes from a stage", "COPY go.mod .\nCOPY --from=s /usr/local/go /usr/local/go\nRUN go mod download", "one writes /usr/local/go"},
		{"the tool is on PATH", "ENV PATH=/tools/bin:$PATH\nCOPY package.json .\nCOPY --from=s /t /tools\nRUN npm ci", "one writes /tools"},
		{"a tool of the tree", "COPY . .\nRUN ./mkdir -p /x", "the copy lands in /app"},

		// Accounts.
		{"--chown by name and useradd", "RUN useradd app\nCOPY --chown=app . .", "the other uses"},
		{"--chown by number and useradd", "RUN useradd app\nCOPY --chown=1000:1000 . .", ""},
		{"chown by name and useradd", "RUN useradd app\nRUN chown app /app/x", "the other uses"},
		{"useradd makes a home", "RUN useradd -m app\nCOPY . /home/app", "lands in /home"},
		{"useradd makes a home elsewhere", "RUN useradd -d /srv2/app app\nCOPY . /srv2/app", "lands in"},

		// System packages.
		{"apt-get and COPY of the project", "COPY . .\nRUN apt-get update && apt-get install -y curl", ""},
		{"apt-get of a package named like a folder", "COPY . .\nRUN apt-get install -y src conf", ""},
		{"apt-get of a file", "COPY . .\nRUN apt-get install -y ./app.deb", "the copy brings app.deb"},
		{"dpkg of a file", "COPY . .\nRUN dpkg -i app.deb", "the copy brings app.deb"},
		{"dpkg of a pattern", "COPY . .\nRUN dpkg -i *.deb", "computed path"},
		{"apt-get and its sources", "COPY conf/nginx.conf /etc/apt/sources.list.d/x.list\nRUN apt-get update", "lands in /etc"},
		{"apt-get and /usr/src/app", "COPY . /usr/src/app/\nRUN apt-get install -y curl", ""},
		{"ldconfig reads folders that a file names", "COPY . .\nRUN ldconfig", "doesn't know what ldconfig"},
		{"corepack enable", "COPY . .\nRUN corepack enable", ""},
		{"corepack reads package.json", "COPY . .\nRUN corepack install", "reads package.json"},

		// Packages by name.
		{"pip install flask", "COPY . .\nRUN pip install --no-cache-dir flask", ""},
		{"pip install of a wheel", "COPY . .\nRUN pip install app-1.0-py3-none-any.whl", "reads app-1.0-py3-none-any.whl itself"},
		{"pip install from a folder of wheels", "COPY --from=s /wheels /wheels\nRUN pip install --no-index --find-links=/wheels flask", "doesn't know"},
		{"pip install -f", "COPY . .\nRUN pip install -f wheels flask", "doesn't know"},
		{"pip install --editable=", "COPY . .\nRUN pip install --editable=x", "reads x itself"},
		{"pip install .", "COPY . .\nRUN pip install .", "reads . itself"},
		{"PIP_CONSTRAINT", "ENV PIP_CONSTRAINT=/app/requirements.txt\nCOPY . .\nRUN pip install flask", "PIP_CONSTRAINT is set"},
		{"PIP_CONSTRAINT for one command", "COPY . .\nRUN PIP_CONSTRAINT=requirements.txt pip install flask", "it sets PIP_CONSTRAINT"},
		{"npm install -g", "COPY . .\nRUN npm install -g pnpm", ""},
		{"pnpm add -g goes by package.json", "COPY . .\nRUN pnpm add -g tsx", "the copy brings package.json"},

		// Dependency installs.
		{"npm ci and the code, node_modules not ignored", "COPY package.json package-lock.json ./\nCOPY . .\nRUN npm ci", "the build context may hold node_modules"},
		{"npm ci and its own files", "COPY package.json package-lock.json ./\nRUN npm ci", "the copy brings package.json"},
		{"pip and its file", "COPY requirements.txt .\nRUN pip install -r requirements.txt", "the copy brings requirements.txt"},
		{"pip and a file from nowhere", "COPY src /app/src\nRUN pip install -r requirements.txt", "doesn't come from the build context"},
		{"pip in a virtual environment of the tree", "ENV PATH=/app/venv/bin:$PATH\nCOPY requirements.txt .\nCOPY . .\nRUN pip install -r requirements.txt", "the build context may hold venv"},
		{"go mod download and its file", "COPY go.mod .\nRUN go mod download", "the copy brings go.mod"},
		{"GOPATH in the tree", "ENV GOPATH=/app\nCOPY go.mod .\nCOPY . .\nRUN go mod download", "lands in /app"},
		{"HOME for one command", "COPY go.mod .\nRUN HOME=/app go mod download", "it sets HOME"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok, why := commute(t, "FROM scratch\nWORKDIR /app\n"+c.src+"\n", contextOf(node...))
			if ok != (c.want == "") || !strings.Contains(why, c.want) {
				t.Errorf("%v, %q; want %q", ok, why, c.want)
			}
		})
	}
	settled := []string{"/app/package.json", "/app/package-lock.json"}
	npm := "FROM scratch\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
	if ok, why := commute(t, npm, contextOf(ignoring...), settled...); !ok {
		t.Error("npm ci, node_modules ignored:", why)
	}
	if ok, _ := commute(t, npm, contextOf(ignoring...)); ok {
		t.Error("npm ci, its files not brought before")
	}
	if ok, why := commute(t, npm, contextOf(append([]string{".dockerignore=node_modules\n!node_modules/keep\n"}, node...)...), settled...); ok {
		t.Error("npm ci, part of node_modules taken back")
	} else if !strings.Contains(why, "node_modules") {
		t.Error(why)
	}
	if ok, why := commute(t, npm, contextOf(append([]string{".gitignore=.npmrc\n"}, ignoring...)...), settled...); ok || !strings.Contains(why, ".npmrc") {
		t.Error("an .npmrc that git leaves out:", ok, why)
	}
	// Settled excuses reading, not writing.
	if ok, _ := commute(t, "FROM scratch\nWORKDIR /app\nCOPY . .\nRUN touch package.json\n", contextOf(ignoring...), settled...); ok {
		t.Error("a RUN that writes a settled file")
	}
	if ok, _ := commute(t, "FROM scratch\nWORKDIR /app\nCOPY . .\nRUN mkdir logs\n", repo.Load(nil)); ok {
		t.Error("a context that isn't known")
	}
	if ok, _ := commute(t, "FROM a\nCOPY . .\nRUN mkdir /x\n", contextOf(node...)); ok {
		t.Error("a working directory that isn't known")
	}
}

func TestContextSources(t *testing.T) {
	d := parse(t, `FROM a
COPY . /x
COPY --from=s a /x
COPY ./b/ /c d/../e f/
ADD https://example.com/x.tgz y.tgz /x/
COPY <<E z /x/
E
RUN --mount=type=bind,source=g,target=/g --mount=target=/all --mount=type=cache,target=/c --mount=from=s,target=/s true
`)
	var got []string
	for _, in := range d.Instructions {
		got = append(got, in.ContextSources()...)
	}
	if want := ". b c e y.tgz z g ."; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// A file that is copied to a folder which a RUN has made lands in it.
func TestOriginMadeFolder(t *testing.T) {
	for run, want := range map[string]string{
		"RUN mkdir -p /app/pages":                          "main.go",
		"RUN cd / && mkdir app":                            "main.go",
		"RUN mkdir /app && rmdir /app":                     "",
		"RUN mkdir /app\nRUN rm -r /app":                   "",
		"RUN if true; then mkdir /app; fi":                 "",
		"RUN mkdir /application":                           "",
		"RUN mkdir /app && rm -rf /app/cache":              "main.go",
		"RUN mkdir /app && mv /app /srv\nRUN mkdir /app/x": "main.go",
		"RUN mkdir $DIR/app":                               "",
	} {
		d := parse(t, "FROM golang\n"+run+"\nCOPY main.go /app\n")
		if got, _ := d.Final().Origin(nil, "/app/main.go", contextOf("main.go=x"), "Dockerfile"); got != want {
			t.Errorf("%s: /app/main.go is %q, want %q", run, got, want)
		}
	}
}

func TestOrigin(t *testing.T) {
	rp := contextOf("a/x=", "a/y=", "b/x=", "z=", ".dockerignore=a/y\n")
	d := parse(t, "FROM scratch AS p\nWORKDIR /w\nCOPY a .\nCOPY b/x .\nFROM p\nCOPY z /dir/\nCOPY z /file\n")
	s := d.Final()
	for abs, want := range map[string]string{"/w/x": "b/x", "/w/y": "", "/dir/z": "z", "/file": "z", "/w/nope": ""} {
		if got, _ := s.Origin(nil, abs, rp, "Dockerfile"); got != want {
			t.Errorf("%s comes from %q, want %q", abs, got, want)
		}
	}
}

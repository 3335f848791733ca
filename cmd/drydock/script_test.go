//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"drydock/images/registry/registrytest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"drydock": main, "docker-drydock": main})
}

// TestScript runs testdata/script: each archive is an example of one feature or
// of one kind of bad input, and what drydock says to it.
//
// push fills a registry on loopback, whose address is $REGISTRY; a script that
// asks it sets DRYDOCK_OFFLINE to nothing and DRYDOCK_MIRRORS.
func TestScript(t *testing.T) {
	reg := registrytest.Start(t, nil)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Condition: func(c string) (bool, error) {
			if c == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", c)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code,
			"crlf": crlf,
			"edit": edit,
			"fifo": fifo,
			"many": many,
			"mode": mode,
			"push": func(ts *testscript.TestScript, neg bool, args []string) {
				ts.Setenv("DIGEST", push(ts, reg, args))
			},
			"same":    same,
			"touched": touched,
		},
		Setup: func(e *testscript.Env) error {
			// No git repository around the test, and no settings of the user.
			e.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(e.WorkDir))
			e.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
			// No registry but those that a script starts, and one day for all.
			e.Setenv("DRYDOCK_OFFLINE", "1")
			e.Setenv("REGISTRY", reg.Addr)
			e.Setenv("DRYDOCK_CACHE", filepath.Join(e.WorkDir, ".cache"))
			e.Setenv("SOURCE_DATE_EPOCH", "1795824000")                // 2026-11-28
			e.Setenv("ALONE", filepath.SplitList(e.Getenv("PATH"))[0]) // a PATH with nothing but drydock
			return nil
		},
	})
}

// code N CMD ARG… runs a program (exec without it) and wants exit code N.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command [arg…]")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	if e, ok := err.(interface{ ExitCode() int }); ok {
		got = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// crlf FILE… gives files CRLF line ends.
func crlf(ts *testscript.TestScript, _ bool, args []string) {
	for _, a := range args {
		text := strings.ReplaceAll(ts.ReadFile(a), "\n", "\r\n")
		ts.Check(os.WriteFile(ts.MkAbs(a), []byte(text), 0o644))
	}
}

// edit FILE OLD NEW replaces text, in which Go's escapes are read.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	unquote := func(s string) string {
		return strings.NewReplacer(`\x00`, "\x00", `\xff`, "\xff", `\xef\xbb\xbf`, "\xef\xbb\xbf", `\n`, "\n", `\r`, "\r").Replace(s)
	}
	text := strings.ReplaceAll(ts.ReadFile(args[0]), unquote(args[1]), unquote(args[2]))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// fifo FILE makes a named pipe.
func fifo(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o644))
}

// many N FILE writes folders 000/Dockerfile, 001/Dockerfile, … like FILE.
func many(ts *testscript.TestScript, _ bool, args []string) {
	var n int
	_, err := fmt.Sscan(args[0], &n)
	ts.Check(err)
	text := ts.ReadFile(args[1])
	for i := range n {
		dir := ts.MkAbs(fmt.Sprintf("%03d", i))
		ts.Check(os.MkdirAll(dir, 0o755))
		ts.Check(os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
	}
}

// mode FILE PERM wants these permission bits.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); (got == args[1]) == neg {
		ts.Fatalf("%s has mode %s", args[0], got)
	}
}

// push REPOSITORY CONTENT TAG… [PLATFORM…] makes tags name one image, whose
// digest is in $DIGEST then; what has a slash is a platform.
func push(ts *testscript.TestScript, reg *registrytest.Registry, args []string) (digest string) {
	if len(args) < 3 {
		ts.Fatalf("usage: push repository content tag… [platform…]")
	}
	img := registrytest.Image{Content: args[1]}
	var tags []string
	for _, a := range args[2:] {
		if strings.Contains(a, "/") {
			img.Platforms = append(img.Platforms, a)
		} else {
			tags = append(tags, a)
		}
	}
	for _, tag := range tags {
		digest = reg.Push(args[0], tag, img)
	}
	return digest
}

// same A B compares bytes, which cmp of testscript doesn't where files lack a
// final line break.
func same(ts *testscript.TestScript, neg bool, args []string) {
	a, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	if bytes.Equal(a, b) == neg {
		ts.Fatalf("%s and %s: equal is %v\n%q\n%q", args[0], args[1], !neg, a, b)
	}
}

// touched FILE -age sets a file's time to 2001; touched FILE tells whether it
// changed since.
func touched(ts *testscript.TestScript, neg bool, args []string) {
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if len(args) > 1 {
		ts.Check(os.Chtimes(ts.MkAbs(args[0]), old, old))
		return
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if info.ModTime().Equal(old) != neg {
		ts.Fatalf("%s: time %v", args[0], info.ModTime())
	}
}

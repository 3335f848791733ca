// Command pack builds the probe for each architecture that drydock embeds, the same bytes wherever the same Go builds it.
//
//	go run ./verify/probe/pack FOLDER           from the module's root: probe-linux-ARCH.gz go to FOLDER
//	go run ./verify/probe/pack -sources         prints the hash of the sources
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

var arches = []string{"amd64", "arm64"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: pack FOLDER, or pack -sources")
	}
	root, err := goTool(nil, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	hash, err := sources(filepath.Join(strings.TrimSpace(string(root)), "verify", "probe"))
	if err != nil {
		return err
	}
	if args[0] == "-sources" {
		fmt.Println(hash)
		return nil
	}
	for _, arch := range arches {
		if err := build(arch, hash, args[0]); err != nil {
			return err
		}
	}
	return nil
}

// sources hashes what the program is made of: the Go files of wire, watch and program, tests apart.
func sources(dir string) (string, error) {
	sum := sha256.New()
	for _, pkg := range []string{"program", "watch", "wire"} {
		err := filepath.WalkDir(filepath.Join(dir, pkg), func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := os.ReadFile(name)
			fmt.Fprintf(sum, "%s/%s %d\n%s", pkg, e.Name(), len(text), text)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// settings that a user's environment could have; none of them may change the bytes.
var settings = []string{"CGO_ENABLED=0", "GOOS=linux", "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off", "GODEBUG="}

func build(arch, hash, to string) error {
	tmp, err := os.MkdirTemp("", "drydock-pack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	exe := filepath.Join(tmp, "probe")
	_, err = goTool(append(slices.Clone(settings), "GOARCH="+arch), "build", "-trimpath", "-buildvcs=false", "-gcflags=all=-l",
		"-ldflags=-s -w -buildid= -X main.sources="+hash, "-o", exe, "drydock/verify/probe/program")
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(exe)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression) // its header has no name and no time
	if err != nil {
		return err
	}
	if _, err := w.Write(raw); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "probe-linux-"+arch+".gz"), buf.Bytes(), 0o644)
}

func goTool(env []string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, errs.Bytes())
	}
	return out, nil
}

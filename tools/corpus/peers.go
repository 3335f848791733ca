package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// peerSample bounds how many files a peer gets: each costs a process.
const peerSample = 300

// peerResult is one other program over the sample.
type peerResult struct {
	Name        string  `json:"name"`
	Found       bool    `json:"found"`
	Version     string  `json:"version,omitempty"`
	Files       int     `json:"files"`
	CPUms       float64 `json:"cpu_ms"` // user time of the process, start included
	Fixes       bool    `json:"fixes"`
	Changed     int     `json:"changed"`
	Unparseable int     `json:"unparseable_after"`
	Unstable    int     `json:"second_run_changes"`
}

type peer struct {
	name, label, version string
	args                 []string // the file's path follows
	fixes                bool
}

var peers = []peer{
	{name: "hadolint", version: "--version", args: []string{"--no-fail"}},
	{name: "tally", version: "version", args: []string{"lint", "--fix"}, fixes: true},
	{name: "tally", label: " --fix-unsafe", version: "version", args: []string{"lint", "--fix", "--fix-unsafe"}, fixes: true},
}

func runPeers(ctx context.Context, files []sample) []peerResult {
	var out []peerResult
	for _, p := range peers {
		r := peerResult{Name: p.name + p.label, Fixes: p.fixes}
		bin, err := exec.LookPath(p.name)
		if err == nil {
			r.Found = true
			p.run(ctx, bin, files, &r)
		}
		out = append(out, r)
	}
	return out
}

func (p peer) run(ctx context.Context, bin string, files []sample, r *peerResult) {
	if v, err := exec.CommandContext(ctx, bin, p.version).Output(); err == nil {
		first, _, _ := bytes.Cut(v, []byte("\n"))
		r.Version = string(first)
	}
	dir, err := os.MkdirTemp("", "drydock-peers-")
	if err != nil {
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "Dockerfile")
	var cpu time.Duration
	for _, f := range files {
		if os.WriteFile(path, f.src, 0o644) != nil {
			return
		}
		cpu += p.once(ctx, bin, path)
		r.Files++
		after, err := os.ReadFile(path)
		if err != nil || !p.fixes || bytes.Equal(after, f.src) {
			continue
		}
		r.Changed++
		if _, err := parse(after); err != nil {
			r.Unparseable++
			continue
		}
		p.once(ctx, bin, path)
		if again, err := os.ReadFile(path); err == nil && !bytes.Equal(again, after) {
			r.Unstable++
		}
	}
	if r.Files > 0 {
		r.CPUms = float64(cpu.Microseconds()) / 1000 / float64(r.Files)
	}
}

func (p peer) once(ctx context.Context, bin, path string) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, append(append([]string(nil), p.args...), path)...)
	cmd.Dir = filepath.Dir(path)
	_ = cmd.Run() // findings make an exit code too
	if cmd.ProcessState == nil {
		return 0
	}
	return cmd.ProcessState.UserTime()
}

func (r *report) peersMarkdown(w io.Writer) {
	if len(r.Peers) == 0 {
		return
	}
	fmt.Fprintln(w, "\n| peer | files | changed | unparseable after | second run changes | CPU per file, ms, process start included |\n| --- | ---: | ---: | ---: | ---: | ---: |")
	for _, p := range r.Peers {
		switch {
		case !p.Found:
			fmt.Fprintf(w, "| %s | not found | | | | |\n", p.Name)
		case p.Fixes:
			fmt.Fprintf(w, "| %s %s | %d | %d | %d | %d | %.1f |\n", p.Name, p.Version, p.Files, p.Changed, p.Unparseable, p.Unstable, p.CPUms)
		default:
			fmt.Fprintf(w, "| %s %s | %d | only reports | | | %.1f |\n", p.Name, p.Version, p.Files, p.CPUms)
		}
	}
}

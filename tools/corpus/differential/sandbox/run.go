//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"drydock/tools/corpus/differential/record"
)

// background is how long jobs that outlive their shell may go on. A builder
// kills them at once; here they get the time to be recorded.
const background = 500 * time.Millisecond

// A script that waits for a command to succeed goes on for ever when it is the
// one that fails, so the log's size ends a run too.
const (
	maxLog     = 256 << 10
	checkEvery = 20 * time.Millisecond
)

// usual are directories that any base image has and scripts ask for.
var usual = []string{"/tmp", "/root", "/usr/bin", "/usr/local/bin", "/bin", "/sbin", "/etc", "/opt", "/var/tmp"}

// mounted are the folders of a root that stay from run to run.
var mounted = []string{record.Bin, record.Box, "/dev", "/proc"}

// The files that a run writes outside the root of its script.
const (
	outputFile = record.Box + "/output"
	errorsFile = record.Box + "/errors"
)

// box runs jobs inside the sandbox.
type box struct {
	libs map[string]string
}

// inRoot is where a path of the script's root lies for this process. The
// files of record.Box are the same from both sides.
func inRoot(p string) string { return filepath.Join(rootDir, path.Clean("/"+p)) }

func (b *box) run(j Job) (r Result, err error) {
	if err := b.reset(j); err != nil {
		return r, fmt.Errorf("fill the root: %w", err)
	}
	var late atomic.Bool
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended) // or it could kill a step of the next job
		end := time.After(j.Timeout)
		for {
			select {
			case <-over:
				return
			case <-time.After(checkEvery):
				if st, err := os.Stat(inRoot(record.Log)); err != nil || st.Size() < maxLog {
					continue
				}
			case <-end:
			}
			late.Store(true)
			_ = syscall.Kill(-1, syscall.SIGKILL) // everyone but us: a process ID namespace ends there
			return
		}
	}()
	for _, st := range j.Steps {
		code, err := runStep(st)
		if err != nil {
			return r, err
		}
		r.Status = append(r.Status, code)
		if code != 0 || late.Load() {
			break
		}
	}
	close(over)
	<-ended
	r.TimedOut = late.Load()
	log, err := os.ReadFile(inRoot(record.Log))
	if err != nil {
		return r, err
	}
	if r.Records, err = record.Decode(string(log)); err != nil && !r.TimedOut {
		return r, err
	}
	out, _ := os.ReadFile(inRoot(outputFile))
	errs, _ := os.ReadFile(inRoot(errorsFile))
	made, _ := os.ReadFile(inRoot(record.Made))
	r.Output, r.Errors, r.Made = string(out), string(errs), strings.Fields(string(made))
	r.Tree, err = tree(rootDir)
	return r, err
}

// reset empties the root and fills it for the job.
func (b *box) reset(j Job) error {
	entries, err := os.ReadDir(rootDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains(mounted, "/"+e.Name()) {
			if err := os.RemoveAll(inRoot(e.Name())); err != nil {
				return err
			}
		}
	}
	plan := ""
	if j.Fail != nil {
		plan = j.Fail.Encode()
	}
	for name, text := range map[string]string{record.Log: "", record.Hits: "", record.Made: "", outputFile: "", errorsFile: "", record.Plan: plan} {
		if err := os.WriteFile(inRoot(name), []byte(text), 0o666); err != nil {
			return err
		}
	}
	for l, to := range b.libs {
		if err := os.MkdirAll(inRoot(path.Dir(l)), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(to, inRoot(l)); err != nil {
			return err
		}
	}
	// What was learned may contradict itself (a file and a directory of one
	// name): the first wins, as long as it does so in every run.
	for _, d := range slices.Concat(usual, j.Root.Dirs) {
		_ = os.MkdirAll(inRoot(d), 0o755)
	}
	for _, f := range j.Root.Scripts {
		_ = os.MkdirAll(inRoot(path.Dir(f)), 0o755)
		_ = os.WriteFile(inRoot(f), []byte("#!"+record.Stub+"\n"), 0o755)
	}
	for _, f := range j.Root.Commands {
		_ = os.MkdirAll(inRoot(path.Dir(f)), 0o755)
		_ = os.Symlink(record.Stub, inRoot(f))
	}
	for _, f := range j.Root.Files {
		_ = os.MkdirAll(inRoot(path.Dir(f)), 0o755)
		if f, err := os.OpenFile(inRoot(f), os.O_CREATE|os.O_EXCL, 0o644); err == nil {
			f.Close()
		}
	}
	for _, st := range j.Steps {
		_ = os.MkdirAll(inRoot(st.Dir), 0o755)
	}
	return nil
}

// runStep gives the exit code, 128 and the signal for a killed process.
func runStep(st Step) (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	out, err := os.OpenFile(inRoot(outputFile), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	errs, err := os.OpenFile(inRoot(errorsFile), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return 0, err
	}
	defer errs.Close()
	exe := record.Bin + "/" + st.Shell
	if st.Shell == "" {
		exe = st.Args[0]
		if !strings.Contains(exe, "/") {
			exe = "/usr/bin/" + exe
		}
	}
	pid, err := syscall.ForkExec(exe, st.Args, &syscall.ProcAttr{
		Dir: st.Dir, Env: st.Env, Files: []uintptr{null.Fd(), out.Fd(), errs.Fd()},
		Sys: &syscall.SysProcAttr{Chroot: rootDir, Setsid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("start %s in %s: %w", exe, st.Dir, err)
	}
	code, err := reap(pid)
	if err != nil {
		return 0, err
	}
	return code, reapRest()
}

// reap waits for one process, and for every orphan that ends before it.
func reap(pid int) (int, error) {
	for {
		var ws syscall.WaitStatus
		got, err := syscall.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		case got != pid:
		case ws.Exited():
			return ws.ExitStatus(), nil
		case ws.Signaled():
			return 128 + int(ws.Signal()), nil
		}
	}
}

// reapRest waits for background jobs, and in the end kills them.
func reapRest() error {
	deadline := time.Now().Add(background)
	for {
		got, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			return nil
		case err != nil && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("wait: %w", err)
		case got == 0 && time.Now().After(deadline):
			_ = syscall.Kill(-1, syscall.SIGKILL)
			time.Sleep(time.Millisecond)
		case got == 0:
			time.Sleep(time.Millisecond)
		}
	}
}

// tree lists what lies in the root but for the links of reset: "d" or "f", mode, and a
// hash of the content.
func tree(root string) (map[string]string, error) {
	out := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, p)
		switch {
		case err != nil:
			return err
		case rel == ".":
			return nil
		case slices.Contains(mounted, "/"+rel):
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			out["/"+rel] = fmt.Sprintf("directory, mode %04o", info.Mode().Perm())
		case d.Type().IsRegular():
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			h := fnv.New64a()
			_, _ = h.Write(b)
			out["/"+rel] = fmt.Sprintf("file, mode %04o, %d bytes, hash %x", info.Mode().Perm(), len(b), h.Sum64())
		case d.Type() == fs.ModeSymlink:
			if to, _ := os.Readlink(p); to == record.Stub {
				out["/"+rel] = "command"
			}
		default:
			out["/"+rel] = d.Type().String()
		}
		return nil
	})
	return out, err
}

//go:build linux

package sandbox

import (
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"drydock/tools/corpus/differential/record"
)

// setup is the first question to a new sandbox.
type setup struct {
	Dir string // an empty directory to mount on
	Tools
}

// The root of the scripts as the process inside sees it after pivot_root.
const rootDir = "/root"

// Init is the process inside when the program was started as that, and then
// doesn't return. Call it first thing in main and in TestMain.
func Init() {
	if os.Args[0] != initName {
		return
	}
	// Scripts may signal process 1 or everyone. Caught signals are back to their
	// default in a new program; ignored ones would not be.
	signal.Notify(make(chan os.Signal, 1))
	syscall.Umask(0o022) // as in a build, whatever the user has
	dec, enc := gob.NewDecoder(os.Stdin), gob.NewEncoder(os.Stdout)
	var first setup
	if err := dec.Decode(&first); err != nil {
		os.Exit(1)
	}
	var ready Result
	libs, err := first.mount()
	if err != nil {
		ready.Err = err.Error()
	}
	if enc.Encode(ready) != nil || err != nil {
		os.Exit(1)
	}
	b := box{libs: libs}
	for {
		var j Job
		if err := dec.Decode(&j); err != nil {
			if err == io.EOF {
				os.Exit(0)
			}
			os.Exit(1)
		}
		r, err := b.run(j)
		if err != nil {
			r.Err = err.Error()
		}
		if enc.Encode(r) != nil {
			os.Exit(1)
		}
	}
}

// mount builds the new root file system and moves into it. It returns the
// links to libraries that every root of a script needs: path to target.
func (s *setup) mount() (map[string]string, error) {
	var err error
	do := func(what string, f func() error) {
		if err == nil {
			if e := f(); e != nil {
				err = fmt.Errorf("%s: %w", what, e)
			}
		}
	}
	in := func(p string) string { return filepath.Join(s.Dir, p) }
	bind := func(from, to string) {
		do("bind "+from, func() error { return syscall.Mount(from, to, "", syscall.MS_BIND|syscall.MS_REC, "") })
	}
	do("make mounts private", func() error { return syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, "") })
	do("mount a tmpfs", func() error {
		return syscall.Mount("tmpfs", s.Dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=0755,size=128m")
	})
	root := in(rootDir)
	for _, d := range []string{"bin", "box", "dev", "proc", "old", rootDir, rootDir + record.Bin, rootDir + record.Box, rootDir + "/dev", rootDir + "/proc"} {
		do("make "+d, func() error { return os.MkdirAll(in(d), 0o755) })
	}
	do("copy the recorder", func() error { return copyFile(s.Recorder, in("bin/stub")) })
	do("link makedir", func() error { return os.Symlink("stub", in("bin/makedir")) })
	for name, path := range s.Shells {
		do("copy "+name, func() error { return copyFile(path, in("bin/"+name)) })
	}
	libs := map[string]string{}
	for _, l := range s.Libs {
		name := filepath.Base(l)
		do("copy "+l, func() error { return copyFile(l, in("bin/"+name)) })
		libs[l] = record.Bin + "/" + name
	}
	for _, d := range []string{"null", "zero", "full", "random", "urandom"} {
		to := in("dev/" + d)
		do("make "+to, func() error { return os.WriteFile(to, nil, 0o666) })
		bind("/dev/"+d, to)
	}
	for name, to := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		do("link "+name, func() error { return os.Symlink(to, in("dev/"+name)) })
	}
	// Nothing but the processes of the sandbox: /proc/sys would be the machine's.
	do("mount /proc", func() error {
		return syscall.Mount("proc", in("proc"), "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, "subset=pid")
	})
	bind(in("bin"), root+record.Bin)
	do("make the recorder read-only", func() error {
		return syscall.Mount("", root+record.Bin, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY|syscall.MS_NOSUID|syscall.MS_NODEV, "")
	})
	bind(in("box"), root+record.Box)
	bind(in("dev"), root+"/dev")
	bind(in("proc"), root+"/proc")
	do("change the root", func() error { return syscall.PivotRoot(s.Dir, in("old")) })
	do("enter the root", func() error { return os.Chdir("/") })
	do("leave the machine", func() error { return syscall.Unmount("/old", syscall.MNT_DETACH) })
	return libs, err
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}

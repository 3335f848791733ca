package imagefs

import (
	"debug/elf"
	"io"
	"slices"
	"strings"
)

// An ELF is what the loader reads of a dynamic executable or library.
type ELF struct {
	Class    elf.Class
	Machine  elf.Machine
	Interp   string              // the loader's path, "" for a library
	Soname   string              // "" for none
	Needed   []string            // sonames, in the file's order
	RPath    []string            // folders, "$ORIGIN" as it stands
	RunPath  []string            // folders; where there are some, the loader ignores RPath
	Requires map[string][]string // versions of symbols, by soname: "libc.so.6": "GLIBC_2.34"; weak ones aren't in it
	Defines  []string            // versions of symbols that it has
}

// readELF reads a file that begins as ELF does; nil for what the loader never
// loads: objects, static executables, files of debug symbols, other systems'
// executables, and damaged files.
func readELF(r io.ReaderAt) *ELF {
	f, err := elf.NewFile(r)
	if err != nil || f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return nil
	}
	if f.OSABI != elf.ELFOSABI_NONE && f.OSABI != elf.ELFOSABI_LINUX {
		return nil
	}
	// In a file of debug symbols the section's bytes are left out (SHT_NOBITS).
	if f.SectionByType(elf.SHT_DYNAMIC) == nil {
		return nil
	}
	e := &ELF{Class: f.Class, Machine: f.Machine}
	if e.Needed, err = f.DynString(elf.DT_NEEDED); err != nil {
		return nil
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < 4096 {
			name := make([]byte, p.Filesz)
			if _, err := p.ReadAt(name, 0); err == nil {
				e.Interp = strings.TrimRight(string(name), "\x00")
			}
		}
	}
	if names, err := f.DynString(elf.DT_SONAME); err == nil && len(names) > 0 {
		e.Soname = names[0]
	}
	if flags, err := f.DynValue(elf.DT_FLAGS_1); err == nil && e.Interp == "" && len(flags) > 0 && flags[0]&uint64(elf.DF_1_PIE) != 0 {
		return nil // static, at any address
	}
	e.RPath, e.RunPath = folders(f, elf.DT_RPATH), folders(f, elf.DT_RUNPATH)
	if needs, err := f.DynamicVersionNeeds(); err == nil {
		for _, n := range needs {
			for _, v := range n.Needs {
				if v.Flags&elf.VER_FLG_WEAK == 0 {
					if e.Requires == nil {
						e.Requires = map[string][]string{}
					}
					e.Requires[n.Name] = append(e.Requires[n.Name], v.Dep)
				}
			}
		}
	}
	if versions, err := f.DynamicVersions(); err == nil {
		for _, v := range versions {
			if v.Flags&elf.VER_FLG_BASE == 0 {
				e.Defines = append(e.Defines, v.Name)
			}
		}
	}
	return e
}

// folders splits a search path of the dynamic section.
func folders(f *elf.File, tag elf.DynTag) []string {
	lists, err := f.DynString(tag)
	if err != nil || len(lists) == 0 {
		return nil
	}
	return slices.DeleteFunc(strings.Split(lists[0], ":"), func(d string) bool { return d == "" })
}

//go:build linux

package watch

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"drydock/verify/probe/wire"
)

// A socket is one that waits for others, as /proc/net lists it.
type socket struct {
	wire.Listener
	inode string
}

// sockets lists what waits in this network namespace: TCP and unix sockets in state LISTEN, UDP sockets that are bound and not
// connected. Format: proc_pid_net(5).
func sockets() map[socket]bool {
	out := map[socket]bool{}
	for _, f := range []struct{ name, proto, state string }{
		{"tcp", "tcp", "0A"}, {"tcp6", "tcp", "0A"}, {"udp", "udp", "07"}, {"udp6", "udp", "07"},
	} {
		text, _ := os.ReadFile("/proc/net/" + f.name) // no IPv6: no such file
		for line := range strings.Lines(string(text)) {
			field := strings.Fields(line) // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
			if len(field) < 10 || field[3] != f.state {
				continue
			}
			host, port, _ := strings.Cut(field[1], ":")
			p, err := strconv.ParseUint(port, 16, 16)
			if err != nil {
				continue
			}
			out[socket{wire.Listener{Proto: f.proto, Address: address(host), Port: int(p)}, field[9]}] = true
		}
	}
	text, _ := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(text)) {
		field := strings.Fields(line) // Num RefCount Protocol Flags Type St Inode Path
		if len(field) < 8 || field[3] != "00010000" || !strings.HasPrefix(field[7], "/") {
			continue // connected, or in no file system
		}
		out[socket{wire.Listener{Proto: "unix", Path: strings.Join(field[7:], " ")}, field[6]}] = true
	}
	return out
}

// address reads words of 32 bits in the machine's order, which is little-endian on both architectures.
func address(s string) string {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw)%4 != 0 {
		return s
	}
	for i := 0; i < len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.LittleEndian.Uint32(raw[i:]))
	}
	ip, ok := netip.AddrFromSlice(raw)
	if !ok {
		return s
	}
	return ip.Unmap().String()
}

// listening lists the sockets of the command: those that weren't there before it and that a descendant holds. When one of
// them doesn't let us see its files (it runs as another user), all new ones count.
func (r *run) listening() []wire.Listener {
	all := sockets()
	for s := range r.strangers {
		delete(all, s)
	}
	if len(all) == 0 {
		return nil
	}
	held, sure := inodes()
	var out []wire.Listener
	for s := range all {
		if held[s.inode] || !sure {
			out = join(out, []wire.Listener{s.Listener})
		}
	}
	return out
}

// inodes gives the sockets that our descendants hold, and whether all of them could be seen.
func inodes() (held map[string]bool, sure bool) {
	held, sure = map[string]bool{}, true
	for _, p := range tree() {
		dir := "/proc/" + strconv.Itoa(p.pid) + "/fd"
		entries, err := os.ReadDir(dir)
		if os.IsPermission(err) {
			sure = false
		}
		for _, e := range entries {
			to, _ := os.Readlink(dir + "/" + e.Name())
			if in, ok := strings.CutPrefix(to, "socket:["); ok {
				held[strings.TrimSuffix(in, "]")] = true
			}
		}
	}
	return held, sure
}

// join gives what is in either, in order, each once.
func join(a, b []wire.Listener) []wire.Listener {
	for _, l := range b {
		if !slices.Contains(a, l) {
			a = append(a, l)
		}
	}
	slices.SortFunc(a, func(x, y wire.Listener) int {
		return cmp.Or(cmp.Compare(x.Proto, y.Proto), cmp.Compare(x.Port, y.Port), cmp.Compare(x.Address, y.Address), cmp.Compare(x.Path, y.Path))
	})
	return a
}

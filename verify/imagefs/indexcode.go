package imagefs

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
)

// indexFormat is of the files of an index: it changes with Node, ELF, and what is written here.
const indexFormat = "drydock layer 1\n"

// A file of an index has two parts. The first one is a row of numbers and strings; the second one holds the texts of
// small files, one behind the other. A reader cuts both into pieces and copies nothing.

// Which parts of a node follow.
const (
	hasSum = 1 << iota
	hasText
	hasELF
	hasXattrs
	hasDevice
	hasHead
	isHardLink
)

type encoder struct{ row, texts []byte }

func (e *encoder) number(n int64) { e.row = binary.AppendVarint(e.row, n) }

func (e *encoder) string(s string) {
	e.number(int64(len(s)))
	e.row = append(e.row, s...)
}

func (e *encoder) strings(list []string) {
	e.number(int64(len(list)))
	for _, s := range list {
		e.string(s)
	}
}

// encodeLayer gives a layer as bytes that decodeLayer reads.
func encodeLayer(l *layer) []byte {
	e := &encoder{}
	e.number(l.compressed)
	e.number(l.size)
	e.strings(l.gone)
	e.strings(l.emptied)
	e.number(int64(len(l.entries)))
	for _, in := range l.entries {
		e.string(in.path)
		if in.hardLink != "" {
			e.number(isHardLink)
			e.string(in.hardLink)
			continue
		}
		e.node(in.node)
	}
	out := []byte(indexFormat)
	out = binary.AppendVarint(out, int64(len(e.row)))
	out = append(out, e.row...)
	return append(out, e.texts...)
}

func (e *encoder) node(n *Node) {
	sum, err := hex.DecodeString(n.SHA256)
	var parts int64
	for part, there := range map[int64]bool{
		hasSum: err == nil && len(sum) > 0, hasText: n.Text != nil, hasELF: n.ELF != nil, hasXattrs: len(n.Xattrs) > 0,
		hasDevice: n.Major != 0 || n.Minor != 0, hasHead: n.head != nil,
	} {
		if there {
			parts |= part
		}
	}
	e.number(parts)
	e.row = append(e.row, n.Type)
	for _, v := range []int64{n.Mode, int64(n.UID), int64(n.GID), n.Size} {
		e.number(v)
	}
	e.string(n.Link)
	e.string(n.Script)
	if parts&hasSum != 0 {
		e.string(string(sum))
	}
	if parts&hasText != 0 {
		e.number(int64(len(n.Text)))
		e.texts = append(e.texts, n.Text...)
	}
	if parts&hasHead != 0 {
		e.string(string(n.head))
	}
	if parts&hasDevice != 0 {
		e.number(n.Major)
		e.number(n.Minor)
	}
	if parts&hasXattrs != 0 {
		e.number(int64(len(n.Xattrs)))
		for _, k := range slices.Sorted(maps.Keys(n.Xattrs)) {
			e.string(k)
			e.string(n.Xattrs[k])
		}
	}
	if parts&hasELF != 0 {
		e.elf(n.ELF)
	}
}

func (e *encoder) elf(f *ELF) {
	e.number(int64(f.Class))
	e.number(int64(f.Machine))
	e.string(f.Interp)
	e.string(f.Soname)
	for _, list := range [][]string{f.Needed, f.RPath, f.RunPath, f.Defines} {
		e.strings(list)
	}
	e.number(int64(len(f.Requires)))
	for _, k := range slices.Sorted(maps.Keys(f.Requires)) {
		e.string(k)
		e.strings(f.Requires[k])
	}
}

// A decoder reads what an encoder wrote. Once something doesn't fit, bad is set, and all that follows is empty.
type decoder struct {
	raw   []byte
	row   string // the same
	texts []byte
	bad   bool
}

func (d *decoder) number() int64 {
	n, size := binary.Varint(d.raw)
	if size <= 0 {
		d.bad, size, n = true, 0, 0
	}
	d.raw, d.row = d.raw[size:], d.row[size:]
	return n
}

// count is a number of things of which each takes a byte at least.
func (d *decoder) count() int {
	n := d.number()
	if n < 0 || n > int64(len(d.raw)) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	n := d.count()
	s := d.row[:n]
	d.raw, d.row = d.raw[n:], d.row[n:]
	return s
}

// strings is nil for none.
func (d *decoder) strings() []string {
	var out []string
	for range d.count() {
		out = append(out, d.string())
	}
	return out
}

// decodeLayer gives the layer that encodeLayer wrote, without its digest; nil for other bytes.
func decodeLayer(text []byte) *layer {
	if len(text) < len(indexFormat) || string(text[:len(indexFormat)]) != indexFormat {
		return nil
	}
	text = text[len(indexFormat):]
	length, size := binary.Varint(text)
	if size <= 0 || length < 0 || length > int64(len(text)-size) {
		return nil
	}
	text = text[size:]
	d := &decoder{raw: text[:length], row: string(text[:length]), texts: text[length:]}
	l := &layer{compressed: d.number(), size: d.number(), gone: d.strings(), emptied: d.strings()}
	entries := d.count()
	l.entries = make([]entry, 0, entries)
	nodes := make([]Node, 0, entries)
	for range entries {
		in := entry{path: d.string()}
		if parts := d.number(); parts&isHardLink != 0 {
			in.hardLink = d.string()
		} else {
			nodes = append(nodes, Node{})
			in.node = &nodes[len(nodes)-1]
			d.node(in.node, parts)
		}
		if d.bad {
			return nil
		}
		l.entries = append(l.entries, in)
	}
	if d.bad || len(d.raw)+len(d.texts) > 0 {
		return nil
	}
	return l
}

func (d *decoder) node(n *Node, parts int64) {
	if len(d.raw) == 0 {
		d.bad = true
		return
	}
	n.Type = d.raw[0]
	d.raw, d.row = d.raw[1:], d.row[1:]
	n.Mode, n.UID, n.GID, n.Size = d.number(), int(d.number()), int(d.number()), d.number()
	n.Link, n.Script = d.string(), d.string()
	if parts&hasSum != 0 {
		n.SHA256 = hex.EncodeToString([]byte(d.string()))
	}
	if parts&hasText != 0 {
		size := d.number()
		if size < 0 || size > int64(len(d.texts)) {
			d.bad = true
			return
		}
		n.Text, d.texts = d.texts[:size:size], d.texts[size:]
	}
	if parts&hasHead != 0 {
		n.head = []byte(d.string())
	}
	if parts&hasDevice != 0 {
		n.Major, n.Minor = d.number(), d.number()
	}
	if parts&hasXattrs != 0 {
		n.Xattrs = map[string]string{}
		for range d.count() {
			k := d.string()
			n.Xattrs[k] = d.string()
		}
	}
	if parts&hasELF != 0 {
		n.ELF = d.elf()
	}
}

func (d *decoder) elf() *ELF {
	f := &ELF{Class: elf.Class(d.number()), Machine: elf.Machine(d.number()), Interp: d.string(), Soname: d.string()}
	f.Needed, f.RPath, f.RunPath, f.Defines = d.strings(), d.strings(), d.strings(), d.strings()
	if n := d.count(); n > 0 {
		f.Requires = make(map[string][]string, n)
		for range n {
			k := d.string()
			f.Requires[k] = d.strings()
		}
	}
	return f
}

package repo

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// xmlNode is an element of a small XML file: a POM, an MSBuild project. Names
// are without their namespace.
type xmlNode struct {
	name  string
	attrs map[string]string
	text  string
	kids  []*xmlNode
}

// parseXML reads a file tolerantly: whatever encoding it declares, its markup is
// taken to be ASCII, and what is not UTF-8 is replaced.
func parseXML(src []byte) (root *xmlNode, err error) {
	d := xml.NewDecoder(strings.NewReader(strings.ToValidUTF8(text(src), "?")))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var open []*xmlNode
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			n := &xmlNode{name: t.Name.Local, attrs: map[string]string{}}
			for _, a := range t.Attr {
				n.attrs[a.Name.Local] = a.Value
			}
			if len(open) > 0 {
				up := open[len(open)-1]
				up.kids = append(up.kids, n)
			} else if root == nil {
				root = n
			}
			if open = append(open, n); len(open) > 200 {
				return nil, fmt.Errorf("it is nested too deep")
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			}
		}
	}
	if root == nil {
		return nil, fmt.Errorf("it holds no XML element")
	}
	return root, nil
}

// all are the elements at a path of names below n.
func (n *xmlNode) all(names ...string) []*xmlNode {
	at := []*xmlNode{n}
	for _, name := range names {
		var next []*xmlNode
		for _, a := range at {
			for _, k := range a.kids {
				if k.name == name {
					next = append(next, k)
				}
			}
		}
		at = next
	}
	return at
}

// value is the text of the first element at a path, "" when there is none.
func (n *xmlNode) value(names ...string) string {
	if found := n.all(names...); len(found) > 0 {
		return strings.TrimSpace(found[0].text)
	}
	return ""
}

// walk calls f for n and every element below it.
func (n *xmlNode) walk(f func(*xmlNode)) {
	f(n)
	for _, k := range n.kids {
		k.walk(f)
	}
}

package imagefs

// An automaton finds many names in one pass over a text (Aho and Corasick, 1975).
type automaton struct {
	next  []map[byte]int32 // by state
	fail  []int32
	names [][]string // that end in the state
	root  [256]int32 // the root's transitions, total
}

func newAutomaton(names []string) *automaton {
	a := &automaton{next: []map[byte]int32{{}}, fail: []int32{0}, names: [][]string{nil}}
	for _, name := range names {
		var at int32
		for i := range len(name) {
			to, ok := a.next[at][name[i]]
			if !ok {
				to = int32(len(a.next))
				a.next = append(a.next, nil)
				a.fail = append(a.fail, 0)
				a.names = append(a.names, nil)
				if a.next[at] == nil {
					a.next[at] = map[byte]int32{}
				}
				a.next[at][name[i]] = to
			}
			at = to
		}
		a.names[at] = append(a.names[at], name)
	}
	var queue []int32
	for b, to := range a.next[0] {
		a.root[b] = to
		queue = append(queue, to)
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for b, to := range a.next[at] {
			a.fail[to] = a.step(a.fail[at], b)
			a.names[to] = append(a.names[to], a.names[a.fail[to]]...)
			queue = append(queue, to)
		}
	}
	return a
}

func (a *automaton) step(at int32, b byte) int32 {
	for at != 0 {
		if to, ok := a.next[at][b]; ok {
			return to
		}
		at = a.fail[at]
	}
	return a.root[b]
}

// find calls found for each occurrence of a name, with the offset behind it.
func (a *automaton) find(text []byte, found func(name string, end int)) {
	var at int32
	for i, b := range text {
		if at = a.step(at, b); at != 0 {
			for _, name := range a.names[at] {
				found(name, i+1)
			}
		}
	}
}

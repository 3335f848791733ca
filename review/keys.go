package review

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"drydock/report"
)

// keyHelp is what ? shows: keys and what they do.
var keyHelp = [][2]string{
	{"j k ↓ ↑", "next, previous row"},
	{"g G PgUp PgDn", "first, last row; a page"},
	{"Tab", "to the other pane and back"},
	{"a  r  space", "accept, reject, the other of the two"},
	{"A  R", "accept, reject all of this transform, in every file"},
	{"u  Ctrl-R", "undo, redo"},
	{"e", "edit the file as this change leaves it"},
	{"i", "reject for good: a comment or .drydock.yaml says why"},
	{"f", "the whole file, or this change alone"},
	{"s", "side by side, where there is room"},
	{"t", "by file, or by transform"},
	{"d", "also what was left alone, with the reason"},
	{"/  n  N", "search, next, previous"},
	{"w", "write and leave"},
	{"q", "leave without writing"},
	{"Ctrl-C", "leave at once, nothing is written"},
}

// key does what a key stands for.
func (u *ui) key(msg tea.KeyPressMsg) tea.Cmd {
	key := msg.String()
	if key == "ctrl+c" {
		u.err = ErrInterrupted
		return tea.Quit
	}
	switch {
	case u.ask != nil:
		return u.answer(msg)
	case u.help:
		switch key {
		case "j", "down", "pgdown":
			u.helpTop++
		case "k", "up", "pgup":
			u.helpTop--
		default:
			u.help, u.helpTop = false, 0
		}
		return nil
	case key == "q":
		return u.leave()
	case u.s == nil:
		return nil
	}
	if u.before == nil {
		u.message = ""
	}
	u.moved = true
	if u.move(key) {
		return nil
	}
	switch key {
	case "?", "f1":
		u.help = true
	case "tab", "shift+tab", "enter":
		u.focus = 1 - u.focus
	case "esc":
		u.focus = onList
	case "a":
		u.verdict(Accepted)
	case "r":
		u.verdict(Rejected)
	case "space":
		u.toggle()
	case "A":
		u.verdictOfKind(Accepted)
	case "R":
		u.verdictOfKind(Rejected)
	case "u":
		before := u.s.Snapshot()
		if groups, told := u.s.Undo(); told != "" {
			u.follow(before, nil, "undone: "+told, groups)
		} else {
			u.say("nothing to undo")
		}
	case "ctrl+r":
		before := u.s.Snapshot()
		if groups, told := u.s.Redo(); told != "" {
			u.follow(before, nil, "again: "+told, groups)
		} else {
			u.say("nothing to redo")
		}
	case "e":
		return u.edit()
	case "i":
		u.remember()
	case "f":
		u.whole, u.scroll = !u.whole, 0
	case "s":
		u.beside = !u.beside
		if u.width < besideFrom {
			u.say(fmt.Sprintf("side by side needs %d columns; there are %d", besideFrom, u.width))
		}
	case "t":
		key := u.chosenKey()
		u.byKind = !u.byKind
		u.list(key)
	case "d":
		key := u.chosenKey()
		u.declined = !u.declined
		u.list(key)
	case "/":
		u.ask = &question{prompt: "search: ", text: &input{}, done: func(text string) tea.Cmd {
			u.query = text
			u.search(1, true)
			return nil
		}}
	case "n":
		u.search(1, false)
	case "N":
		u.search(-1, false)
	case "w":
		u.writing = true
		if !u.s.Settled() {
			u.say(report.Count(u.s.Waiting(), "file is", "files are") + " still being worked out; asked then")
		}
	}
	return nil
}

// move is for the keys that move in the pane that has them.
func (u *ui) move(key string) bool {
	list, detail := u.panes()
	page := list.height - 1
	if u.focus == onDetail {
		page = detail.height - 1
	}
	page = max(page, 1)
	by := map[string]int{"j": 1, "down": 1, "k": -1, "up": -1, "pgdown": page, "pgup": -page, "ctrl+d": (page + 1) / 2, "ctrl+u": -(page + 1) / 2, "ctrl+f": page, "ctrl+b": -page}[key]
	switch key {
	case "g", "home":
		by = -1 << 30
	case "G", "end":
		by = 1 << 30
	case "J":
		u.scroll++
		return true
	case "K":
		u.scroll--
		return true
	}
	if by == 0 {
		return false
	}
	if u.focus == onDetail {
		u.scroll += by
		return true
	}
	u.at = max(0, min(u.at+by, len(u.rows)-1))
	u.scroll = 0
	return true
}

// verdict decides about the chosen row and what stands below it.
func (u *ui) verdict(v Verdict) {
	r, ok := u.chosen()
	if !ok {
		return
	}
	if c := u.s.Change(r); c != nil && u.s.Decided(r.File, c) == v {
		u.say("it is already " + verdictWord(v))
		return
	}
	step := u.s.Under(r, v)
	if len(step) == 0 {
		u.say("there is nothing to decide here")
		return
	}
	u.decide(step...)
}

// current tells that a row shows what the engine says now; texts that are older are
// not for editing.
func (u *ui) current(r Row) bool {
	if r.File >= 0 && !u.s.Current(r.File) {
		u.say("the file is being worked out again; a moment")
		return false
	}
	return true
}

func verdictWord(v Verdict) string {
	return [...]string{"pending", "accepted", "rejected"}[v]
}

func (u *ui) toggle() {
	r, ok := u.chosen()
	if !ok {
		return
	}
	if c := u.s.Change(r); c != nil {
		if u.s.Decided(r.File, c) == Accepted {
			u.verdict(Rejected)
		} else {
			u.verdict(Accepted)
		}
		return
	}
	if r.Kind == FileRow && u.s.Works[r.File].Count(Accepted) > 0 {
		u.verdict(Rejected)
	} else {
		u.verdict(Accepted)
	}
}

func (u *ui) verdictOfKind(v Verdict) {
	r, ok := u.chosen()
	if !ok {
		return
	}
	if c := u.s.Change(r); c != nil {
		r = Row{Kind: KindRow, File: -1, Transform: c.Transform}
	}
	if r.Kind == FileRow {
		u.say("choose a change, or a transform with t: A and R are about all of a kind")
		return
	}
	step := u.s.Under(r, v)
	if len(step) == 0 {
		u.say("there is nothing to decide here")
		return
	}
	u.decide(step...)
}

// remember asks for the reason, shows what a comment and what the configuration would say,
// and takes one of the two.
func (u *ui) remember() {
	r, ok := u.chosen()
	c := u.s.Change(r)
	if f := u.s.Finding(r); ok && f != nil {
		c = u.s.passing(r.File, f)
	}
	if !ok || c == nil || c.Transform == EditName || !u.current(r) {
		u.say("choose a change or a finding: i keeps it away for good")
		return
	}
	change := *c
	u.ask = &question{prompt: "ignore " + words(change.Transform) + " here, because: ", text: &input{}, done: func(reason string) tea.Cmd {
		u.askWhere(r, change, reason)
		return nil
	}}
}

// askWhere asks where an ignore is to stand.
func (u *ui) askWhere(r Row, c Change, reason string) {
	if !u.current(r) {
		return
	}
	reason = strings.Join(strings.Fields(reason), " ")
	comment := func() { u.decide(u.s.Remember(r.File, c, reason, nil)...) }
	q := &question{prompt: "d Dockerfile  c config  Esc neither", keys: map[string]func(){"d": comment}}
	add := func(indent, text string, st style) {
		q.shown = append(q.shown, line{{text: indent}, {text, st}}.wrap(u.width, plain(strings.Repeat(" ", len(indent))))...)
	}
	place := ", at its top:"
	if c.Place > 0 {
		place = fmt.Sprintf(", above line %d:", c.Place)
	}
	add("", "d  a comment in "+clean(u.s.Targets[r.File].Path)+place, style{bold: true})
	add("   ", words(Comment(c.Place, c.Transform, reason)), style{colour: green})
	entry, err := u.engine.Configure(u.s.Wanted(r.File, &c, reason), u.s.Entries())
	if reason == "" {
		err = errors.New("only with a reason: Esc, and i again")
	}
	if err != nil {
		add("", "c  an entry of the configuration:", style{bold: true})
		add("   ", words(err.Error()), style{colour: red})
		q.keys["c"] = func() { u.complain(words(err.Error())) }
	} else {
		what := "c  an entry in " + clean(entry.Config)
		if entry.New {
			what += " (new)"
		}
		add("", what+":", style{bold: true})
		for _, l := range entry.Lines {
			add("   ", clean(l), style{colour: green})
		}
		q.keys["c"] = func() { u.decide(u.s.Remember(r.File, c, reason, &entry)...) }
	}
	u.ask, u.helpTop = q, 0
}

// search goes to the next row, or line of the detail, that has the query.
func (u *ui) search(dir int, here bool) {
	if u.query == "" {
		u.say("nothing was searched for: /")
		return
	}
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(u.query)) }
	if u.focus == onDetail {
		for i := u.scroll + dir; i >= 0 && i < len(u.detail); i += dir {
			if has(u.detail[i].String()) {
				u.scroll = i
				return
			}
		}
	} else {
		for k := range len(u.rows) {
			if !here {
				k++
			}
			i := (u.at + dir*k + 2*len(u.rows)) % len(u.rows)
			if has(u.s.Text(u.rows[i])) {
				u.at, u.scroll = i, 0
				return
			}
		}
	}
	u.complain("not found: " + clean(u.query))
}

// leave leaves without writing; it asks when there is something to lose.
func (u *ui) leave() tea.Cmd {
	if u.s == nil || len(u.s.Log.Decisions()) == 0 {
		return tea.Quit
	}
	u.ask = &question{prompt: "leave without writing? " + report.Count(len(u.s.Log.Decisions()), "decision is", "decisions are") + " lost", yes: func() tea.Cmd { return tea.Quit }}
	return nil
}

// askToWrite asks once, telling how many files.
func (u *ui) askToWrite() {
	stale := map[int]bool{}
	var names []string
	for _, i := range u.engine.Stale(u.s.Works) {
		stale[i] = true
		names = append(names, clean(u.s.Targets[i].Path))
	}
	works := make([]*Worked, len(u.s.Works))
	n := 0
	for i, w := range u.s.Works {
		if w.Changed() && !stale[i] {
			works[i] = w
			n++
		}
	}
	note := ""
	if len(names) > 0 {
		note = strings.Join(names, ", ") + " changed on disk since and stays as it is; "
	}
	entries := slices.DeleteFunc(u.s.Entries(), func(e Entry) bool { return stale[e.File] })
	var what []string
	if n > 0 {
		what = append(what, report.Count(n, "file", "files"))
	}
	for _, c := range configs(entries) {
		what = append(what, clean(c))
	}
	if len(what) == 0 {
		u.complain(note + "nothing to write: q leaves")
		return
	}
	u.ask = &question{prompt: note + "write " + strings.Join(what, " and ") + "?", yes: func() tea.Cmd {
		if err := u.engine.Write(works, entries); err != nil {
			u.complain(words(err.Error()))
			return nil
		}
		u.written = true
		return tea.Quit
	}}
}

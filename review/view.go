package review

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"drydock/report"
)

// The smallest screen, and from how many columns on before and after stand side by side.
const (
	minWidth   = 40
	minHeight  = 10
	besideFrom = 140
)

// pane is a part of the screen.
type pane struct{ top, height int }

// panes says where list and detail stand: below the headline, and below the rule between
// them; the last line is for keys, messages and questions.
func (u *ui) panes() (list, detail pane) {
	room := max(u.height-3, 2)
	h := max(3, room/3)
	h = min(h, max(len(u.rows), 3), room-1)
	return pane{1, h}, pane{h + 2, room - h}
}

// layOut keeps the chosen row and the detail on the screen. It comes after every
// message, so that View has nothing to decide.
func (u *ui) layOut() {
	if u.s == nil {
		return
	}
	list, detail := u.panes()
	u.top = max(0, min(u.top, len(u.rows)-list.height))
	if u.at < u.top {
		u.top = u.at
		if u.at == 1 {
			u.top = 0 // its heading too
		}
	} else if u.at >= u.top+list.height {
		u.top = u.at - list.height + 1
	}
	u.makeDetail()
	u.scroll = max(0, min(u.scroll, len(u.detail)-detail.height))
}

// makeDetail lays the chosen row's detail out, unless that was done already.
func (u *ui) makeDetail() {
	r, ok := u.chosen()
	if !ok {
		u.detail, u.shown = nil, detailKey{}
		return
	}
	key := detailKey{key: u.s.Key(r), lay: layout{cells: u.width, whole: u.whole, beside: u.beside && u.width >= besideFrom}}
	if r.File >= 0 {
		key.w = u.s.Works[r.File]
		key.replay = key.w != nil && key.w.File.Replay != nil
	} else {
		key.n = u.s.Count()
	}
	if key == u.shown {
		return
	}
	if key.key != u.shown.key {
		u.scroll = 0
	}
	u.detail, u.shown = u.s.detail(r, key.lay), key
}

// View is the screen as it stands.
func (u *ui) View() tea.View {
	v := tea.NewView(u.draw())
	v.AltScreen = true
	v.WindowTitle = "drydock review"
	if u.ask != nil && u.ask.text != nil && u.height >= minHeight && u.width >= minWidth {
		v.Cursor = tea.NewCursor(u.cursorColumn(), u.height-1)
	}
	return v
}

func (u *ui) draw() string {
	lines := u.screen()
	for i := range lines {
		if !u.opt.Colour {
			lines[i] = lines[i].with(func(st *style) { st.colour = 0 })
		}
	}
	return draw(lines)
}

// screen is every line of the screen, as wide and as many as it has.
func (u *ui) screen() []line {
	var out []line
	switch {
	case u.width < minWidth || u.height < minHeight:
		out = plain(fmt.Sprintf("drydock review needs %d×%d; this is %d×%d. Make it larger, or q and use drydock fix -p.", minWidth, minHeight, u.width, u.height)).wrap(max(u.width, 1), nil)
	case u.help:
		out = u.helpScreen()
	case u.ask != nil && u.ask.keys != nil:
		out = u.choiceScreen()
	default:
		list, detail := u.panes()
		out = append(out, u.headline())
		out = append(out, padded(u.listLines(list.height), list.height)...)
		out = append(out, u.rule(detail.height))
		from := min(u.scroll, len(u.detail))
		out = append(out, padded(u.detail[from:min(from+detail.height, len(u.detail))], detail.height)...)
		foot := u.footer()
		out = append(out[:max(u.height-len(foot), 0)], foot...)
	}
	out = padded(out, u.height)[:u.height]
	for i := range out {
		out[i] = out[i].fit(u.width)
	}
	return out
}

func padded(lines []line, n int) []line {
	for len(lines) < n {
		lines = append(lines[:len(lines):len(lines)], nil)
	}
	return lines
}

func (u *ui) headline() line {
	bold := style{bold: true}
	if u.s == nil {
		return line{{"drydock review", bold}, {"  looking for Dockerfiles…", style{}}}
	}
	n := u.s.Count()
	out := line{{fmt.Sprintf("%s to write", report.Count(n.Files, "file", "files")), bold}, {fmt.Sprintf("  %d accepted", n.Accepted), style{colour: green}}}
	if n.Rejected > 0 {
		out = append(out, span{fmt.Sprintf(", %d rejected", n.Rejected), style{}})
	}
	if n.Pending > 0 {
		out = append(out, span{fmt.Sprintf(", %d pending", n.Pending), style{colour: yellow}})
	}
	if n.Findings > 0 {
		out = append(out, span{", " + report.Count(n.Findings, "finding", "findings"), style{colour: red}})
	}
	if w := u.s.Waiting(); w > 0 {
		out = append(out, span{fmt.Sprintf("  working: %d of %d", len(u.s.Targets)-w, len(u.s.Targets)), style{dim: true}})
	}
	return out
}

func (u *ui) listLines(height int) []line {
	if u.s == nil {
		return nil
	}
	if len(u.rows) == 0 {
		switch {
		case !u.s.Settled():
			return []line{nil, plain("  Nothing to show yet.")}
		case len(u.s.Targets) == 0:
			return []line{nil, plain("  No Dockerfile here: name the file, whatever it is called.")}
		}
		return []line{nil, plain("  Nothing to change: " + report.Count(len(u.s.Targets), "Dockerfile is", "Dockerfiles are") + " as good as drydock makes them.")}
	}
	var out []line
	for i := u.top; i < min(u.top+height, len(u.rows)); i++ {
		l := u.rowLine(u.rows[i])
		mark := "  "
		if i == u.at {
			mark = "> "
		}
		l = append(line{{mark, style{bold: true}}}, l...)
		if i == u.at {
			l = l.fit(u.width).with(func(st *style) { st.reverse, st.dim = u.focus == onList, false })
		}
		out = append(out, l)
	}
	return out
}

func (u *ui) rowLine(r Row) line {
	switch r.Kind {
	case FileRow:
		w := u.s.Works[r.File]
		st := style{bold: true}
		if w.Err != nil {
			st.colour = red
		}
		return line{{clean(u.s.Targets[r.File].Path), st}, {"  " + summary(w), style{dim: true}}}
	case KindRow:
		if r.Transform == "" {
			return styled("findings", style{bold: true})
		}
		return styled(r.Transform, style{bold: true})
	}
	place := func(n int) string {
		at := ""
		if n > 0 {
			at = strconv.Itoa(n)
		}
		if u.byKind {
			return strings.TrimSuffix(clean(u.s.Targets[r.File].Path)+":"+at, ":")
		}
		return strings.Repeat(" ", max(4-len(at), 0)) + at
	}
	name := func(n string) line {
		if u.byKind {
			return nil
		}
		return styled(words(n)+": ", style{colour: cyan})
	}
	var out line
	switch r.Kind {
	case ChangeRow:
		c := u.s.Change(r)
		mark := span{" [x] ", style{colour: green, bold: true}}
		st := style{}
		switch u.s.Decided(r.File, c) {
		case Rejected:
			mark, st = span{" [ ] ", style{bold: true}}, style{dim: true}
		case Pending:
			mark = span{" [?] ", style{colour: yellow, bold: true}}
		}
		out = line{mark, {place(c.Line) + " ", style{dim: true}}}
		out = append(append(out, name(c.Transform)...), span{words(c.Title), st})
	case FindingRow:
		f := u.s.Finding(r)
		out = line{{"  !  ", style{colour: red, bold: true}}, {place(f.Line) + " ", style{dim: true}}}
		out = append(append(out, name(f.Check)...), span{words(f.Message), style{}})
	default:
		d := u.s.Decline(r)
		out = line{{"  –  ", style{dim: true}}, {place(d.Line) + " ", style{dim: true}}}
		out = append(append(out, name(d.Transform)...), span{words(d.Reason), style{dim: true}})
	}
	if !u.s.Current(r.File) { // being worked out again
		out = out.with(func(st *style) { st.dim = true })
	}
	return out
}

// rule stands between list and detail and tells which part of the detail is shown.
func (u *ui) rule(height int) line {
	stroke, st := "─", style{dim: true}
	if u.focus == onDetail {
		stroke, st = "═", style{bold: true}
	}
	place := ""
	if r, ok := u.chosen(); ok && r.File >= 0 && r.Kind != FileRow {
		place = " " + clean(u.s.Targets[r.File].Path) + " "
		if u.whole {
			place += "(whole file) "
		}
	}
	part := ""
	if len(u.detail) > height {
		part = fmt.Sprintf(" %d–%d of %d ", u.scroll+1, min(u.scroll+height, len(u.detail)), len(u.detail))
	}
	out := line{{strings.Repeat(stroke, 2), st}}
	out = append(out, styled(place, style{bold: true}).fit(min(width(place), max(u.width-width(part)-6, 0)))...)
	out = append(out, span{strings.Repeat(stroke, max(u.width-out.width()-width(part)-2, 0)), st}, span{part, style{dim: true}})
	return append(out, span{strings.Repeat(stroke, 2), st})
}

// hints are the keys that are always shown, the most wanted first.
var hints = [][2]string{{"a", "accept"}, {"r", "reject"}, {"u", "undo"}, {"w", "write"}, {"q", "quit"}, {"?", "help"}, {"A R", "all of a kind"}, {"f", "file"}, {"e", "edit"}, {"Tab", "pane"}, {"i", "ignore"}, {"/", "search"}, {"t", "group"}}

// footer is the last line, or as many as a message needs; it covers the detail then.
func (u *ui) footer() []line {
	most := max(u.height/3, 1)
	switch {
	case u.ask != nil && u.ask.text != nil:
		return []line{{{u.ask.prompt, style{bold: true}}, {u.typed(), style{}}}}
	case u.ask != nil:
		const answer = " (y/n)"
		l := line{{u.ask.prompt, style{bold: true}}}.fit(min(width(u.ask.prompt), most*(u.width-4)-len(answer)))
		return append(l, span{answer, style{bold: true}}).wrap(u.width, nil)
	case u.message != "":
		st := style{bold: true}
		if u.warn {
			st.colour = red
		}
		lines := styled(u.message, st).wrap(u.width, nil)
		return lines[:min(len(lines), most)]
	}
	var out line
	for _, h := range hints {
		l := line{{h[0], style{bold: true}}, {" " + h[1] + "  ", style{dim: true}}}
		if out.width()+l.width()-2 > u.width {
			break
		}
		out = append(out, l...)
	}
	return []line{out}
}

// typed is the part of what is being typed that has room, with the cursor's column.
func (u *ui) typed() string {
	t := u.ask.text
	from := t.at
	for room := u.width - width(u.ask.prompt) - 2; from > 0; from-- {
		if room -= width(string(t.runes[from-1])); room < 0 {
			break
		}
	}
	return string(t.runes[from:])
}

func (u *ui) cursorColumn() int {
	t := u.ask.text
	return min(width(u.ask.prompt)+width(u.typed())-width(string(t.runes[t.at:])), u.width-1)
}

// helpScreen is the list of keys, as much of it as there is room for.
func (u *ui) helpScreen() []line {
	const column = 17
	var out []line
	for _, k := range keyHelp {
		l := line{{k[0] + strings.Repeat(" ", max(column-width(k[0]), 1)), style{bold: true}}, {k[1], style{}}}
		out = append(out, l.wrap(u.width, plain(strings.Repeat(" ", 4)))...)
	}
	out = append(out, plain("[x] will be made  [ ] rejected  [?] rests on an assumption  ! finding  – left alone").wrap(u.width, nil)...)
	foot := "Any key goes back."
	if len(out) > u.height-2 {
		foot = "j k: more; other keys go back"
	}
	return u.page("drydock review", out, styled(foot, style{dim: true}))
}

// choiceScreen shows what the keys of a question stand for.
func (u *ui) choiceScreen() []line {
	foot := styled(u.ask.prompt, style{bold: true})
	if len(u.ask.shown) > u.height-2 && u.width >= foot.width()+13 {
		foot = append(foot, span{"  j k more", style{dim: true}})
	}
	return u.page("Where is it to be remembered?", u.ask.shown, foot)
}

// page is a screen of its own, of which as much is shown as there is room for.
func (u *ui) page(title string, text []line, foot line) []line {
	room := u.height - 2
	u.helpTop = max(0, min(u.helpTop, len(text)-room))
	out := append([]line{styled(title, style{bold: true})}, padded(text[u.helpTop:min(u.helpTop+room, len(text))], room)...)
	return append(out, foot)
}

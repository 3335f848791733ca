package review

import (
	"unicode"

	tea "charm.land/bubbletea/v2"
)

// question is asked in the last line: for a text, for yes or no, or for one of several keys.
type question struct {
	prompt string
	text   *input
	done   func(string) tea.Cmd // with the text
	yes    func() tea.Cmd
	no     func() // may be nil
	keys   map[string]func()
	shown  []line // what it is about, in the place of everything else; with keys
}

// input is a line of text that is being typed.
type input struct {
	runes []rune
	at    int
}

// insert puts text in where the cursor is, on one line.
func (q *question) insert(text string) {
	for _, r := range text {
		if unicode.IsSpace(r) {
			r = ' '
		}
		if unicode.IsPrint(r) && len(q.text.runes) < 400 {
			q.text.runes = append(q.text.runes[:q.text.at:q.text.at], append([]rune{r}, q.text.runes[q.text.at:]...)...)
			q.text.at++
		}
	}
}

// answer takes a key for the question that is asked.
func (u *ui) answer(msg tea.KeyPressMsg) tea.Cmd {
	q, key := u.ask, msg.String()
	if q.keys != nil {
		switch f := q.keys[key]; {
		case f != nil:
			u.ask = nil
			f()
		case key == "esc" || key == "q" || key == "n":
			u.ask = nil
			u.say("left as it is")
		case key == "j" || key == "down" || key == "pgdown":
			u.helpTop++
		case key == "k" || key == "up" || key == "pgup":
			u.helpTop--
		}
		return nil
	}
	if q.text == nil {
		u.ask = nil
		if key == "y" || key == "Y" {
			return q.yes()
		}
		if q.no != nil {
			q.no()
		}
		u.say("left as it is")
		return nil
	}
	t := q.text
	switch key {
	case "esc":
		u.ask = nil
	case "enter":
		u.ask = nil
		return q.done(string(t.runes))
	case "left", "ctrl+b":
		t.at = max(t.at-1, 0)
	case "right", "ctrl+f":
		t.at = min(t.at+1, len(t.runes))
	case "home", "ctrl+a":
		t.at = 0
	case "end", "ctrl+e":
		t.at = len(t.runes)
	case "ctrl+u":
		t.runes, t.at = t.runes[t.at:], 0
	case "backspace", "ctrl+h":
		if t.at > 0 {
			t.runes = append(t.runes[:t.at-1:t.at-1], t.runes[t.at:]...)
			t.at--
		}
	case "delete", "ctrl+d":
		if t.at < len(t.runes) {
			t.runes = append(t.runes[:t.at:t.at], t.runes[t.at+1:]...)
		}
	default:
		q.insert(msg.Text)
	}
	return nil
}

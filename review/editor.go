package review

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	tea "charm.land/bubbletea/v2"

	"drydock/rewrite"
)

// editedMsg says that the editor ended.
type editedMsg struct {
	file int
	dir  string // where the text lies
	was  string
	err  error
}

// edit opens the editor on the file as the chosen change leaves it.
func (u *ui) edit() tea.Cmd {
	r, ok := u.chosen()
	if !ok || r.File < 0 {
		u.say("choose a change or a file: e opens the editor on it")
		return nil
	}
	if !u.current(r) {
		return nil
	}
	w := u.s.Works[r.File]
	if w.Err != nil {
		u.say("the file can't be read")
		return nil
	}
	text := w.After
	if c := u.s.Change(r); c != nil && c.Before != c.After {
		text = c.After
	}
	return u.openEditor(r.File, text, text)
}

// openEditor lets the reader edit a text; was is the text to compare with.
func (u *ui) openEditor(file int, text, was string) tea.Cmd {
	dir, err := os.MkdirTemp("", "drydock-edit-")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o600)
	}
	if err != nil {
		u.complain("nothing to edit: " + words(err.Error()))
		return nil
	}
	return u.reopen(editedMsg{file: file, dir: dir, was: was})
}

func (u *ui) reopen(msg editedMsg) tea.Cmd {
	args := append(u.opt.Editor[1:len(u.opt.Editor):len(u.opt.Editor)], filepath.Join(msg.dir, "Dockerfile"))
	return tea.ExecProcess(exec.Command(u.opt.Editor[0], args...), func(err error) tea.Msg {
		msg.err = err
		return msg
	})
}

// edited takes what came back. What doesn't parse can be edited again.
func (u *ui) edited(msg editedMsg) tea.Cmd {
	b, err := os.ReadFile(filepath.Join(msg.dir, "Dockerfile"))
	if err = errors.Join(msg.err, err); err != nil {
		os.RemoveAll(msg.dir)
		u.complain("the editor " + words(u.opt.Editor[0]+": "+err.Error()) + "; nothing was changed")
		return nil
	}
	text := string(b)
	if text == msg.was {
		os.RemoveAll(msg.dir)
		u.say("nothing was edited")
		return nil
	}
	if err := CheckEdited(text, u.s.Targets[msg.file].Path); err != nil {
		again := msg
		u.ask = &question{prompt: words(err.Error()) + ": edit again?", yes: func() tea.Cmd { return u.reopen(again) }, no: func() { os.RemoveAll(again.dir) }}
		return nil
	}
	os.RemoveAll(msg.dir)
	u.decide(Decision{Kind: Edit, File: msg.file, Text: text, Transform: EditName})
	return nil
}

// CheckEdited tells what is wrong with a text that was edited by hand: the error has
// line and message.
func CheckEdited(text, path string) error {
	if len(text) > maxEdited {
		return errors.New("more than 4 MiB")
	}
	_, err := rewrite.Parse(path, text, nil)
	return err
}

// maxEdited bounds an edited text in bytes, as files are.
const maxEdited = 4 << 20

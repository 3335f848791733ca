package main

// What `fix -p` does when the reader changes the text: the engine runs anew from there.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"drydock/review"
	"drydock/rewrite"
	"drydock/said"
)

// edit opens the editor on the file with the change made. False when nothing came of
// it, so that the question is asked again.
func (s *session) edit(o rewrite.Outcome) bool {
	dir, err := os.MkdirTemp("", "drydock-edit-")
	if err != nil {
		fmt.Fprintf(s.s.out, "nothing to edit: %v\n", err)
		return false
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "Dockerfile")
	for text := o.After; ; {
		text, err = s.edited(name, text)
		if err != nil {
			fmt.Fprintf(s.s.out, "the editor failed: %v; nothing was changed\n", err)
			return false
		}
		if text == o.After {
			fmt.Fprintln(s.s.out, "nothing was edited")
			return false
		}
		err := review.CheckEdited(text, s.path)
		if err == nil {
			s.from(text, o, "what you edited")
			return true
		}
		fmt.Fprintf(s.s.out, "%v\n%s", err, s.style.Bold("Edit again [y,n]? "))
		if line, _ := s.line(); !strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y") {
			return false
		}
	}
}

// edited writes a text to a file, has it edited, and reads it again.
func (s *session) edited(name, text string) (string, error) {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return "", err
	}
	args := append(editor(), name)
	cmd := exec.CommandContext(s.ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.s.in, s.s.out, s.s.err
	if err := cmd.Run(); err != nil {
		return "", err
	}
	b, err := os.ReadFile(name)
	return string(b), err
}

// ignore asks for the reason, and whether a comment above the instruction or an entry of
// the configuration says it. False when neither does, so that the question is asked again.
func (s *session) ignore(o rewrite.Outcome) bool {
	fmt.Fprint(s.s.out, s.style.Bold("Ignore "+o.Transform+" here, because: "))
	reason, ok := s.line()
	if !ok {
		fmt.Fprintln(s.s.out)
		return false
	}
	reason = strings.Join(strings.Fields(reason), " ")
	at := ignoreLine(o)
	text := review.WithComment(o.Before, at, o.Transform, reason)
	entry := review.Entry{Transform: o.Transform, Reason: reason}
	if at > 0 {
		entry.Words = review.InstructionWords(o.Before, at)
	}
	entry, err := s.configure(entry, s.entries)
	if reason == "" {
		err = errors.New("only with a reason: n, and i again")
	}
	fmt.Fprint(s.s.out, s.places(o, entry, err))
	for {
		fmt.Fprint(s.s.out, s.style.Bold("Where [d,c,n]? "))
		line, ok := s.line()
		if !ok {
			fmt.Fprintln(s.s.out)
			return false
		}
		switch strings.TrimSpace(line) {
		case "d":
			if text == o.Before {
				return false
			}
			s.refused[s.id(o)] = true // should the comment not reach all of it
			s.from(text, o, "a comment that keeps "+o.Transform+" away")
			return true
		case "c":
			if err != nil {
				fmt.Fprintln(s.s.out, said.Printable(err.Error()))
				continue
			}
			s.refused[s.id(o)] = true
			s.entries = append(s.entries, entry)
			s.restart = &o.Before
			s.stop()
			return true
		case "n", "q":
			return false
		}
	}
}

// ignoreLine is the line of the text before a change above which an ignore keeps it away, 0
// for the top of the file.
func ignoreLine(o rewrite.Outcome) int {
	if len(o.IgnoreAt) == 0 {
		return 0
	}
	return o.IgnoreAt[0]
}

// places shows what the two places of an ignore would say.
func (s *session) places(o rewrite.Outcome, entry review.Entry, err error) string {
	var b strings.Builder
	place := "at its top"
	at := ignoreLine(o)
	if at > 0 {
		place = fmt.Sprintf("above line %d", at)
	}
	fmt.Fprintf(&b, "d - a comment in the Dockerfile, %s:\n    %s\n", place, said.Printable(review.Comment(at, o.Transform, entry.Reason)))
	if err != nil {
		fmt.Fprintf(&b, "c - an entry of the configuration: %s\n", said.Printable(err.Error()))
	} else {
		created := ""
		if entry.New {
			created = " (new)"
		}
		fmt.Fprintf(&b, "c - an entry in %s%s:\n", said.Printable(entry.Config), created)
		for _, l := range entry.Lines {
			fmt.Fprintf(&b, "    %s\n", said.Printable(l))
		}
	}
	b.WriteString("n - neither\n")
	return b.String()
}

// remembered are the configuration files that the file's entries go into; s may be nil.
func (s *session) remembered(j *job, t *target) ([]fileChange, error) {
	if s == nil {
		return nil, nil
	}
	return j.configChanges(s.entries, func(review.Entry) *target { return t })
}

// from has the file worked out anew from a text; what was made so far is in it.
func (s *session) from(text string, o rewrite.Outcome, title string) {
	s.restart = &text
	s.stop()
	s.made = append(s.made, rewrite.Outcome{Status: rewrite.Applied, Transform: review.EditName, Title: title, Before: o.Before, After: text})
}

// asked is the result of a target in a session: the runs of the engine one on top of
// the other, a new one whenever the reader changed the text.
func (s *site) asked(ctx context.Context, i int, t *target, opt rewrite.Options) (*rewrite.Result, error) {
	ask := s.job.ask
	ask.begin(t.path, s.read, s.show)
	ask.configure = func(e review.Entry, earlier []review.Entry) (review.Entry, error) {
		return s.job.entry(t, e, earlier, func(review.Entry) *target { return t })
	}
	opt.Select = ask.selects
	given := opt.Ignores
	before := s.repo
	defer func() { s.repo = before }()
	var made []rewrite.Outcome
	files := map[string]string{}
	at := *t
	for {
		ask.made, ask.restart = nil, nil
		run, cancel := context.WithCancel(ctx)
		ask.stop = cancel
		opt.Ignores = slices.Clone(given)
		for _, e := range ask.entries {
			opt.Ignores = append(opt.Ignores, e.Ignore())
		}
		res, err := s.engine(run, i, &at, opt)
		cancel()
		if ask.restart == nil {
			if err != nil || len(made) == 0 {
				return res, err
			}
			res.Before, res.Outcomes = t.src, slices.Concat(made, res.Outcomes)
			maps.Copy(files, res.Files)
			if res.Files = files; len(files) == 0 {
				res.Files = nil
			}
			return res, nil
		}
		if err != nil && !errors.Is(err, context.Canceled) || ctx.Err() != nil {
			return nil, errors.Join(err, ctx.Err())
		}
		for _, o := range ask.made {
			maps.Copy(files, o.Other)
		}
		for name, text := range files {
			s.repo = s.repo.With(name, []byte(text))
		}
		made = append(made, ask.made...)
		at.src = *ask.restart
	}
}

// id identifies a change among those of the file.
func (s *session) id(o rewrite.Outcome) string { return changeID(o, s.diff(o)) }

func changeID(o rewrite.Outcome, diff string) string {
	return o.Transform + "\x00" + o.Title + "\x00" + changedLines(diff)
}

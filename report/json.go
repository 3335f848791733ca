package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// JSON renders {"version": …, "files": […]} with the fields of File, one file
// per line, as files come.
type JSON struct {
	W     io.Writer
	begun bool
	ended bool
}

// File writes one file.
func (j *JSON) File(f *File) error {
	f.Diff = f.unified()
	text, err := Encode(f)
	if err != nil {
		return err
	}
	head := ",\n"
	if !j.begun {
		head = j.head()
	}
	_, err = fmt.Fprintf(j.W, "%s    %s", head, bytes.TrimSuffix(text, []byte("\n")))
	return err
}

func (j *JSON) head() string {
	j.begun = true
	return fmt.Sprintf("{\n  \"version\": %d,\n  \"files\": [\n", Version)
}

// Close ends the document, if Fail didn't.
func (j *JSON) Close(Total) error {
	if j.ended {
		return nil
	}
	j.ended = true
	head := ""
	if !j.begun {
		head = j.head()
	}
	_, err := io.WriteString(j.W, head+"\n  ]\n}\n")
	return err
}

// Fail ends the document of a run that failed as a whole: {"version": …, "error": …,
// "files": []}, or with the error behind the files that were written by then. It writes
// nothing once the document has ended.
func (j *JSON) Fail(why error) error {
	if j.ended {
		return nil
	}
	j.ended = true
	text, err := Encode(why.Error())
	if err != nil {
		return err
	}
	text = bytes.TrimSuffix(text, []byte("\n"))
	if j.begun {
		_, err = fmt.Fprintf(j.W, "\n  ],\n  \"error\": %s\n}\n", text)
		return err
	}
	j.begun = true
	_, err = fmt.Fprintf(j.W, "{\n  \"version\": %d,\n  \"error\": %s,\n  \"files\": []\n}\n", Version, text)
	return err
}

// Encode writes v as JSON in one line, with <, > and & as they are.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

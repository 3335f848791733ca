//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// A table collects what TestChain measured, as Markdown. Each row goes to the file of E2E_TABLE at once: a run of hours
// may be cut short.
type table struct{ rows []string }

const tableHead = "| case | before MB | after MB | factor | layers | user | build s | rebuild s | verdict |\n|---|---|---|---|---|---|---|---|---|"

func mb(s *subject) float64 { return float64(s.bytes) / 1e6 }

func (tb *table) add(t *testing.T, name string, p pair) {
	t.Helper()
	row := rowOf(t, name, p)
	t.Log(row)
	if len(tb.rows) == 0 {
		keepTable(t, tableHead)
	}
	keepTable(t, row)
	tb.rows = append(tb.rows, row)
}

func rowOf(t *testing.T, name string, p pair) string {
	if t.Skipped() {
		return "| " + name + " | | | | | | | | unchanged |"
	}
	if p.before == nil || p.after == nil {
		return "| " + name + " | | | | | | | | FAILED |"
	}
	verdict := "ok"
	if t.Failed() {
		verdict = "FAILED"
	}
	return fmt.Sprintf("| %s | %.1f | %.1f | %.1f | %d → %d | %s → %s | %s → %s | %s → %s | %s |",
		name, mb(p.before), mb(p.after), mb(p.before)/mb(p.after), len(p.before.layers), len(p.after.layers),
		user(p.before), user(p.after), seconds(p.before.built.took), seconds(p.after.built.took),
		seconds(p.rebuild), seconds(p.rebuilt), verdict)
}

// print ends the table.
func (tb *table) print(t *testing.T) {
	t.Logf("compressed size; rebuild: one source file changed\n%s\n%s", tableHead, strings.Join(tb.rows, "\n"))
	if len(tb.rows) > 0 {
		keepTable(t, "")
	}
}

// keepTable appends a table to the file that E2E_TABLE names; prepare empties it.
func keepTable(t *testing.T, text string) {
	t.Helper()
	name := os.Getenv("E2E_TABLE")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Error(err)
		return
	}
	_, err = fmt.Fprintln(f, text)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Error(err)
	}
}

// user is who the command ran as: the name in the image's config, or the number that was seen.
func user(s *subject) string {
	if s.config.User != "" {
		return s.config.User
	}
	return fmt.Sprint(s.saw.UID)
}

func seconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", d.Seconds())
}

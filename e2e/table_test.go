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

// A table collects what TestChain measured, as Markdown.
type table struct{ rows []string }

func mb(s *subject) float64 { return float64(s.bytes) / 1e6 }

func (tb *table) add(t *testing.T, name string, p pair) {
	if t.Skipped() {
		tb.rows = append(tb.rows, "| "+name+" | | | | | | | | unchanged |")
		return
	}
	if p.before == nil || p.after == nil {
		tb.rows = append(tb.rows, "| "+name+" | | | | | | | | FAILED |")
		return
	}
	verdict := "ok"
	if t.Failed() {
		verdict = "FAILED"
	}
	row := fmt.Sprintf("| %s | %.1f | %.1f | %.1f | %d → %d | %s → %s | %s → %s | %s → %s | %s |",
		name, mb(p.before), mb(p.after), mb(p.before)/mb(p.after), len(p.before.layers), len(p.after.layers),
		user(p.before), user(p.after), seconds(p.before.built.took), seconds(p.after.built.took),
		seconds(p.rebuild), seconds(p.rebuilt), verdict)
	t.Log(row) // a run that is cut short has no table
	tb.rows = append(tb.rows, row)
}

func (tb *table) print(t *testing.T) {
	text := "| case | before MB | after MB | factor | layers | user | build s | rebuild s | verdict |\n" +
		"|---|---|---|---|---|---|---|---|---|\n" + strings.Join(tb.rows, "\n") + "\n"
	t.Logf("compressed size; rebuild: one source file changed\n%s", text)
	keepTable(t, text)
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

package verify

import (
	"slices"
	"testing"

	"drydock/images"
	"drydock/rewrite"
)

// Without changes that declare it, what the new text leaves out is lost, each field by the name that imagefs knows.
func TestWhatATextLeavesOut(t *testing.T) {
	parse := func(text string) *rewrite.Document {
		doc, err := rewrite.Parse("Dockerfile", text, images.Catalogue())
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	p := &Prover{before: &subject{doc: parse("FROM debian:12\nENV MODE=fast STEP=1\nLABEL team=a\nEXPOSE 80\nVOLUME /data\nHEALTHCHECK CMD true\nSTOPSIGNAL SIGINT\nUSER a\nWORKDIR /app\nCMD [\"true\"]\n")}}
	after := parse("FROM debian:12 AS build\nENV STEP=1\nFROM debian:12\nCMD [\"true\"]\n")
	want := p.expected(after, nil)
	for _, field := range []string{"ENV", "LABEL", "EXPOSE", "VOLUME", "HEALTHCHECK", "STOPSIGNAL", "USER", "WORKDIR"} {
		if !slices.Contains(want.Lost, field) {
			t.Errorf("%s isn't lost: %q", field, want.Lost)
		}
	}
	if slices.Contains(want.Lost, "CMD") || !slices.Equal(want.Moved, []string{"STEP"}) {
		t.Errorf("lost %q, moved %q", want.Lost, want.Moved)
	}
	if known := p.expected(after, []rewrite.Outcome{{Config: rewrite.FieldUser}}); len(known.Lost) > 0 || !slices.Equal(known.Fields, []string{"USER"}) {
		t.Errorf("with changes: %+v", known)
	}
}

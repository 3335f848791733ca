package verify

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"drydock/verify/probe"
)

// Facts are what a reader wants to know of one image.
type Facts struct {
	Digest     string  `json:"digest"`       // of its manifest
	Compressed int64   `json:"compressed"`   // bytes, as a registry stores it
	Size       int64   `json:"size"`         // bytes of its layers
	Wasted     int64   `json:"wasted"`       // bytes of files that a later layer overwrites or deletes
	Layers     int     `json:"layers"`       // how many
	User       string  `json:"user"`         // of its configuration, "" for root
	Build      float64 `json:"buildSeconds"` // wall time, with whatever the builder had cached
	Steps      int     `json:"steps"`        // of the build
	Cached     int     `json:"cachedSteps"`  // those of them that the builder had
	Probe      float64 `json:"probeSeconds"` // how long the run took, the builder's work around it included
	Did        string  `json:"did"`          // what the program was seen to do: "answers on port 8000"
	// PerLayer are the layers, the lowest first.
	PerLayer []LayerFacts `json:"perLayer,omitempty"`
	// Run is what the probe saw; nil when nothing was run.
	Run *RunFacts `json:"run,omitempty"`
	// Seconds are the durations of the instructions that were carried out, by their text.
	Seconds map[string]float64 `json:"-"`
}

// LayerFacts are what a reader wants to know of one layer; sizes in bytes.
type LayerFacts struct {
	Digest     string `json:"digest"`     // of the layer
	Compressed int64  `json:"compressed"` // bytes, as in Facts
	Size       int64  `json:"size"`       // bytes, as in Facts
	Wasted     int64  `json:"wasted"`     // bytes, as in Facts
	CreatedBy  string `json:"createdBy"`  // of its history
}

// RunFacts are what the probe saw of a program, without what it printed and sent.
type RunFacts struct {
	UID     int          `json:"uid"`               // numeric user that the program ran as
	Exited  bool         `json:"exited"`            // it ended by itself
	Exit    int          `json:"exit"`              // exit code, where it ended
	ReadyMS int64        `json:"readyMs"`           // milliseconds until it listened
	StopMS  int64        `json:"stopMs"`            // milliseconds from the stop signal to its end; -1: it had to be killed
	Listens []string     `json:"listens,omitempty"` // ports, as "tcp/8000"
	Replies []ReplyFacts `json:"replies,omitempty"` // answers to what it was asked
	Health  *int         `json:"health,omitempty"`  // exit code of the HEALTHCHECK
	Writes  []string     `json:"writes,omitempty"`  // files and folders that it made or changed, caches left out, the first 100
	Opens   []string     `json:"opens,omitempty"`   // shared libraries that it had mapped
}

// ReplyFacts is the answer to one request.
type ReplyFacts struct {
	Request string `json:"request"` // "GET 8000/healthz"
	Status  int    `json:"status"`  // 0: no HTTP answer
	Type    string `json:"type"`    // media type
	Size    int64  `json:"size"`    // bytes
	SHA256  string `json:"sha256"`  // of the body
}

func runFacts(r *probe.Result) *RunFacts {
	f := &RunFacts{UID: r.UID, Exited: r.Exited, Exit: r.Exit, ReadyMS: r.ReadyMS, StopMS: r.StopMS, Opens: r.Maps}
	for _, l := range r.Listen {
		if l.Proto == "unix" {
			f.Listens = append(f.Listens, l.Path)
		} else {
			f.Listens = append(f.Listens, fmt.Sprintf("%s %s", l.Proto, net.JoinHostPort(l.Address, strconv.Itoa(l.Port))))
		}
	}
	for _, a := range r.Replies {
		f.Replies = append(f.Replies, ReplyFacts{fmt.Sprintf("%s %d%s", a.Method, a.Port, a.Path), a.Status, a.Type, a.Size, a.SHA256})
	}
	if r.Health != nil {
		f.Health = &r.Health.Exit
	}
	for _, w := range r.Writes {
		if !w.Cache && len(f.Writes) < 100 {
			f.Writes = append(f.Writes, w.Path)
		}
	}
	return f
}

// facts sums a subject up.
func (s *subject) facts() Facts {
	f := Facts{
		Digest: s.img.Digest, Compressed: s.img.Compressed(), Wasted: s.img.Wasted, Layers: len(s.img.Layers), User: s.img.Config.Config.User,
		Build: s.built.Took.Round(time.Millisecond).Seconds(), Did: "was not run", Seconds: map[string]float64{},
	}
	for _, l := range s.img.Layers {
		f.Size += l.Size
		f.PerLayer = append(f.PerLayer, LayerFacts{l.Digest, l.Compressed, l.Size, l.Wasted, l.CreatedBy})
	}
	if s.saw != nil {
		f.Did, f.Run, f.Probe = probe.Manner(s.saw), runFacts(s.saw), s.ran.Round(time.Millisecond).Seconds()
	}
	for _, st := range s.built.Steps {
		label, text, found := strings.Cut(st.Name, "] ")
		if !found || !strings.HasPrefix(label, "[") || strings.HasPrefix(label, "[internal") {
			continue
		}
		f.Steps++
		if st.Cached {
			f.Cached++
		} else if d := st.Completed.Sub(st.Started); d > 0 {
			f.Seconds[text] = d.Seconds()
		}
	}
	return f
}

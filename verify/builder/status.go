package builder

import (
	"bytes"
	"cmp"
	"encoding/json"
	"time"

	"drydock/said"
)

// Bounds of what is kept of steps' output: of one, and of all together.
const (
	maxStepOutput = 64 << 10
	maxOutput     = 4 << 20
)

// status follows one build.
type status struct {
	build string
	see   Observer
	at    map[string]int // a vertex's digest -> its place in steps
	steps []*vertex
	// rest is what the program prints beside its progress: its complaint.
	rest said.Ending
}

// A vertex is a Step that goes on.
type vertex struct {
	Step
	output   said.Ending
	begun    time.Time // of the latest work
	from, to time.Time // of the longest work that ended

	// BuildKit reads a command's two outputs each for itself, so what was printed
	// last may not be told last.
	complaint         said.Ending // of standard error
	spoke, complained time.Time
}

// together is how far apart two lines are told that may have been printed in the
// other order.
const together = 50 * time.Millisecond

// lastWords is the line in which a failed command says why: the last one, but of
// its complaint when that came with it.
func (v *vertex) lastWords() string {
	if !v.complained.IsZero() && v.spoke.Sub(v.complained) < together {
		return cmp.Or(lastLine(v.complaint.String()), lastLine(v.output.String()))
	}
	return lastLine(v.output.String())
}

func newStatus(build string, see Observer) *status {
	return &status{build: build, see: see, at: map[string]int{}, rest: said.Ending{Max: maxStepOutput}}
}

// solve is what is read of a line of --progress=rawjson, BuildKit's SolveStatus.
// Source: https://github.com/moby/buildkit/blob/v0.34.2/client/graph.go
type solve struct {
	Vertexes []struct {
		Digest    string     `json:"digest"`
		Name      string     `json:"name"`
		Started   *time.Time `json:"started"`
		Completed *time.Time `json:"completed"`
		Cached    bool       `json:"cached"`
		Error     string     `json:"error"`
	} `json:"vertexes"`
	Logs []struct {
		Vertex    string    `json:"vertex"`
		Stream    int       `json:"stream"` // 1: standard output, 2: standard error
		Data      []byte    `json:"data"`
		Timestamp time.Time `json:"timestamp"`
	} `json:"logs"`
}

// line takes a line of BuildKit's progress, or of the program's complaint.
func (s *status) line(text []byte) {
	var told solve
	if !bytes.HasPrefix(text, []byte("{")) || json.Unmarshal(text, &told) != nil {
		s.rest.Write(text)
		s.rest.Write([]byte("\n"))
		return
	}
	for _, v := range told.Vertexes {
		t := s.vertex(v.Digest)
		before := t.Step
		t.Name, t.Error, t.Cached = v.Name, v.Error, t.Cached || v.Cached
		if v.Started != nil {
			t.start(*v.Started)
		}
		if v.Completed != nil {
			t.complete(*v.Completed)
		}
		if t.Step != before {
			s.tell(t)
		}
	}
	for _, l := range told.Logs {
		v := s.vertex(l.Vertex)
		s.log(v, l.Data)
		if v.spoke = l.Timestamp; l.Stream == 2 {
			v.complained = l.Timestamp
			v.complaint.Write(l.Data)
		}
	}
}

func (s *status) vertex(digest string) *vertex {
	i, ok := s.at[digest]
	if !ok {
		i = s.add("")
		s.at[digest] = i
	}
	return s.steps[i]
}

func (s *status) add(name string) int {
	s.steps = append(s.steps, &vertex{Step: Step{Name: name}, output: said.Ending{Max: maxStepOutput}, complaint: said.Ending{Max: 4 << 10}})
	return len(s.steps) - 1
}

// log keeps the end of a step's output. When all of them are too long together, a
// step that ended well and is the oldest loses its own.
func (s *status) log(v *vertex, data []byte) {
	v.output.Write(data)
	var sum int
	for _, o := range s.steps {
		sum += o.output.Size()
	}
	for _, o := range s.steps {
		if sum <= maxOutput {
			break
		}
		if o != v && o.Error == "" {
			sum -= o.output.Size()
			o.output.Drop()
		}
	}
}

// start notes that work begins. A vertex that is told again with the start that is
// known is the same work; with another start it is worked on once more.
func (v *vertex) start(at time.Time) {
	if v.begun.Equal(at) {
		return
	}
	v.begun, v.Started, v.Completed = at, at, time.Time{}
}

// complete notes that work ends, and gives the step the times of the longest.
func (v *vertex) complete(at time.Time) {
	if v.begun.IsZero() {
		v.begun = at
	}
	if v.to.IsZero() || at.Sub(v.begun) > v.to.Sub(v.from) {
		v.from, v.to = v.begun, at
	}
	v.Started, v.Completed = v.from, v.to
}

func (s *status) tell(v *vertex) {
	if s.see == nil || v.Name == "" {
		return
	}
	s.see(Event{Build: s.build, Step: v.Step, Done: s.done(), Total: len(s.steps)})
}

func (s *status) done() (n int) {
	for _, v := range s.steps {
		if !v.Completed.IsZero() {
			n++
		}
	}
	return n
}

// result are the steps as they stand.
func (s *status) result() []Step {
	out := make([]Step, 0, len(s.steps))
	for _, v := range s.steps {
		v.Output = v.output.String()
		out = append(out, v.Step)
	}
	return out
}

func completed(steps []Step) (n int) {
	for _, s := range steps {
		if !s.Completed.IsZero() {
			n++
		}
	}
	return n
}

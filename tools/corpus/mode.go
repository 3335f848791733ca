package main

// mode is one way to run fix; a column of the tables.
type mode struct {
	name   string
	unsafe bool // changes under an assumption are applied too
	// optIn also runs the transforms that run only for those who ask for them.
	optIn    bool
	policies map[string]string // by transform
}

var modes = []mode{
	{name: "safe"},
	{name: "unsafe", unsafe: true},
	{name: "all", unsafe: true, optIn: true, policies: map[string]string{"merge-run": "all"}},
}

// command is about what a user would type, for the headings.
func (m mode) command() string {
	s := "fix"
	if m.unsafe {
		s += " --unsafe"
	}
	if m.optIn {
		s += " --with all"
	}
	return s
}

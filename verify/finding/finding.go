// Package finding names what a proof can find: one difference between an image
// as it was and as it is.
package finding

// A Class says what kind of thing differs. It is stable: reports and the repairs
// of package verify go by it.
type Class string

// The classes.
const (
	Build        Class = "build"        // the candidate doesn't build
	Config       Class = "config"       // a field of the image's configuration
	Library      Class = "library"      // a shared library that an ELF file needs, or a version of a symbol in it
	Interpreter  Class = "interpreter"  // what a script's first line names, or an ELF file's loader
	File         Class = "file"         // a file that the program may read
	Module       Class = "module"       // a module of the program's language
	Command      Class = "command"      // an executable that the program, a script or the configuration starts
	Certificates Class = "certificates" // the authorities that TLS trusts
	TimeZones    Class = "time-zones"
	Temp         Class = "temp"       // /tmp
	User         Class = "user"       // the user isn't in /etc/passwd, or has no home
	Permission   Class = "permission" // the user may not write or bind where the program did
	Exit         Class = "exit"       // how it ended, or that it did
	Output       Class = "output"     // what a program that ends printed
	Port         Class = "port"       // where it listens
	Reply        Class = "reply"      // what it answers
	Health       Class = "health"     // what its HEALTHCHECK says
	Stop         Class = "stop"       // how it takes the stop signal
)

// A Finding is one difference.
type Finding struct {
	Class Class `json:"class"` // what kind of difference
	// Break: a user of the image would miss it. Otherwise it is a remark.
	Break bool `json:"break"`
	// Path is the file in the image that it is about, with a leading "/"; "" for none.
	Path string `json:"path,omitempty"`
	// Message says in one line what differs, as a user reads it: "/usr/local/bin/uwsgi needs libxml2.so.2, which the new image lacks".
	Message string `json:"message"`
	// Detail is more of it, lines of a diff for example; "" for none.
	Detail string `json:"detail,omitempty"`
	// Names are what a repair needs: the sonames that lack (Library), the folder that can't be written (Permission), the command (Command, Interpreter).
	Names []string `json:"names,omitempty"`
}

// Breaks are the findings that are breaks.
func Breaks(fs []Finding) []Finding {
	var out []Finding
	for _, f := range fs {
		if f.Break {
			out = append(out, f)
		}
	}
	return out
}

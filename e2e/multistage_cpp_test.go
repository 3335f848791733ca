//go:build e2e

package e2e

// C and C++: programs that print, and one that serves.
func init() {
	for name, c := range map[string]chainCase{
		"curl-sqlite": {factor: 3, root: true},
		"cmake":       {factor: 3, root: true, also: [][]string{{"/usr/local/bin/ballast", "nothing.txt"}}},
		"configure":   {factor: 3, smaller: 18, also: [][]string{{"tidebook", "Ostend"}, {"tidebook", "nowhere"}}},
		"meson":       {factor: 3, root: true, also: [][]string{{"/usr/local/bin/manifest", "nothing.csv"}}},
		// libraries copied beside the program, by --base smallest
		"smallest-libraries": {factor: 13},
		"smallest-terminal":  {factor: 4},
		"static":             {factor: 50, smaller: 50},
	} {
		cases["multi-stage/cpp-"+name] = c
	}
	cases["multi-stage/cpp-make"] = chainCase{paths: []string{"/nowhere"}, factor: 3}
}

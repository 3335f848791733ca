//go:build e2e

package e2e

// Releases by Debian's Elixir. Hex isn't reached, so they hold the project's own applications and Erlang's.
func init() {
	height := [][]string{{"/opt/tides/bin/tides", "eval", "IO.puts Tides.height(3)"}}
	cases["multi-stage/elixir-official"] = chainCase{also: height, factor: 2, standIn: "elixir-full"}
	cases["multi-stage/elixir-umbrella"] = chainCase{paths: []string{"/3", "/nowhere"}, factor: 2, standIn: "elixir-full"}
	cases["multi-stage/elixir-release"] = chainCase{paths: []string{"/nowhere"}, factor: 2, standIn: "elixir"}
}

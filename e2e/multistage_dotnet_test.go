//go:build e2e

package e2e

func init() {
	for _, name := range []string{"web", "console"} {
		cases["multi-stage/dotnet-"+name] = chainCase{unbuilt: "the lab has no .NET"}
	}
}

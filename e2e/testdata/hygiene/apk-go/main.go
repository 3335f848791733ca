// Foghorn prints the sound signals of a vessel in fog.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: foghorn FILE")
		os.Exit(64)
	}
	f, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer f.Close()
	title := cases.Title(language.English)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		state, signal, _ := strings.Cut(lines.Text(), "\t")
		fmt.Printf("%-10s %s\n", title.String(state), signal)
	}
}

package main

import (
	"fmt"

	"example.org/clock"
	"golang.org/x/text/language"
)

func main() { fmt.Println(clock.Zone(), language.English) }

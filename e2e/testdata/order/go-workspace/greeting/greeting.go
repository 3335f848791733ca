package greeting

import "golang.org/x/text/language"

// In is the greeting of a language.
func In(tag string) string { return "hello in " + language.Make(tag).String() }

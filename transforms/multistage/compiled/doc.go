// Package compiled has the recipes for programs that run without their toolchain: Go, Rust,
// C and C++. Binaries is what they share.
package compiled

import "drydock/rewrite"

var words, lazily = rewrite.Words, rewrite.Lazily

// Package javascript has the recipes for Node.js, Bun and Deno, and omit-dev.
package javascript

import "drydock/rewrite"

var words, lazily = rewrite.Words, rewrite.Lazily

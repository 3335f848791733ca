// Package narrowcopy is narrow-copy: what the program needs instead of the build's whole folder.
package narrowcopy

import "drydock/rewrite"

var words = rewrite.Words

// Package distro knows the packages of Debian and Alpine: which are for a build alone,
// which library is behind headers, what the full images hold besides the slim ones, calls
// of apt and apk. And the images without a package manager: what distroless has.
package distro

import "drydock/rewrite"

var words, lazily = rewrite.Words, rewrite.Lazily

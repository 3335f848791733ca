// Package cmdline reads what a RUN, CMD or ENTRYPOINT says: the simple commands of a
// script, what wrappers like exec and tini start, the operands of a command.
package cmdline

import "drydock/rewrite"

var words = rewrite.Words

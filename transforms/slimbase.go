package transforms

import "drydock/transforms/slimbase"

var _ = register(slimbase.Transform())

package transforms

import "drydock/transforms/multistage"

var _ = register(multistage.NarrowCopy())

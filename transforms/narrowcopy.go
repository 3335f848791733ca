package transforms

import "drydock/transforms/narrowcopy"

var _ = register(narrowcopy.NarrowCopy())

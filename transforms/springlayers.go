package transforms

import "drydock/transforms/multistage"

var _ = register(multistage.SpringLayers())

package transforms

import "drydock/transforms/multistage/java"

var _ = register(java.SpringLayers())

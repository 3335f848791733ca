package transforms

import "drydock/transforms/distroless"

var _ = register(distroless.Transform())

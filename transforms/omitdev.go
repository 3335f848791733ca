package transforms

import "drydock/transforms/multistage/javascript"

var _ = register(javascript.OmitDev())

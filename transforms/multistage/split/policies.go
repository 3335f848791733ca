package split

// The policies: which kind of runtime base is wanted. A recipe whose facts don't
// allow it takes the next larger kind and says why.
const (
	Slim       = "slim"
	Distroless = "distroless"
	Smallest   = "smallest"
)

// Alpine is the policy of slim-base that asks for Alpine's variants.
const Alpine = "alpine"

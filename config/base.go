package config

import (
	"slices"

	"drydock/rewrite"
	"drydock/transforms"
)

// BaseTransforms choose the image that a stage stands on.
var BaseTransforms = []string{"multi-stage", "slim-base", "distroless"}

// BaseKinds are what --base and the setting base may say: the policies of these transforms.
func BaseKinds() []string {
	var out []string
	for _, name := range BaseTransforms {
		for _, p := range transforms.ByName(name).Policies {
			if !slices.Contains(out, p.Name) {
				out = append(out, p.Name)
			}
		}
	}
	return out
}

// KnowsBase tells whether --base kind is a policy of t. Another C library is only
// for those who name it, so smallest is none of slim-base.
func KnowsBase(t *rewrite.Transform, kind string) bool {
	return HasPolicy(t, kind) && !(t.Name == "slim-base" && kind == "smallest")
}

// HasPolicy tells whether a transform knows a policy.
func HasPolicy(t *rewrite.Transform, policy string) bool {
	return slices.ContainsFunc(t.Policies, func(p rewrite.Policy) bool { return p.Name == policy })
}

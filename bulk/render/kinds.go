package render

import (
	"regexp"
	"strings"

	"github.com/distribution/reference"
)

// baseName is an image reference without tag and digest, as people write it:
// python for docker.io/library/python:3.12; "" for "".
func baseName(ref string) string {
	if ref == "" || ref == "scratch" {
		return ref
	}
	if n, err := reference.ParseNormalizedNamed(ref); err == nil {
		return reference.FamiliarName(n)
	}
	return ref // with variables left in, or broken
}

// The kinds of tags, in the order of a report: from what may be anything
// tomorrow to what stays.
const (
	TagNone    = "no tag"
	TagLatest  = "latest"
	TagName    = "a name, such as slim"
	TagMajor   = "major, such as 3"
	TagVersion = "version, such as 3.12"
	TagDigest  = "digest"
	TagScratch = "scratch"
	TagUnclear = "not clear"
)

// TagKinds are all of them in order.
var TagKinds = []string{TagNone, TagLatest, TagName, TagMajor, TagVersion, TagDigest, TagScratch, TagUnclear}

var (
	majorTag   = regexp.MustCompile(`^v?[0-9]+([-_].*)?$`)
	versionTag = regexp.MustCompile(`^v?[0-9]+\.[0-9]`)
)

// tagKind tells what the tag of a base image promises.
func tagKind(ref string) string {
	switch ref {
	case "":
		return TagUnclear
	case "scratch":
		return TagScratch
	}
	n, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return TagUnclear
	}
	if _, ok := n.(reference.Digested); ok {
		return TagDigest
	}
	tagged, ok := n.(reference.Tagged)
	switch {
	case !ok:
		return TagNone
	case tagged.Tag() == "latest":
		return TagLatest
	case versionTag.MatchString(tagged.Tag()):
		return TagVersion
	case majorTag.MatchString(tagged.Tag()):
		return TagMajor
	}
	return TagName
}

// The kinds of users that an image runs as; a base image's is root mostly.
const (
	UserRoot  = "root"
	UserBase  = "the base image's"
	UserOther = "not root"
)

// UserKinds are all of them in order.
var UserKinds = []string{UserRoot, UserBase, UserOther}

// userKind tells what USER makes of an image on the base final.
func userKind(user, final string) string {
	name, _, _ := strings.Cut(user, ":")
	switch {
	case name == "root" || name == "0":
		return UserRoot
	case name != "":
		return UserOther
	case final == "scratch":
		return UserRoot
	}
	// The images of distroless that run as another user say so in the tag.
	if n, err := reference.ParseNormalizedNamed(final); err == nil {
		if t, ok := n.(reference.Tagged); ok && (t.Tag() == "nonroot" || strings.HasSuffix(t.Tag(), "-nonroot")) {
			return UserOther
		}
	}
	return UserBase
}

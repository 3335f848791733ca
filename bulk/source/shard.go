package source

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Shard is one of N equal parts of all repositories, I of 1 to N. The zero value
// is all of them.
type Shard struct{ I, N int }

// Takes tells whether a repository is in the shard: the first eight bytes of the SHA-256 of
// its name, as a big-endian number, modulo N, are I-1. So a name stays in its shard
// whatever else is found.
func (s Shard) Takes(name string) bool {
	if s.N <= 1 {
		return true
	}
	full := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint64(full[:8])%uint64(s.N) == uint64(s.I-1)
}

// ParseShard reads I/N.
func ParseShard(text string) (Shard, error) {
	first, last, ok := strings.Cut(text, "/")
	i, err := strconv.Atoi(first)
	n, err2 := strconv.Atoi(last)
	if !ok || err != nil || err2 != nil || i < 1 || i > n {
		return Shard{}, errors.New("a shard is I/N, with I from 1 to N")
	}
	return Shard{i, n}, nil
}

// AutoShard reads the shard from the environment of an engine that runs many:
// JOB_COMPLETION_INDEX (from 0) with DRYDOCK_SHARDS in a Kubernetes Indexed Job,
// CI_NODE_INDEX (from 1) with CI_NODE_TOTAL in GitLab's parallel jobs.
// Sources: https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode,
// https://docs.gitlab.com/ci/variables/predefined_variables/
func AutoShard(getenv func(string) string) (Shard, error) {
	for _, e := range []struct {
		index, total string
		first        int
	}{{"JOB_COMPLETION_INDEX", "DRYDOCK_SHARDS", 0}, {"CI_NODE_INDEX", "CI_NODE_TOTAL", 1}} {
		index := getenv(e.index)
		if index == "" {
			continue
		}
		i, err := strconv.Atoi(index)
		n, err2 := strconv.Atoi(getenv(e.total))
		i += 1 - e.first
		if err != nil || err2 != nil || i < 1 || i > n {
			return Shard{}, fmt.Errorf("%s is %q and %s is %q: no shard", e.index, index, e.total, getenv(e.total))
		}
		return Shard{i, n}, nil
	}
	return Shard{}, errors.New("the environment says none: set JOB_COMPLETION_INDEX and DRYDOCK_SHARDS, or CI_NODE_INDEX and CI_NODE_TOTAL")
}

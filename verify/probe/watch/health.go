//go:build linux

package watch

import (
	"slices"
	"time"

	"drydock/verify/probe/wire"
)

// The bounds on a HEALTHCHECK: its answer is wanted, not its patience.
const (
	healthTime  = 20 * time.Second // for all tries
	healthPause = 2 * time.Second  // between two
	healthTry   = 10 * time.Second // for one
)

// health runs the HEALTHCHECK until it passes, or as long as the image's own period and retries allow, within the bounds. Nil: there is none.
func (r *run) health() *wire.Ran {
	h := r.spec.Health
	if h == nil || len(h.Test) < 2 {
		return nil
	}
	var argv []string
	switch h.Test[0] {
	case "CMD":
		argv = h.Test[1:]
	case "CMD-SHELL":
		shell := h.Shell
		if len(shell) == 0 {
			shell = []string{"/bin/sh", "-c"}
		}
		argv = append(slices.Clone(shell), h.Test[1])
	default:
		return nil
	}
	interval := orDefault(h.Interval, 30*time.Second)
	retries := h.Retries
	if retries <= 0 {
		retries = 3
	}
	for begin := time.Now(); ; retries-- {
		ran := once(argv, r.env, min(orDefault(h.Timeout, 30*time.Second), healthTry))
		spent := time.Since(begin)
		starting := spent < time.Duration(h.StartPeriod)
		if starting {
			retries++ // a failure in the start period doesn't count
		}
		if ran.Exit == 0 || retries <= 1 || spent > healthTime || r.dead(0) {
			return &ran
		}
		time.Sleep(min(interval, healthPause))
	}
}

// orDefault reads a time of the configuration, where 0 stands for Docker's default.
func orDefault(ns int64, otherwise time.Duration) time.Duration {
	if ns <= 0 {
		return otherwise
	}
	return time.Duration(ns)
}

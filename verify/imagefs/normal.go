package imagefs

import (
	"encoding/binary"
	"path"

	"drydock/rewrite"
)

// Files that hold a time in the midst of what counts: the time is taken out before they are compared.

// normalFor gives the function that does so for the file p, nil for nearly all files.
func normalFor(p string) func([]byte) []byte {
	switch {
	case path.Ext(p) == ".pyc":
		return withoutSourceTime
	case p == "etc/shadow" || p == "etc/shadow-":
		return withoutPasswordDay
	}
	return nil
}

// withoutSourceTime zeroes the source's time in a compiled Python module's header: magic, flags, time, size, four
// bytes each (PEP 552). Flags other than 0 mean that a hash stands there; Python 2 had no flags and isn't handled.
func withoutSourceTime(pyc []byte) []byte {
	if len(pyc) >= 16 && binary.LittleEndian.Uint32(pyc[4:]) == 0 {
		clear(pyc[8:12])
	}
	return pyc
}

// stamps are what two builds of one source write otherwise: UUIDs, hashes, times of day and dates, seconds since 1970.
var stamps = rewrite.Lazily(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{32,128}\b|` +
	`\b20\d\d[-/.]?[01]\d[-/.]?[0-3]\d(?:[T _-]?[0-2]\d:?[0-5]\d(?::?[0-5]\d(?:[.,]\d+)?)?)?(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d))?\b|` +
	`\b(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?(?:[0-3]?\d )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* +[0-3]?\d?,? ?(?:20\d\d)?,? *[0-2]?\d:[0-5]\d(?::[0-5]\d)?(?: ?[ap]m)?(?: [a-z]{3,4})?(?: 20\d\d)?\b|` +
	`\b[0-2]\d:[0-5]\d:[0-5]\d(?:[.,]\d+)?\b|\b1[6-9]\d{8}(?:\d{3})?(?:\.\d+)?\b`)

// passwordDay is the third field of shadow(5): the day of the last change, of an account made today.
var passwordDay = rewrite.Lazily(`(?m)^([^:\n]*:[^:\n]*:)\d+:`)

func withoutPasswordDay(shadow []byte) []byte {
	return passwordDay().ReplaceAll(shadow, []byte("${1}DAY:"))
}

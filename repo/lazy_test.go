package repo

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Expressions compile on first use, so a typo in one must be caught here.
func TestExpressionsCompile(t *testing.T) {
	for _, l := range []*lazyRegexp{plainVersion, onePython, tildeThree, tildePoet, fromTo, reqComment, urlScheme, vcsScheme, webScheme,
		directRef, namedReq, eggName, wheelName, archiveExt, nameRuns, filePath, fileArchive, fullVersion, opSpace, comparator, oneNode,
		toolDirs, toolFiles, typeImport, requireCall, fromClause, diskExpr, onDisk, spawns, runScript, composeName, bakeName, withDefault,
		withAlt, ciRoot, ciAny, targetFlag, argFlag, optTarget, targetKey, argsKey, argItem, argInline, listItem, wordItem, jsonTarget, jsonArgs, tomlTable} {
		l.get()
	}
	// Nothing is compiled when the program starts.
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if src, err := os.ReadFile(e.Name()); err == nil && !strings.HasSuffix(e.Name(), "_test.go") && e.Name() != "lazy.go" &&
			regexp.MustCompile(`(?m)^(var|\t)\s*\w+\s+= regexp\.MustCompile`).Match(src) {
			t.Errorf("%s compiles an expression at start", e.Name())
		}
	}
}

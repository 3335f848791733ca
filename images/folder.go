package images

import "strings"

// folders are the working directories of repositories that the catalogue hasn't: Bun's
// (https://github.com/oven-sh/bun, dockerhub/*/Dockerfile), and conda's, which set none
// (sources: transforms/multistage/python/conda_base.go).
var folders = map[string]string{
	"oven/bun":               "/home/bun/app",
	"continuumio/miniconda3": "/", "continuumio/anaconda3": "/", "continuumio/miniconda": "/", "continuumio/anaconda": "/", "anaconda/miniconda": "/",
	"condaforge/miniforge3": "/", "condaforge/mambaforge": "/",
}

// Folder is the working directory of an image that the catalogue doesn't know, "" where
// nothing is known of it either.
func Folder(ref Ref) string { return folders[ref.Repository()] }

// accounts are the unprivileged users of repositories that the catalogue hasn't. Source:
// https://github.com/oven-sh/bun, dockerhub/{debian,debian-slim,alpine}/Dockerfile
// (2026-11-29); the distroless one makes none.
var accounts = map[string]Account{"oven/bun": {Name: "bun", UID: 1000, GID: 1000, Home: "/home/bun"}}

// Unprivileged is the user of an image that the catalogue doesn't know; ok is false where
// none is known.
func Unprivileged(ref Ref) (a Account, ok bool) {
	a, ok = accounts[ref.Repository()]
	return a, ok && !strings.Contains(ref.Tag, "distroless")
}

package images

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

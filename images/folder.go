package images

// rootFolder are repositories that the catalogue hasn't, whose Dockerfiles set no WORKDIR:
// a container of theirs begins in /. They are conda's (sources: transforms/multistage/conda_base.go).
var rootFolder = map[string]bool{
	"continuumio/miniconda3": true, "continuumio/anaconda3": true, "continuumio/miniconda": true, "continuumio/anaconda": true, "anaconda/miniconda": true,
	"condaforge/miniforge3": true, "condaforge/mambaforge": true,
}

// Folder is the working directory of an image that the catalogue doesn't know, "" where
// nothing is known of it either.
func Folder(ref Ref) string {
	if rootFolder[ref.Repository()] {
		return "/"
	}
	return ""
}

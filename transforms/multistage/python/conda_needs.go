package python

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/transforms/multistage/distro"
)

// What packages of an environment need beyond its folder.

// activated are packages whose script in etc/conda/activate.d sets what the package,
// or one that it brings, needs; with what that is. conda run and activate read the
// scripts, the runtime stage doesn't.
//
// Source: recipe/activate.sh and recipe/scripts/activate.sh of the packages' feedstocks
// (github.com/conda-forge, November 2026), and for packages that bring one of them along
// their own recipes. Left out are those whose script does nothing on Linux or at run
// time: openssl (Windows), libxml2 (catalogues of DTDs), arrow-cpp (files for gdb),
// cmake (cross-compilation), pytorch (CF_TORCH_CUDA_ARCH_LIST, for builds), glib and
// fontconfig (paths that they were built with).
var activated = map[string]string{
	"gdal": gdalSets, "libgdal": gdalSets, "libgdal-core": gdalSets, "rasterio": gdalSets, "fiona": gdalSets, "geopandas": gdalSets, "pyogrio": gdalSets, "rioxarray": gdalSets, "osmnx": gdalSets, "xarray-spatial": gdalSets, "geopandas-base": projSets,
	"whitebox_tools": gdalSets, "qgis": gdalSets, "grass": gdalSets, "pdal": "PDAL_DRIVER_PATH", "python-pdal": "PDAL_DRIVER_PATH", "mapnik": gdalSets, "salem": gdalSets, "momepy": gdalSets, "movingpandas": gdalSets, "earthpy": gdalSets, "geemap": gdalSets, "leafmap": gdalSets,
	"proj": projSets, "proj4": projSets, "pyproj": projSets, "cartopy": projSets, "contextily": gdalSets, "basemap": projSets, "iris": projSets, "geoviews": projSets, "verde": projSets, "metpy": projSets, "pyresample": projSets, "satpy": projSets,
	"cartopy_offlinedata": "CARTOPY_OFFLINE_SHARED", "geotiff": "GEOTIFF_CSV", "udunits2": "UDUNITS2_XML_PATH", "cf-units": "UDUNITS2_XML_PATH", "cfunits": "UDUNITS2_XML_PATH", "nco": "UDUNITS2_XML_PATH", "cdo": "UDUNITS2_XML_PATH", "pynco": "UDUNITS2_XML_PATH",
	"esmf": esmfSets, "esmpy": esmfSets, "xesmf": esmfSets, "pygmt": "GMT_LIBRARY_PATH", "pyferret": "FER_DIR",
	"openjdk": javaSets, "pyspark": javaSets, "maven": javaSets, "gradle": javaSets, "tabula-py": javaSets, "pyjnius": javaSets, "pyimagej": javaSets, "scyjava": javaSets, "orekit": javaSets, "h2o": javaSets, "h2o-py": javaSets, "nextflow": javaSets, "gatk4": javaSets, "picard": javaSets, "fastqc": javaSets, "snpeff": javaSets, "trimmomatic": javaSets, "jpype1": javaSets, "pylucene": javaSets, "ant": javaSets, "sbt": javaSets,
	"compilers": ccSets, "c-compiler": ccSets, "cxx-compiler": ccSets, "fortran-compiler": ccSets, "gcc_linux-64": ccSets, "gxx_linux-64": ccSets, "gfortran_linux-64": ccSets, "gcc": ccSets, "gxx": ccSets, "gfortran": ccSets, "clang": ccSets, "clangxx": ccSets, "gcc_linux-aarch64": ccSets, "gxx_linux-aarch64": ccSets,
	"pytensor": ccSets, "pymc": ccSets, "pymc3": ccSets, "theano": ccSets, "theano-pymc": ccSets, "aesara": ccSets, "brian2": ccSets, "cmdstan": "CMDSTAN", "cmdstanpy": "CMDSTAN", "cling": "what the compiler reads", "xeus-cling": "what the compiler reads",
	"rust": "CARGO_HOME", "go": "GOROOT", "ghc": "what the compiler reads", "ocaml": "OCAMLLIB", "zig": "what the compiler reads", "julia": "JULIA_DEPOT_PATH", "ruby": "GEM_HOME",
	"r-base": "R_HOME and what R's Java needs", "r-essentials": "R_HOME and what R's Java needs", "rpy2": "R_HOME and what R's Java needs", "octave": "OCTAVE_HOME", "root": "ROOTSYS", "root_base": "ROOTSYS", "gazebo": "GAZEBO_MODEL_PATH",
	"cuda-nvcc": cudaSets, "cuda": cudaSets, "cuda-toolkit": cudaSets, "cudatoolkit-dev": cudaSets, "cuda-compat": "LD_LIBRARY_PATH", "cupy": cudaSets, "ocl-icd": "OCL_ICD_FILENAMES", "pyopencl": "OCL_ICD_FILENAMES", "dpctl": "OCL_ICD_FILENAMES",
	"keras": "KERAS_BACKEND", "tesseract": "TESSDATA_PREFIX", "hdf5-external-filter-plugins": "HDF5_PLUGIN_PATH", "oracle-instant-client": "ORACLE_HOME", "msodbcsql": "ODBCSYSINI", "msodbcsql18": "ODBCSYSINI", "gobject-introspection": "GI_TYPELIB_PATH", "pygobject": "GI_TYPELIB_PATH", "ambertools": "AMBERHOME", "nest-simulator": "NEST_DATA_DIR",
	"gpaw": "GPAW_SETUP_PATH", "deepmd-kit": "LD_LIBRARY_PATH", "python-jit": "PYTHON_JIT", "dotnet": "DOTNET_ROOT", "dotnet-sdk": "DOTNET_ROOT", "dotnet-runtime": "DOTNET_ROOT", "mecab-ko": "MECABRC", "eups": "EUPS_PATH", "qt-main": "QT_PLUGIN_PATH", "genv": "GENV_ROOT",
}

const (
	gdalSets = "GDAL_DATA, PROJ_DATA and others"
	projSets = "PROJ_DATA and others"
	esmfSets = "ESMFMKFILE"
	javaSets = "JAVA_HOME"
	ccSets   = "CC, CFLAGS and others"
	cudaSets = "CUDA_HOME and others"
)

// displayed are packages that load libraries of X, which Anaconda's own channel leaves
// to the system, for which the images of Anaconda install them
// (github.com/anaconda/docker-images).
var displayed = words(`rdkit opencv py-opencv libopencv opencv-python-headless pyqt qt qt-main pyside2 pyside6 cairo pycairo cairocffi graphviz python-graphviz pygraphviz vtk mayavi pyvista r-base plotly-orca pymol-open-source matplotlib seaborn spyder gtk2 gtk3 tk wxpython kaleido pyopengl`)

// needs installs what a package of the environment needs of the system, or tells why
// that can't be.
func (c *condaSplit) needs() string {
	anaconda := strings.HasPrefix(c.Ref.Repository(), "continuumio/") || strings.HasPrefix(c.Ref.Repository(), "anaconda/")
	for _, n := range slices.Sorted(maps.Keys(c.listed)) {
		p := c.listed[n]
		if c.active {
			if n == " variables" {
				return p.File + " sets variables when the environment is activated, which the runtime stage doesn't do"
			}
			if what := activated[n]; what != "" {
				return c.says(p) + "activation sets " + what + " for " + n + " (etc/conda/activate.d), which the runtime stage doesn't do: start the program from the PATH, and set with ENV what it needs"
			}
		}
		if c.micro {
			continue
		}
		need := nativeNeeds[n]
		if _, git := c.listed["git"]; (need == "git" && !git) || strings.HasPrefix(need, "openssh-client") {
			if why := c.bringFor(p, need); why != "" {
				return why
			}
		}
		if anaconda && displayed[n] {
			if missing := c.Requires([]string{"libsm6", "libxext6", "libxrender1"}, n+c.where(p)); missing != "" {
				return c.says(p) + n + " may load " + missing + " of the system, and what the runtime stage's release calls that isn't known"
			}
		}
	}
	return ""
}

func (c *condaSplit) says(p repo.Package) string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", p.File, p.Line)
}

func (c *condaSplit) where(p repo.Package) string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf(" (%s:%d)", p.File, p.Line)
}

// bringFor installs Debian's programs for a package of conda.
func (c *condaSplit) bringFor(p repo.Package, need string) string {
	return c.App.bring(p, need)
}

// foreignNames: where the release of conda's image isn't known, apt may install but
// what every release calls the same.
func (c *condaSplit) foreignNames() string {
	if !c.foreign {
		return ""
	}
	for _, n := range slices.Sorted(maps.Keys(c.Apt.Runtime)) {
		if !distro.SameName[n] && !anyRelease[n] {
			return "which release " + c.Stage.BaseName() + " stands on isn't known, so that " + n + " may have another name in the runtime stage"
		}
	}
	if slices.ContainsFunc(c.Apt.Left, func(w string) bool { return strings.HasSuffix(w, "-dev") }) {
		return "which release " + c.Stage.BaseName() + " stands on isn't known, so that the libraries that the build links may be others in the runtime stage"
	}
	return ""
}

// anyRelease are programs that all releases of Debian call the same, besides SameName.
var anyRelease = words(`vim nano less tini dumb-init ffmpeg sqlite3 jq tzdata locales sudo gosu net-tools iputils-ping netcat-openbsd dnsutils rsync postgresql-client redis-tools nginx supervisor cron tmux screen zip htop bash-completion libgl1 libglib2.0-0 tesseract-ocr default-jre default-jre-headless`)

// sourceCalls names a place of the project's source that starts conda.
func (c *condaSplit) sourceCalls() string {
	if !c.Pass.Unsafe || c.micro {
		return ""
	}
	return c.SourceSays(callsConda(), " starts conda, or reads where it lies", []string{".py", ".sh"})
}

var callsConda = lazily(`["']/?(?:[\w/]+/)?(?:conda|mamba|micromamba)["']\s*,|\b(?:os\.system|subprocess\.\w+|Popen|check_output)\(\s*f?["'](?:conda|mamba|micromamba)\s|CONDA_EXE\b|["']/opt/conda/(?:bin|lib|etc)\b`)

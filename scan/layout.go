package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Layout scans an OCI layout, a folder that holds one image of one platform, with
// any scanner of LayoutNames. what names the image in messages.
//
// A report that says of itself that it is about another image is an error. A
// scanner that saw no packages leaves Report.Packages at 0: whether that can be
// true is for the caller, who knows the image.
func (s Scanner) Layout(ctx context.Context, dir, what string) (*Report, error) {
	dir, manifest, config, err := one(dir)
	if err != nil {
		return nil, err
	}
	var args []string
	switch s.Name {
	case "grype":
		// The second report lists the packages, which the first one doesn't.
		args = []string{"oci-dir:" + dir, "-o", "json", "-o", "cyclonedx-json=" + packagesFile, "-c", emptyFile}
	case "trivy":
		args = append(append([]string{}, trivyArgs...), "--input", dir)
	case "scout":
		// Into a file: it has printed progress among the report (docker/scout-cli#78).
		args = []string{"scout", "cves", "--format", "sarif", "--output", reportFile, "oci-dir://" + dir}
	default:
		return nil, fmt.Errorf("%s is no scanner that is known: use %s", s.Name, strings.Join(LayoutNames, ", "))
	}
	var r *Report
	err = s.run(ctx, what, args, nil, func(out []byte, ran string) error {
		var err error
		if s.Name == "scout" {
			if out, err = os.ReadFile(filepath.Join(ran, reportFile)); err != nil {
				return errors.New("it wrote no report")
			}
		}
		if r, err = Read(out); err != nil {
			return err
		}
		if !strings.Contains(strings.ToLower(r.Scanner), s.Name) {
			return fmt.Errorf("its answer is a report of %q", r.Scanner)
		}
		if r.manifest != "" && r.manifest != manifest || r.manifest == "" && r.config != "" && r.config != config {
			return fmt.Errorf("its report is about another image, %s: it was given %s", r.manifest+r.config, manifest)
		}
		if s.Name == "grype" {
			r.Packages = components(filepath.Join(ran, packagesFile))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// The files that a scanner writes in the folder in which it runs.
const (
	packagesFile = "packages.json"
	reportFile   = "report.sarif.json"
)

// one reads which image a layout holds.
func one(dir string) (abs, manifest, config string, err error) {
	if abs, err = filepath.Abs(dir); err != nil {
		return "", "", "", err
	}
	bad := func(why string) error { return fmt.Errorf("%s can't be scanned: %s", dir, why) }
	index, err := layout.ImageIndexFromPath(abs)
	if err != nil {
		return "", "", "", bad(err.Error())
	}
	all, err := index.IndexManifest()
	if err != nil || len(all.Manifests) != 1 || !all.Manifests[0].MediaType.IsImage() {
		return "", "", "", bad("it doesn't hold one image of one platform")
	}
	img, err := index.Image(all.Manifests[0].Digest)
	if err != nil {
		return "", "", "", bad(err.Error())
	}
	name, err := img.ConfigName()
	if err != nil {
		return "", "", "", bad(err.Error())
	}
	return abs, all.Manifests[0].Digest.String(), name.String(), nil
}

// components counts the packages of a bill of materials in CycloneDX: what has a
// package URL (https://cyclonedx.org/docs/1.6/json/#components). -1 when there is
// none: an older grype writes one report only.
func components(file string) int {
	text, err := os.ReadFile(file)
	var doc struct {
		Components []struct{ Purl string }
	}
	if err != nil || json.Unmarshal(text, &doc) != nil {
		return -1
	}
	n := 0
	for _, c := range doc.Components {
		if c.Purl != "" {
			n++
		}
	}
	return n
}

// Materials are the programs that write a bill of materials, in the order in which
// they are looked for, and the form of each.
var Materials = []struct{ Name, Form string }{{"syft", "SPDX JSON"}, {"trivy", "CycloneDX JSON"}, {"grype", "CycloneDX JSON"}}

// ErrNoMaterials: there is no program that lists what an image holds.
var ErrNoMaterials = errors.New("no program on PATH writes a bill of materials: install syft, trivy or grype")

// CanList tells whether SBOM has a program to ask: nil, or ErrNoMaterials.
func CanList() error {
	for _, m := range Materials {
		if _, err := exec.LookPath(m.Name); err == nil {
			return nil
		}
	}
	return ErrNoMaterials
}

// SBOM writes a bill of materials of an OCI layout that holds one image of one
// platform, by the first program of Materials on PATH. It gives the text, and
// which program made it in which form.
func SBOM(ctx context.Context, dir, what string) (text []byte, by string, err error) {
	dir, _, _, err = one(dir)
	if err != nil {
		return nil, "", err
	}
	for _, m := range Materials {
		path, err := exec.LookPath(m.Name)
		if err != nil {
			continue
		}
		args := map[string][]string{
			"syft":  {"scan", "oci-dir:" + dir, "-o", "spdx-json", "-q", "-c", emptyFile},
			"trivy": {"image", "--input", dir, "--format", "cyclonedx", "--quiet", "--config", emptyFile, "--ignorefile", emptyFile},
			"grype": {"oci-dir:" + dir, "-o", "cyclonedx-json", "-c", emptyFile},
		}[m.Name]
		err = Scanner{m.Name, path}.run(ctx, what, args, nil, func(out []byte, _ string) error {
			var doc struct{ SPDXVersion, BOMFormat string }
			if json.Unmarshal(out, &doc) != nil || doc.SPDXVersion == "" && doc.BOMFormat == "" {
				return errors.New("its answer isn't a bill of materials")
			}
			text = out
			return nil
		})
		return text, m.Form + " by " + m.Name, err
	}
	return nil, "", ErrNoMaterials
}

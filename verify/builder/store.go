package builder

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// A docker driver without containerd's image store, and podman, export no OCI
// layout. There the image gets a name of its own in the program's store and is
// saved as an archive, whose layers go into the layout; a later build that takes
// the image as a named context takes it by that name. Close removes the names.
//
// The docker driver's way was tried with a stand-in for docker that behaves as its
// documentation says, never against an engine; podman's with podman 4.3.

// loads tells whether images go by the program's own store.
func (b *Builder) loads() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.load || b.Kind == "podman"
}

// newTag is a name for an image that nobody else uses.
func newTag() string { return "localhost/drydock-" + strings.ToLower(rand.Text()) + ":latest" }

// tagOf is the name of an image that this builder exported.
func (b *Builder) tagOf(digest string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if tag := b.tags[digest]; tag != "" {
		return tag, nil
	}
	return "", &Error{said: fmt.Sprintf("%s has no image %s: this builder can use only images that it exported itself", b.program(), digest)}
}

// buildAndSave builds with a docker driver that exports to its own store only.
func (b *Builder) buildAndSave(ctx context.Context, r Request, tmp string, res *Result, see Observer) error {
	tag := newTag()
	args, err := b.arguments(r, tmp, []string{"--load", "--tag", tag})
	if err != nil {
		return err
	}
	if err := b.start(ctx, r, args, res, see); err != nil {
		if ctx.Err() != nil {
			_ = b.remove(tag) // it may have been loaded just before; mostly there is none
		}
		return err
	}
	res.Digest, err = b.save(ctx, tag, tmp, r.Layout)
	return err
}

// save puts the image with that name into the layout and gives its manifest's
// digest there. The name stays until Close; when saving fails it is removed.
func (b *Builder) save(ctx context.Context, tag, tmp, folder string) (digest string, err error) {
	defer func() {
		if err == nil {
			return
		}
		if stays := b.remove(tag); stays != nil {
			err = &Error{said: err.Error(), todo: stays.Error()}
		}
	}()
	archive := filepath.Join(tmp, "image.tar")
	args := []string{"save", "--output", archive, tag}
	if b.Kind == "podman" {
		args = []string{"save", "--format", "docker-archive", "--output", archive, tag}
	}
	var said bytes.Buffer
	cmd := command(ctx, b.program(), args...)
	cmd.Stderr = &said
	if err := run(cmd); err != nil {
		text := cmp.Or(complaintLine(said.String()), err.Error())
		todo, why := cause(said.String(), "", b.Kind, Request{Layout: tmp})
		return "", &Error{Cause: why, said: b.program() + " save: " + text, todo: todo, Output: tail(said.String(), maxLines)}
	}
	defer os.Remove(archive)
	ref, err := name.NewTag(tag)
	if err != nil {
		return "", err
	}
	image, err := tarball.ImageFromPath(archive, &ref)
	if err != nil {
		return "", fmt.Errorf("%s save wrote an archive that can't be read: %w", b.program(), err)
	}
	path, err := openLayout(folder)
	if err != nil {
		return "", err
	}
	// Blobs alone: two builds at once would write one index over the other's.
	if err := path.WriteImage(image); err != nil {
		return "", fmt.Errorf("writing the image to %s: %w", folder, err)
	}
	hash, err := image.Digest()
	if err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tags == nil {
		b.tags = map[string]string{}
	}
	if old := b.tags[hash.String()]; old != "" {
		// The same image again: one name is enough.
		return hash.String(), b.remove(tag)
	}
	b.tags[hash.String()] = tag
	return hash.String(), nil
}

// openLayout opens the OCI layout in folder, or makes an empty one.
func openLayout(folder string) (layout.Path, error) {
	path, err := layout.FromPath(folder)
	if errors.Is(err, os.ErrNotExist) {
		return layout.Write(folder, empty.Index)
	}
	return path, err
}

// untag removes all names.
func (b *Builder) untag() error {
	b.mu.Lock()
	tags := b.tags
	b.tags = nil
	b.mu.Unlock()
	var errs []error
	for _, tag := range tags {
		errs = append(errs, b.remove(tag))
	}
	return errors.Join(errs...)
}

// remove takes a name away, also after the build's context has ended. Layers that
// the cache holds stay.
func (b *Builder) remove(tag string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args := []string{"rmi", tag}
	if b.Kind == "podman" {
		args = []string{"untag", tag, tag} // rmi would take the cached layers along
	}
	var said bytes.Buffer
	cmd := command(ctx, b.program(), args...)
	cmd.Stderr, cmd.WaitDelay = &said, time.Second
	if err := run(cmd); err != nil {
		return fmt.Errorf("the temporary image %s stays: %s: remove it with %s rmi", tag, cmp.Or(lastLine(said.String()), err.Error()), b.program())
	}
	return nil
}

package imagefs

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// An index keeps what was read of large layers in a folder, one file a layer, so that a base image is unpacked once per
// machine and not once per proof. It is only there to save time: a file that is damaged, of another program or not there
// is made anew from the layer, and what can't be written isn't kept. Programs may share the folder.
type index struct {
	dir     string
	program string // of whose reading the files are, as part of their names
	least   int64  // bytes of a blob that is worth a file
	most    int64  // bytes of all files
}

const (
	indexSuffix  = ".layer"
	indexedBytes = 2 << 20   // compressed; a smaller layer is read as fast as its file would be
	indexMost    = 256 << 20 // bytes: python's takes 6 MB for 400 MB of layers
	indexEntry   = 1 << 30   // bytes of one file, unpacked
)

// Remember keeps what is read of large layers in files of the folder dir, and takes it from there. program identifies the
// program that reads: what another one kept doesn't count, since it may have looked for other things. When the files take
// more than 256 MB the ones that weren't used for longest go. Call it before the first layer is read.
func (r *Reader) Remember(dir, program string) {
	sum := sha256.Sum256([]byte(program + "\x00" + indexFormat))
	r.index = &index{dir: dir, program: hex.EncodeToString(sum[:8]), least: indexedBytes, most: indexMost}
}

// coders are made once: their tables are large.
var coders = sync.OnceValues(func() (*zstd.Encoder, *zstd.Decoder) {
	// These options are never refused.
	w, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(true))
	r, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(indexEntry))
	return w, r
})

func (x *index) file(digest string) string {
	return filepath.Join(x.dir, strings.TrimPrefix(digest, "sha256:")+"-"+x.program+indexSuffix)
}

// get is what was kept of the layer whose blob has that many bytes; nil for nothing.
func (x *index) get(digest string, blob int64) *layer {
	if x == nil || blob < x.least {
		return nil
	}
	name := x.file(digest)
	packed, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	_, r := coders()
	text, err := r.DecodeAll(packed, nil)
	if err != nil {
		return nil
	}
	l := decodeLayer(text)
	if l == nil || l.compressed != blob {
		return nil
	}
	l.digest = digest
	now := time.Now()
	_ = os.Chtimes(name, now, now) // it was used; without that it only goes sooner
	return l
}

// put keeps a layer.
func (x *index) put(l *layer) {
	if x == nil || l.compressed < x.least {
		return
	}
	text := encodeLayer(l)
	if len(text) > indexEntry || os.MkdirAll(x.dir, 0o700) != nil {
		return
	}
	w, _ := coders()
	packed := w.EncodeAll(text, nil)
	if int64(len(packed)) > x.most/2 {
		return
	}
	temp, err := os.CreateTemp(x.dir, ".new-")
	if err != nil {
		return
	}
	defer os.Remove(temp.Name()) // gone already when all went well
	_, err = temp.Write(packed)
	if closed := temp.Close(); err == nil && closed == nil && os.Rename(temp.Name(), x.file(l.digest)) == nil {
		x.prune()
	}
}

// prune removes the files that weren't used for longest until the others fit, and what a killed program left half
// written.
func (x *index) prune() {
	entries, err := os.ReadDir(x.dir)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	total := int64(0)
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular(): // another program was faster
		case strings.HasSuffix(e.Name(), indexSuffix):
			files = append(files, info)
			total += info.Size()
		case strings.HasPrefix(e.Name(), ".new-") && time.Since(info.ModTime()) > time.Hour:
			_ = os.Remove(filepath.Join(x.dir, e.Name()))
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, f := range files {
		if total <= x.most {
			break
		}
		_ = os.Remove(filepath.Join(x.dir, f.Name()))
		total -= f.Size()
	}
}

package checkpoint

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/meseta-go/meseta/hdf5"
)

// A .keras is a zip of metadata.json, config.json and model.weights.h5. Ours is
// stored, not compressed, and ends in a comment with the sum of all its bytes,
// the sum's own digits as zeros.

const zipComment = sumMark + ":"

// saveKeras writes m as a .keras.
func saveKeras(path string, m *Model) error {
	b, err := encodeKeras(m)
	if err != nil {
		return fmt.Errorf("checkpoint: cannot save %s: %w", path, err)
	}
	return hdf5.ReplaceFile(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

func encodeKeras(m *Model) ([]byte, error) {
	root := &hdf5.Group{}
	if err := writeWeights(root, m, false); err != nil {
		return nil, err
	}
	if err := seal(root, m.State); err != nil {
		return nil, err
	}
	var weights bytes.Buffer
	if err := hdf5.Write(&weights, root); err != nil {
		return nil, err
	}
	config, err := joinedConfig(m)
	if err != nil {
		return nil, err
	}
	metadata, err := encodeJSON(map[string]any{"keras_version": kerasVersion})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, part := range []struct {
		name string
		data []byte
	}{{"metadata.json", metadata}, {"config.json", config}, {"model.weights.h5", weights.Bytes()}} {
		size := uint64(len(part.data))
		w, err := z.CreateRaw(&zip.FileHeader{
			Name: part.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(part.data), CompressedSize64: size, UncompressedSize64: size,
		})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(part.data); err != nil {
			return nil, err
		}
	}
	if err := z.SetComment(zipComment + strings.Repeat("0", 2*sha256.Size)); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	b := out.Bytes()
	sum := sha256.Sum256(b)
	hex.Encode(b[len(b)-2*sha256.Size:], sum[:])
	return b, nil
}

// readZip finds the parts of a .keras.
func (f *file) readZip() error {
	f.format = Keras
	z, err := zip.NewReader(bytes.NewReader(f.bytes), int64(len(f.bytes)))
	if err != nil {
		return hdf5.FormatError(err.Error())
	}
	parts := map[string][]byte{}
	for _, entry := range z.File {
		switch entry.Name {
		case "config.json", "model.weights.h5":
			if parts[entry.Name] != nil {
				return hdf5.FormatError("two parts " + entry.Name)
			}
			if parts[entry.Name], err = f.part(entry); err != nil {
				return err
			}
		case "metadata.json":
		default:
			if strings.HasPrefix(entry.Name, "assets/") && strings.HasSuffix(entry.Name, "/") {
				continue
			}
			return hdf5.UnsupportedError("part " + entry.Name + " of a .keras")
		}
	}
	if parts["config.json"] == nil || parts["model.weights.h5"] == nil {
		return hdf5.FormatError("a zip without config.json and model.weights.h5")
	}
	f.config, f.inner = parts["config.json"], parts["model.weights.h5"]
	f.root, err = hdf5.Parse(f.inner)
	return err
}

// part is the content of one file of a zip. A stored one shares f's memory.
func (f *file) part(entry *zip.File) ([]byte, error) {
	size := uint64(len(f.bytes))
	if entry.Method == zip.Store {
		at, err := entry.DataOffset()
		if err != nil || at < 0 || uint64(at) > size || entry.CompressedSize64 > size-uint64(at) || entry.CompressedSize64 != entry.UncompressedSize64 {
			return nil, hdf5.FormatError("part " + entry.Name + " lies outside the file")
		}
		b := f.bytes[at:][:entry.CompressedSize64]
		if crc32.ChecksumIEEE(b) != entry.CRC32 {
			return nil, hdf5.FormatError("wrong checksum of part " + entry.Name)
		}
		return b, nil
	}
	r, err := entry.Open()
	if err != nil {
		return nil, hdf5.FormatError(err.Error())
	}
	defer r.Close()
	limit := 4*size + 1<<20 // Keras stores its parts; JSON shrinks to a tenth, weights hardly
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, hdf5.FormatError("part " + entry.Name + ": " + err.Error())
	}
	if uint64(n) > limit {
		return nil, hdf5.UnsupportedError("part " + entry.Name + ", which unpacks to more than four times the file")
	}
	return out.Bytes(), nil
}

// compareZip takes the sums of the weights file within f and of f itself.
func (f *file) compareZip(r *Report, whole *hdf5.Dataset) {
	inner := sumWithout(f.inner, int(whole.Offset), whole.Data)
	inner.Path = "model.weights.h5"
	r.Datasets = append(r.Datasets, inner)
	r.OK = r.OK && inner.OK
	end := len(f.bytes) - 2*sha256.Size
	if end < 0 || !bytes.HasSuffix(f.bytes[:end], []byte(zipComment)) {
		r.OK, r.problem = false, "it had a sum at its end, which is gone"
		return
	}
	h := sha256.New()
	h.Write(f.bytes[:end])
	h.Write(bytes.Repeat([]byte("0"), 2*sha256.Size))
	sum := hex.EncodeToString(h.Sum(nil))
	r.File = CheckedSum{Bytes: len(f.bytes), Sum: sum, OK: sum == string(f.bytes[end:])}
}

package data

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"strings"

	"gorgonia.org/tensor"
)

// LoadNPZ reads every array of a .npz file (numpy.savez or savez_compressed), by name: x.npy is "x".
//
// Each array is read as ReadNPY does. Errors wrap ErrBroken or ErrUnsupported and name the array.
func LoadNPZ(path string) (map[string]*tensor.Dense, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	archive, err := zip.NewReader(file, info.Size())
	if err != nil {
		return nil, fmt.Errorf("data: npz: %w: %w (%s)", ErrBroken, err, path)
	}
	arrays := map[string]*tensor.Dense{}
	for _, f := range archive.File {
		name := strings.TrimSuffix(f.Name, ".npy")
		if arrays[name] != nil {
			return nil, fmt.Errorf("data: npz: %w: two arrays named %q (%s)", ErrBroken, name, path)
		}
		if arrays[name], err = readZipped(f, uint64(info.Size())); err != nil {
			return nil, fmt.Errorf("%w (%s in %s)", err, f.Name, path)
		}
	}
	return arrays, nil
}

// readZipped reads one member of an archive of archive bytes.
func readZipped(f *zip.File, archive uint64) (*tensor.Dense, error) {
	if f.CompressedSize64 > archive || f.UncompressedSize64 > deflateRatio*f.CompressedSize64 || f.UncompressedSize64 > maxBytes {
		return nil, fmt.Errorf("data: npz: %w: %d bytes cannot come of %d in an archive of %d", ErrBroken, f.UncompressedSize64, f.CompressedSize64, archive)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("data: npz: %w: %w", ErrBroken, err)
	}
	defer r.Close()
	t, err := ReadNPY(r, int64(f.UncompressedSize64))
	if err != nil {
		return nil, err
	}
	// The archive's checksum is compared at the end of the member, which the last element is not.
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return nil, fmt.Errorf("data: npz: %w: after the last element: %d bytes, %v", ErrBroken, n, err)
	}
	return t, nil
}

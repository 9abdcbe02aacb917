package data

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"gorgonia.org/tensor"
)

// LoadNPZ reads every array of a .npz file (numpy.savez or savez_compressed), by name: x.npy is "x".
//
// Each array is read as ReadNPY does. Errors wrap ErrBroken or ErrUnsupported and name the array.
func LoadNPZ(path string) (arrays map[string]*tensor.Dense, err error) {
	f, err := openNPZ(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	arrays = map[string]*tensor.Dense{}
	for _, name := range f.names {
		if arrays[name], err = f.load(name); err != nil {
			return nil, err
		}
	}
	return arrays, nil
}

// openNPZ lists the arrays of a .npz file.
func openNPZ(path string) (*arrayFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	f := &arrayFile{close: file.Close}
	members, size, err := listNPZ(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data: npz: %w: %w (%s)", ErrBroken, err, path), file.Close())
	}
	f.names = slices.Sorted(maps.Keys(members))
	f.load = func(name string) (*tensor.Dense, error) {
		t, err := readZipped(members[name], uint64(size))
		if err != nil {
			return nil, fmt.Errorf("%w (%s in %s)", err, members[name].Name, path)
		}
		return t, nil
	}
	return f, nil
}

// listNPZ gives the members of an archive by the names of their arrays, and its size in bytes.
func listNPZ(file *os.File) (members map[string]*zip.File, size int64, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	archive, err := zip.NewReader(file, info.Size())
	if err != nil {
		return nil, 0, err
	}
	members = map[string]*zip.File{}
	for _, f := range archive.File {
		name := strings.TrimSuffix(f.Name, ".npy")
		if members[name] != nil {
			return nil, 0, fmt.Errorf("two arrays named %q", name)
		}
		members[name] = f
	}
	return members, info.Size(), nil
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

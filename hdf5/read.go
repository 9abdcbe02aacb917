package hdf5

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxDepth bounds how deep groups nest; Keras nests about ten deep.
const maxDepth = 256

// Read reads the whole file of size bytes.
//
// It holds the file in memory once, and contiguous data share that memory.
// Every size that the file states is held against the file's length before
// anything is allocated: all allocations together stay below four times size
// (plus 256 KiB), except for compressed data, which take what they really unpack
// to and are counted before they are unpacked.
//
// It returns a FormatError for a broken file and an UnsupportedError for a
// feature that it does not read. Modification times and creation order are
// ignored; nothing else is.
func Read(src io.ReaderAt, size int64) (*Group, error) {
	if size < 48 {
		return nil, broken("%d bytes are too few for an HDF5 file", size)
	}
	b := make([]byte, size)
	if _, err := src.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("hdf5: %w", err)
	}
	return Parse(b)
}

// ReadFile reads the file at path; errors name it. See Read.
func ReadFile(path string) (*Group, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("hdf5: %w", err)
	}
	root, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return root, nil
}

// Parse reads a file that is in memory already; the tree shares b. See Read.
func Parse(b []byte) (*Group, error) {
	r := &reader{
		file:        b,
		budget:      3*len(b) + 1<<18,
		seen:        map[uint64]bool{},
		objects:     map[uint64]bool{},
		collections: map[uint64]map[uint32]*heapObject{},
	}
	root, err := r.superblock()
	if err != nil {
		return nil, err
	}
	o, err := r.object(root, 0)
	if err != nil {
		return nil, err
	}
	group, ok := o.(*Group)
	if !ok {
		return nil, broken("the root is not a group")
	}
	return group, nil
}

// reader reads one file that is in memory.
type reader struct {
	file        []byte
	leafK       int
	internalK   int
	budget      int             // bytes that may still be allocated
	seen        map[uint64]bool // structures that are read once, by address
	objects     map[uint64]bool // object headers, by address
	collections map[uint64]map[uint32]*heapObject
}

func (r *reader) size() uint64 { return uint64(len(r.file)) }

// bytes is a piece of the file.
func (r *reader) bytes(addr, n uint64) ([]byte, error) {
	if addr > r.size() || n > r.size()-addr {
		return nil, broken("%d bytes at %d lie outside the %d bytes of the file", n, addr, r.size())
	}
	return r.file[addr : addr+n : addr+n], nil
}

// once is bytes for a structure that a sound file refers to in one place: a
// second visit means a loop.
func (r *reader) once(addr, n uint64, what string) ([]byte, error) {
	if r.seen[addr] {
		return nil, broken("the %s at %d is used twice", what, addr)
	}
	r.seen[addr] = true
	if err := r.charge(48); err != nil {
		return nil, err
	}
	return r.bytes(addr, n)
}

// charge takes n bytes, about to be allocated, off the budget. A sound file
// stays far below it; one whose structures overlap may not.
func (r *reader) charge(n int) error {
	if n > r.budget {
		return broken("its structures overlap: they add up to more than three times its size")
	}
	r.budget -= n
	return nil
}

// superblock reads the superblock (section II) and returns the root's address.
func (r *reader) superblock() (root uint64, err error) {
	b := r.file
	if len(b) < 48 || string(b[:8]) != signature {
		for at := 512; at < len(b); at *= 2 { // where else a superblock may be
			if bytes.HasPrefix(b[at:], []byte(signature)) {
				return 0, unsupported("a user block of %d bytes", at)
			}
		}
		return 0, broken("no HDF5 signature at its start")
	}
	var base, end uint64
	r.leafK, r.internalK = 1<<14, 1<<14 // newer superblocks state no limits
	switch version := b[8]; version {
	case 0, 1:
		at := 24 // where the addresses begin
		if version == 1 {
			at = 28
		}
		if len(b) < at+72 {
			return 0, broken("superblock cut short")
		}
		if b[13] != 8 || b[14] != 8 {
			return 0, unsupported("offsets of %d and lengths of %d bytes (only 8)", b[13], b[14])
		}
		r.leafK, r.internalK = int(le.Uint16(b[16:])), int(le.Uint16(b[18:]))
		base, end, root = le.Uint64(b[at:]), le.Uint64(b[at+16:]), le.Uint64(b[at+40:])
	case 2, 3:
		if b[9] != 8 || b[10] != 8 {
			return 0, unsupported("offsets of %d and lengths of %d bytes (only 8)", b[9], b[10])
		}
		if _, err := checked(b[:48], "superblock", 0); err != nil {
			return 0, err
		}
		base, end, root = le.Uint64(b[12:]), le.Uint64(b[28:]), le.Uint64(b[36:])
	default:
		return 0, unsupported("superblock version %d", version)
	}
	if base != 0 {
		return 0, unsupported("base address %d (a user block)", base)
	}
	if end > r.size() {
		return 0, broken("cut short: it should have %d bytes and has %d", end, r.size())
	}
	return root, nil
}

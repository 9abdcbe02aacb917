package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxImageFile is the largest image file that is read, in bytes. Its decoded size is bounded by its own header.
const maxImageFile = 256 << 20

// member is a file or folder within a container.
type member struct {
	name   string // from the container's root, with /
	folder bool
	size   int64 // bytes

	at     int64     // in a .tar file: where it starts
	zipped *zip.File // in a .zip file
	held   []byte    // of a .tar.gz file, of which no part can be read by itself
}

// container is a directory or an archive. open is safe for concurrent use.
type container struct {
	path    string
	members []member // sorted by folder, then by name, each once; without hidden ones
	ignored int      // files that are no images by their suffix
	open    func(*member) (io.ReadCloser, error)
	file    *os.File // of archives that stay open
}

// openContainer lists a directory, or an archive by its suffix. limit bounds what of a .tar.gz is held in memory, in bytes.
func openContainer(name string, limit int64) (*container, error) {
	c := &container{path: name}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("data: folder: %w", err)
	}
	lower := strings.ToLower(name)
	switch {
	case info.IsDir():
		err = c.listDirectory()
	case strings.HasSuffix(lower, ".zip"):
		err = c.withFile(info.Size(), (*container).listZip)
	case strings.HasSuffix(lower, ".tar"):
		err = c.withFile(info.Size(), (*container).listTar)
	case strings.HasSuffix(lower, ".tar.gz"), strings.HasSuffix(lower, ".tgz"):
		err = c.readPackedTar(limit)
	default:
		err = fmt.Errorf("neither a directory nor a .tar, .tar.gz or .zip file: %w", ErrUnsupported)
	}
	if err == nil {
		err = c.sort()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data: folder: %s: %w", name, err), c.close())
	}
	return c, nil
}

// openImageFile gives the folder of a single image with this image alone, or nil if name is something else.
func openImageFile(name string) (*container, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("data: folder: %w", err)
	}
	if !info.Mode().IsRegular() || !IsImage(name) {
		return nil, nil
	}
	c := &container{path: filepath.Dir(name)}
	c.open = func(*member) (io.ReadCloser, error) { return os.Open(name) }
	c.members = []member{{name: filepath.Base(name), size: info.Size()}}
	return c, nil
}

// IsArchive says whether OpenFolder takes a file of this name for an archive: .zip, .tar, .tar.gz, .tgz.
func IsArchive(name string) bool {
	lower := strings.ToLower(name)
	for _, suffix := range []string{".zip", ".tar", ".tar.gz", ".tgz"} {
		if strings.HasSuffix(lower, suffix) {
			return true
		}
	}
	return false
}

func (c *container) close() error {
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}

func (c *container) withFile(size int64, list func(*container, int64) error) (err error) {
	if c.file, err = os.Open(c.path); err != nil {
		return err
	}
	return list(c, size)
}

// IsImage says whether a name is that of an image file. It goes by the suffix, as Keras's image_dataset_from_directory.
func IsImage(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp":
		return true
	}
	return false
}

// add lists a member. Hidden files and folders, and those that macOS adds to archives, do not count.
func (c *container) add(m member) {
	m.name = strings.TrimPrefix(path.Clean("/"+m.name), "/")
	for part := range strings.SplitSeq(m.name, "/") {
		if part == "" || part[0] == '.' || part == "__MACOSX" {
			return
		}
	}
	if !m.folder && !IsImage(m.name) {
		c.ignored++
		return
	}
	c.members = append(c.members, m)
}

// sort brings the members into an order that does not depend on the container's: the classes' and files' names compared by
// code points, as Python does.
func (c *container) sort() error {
	slices.SortStableFunc(c.members, func(a, b member) int {
		if d := strings.Compare(path.Dir(a.name), path.Dir(b.name)); d != 0 {
			return d
		}
		return strings.Compare(a.name, b.name)
	})
	for i := 1; i < len(c.members); i++ {
		if a, b := &c.members[i-1], &c.members[i]; a.name == b.name && !(a.folder && b.folder) {
			return fmt.Errorf("%w: it holds %q twice", ErrBroken, a.name)
		}
	}
	return nil
}

func (c *container) listDirectory() error {
	// The root itself may be a link; links to folders within are not followed, so that no walk is endless.
	root, err := filepath.EvalSymlinks(c.path)
	if err != nil {
		return err
	}
	c.open = func(m *member) (io.ReadCloser, error) {
		return os.Open(filepath.Join(root, filepath.FromSlash(m.name)))
	}
	return filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		inside, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		m := member{name: filepath.ToSlash(inside), folder: entry.IsDir()}
		if entry.Name()[0] == '.' {
			if m.folder {
				return fs.SkipDir
			}
			return nil
		}
		if !m.folder && IsImage(m.name) {
			info, err := os.Stat(name)
			if err != nil {
				return err
			}
			if !info.Mode().IsRegular() {
				c.ignored++
				return nil
			}
			m.size = info.Size()
		}
		c.add(m)
		return nil
	})
}

func (c *container) listZip(size int64) error {
	archive, err := zip.NewReader(c.file, size)
	if err != nil {
		return fmt.Errorf("%w: zip: %w", ErrBroken, err)
	}
	c.open = func(m *member) (io.ReadCloser, error) {
		r, err := m.zipped.Open()
		if err != nil {
			return nil, fmt.Errorf("%w: zip: %w", ErrBroken, err)
		}
		return r, nil
	}
	for _, f := range archive.File {
		if f.Flags&1 != 0 && IsImage(f.Name) {
			return fmt.Errorf("%q is encrypted, which is %w", f.Name, ErrUnsupported)
		}
		c.add(member{name: f.Name, folder: strings.HasSuffix(f.Name, "/"), size: int64(min(f.UncompressedSize64, maxBytes)), zipped: f})
	}
	return nil
}

// listTar remembers where each member starts, so that workers read them by themselves.
func (c *container) listTar(int64) error {
	c.open = func(m *member) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(c.file, m.at, m.size)), nil
	}
	// A tar.Reader asks no more of a file than what it hands on, so that after a header the file stands at the member.
	return c.eachTar(c.file, func(m member, _ io.Reader) (err error) {
		if m.at, err = c.file.Seek(0, io.SeekCurrent); err == nil {
			c.add(m)
		}
		return err
	})
}

// eachTar calls f for each file and folder of a tar file.
func (c *container) eachTar(r io.Reader, f func(member, io.Reader) error) error {
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: tar: %w", ErrBroken, whole(err))
		}
		sparse := h.Typeflag == tar.TypeGNUSparse
		for key := range h.PAXRecords {
			sparse = sparse || strings.HasPrefix(key, "GNU.sparse.")
		}
		switch {
		case h.Typeflag == tar.TypeDir:
			err = f(member{name: h.Name, folder: true}, nil)
		case sparse, h.Typeflag == tar.TypeLink, h.Typeflag == tar.TypeSymlink:
			if IsImage(h.Name) {
				err = fmt.Errorf("%q is a link or a sparse file, which in a tar file is %w; pack with --dereference --hard-dereference", h.Name, ErrUnsupported)
			}
		case h.Typeflag == tar.TypeReg:
			err = f(member{name: h.Name, size: h.Size}, archive)
		default:
			c.ignored++
		}
		if err != nil {
			return err
		}
	}
}

// readPackedTar holds all images of a .tar.gz file in memory, still encoded.
func (c *container) readPackedTar(limit int64) error {
	c.open = func(m *member) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.held)), nil }
	file, err := os.Open(c.path)
	if err != nil {
		return err
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("%w: gzip: %w", ErrBroken, whole(err))
	}
	total := int64(0)
	err = c.eachTar(z, func(m member, r io.Reader) (err error) {
		// Besides its bytes, a member costs its name and its place in the list.
		total += int64(len(m.name)) + 256
		if !m.folder && IsImage(m.name) && m.size <= maxImageFile {
			if total += m.size; total <= limit {
				if m.held, err = readGrowing(r, m.size); err != nil {
					return fmt.Errorf("%w: %q: %w", ErrBroken, m.name, err)
				}
			}
		}
		if total > limit {
			return fmt.Errorf("the images of a .tar.gz file are held in memory, at %q they exceed %d bytes (PackedBytes); pack them as .tar or .zip, which are read in place",
				m.name, limit)
		}
		c.add(m)
		return nil
	})
	if err != nil {
		return err
	}
	// Reading on to the end makes gzip compare its checksum.
	if _, err := io.Copy(io.Discard, z); err != nil {
		return fmt.Errorf("%w: gzip: %w", ErrBroken, err)
	}
	return nil
}

// check bounds a member's size before memory is taken for it.
func (m *member) check() error {
	if m.size > maxImageFile {
		return fmt.Errorf("a file of %d bytes is %w; at most %d are", m.size, ErrUnsupported, maxImageFile)
	}
	if z := m.zipped; z != nil && z.UncompressedSize64 > deflateRatio*z.CompressedSize64 {
		return fmt.Errorf("%w: zip: %d bytes cannot come of %d", ErrBroken, z.UncompressedSize64, z.CompressedSize64)
	}
	return nil
}

// header reads the header of the image m.
func (c *container) header(m *member, maxPixels int) (h imageHeader, err error) {
	if err := m.check(); err != nil {
		return h, err
	}
	r, err := c.open(m)
	if err != nil {
		return h, err
	}
	h, err = readHeader(r, maxPixels)
	return h, errors.Join(err, r.Close())
}

// read gives the whole file m, in into where it has room.
func (c *container) read(m *member, into []byte) ([]byte, error) {
	if m.held != nil {
		return m.held, nil
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	r, err := c.open(m)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if int64(cap(into)) <= m.size {
		// One byte more: the read that meets the end is the one that compares a zip's checksum.
		into = make([]byte, m.size+1)
	}
	into = into[:m.size+1]
	n, err := io.ReadFull(r, into)
	if err == nil {
		return nil, fmt.Errorf("%w: it has grown beyond %d bytes since it was listed", ErrBroken, m.size)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if int64(n) != m.size {
		return nil, fmt.Errorf("%w: %d bytes of %d: %w", ErrBroken, n, m.size, io.ErrUnexpectedEOF)
	}
	return into[:n], nil
}

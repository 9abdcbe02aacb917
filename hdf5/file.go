package hdf5

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// WriteFile writes the tree below root to path, as ReplaceFile does.
func WriteFile(path string, root *Group) error {
	return ReplaceFile(path, func(w io.Writer) error { return Write(w, root) })
}

// ReplaceFile gives the file at path the bytes that write writes, so that a
// crash at any moment leaves either the old file or the new one, whole.
//
// The bytes go to a temporary file in the same directory, which is synced to
// disk and then renamed; then the directory is synced. When anything fails, a
// full disk for one, the old file stays as it was and the temporary file is
// removed. A process that is killed leaves its temporary file behind: see
// RemoveStale. A symbolic link at path is followed; permissions are kept.
func ReplaceFile(path string, write func(io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if err := replace(path, write); err != nil {
		return fmt.Errorf("hdf5: cannot write %s (what was there before is untouched): %w", path, err)
	}
	return nil
}

func replace(path string, write func(io.Writer) error) (err error) {
	mode := fs.FileMode(0o666)
	old, statErr := os.Stat(path)
	if statErr == nil {
		if !old.Mode().IsRegular() {
			return errors.New("not a regular file")
		}
		mode = old.Mode().Perm()
	}
	f, err := createTemporary(path, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close() // fails where it is closed already
			os.Remove(f.Name())
		}
	}()
	if statErr == nil {
		if err = f.Chmod(mode); err != nil { // past the umask
			return err
		}
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err = write(w); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	// Renamed while still open, so while still locked: RemoveStale cannot take
	// it for a leftover in between.
	if err = rename(f, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// temporaryMark parts the name of a temporary file: .NAME.h5tmp-0123abcd.
const temporaryMark = ".h5tmp-"

// temporaryPrefix begins the names of the temporary files for path.
func temporaryPrefix(path string) string {
	base := filepath.Base(path)
	// File names have 255 bytes at most.
	return "." + base[:min(len(base), 200)] + temporaryMark
}

// createTemporary creates and locks a file beside path.
func createTemporary(path string, mode fs.FileMode) (*os.File, error) {
	for {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf("%s%08x", temporaryPrefix(path), rand.Uint32()))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode|0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// The lock tells RemoveStale that the writer lives; the system drops it
		// when the process dies.
		if err := lock(f); err != nil {
			f.Close()
			os.Remove(name)
			return nil, err
		}
		if _, err := os.Stat(name); err == nil {
			return f, nil
		}
		f.Close() // RemoveStale came between creation and lock
	}
}

// RemoveStale removes the temporary files that killed writers of path left
// behind, or of any file in it where path is a directory, and returns their
// names. Files of writers that are still at work, in this process or another,
// stay. Call it once at start.
func RemoveStale(path string) ([]string, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir, prefix := filepath.Dir(path), temporaryPrefix(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		dir, prefix = path, ""
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("hdf5: cannot look for stale files of %s: %w", path, err)
	}
	var removed []string
	for _, e := range entries {
		if !isTemporary(e.Name(), prefix) || !e.Type().IsRegular() {
			continue
		}
		name := filepath.Join(dir, e.Name())
		gone, err := removeUnlocked(name)
		if err != nil {
			return removed, fmt.Errorf("hdf5: cannot remove the stale file %s: %w", name, err)
		}
		if gone {
			removed = append(removed, name)
		}
	}
	return removed, nil
}

// isTemporary says whether name is that of a temporary file with the prefix; ""
// stands for any.
func isTemporary(name, prefix string) bool {
	at := strings.LastIndex(name, temporaryMark)
	if at < 1 || name[0] != '.' || prefix != "" && name[:at+len(temporaryMark)] != prefix {
		return false
	}
	digits := name[at+len(temporaryMark):]
	return len(digits) == 8 && strings.Trim(digits, "0123456789abcdef") == ""
}

func removeUnlocked(name string) (gone bool, err error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if free, err := tryLock(f); err != nil || !free {
		return false, err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, nil
}

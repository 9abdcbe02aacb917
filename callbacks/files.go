package callbacks

import (
	"fmt"
	"os"
	"path/filepath"
)

// path is where a callback's path lies: under the run directory unless it is absolute.
func (s *Setup) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(s.Dir, p)
}

// checkWritable makes the directory of file if it is missing, and tries whether files can be written there.
func checkWritable(file string) error {
	if err := makeDirectory(file); err != nil {
		return err
	}
	dir := filepath.Dir(file)
	probe, err := os.CreateTemp(dir, ".meseta-probe-*")
	if err != nil {
		return fmt.Errorf("directory %s cannot be written: %w; choose another path", dir, err)
	}
	closeErr := probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return fmt.Errorf("directory %s: %w", dir, err)
	}
	return closeErr
}

// makeDirectory makes the directory of file if it is missing.
func makeDirectory(file string) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("directory %s cannot be made: %w; choose another path", dir, err)
	}
	return nil
}

// openLog opens a file that is written line by line, at its end if keep, else empty. A line that a crash left without its
// end is dropped.
func openLog(file string, keep bool) (*os.File, error) {
	if err := makeDirectory(file); err != nil {
		return nil, err
	}
	flags := os.O_RDWR | os.O_CREATE
	if !keep {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(file, flags, 0o666)
	if err != nil {
		return nil, err
	}
	if keep {
		if err := dropTornLine(f); err != nil {
			return nil, fmt.Errorf("%w (closing: %v)", err, f.Close())
		}
	}
	return f, nil
}

// dropTornLine cuts f behind its last newline and goes there.
func dropTornLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() { // a pipe or a device has no lines to look at
		return nil
	}
	end := info.Size()
	const window = 4096
	buffer := make([]byte, window)
	for end > 0 {
		n := min(end, window)
		if _, err := f.ReadAt(buffer[:n], end-n); err != nil {
			return err
		}
		i := n - 1
		for i >= 0 && buffer[i] != '\n' {
			i--
		}
		if i >= 0 {
			end -= n - 1 - i
			break
		}
		end -= n
	}
	if err := f.Truncate(end); err != nil {
		return err
	}
	_, err = f.Seek(end, 0)
	return err
}

// checkLogFile tries whether file can be written in its directory, and is no directory itself.
func checkLogFile(file string) error {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory; choose another filename", file)
	}
	return checkWritable(file)
}

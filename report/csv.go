package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"unicode"
)

// CSV is a table of epochs in a file, as Keras's CSVLogger writes it: a column epoch, 0-based, then the metrics in
// alphabetical order; NA where an epoch lacks one. Each row is flushed to the file. A metric that comes later gets a column
// on the right.
type CSV struct {
	file    *os.File
	writer  *csv.Writer
	columns []string
}

// OpenCSV starts a table with columns for names. keep says which rows of a table that is in the file stay, by their epoch, and a
// nil keep empties it; columns that the table lacks are added, and a row that a crash cut off goes.
func OpenCSV(path string, separator rune, names []string, keep func(epoch int) bool) (*CSV, error) {
	if err := CheckSeparator(separator); err != nil {
		return nil, err
	}
	flags := os.O_RDWR | os.O_CREATE
	if keep == nil {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(path, flags, 0o666)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	t := &CSV{columns: slices.Sorted(slices.Values(names))}
	t.use(file, separator)
	if err := t.start(keep); err != nil {
		_ = t.file.Close() // the error that counts is err
		return nil, fmt.Errorf("report: %s: %w", path, err)
	}
	return t, nil
}

// use makes file the one that is written.
func (t *CSV) use(file *os.File, separator rune) {
	t.file, t.writer = file, csv.NewWriter(file)
	t.writer.Comma = separator
}

// CheckSeparator reports a separator that would make a table unreadable.
func CheckSeparator(separator rune) error {
	if separator == '"' || separator == '\r' || separator == '\n' || separator == unicode.ReplacementChar || separator == 0 {
		return fmt.Errorf("report: %q cannot separate columns; use a comma, a semicolon or a tab", separator)
	}
	return nil
}

// maxTable is the size in bytes of the largest file that is taken for a table to continue.
const maxTable = 1 << 28

// start writes the header, or makes the table that is there ready to be continued.
func (t *CSV) start(keep func(epoch int) bool) error {
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 || !info.Mode().IsRegular() { // a pipe or a device has nothing to read
		return t.write(append([]string{"epoch"}, t.columns...))
	}
	columns, rows, whole, err := t.read()
	if err != nil {
		return fmt.Errorf("it is no table of epochs: %w; choose another file, or do not append", err)
	}
	kept := slices.DeleteFunc(slices.Clone(rows), func(row []string) bool {
		epoch, err := strconv.Atoi(row[0])
		return err == nil && !keep(epoch)
	})
	added := missing(columns, t.columns)
	t.columns = append(columns, added...)
	if whole && len(added) == 0 && len(kept) == len(rows) {
		_, err = t.file.Seek(0, io.SeekEnd)
		return err
	}
	return t.rewrite(kept)
}

// missing are the names that columns lack.
func missing(columns, names []string) (lacking []string) {
	for _, name := range names {
		if !slices.Contains(columns, name) {
			lacking = append(lacking, name)
		}
	}
	return lacking
}

// read reads the table in the file. whole is false if its last row was cut off, which is left out.
func (t *CSV) read() (columns []string, rows [][]string, whole bool, err error) {
	text, err := io.ReadAll(io.NewSectionReader(t.file, 0, maxTable+1))
	if err != nil {
		return nil, nil, false, err
	}
	if len(text) > maxTable {
		return nil, nil, false, fmt.Errorf("it has more than %d bytes", maxTable)
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	reader := csv.NewReader(bytes.NewReader(text[:end]))
	reader.Comma, reader.FieldsPerRecord = t.writer.Comma, -1
	rows, err = reader.ReadAll()
	if err != nil {
		return nil, nil, false, err
	}
	if len(rows) == 0 || rows[0][0] != "epoch" {
		return nil, nil, false, errors.New("its first column is not epoch")
	}
	return rows[0][1:], rows[1:], end == len(text), nil
}

// rewrite puts the header and rows, filled up with NA, in place of what is in the file: the old content or all of the new is
// there at any time.
func (t *CSV) rewrite(rows [][]string) error {
	path, separator := t.file.Name(), t.writer.Comma
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".csv-*")
	if err != nil {
		return err
	}
	w := csv.NewWriter(temporary)
	w.Comma = separator
	err = w.Write(append([]string{"epoch"}, t.columns...))
	for _, row := range rows {
		for len(row) <= len(t.columns) {
			row = append(row, "NA")
		}
		err = errors.Join(err, w.Write(row))
	}
	w.Flush()
	err = errors.Join(err, w.Error(), temporary.Chmod(info.Mode().Perm()), temporary.Sync(), temporary.Close(), t.file.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0o666)
	if err != nil {
		return err
	}
	t.use(file, separator)
	_, err = file.Seek(0, io.SeekEnd)
	return err
}

// addColumns gives the table columns for metrics that it did not have.
func (t *CSV) addColumns(names []string) error {
	if info, err := t.file.Stat(); err != nil {
		return err
	} else if !info.Mode().IsRegular() {
		return errors.New("it is no regular file, so that it cannot have further columns")
	}
	_, rows, _, err := t.read()
	if err != nil {
		return err
	}
	t.columns = append(t.columns, names...)
	return t.rewrite(rows)
}

// Row writes an epoch, 0-based.
func (t *CSV) Row(epoch int, metrics map[string]float64) error {
	if added := missing(t.columns, ordered(metrics, nil)); added != nil {
		if err := t.addColumns(added); err != nil {
			return fmt.Errorf("report: a column in %s for %v, which epoch %d logged: %w", t.file.Name(), added, epoch+1, err)
		}
	}
	row := []string{strconv.Itoa(epoch)}
	for _, name := range t.columns {
		if x, ok := metrics[name]; ok {
			row = append(row, number(x))
		} else {
			row = append(row, "NA")
		}
	}
	if err := t.write(row); err != nil {
		return fmt.Errorf("report: writing %s: %w; free some space, or choose another file", t.file.Name(), err)
	}
	return nil
}

func (t *CSV) write(row []string) error {
	if err := t.writer.Write(row); err != nil {
		return err
	}
	t.writer.Flush()
	return t.writer.Error()
}

// Close closes the file.
func (t *CSV) Close() error { return t.file.Close() }

// number is the shortest text that reads back as x, with Python's names for what is not finite.
func number(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

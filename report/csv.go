package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// CSV is a table of epochs in a file, as Keras's CSVLogger writes it: a column epoch, 0-based, then the metrics in
// alphabetical order; NA where an epoch lacks one. Each row is flushed to the file.
type CSV struct {
	file    *os.File
	writer  *csv.Writer
	columns []string
}

// OpenCSV starts a table with the columns of names. If keep, a table in the file that has the same columns is continued,
// and one with others is an error; else the file is emptied.
func OpenCSV(path string, separator rune, names []string, keep bool) (*CSV, error) {
	if err := CheckSeparator(separator); err != nil {
		return nil, err
	}
	columns := slices.Sorted(slices.Values(names))
	flags := os.O_RDWR | os.O_CREATE
	if !keep {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(path, flags, 0o666)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	t := &CSV{file: file, writer: csv.NewWriter(file), columns: columns}
	t.writer.Comma = separator
	if err := t.start(); err != nil {
		_ = file.Close() // the error that counts is err
		return nil, fmt.Errorf("report: %s: %w", path, err)
	}
	return t, nil
}

// CheckSeparator reports a separator that would make a table unreadable.
func CheckSeparator(separator rune) error {
	if separator == '"' || separator == '\r' || separator == '\n' || separator == unicode.ReplacementChar || separator == 0 {
		return fmt.Errorf("report: %q cannot separate columns; use a comma, a semicolon or a tab", separator)
	}
	return nil
}

const maxHeader = 1 << 20 // bytes; a longer first line is no header of ours

// start writes the header, or checks the one that is there and goes to the end of the file.
func (t *CSV) start() error {
	header := append([]string{"epoch"}, t.columns...)
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 || !info.Mode().IsRegular() { // a pipe or a device has nothing to read
		return t.write(header)
	}
	line, err := bufio.NewReader(io.LimitReader(t.file, maxHeader)).ReadString('\n')
	if err != nil && err != io.EOF {
		return err
	}
	reader := csv.NewReader(strings.NewReader(line))
	reader.Comma = t.writer.Comma
	have, err := reader.Read()
	if err != nil {
		return fmt.Errorf("its first line is no CSV header: %w; choose another file, or do not append", err)
	}
	if !slices.Equal(have, header) {
		return fmt.Errorf("it has the columns %s and this run %s; choose another file, or do not append", strings.Join(have, ", "), strings.Join(header, ", "))
	}
	end, err := t.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	last := make([]byte, 1)
	if _, err := t.file.ReadAt(last, end-1); err != nil {
		return err
	}
	if last[0] != '\n' { // a row that a crash cut off stays, on a line of its own
		_, err = t.file.WriteString("\n")
	}
	return err
}

// Row writes an epoch, 0-based. Metrics that have no column are an error: they would be lost.
func (t *CSV) Row(epoch int, metrics map[string]float64) error {
	row := []string{strconv.Itoa(epoch)}
	known := 0
	for _, name := range t.columns {
		x, ok := metrics[name]
		if !ok {
			row = append(row, "NA")
			continue
		}
		known++
		row = append(row, number(x))
	}
	if known < len(metrics) {
		return fmt.Errorf("report: %s has the columns %s and epoch %d logged %s", t.file.Name(), strings.Join(t.columns, ", "), epoch+1, strings.Join(ordered(metrics, nil), ", "))
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

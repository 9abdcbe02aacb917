package callbacks

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/meseta-go/meseta/report"
)

// CSVLogger writes a row for each epoch to a CSV file, flushed at once: a column epoch, 0-based, and the metrics in
// alphabetical order. Keras: callbacks.CSVLogger.
type CSVLogger struct {
	Filename  string // relative paths lie under the run directory
	Separator string // one character; default a comma
	Append    bool   // continues a file that exists, which must have the same columns; else it is emptied

	path      string
	separator rune
	names     []string
	table     *report.CSV
}

// Name returns csv_logger.
func (*CSVLogger) Name() string { return "csv_logger" }

func (c *CSVLogger) parameters() []parameter {
	return []parameter{{"filename", &c.Filename}, {"separator", &c.Separator}, {"append", &c.Append}}
}

// Begin checks that the file can be written.
func (c *CSVLogger) Begin(s *Setup) error {
	if c.Filename == "" {
		return errors.New("callbacks: CSVLogger: Filename is empty; give one, history.csv say")
	}
	c.separator = ','
	if c.Separator != "" {
		var size int
		if c.separator, size = utf8.DecodeRuneInString(c.Separator); size < len(c.Separator) {
			return fmt.Errorf("callbacks: CSVLogger: Separator is %q; it is one character", c.Separator)
		}
	}
	if err := report.CheckSeparator(c.separator); err != nil {
		return fmt.Errorf("callbacks: CSVLogger: %w", err)
	}
	c.path, c.names, c.table = s.path(c.Filename), s.Names(), nil
	if s.Replay {
		return nil
	}
	if err := checkLogFile(c.path); err != nil {
		return fmt.Errorf("callbacks: CSVLogger: %w", err)
	}
	return nil
}

// Watch writes the rows.
func (c *CSVLogger) Watch(e Event) (err error) {
	switch {
	case e.Kind == TrainBegin:
		c.table, err = report.OpenCSV(c.path, c.separator, c.names, c.Append)
	case c.table == nil: // it could not be opened, which was reported
	case e.Kind == EpochEnd:
		err = c.table.Row(e.Epoch, e.Logs)
	case e.Kind == TrainEnd:
		err = c.table.Close()
		c.table = nil
	}
	return err
}

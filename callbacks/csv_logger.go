package callbacks

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/meseta-go/meseta/report"
)

// CSVLogger writes a row for each epoch to a CSV file, flushed at once: a column epoch, 0-based, and the metrics in
// alphabetical order. A metric that comes later gets a column on the right. A run that is resumed continues its file, and no
// epoch is in it twice. Keras: callbacks.CSVLogger.
type CSVLogger struct {
	Filename  string // relative paths lie under the run directory
	Separator string // one character; default a comma
	Append    bool   // continues a file that exists; else it is emptied

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

// keeps says which rows of a file that is there stay as training begins.
func (c *CSVLogger) keeps(e Event) func(epoch int) bool {
	switch {
	case e.Updates > 0: // the run is resumed: what is done again is written again
		return func(epoch int) bool { return epoch < e.Epoch }
	case c.Append:
		return func(int) bool { return true }
	default:
		return nil
	}
}

// Watch writes the rows.
func (c *CSVLogger) Watch(e Event) (err error) {
	switch {
	case e.Kind == TrainBegin:
		c.table, err = report.OpenCSV(c.path, c.separator, c.names, c.keeps(e))
	case c.table == nil: // it could not be opened, which was reported
	case e.Kind == EpochEnd:
		err = c.table.Row(e.Epoch, e.Logs)
	case e.Kind == TrainEnd:
		err = c.table.Close()
		c.table = nil
	}
	return err
}

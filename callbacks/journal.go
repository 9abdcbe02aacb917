package callbacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// Journal appends every decision to a file of JSON lines, one Record a line: what each callback saw, what was decided and
// why, with the metrics of the epoch, so that other settings can be tried on them later. ReadJournal reads it.
//
// A file that exists is continued: each run starts with a line of the kind begin.
type Journal struct {
	Filename string // default journal.jsonl; relative paths lie under the run directory

	path string
	file *os.File
}

// NewJournal returns a journal in journal.jsonl.
func NewJournal() *Journal { return &Journal{Filename: defaultJournal} }

const defaultJournal = "journal.jsonl"

// Name returns journal.
func (*Journal) Name() string { return "journal" }

func (c *Journal) parameters() []parameter { return []parameter{{"filename", &c.Filename}} }

// Begin checks that the file can be written.
func (c *Journal) Begin(s *Setup) error {
	name := c.Filename
	if name == "" {
		name = defaultJournal
	}
	c.path, c.file = s.path(name), nil
	if s.Replay {
		return nil
	}
	if err := checkLogFile(c.path); err != nil {
		return fmt.Errorf("callbacks: Journal: %w", err)
	}
	return nil
}

// Watch writes the records.
func (c *Journal) Watch(e Event) (err error) {
	if e.Kind == TrainBegin {
		if c.file, err = openLog(c.path, true); err != nil {
			return err
		}
	}
	if e.Record == nil || c.file == nil {
		return nil
	}
	line, err := json.Marshal(e.Record)
	if err != nil {
		return fmt.Errorf("record of epoch %d: %w", e.Record.Epoch+1, err)
	}
	_, err = c.file.Write(append(line, '\n')) // one write: a crash leaves whole lines, or one that ReadJournal drops
	if err != nil {
		err = fmt.Errorf("writing %s: %w; free some space, or choose another filename", c.path, err)
	}
	if err != nil || e.Kind == TrainEnd { // said once: it is not tried again
		err = errors.Join(err, c.file.Close())
		c.file = nil
	}
	return err
}

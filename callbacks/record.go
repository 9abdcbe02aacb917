package callbacks

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// RecordKind says what a line of the journal is about.
type RecordKind string

// The kinds of record.
const (
	RecordBegin RecordKind = "begin" // a run begins
	RecordEpoch RecordKind = "epoch" // an epoch ended
	RecordBatch RecordKind = "batch" // an update after which a callback decided
	RecordEnd   RecordKind = "end"   // the run ended
)

// journalVersion grows when a journal's fields change their meaning.
const journalVersion = 1

// Record is one line of the decision journal. It holds no times and no absolute paths of its own making, so the same run
// has the same journal.
type Record struct {
	Kind             RecordKind        `json:"kind"`
	Epoch            int               `json:"epoch"` // 0-based; at the end the last epoch begun, -1 if none was
	Step             int               `json:"step"`  // updates made since training began
	Metrics          map[string]Number `json:"metrics,omitempty"`
	LearningRate     float64           `json:"learning_rate"`                // of the last update; at the beginning, of the first
	NextLearningRate float64           `json:"next_learning_rate,omitempty"` // of the next update, after these decisions
	Decisions        []Decision        `json:"decisions"`
	Watched          []Decision        `json:"watched,omitempty"` // what callbacks saw that led to no action
	Reason           string            `json:"reason,omitempty"`  // end: why
	Run              *RunInfo          `json:"run,omitempty"`     // begin
}

// RunInfo is what a journal says of its run first.
type RunInfo struct {
	Version       int             `json:"version"`
	Metrics       []string        `json:"metrics"`
	Validation    bool            `json:"validation"`
	Epochs        int             `json:"epochs"`
	StepsPerEpoch int             `json:"steps_per_epoch"`
	LearningRate  float64         `json:"learning_rate"` // the optimizer's own
	Callbacks     json.RawMessage `json:"callbacks"`     // a list of {name: arguments}
}

func (r *Record) add(decisions []*Decision) {
	r.Decisions = []Decision{}
	for _, d := range decisions {
		if d.Action == None {
			r.Watched = append(r.Watched, *d)
		} else {
			r.Decisions = append(r.Decisions, *d)
		}
	}
}

func (m *Manager) beginRecord() (*Record, error) {
	var settings []json.RawMessage
	for _, callback := range m.callbacks {
		text, err := settingsJSON(callback)
		if err != nil {
			return nil, err
		}
		settings = append(settings, fmt.Appendf(nil, "{%q:%s}", callback.Name(), text))
	}
	list, err := json.Marshal(settings)
	if err != nil {
		return nil, fmt.Errorf("callbacks: settings for the journal: %w", err)
	}
	return &Record{
		Kind: RecordBegin, Epoch: m.completed, Step: m.updates, LearningRate: m.NextLearningRate(), Decisions: []Decision{},
		Run: &RunInfo{
			Version: journalVersion, Metrics: m.setup.Metrics, Validation: m.setup.Validation, Epochs: m.setup.Epochs,
			StepsPerEpoch: m.setup.StepsPerEpoch, LearningRate: m.setup.LearningRate, Callbacks: list,
		},
	}, nil
}

// ReadJournal reads the records of a journal. A last line without its newline was cut off by a crash and is left out; any
// other broken line is an error that names it.
func ReadJournal(r io.Reader) ([]Record, error) {
	var records []Record
	lines := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, fmt.Errorf("callbacks: reading a journal: %w", err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var record Record
		if err := json.Unmarshal(line, &record); err != nil {
			return records, fmt.Errorf("callbacks: journal line %d is no record: %w", number, err)
		}
		switch record.Kind {
		case RecordBegin, RecordEpoch, RecordBatch, RecordEnd:
		default:
			return records, fmt.Errorf("callbacks: journal line %d has the kind %q; expected begin, epoch, batch or end", number, record.Kind)
		}
		if record.Run != nil && record.Run.Version > journalVersion {
			return records, fmt.Errorf("callbacks: journal line %d has version %d and this program reads up to %d; use a newer meseta", number, record.Run.Version, journalVersion)
		}
		records = append(records, record)
	}
}

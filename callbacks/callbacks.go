// Package callbacks is what watches a run and decides about it: stop early, save, lower the learning rate, write down what
// happened. A Manager holds the callbacks of one Fit, and the trainer calls its hooks.
//
// The outcome never depends on the order of the list (Lambda apart). At each epoch end (and after the updates that a callback asked for)
// the manager runs two phases: every callback decides from the same logs, then the manager applies what they decided in one
// fixed order: learning rate of the next step, roll back, snapshot of the best weights, saves of the epoch just ended, stop.
// Best weights are restored at the end of training, on every way out. Files are written in the background, from a copy.
//
// A literal means what it says; NewX fills in Keras's defaults where they are not zero. Callbacks are compared with Keras
// 3.15.1; where they differ on purpose, the field says so and keras_test.go lists it by name.
//
// There is no training here, and no file format: package meseta runs the steps, package checkpoint writes models, package
// schedules has the rates and package report the drawing.
package callbacks

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
)

// Callback is one rule about a run. It does its work through the further interfaces of this file that it implements.
//
// A value belongs to one Fit at a time.
type Callback interface {
	// Name is the callback's name in configurations, journals and states: early_stopping.
	Name() string

	// Begin checks the callback against the run that is about to start, and forgets earlier runs. What it reports is found
	// before the first step.
	Begin(s *Setup) error
}

// EpochDecider decides at the end of each epoch, after validation. It must not act: it returns what should be done, or nil
// if it has nothing to say.
type EpochDecider interface {
	DecideEpoch(m Moment) (*Decision, error)
}

// BatchDecider decides after the updates that it asked for.
type BatchDecider interface {
	// BatchDue says whether to decide once updates many updates have been made since training began. It is asked after
	// each update and must be quick.
	BatchDue(updates int) bool
	DecideBatch(m Moment) (*Decision, error)
}

// EndDecider decides when training ends, on every way out. cause is why it failed or was cancelled; nil when it ended by
// itself.
type EndDecider interface {
	DecideEnd(cause error) *Decision
}

// NonFiniteDecider decides after a batch whose loss or gradients were not finite, and which therefore changed no weight. In
// a run without one such a batch ends training with an error. An error that it returns does so too.
type NonFiniteDecider interface {
	DecideNonFinite(m Moment, b Batch) (*Decision, error)
}

// Stateful is a callback whose decisions depend on what it saw. Its state is a JSON value that a checkpoint carries; after
// Restore it decides exactly as the one that State was taken from.
type Stateful interface {
	State() (json.RawMessage, error)
	Restore(state json.RawMessage) error
}

// Watcher is told what happens, after the decisions were applied. Watch must not keep the event's maps.
type Watcher interface {
	Watch(e Event) error
}

// Setup is what callbacks know of a run before it starts.
type Setup struct {
	Metrics       []string // what an epoch of training logs: loss, accuracy
	Validation    bool     // whether each epoch also logs them with the prefix val_
	Epochs        int      // epochs that the run will have at most
	StepsPerEpoch int      // updates in an epoch; 0 where unknown, in a replay only
	LearningRate  float64  // the optimizer's own

	Dir string    // relative paths of callbacks lie under it; empty is the working directory
	Run Run       // what saves and restores; nil in a replay only
	Log io.Writer // lines that a person reads, when no progress bar shows them; nil drops them

	// Replay only decides: nothing is saved, created, restored or written, Run is not needed, and the trainer's BatchEnd
	// need not be called.
	Replay bool

	println func(line string) // shows a line to people beside the progress bar; for the goroutine that trains
}

// Run is what callbacks need of the run they watch. Its methods are called between two steps.
type Run interface {
	// Snapshot copies the model as it is now. With weightsOnly the copy has the weights alone.
	Snapshot(weightsOnly bool) (Snapshot, error)

	// KeepWeights remembers the weights as they are now, in place of those kept before.
	KeepWeights() error

	// RestoreWeights sets the weights to the ones kept last.
	RestoreWeights() error

	// HasAverages says whether the optimizer keeps moving averages of the weights.
	HasAverages() bool

	// SwapAverages exchanges the weights with their averages: once to measure or save these, and again before training
	// goes on. It does nothing and returns false as long as there are none.
	SwapAverages() (swapped bool, err error)

	// EachWeight visits all weights in the order of the layers, each with its path and shape. visit must not keep values.
	EachWeight(visit func(path string, shape []int, values []float32) error) error

	// Config returns the network in Keras's JSON form.
	Config() ([]byte, error)
}

// Snapshot is a copy of the model that further training does not change.
type Snapshot interface {
	// Write writes the copy, crash-safe: path has the old file or the whole new one. weightsOnly writes weights without
	// configuration and optimizer state. It is called from a goroutine of its own, while training goes on.
	Write(path string, weightsOnly bool) error

	// Restore sets weights and optimizer to the copy, which has more than the weights. It is called between two steps.
	Restore() error
}

// Logs are metrics by name. Callbacks read them only.
type Logs map[string]float64

// Names returns the names in alphabetical order.
func (l Logs) Names() []string { return slices.Sorted(maps.Keys(l)) }

// Names returns what the logs of an epoch will hold: training metrics, validation metrics, learning_rate.
func (s *Setup) Names() []string {
	names := slices.Clone(s.Metrics)
	if s.Validation {
		for _, name := range s.Metrics {
			names = append(names, "val_"+name)
		}
	}
	return append(names, learningRateName)
}

const learningRateName = "learning_rate"

// Moment is what a callback decides from: the same for all of them.
type Moment struct {
	Epoch   int // 0-based
	Batch   int // 0-based batch in the epoch after which it is; -1 at an epoch end
	Updates int // updates made since training began
	Logs    Logs

	// NextRate is the learning rate of the next update as it stands before this moment's decisions, and without warm-up
	// and Floor. Floor is the highest MinLR of all plateau callbacks.
	NextRate, Floor float64
}

// Outcome tells the trainer whether to go on.
type Outcome struct {
	Stop   bool
	Reason string // why it stops, for people
}

// EventKind says what happened.
type EventKind uint8

// The kinds of event, in the order in which a run has them.
const (
	TrainBegin EventKind = iota
	EpochBegin
	BatchEnd
	TestBegin
	TestBatchEnd
	TestEnd
	EpochEnd
	TrainEnd
)

// Event is what a Watcher is told. Which fields are set depends on the kind.
type Event struct {
	Kind         EventKind
	Epoch        int     // 0-based; at TrainBegin the first one to come, at TrainEnd the last one that was begun, or -1
	Updates      int     // updates made since training began
	Batch        Batch   // BatchEnd
	Step         int     // TestBegin: batches that validation will have; TestBatchEnd: the batch just done, 0-based
	LearningRate float64 // of the last update
	Logs         Logs    // EpochEnd
	Record       *Record // TrainBegin, TrainEnd, EpochEnd, and BatchEnd where something was decided; else nil
	Err          error   // TrainEnd: why training failed or was cancelled; nil when it ended by itself
}

// Batch is one update of training, or a batch that was to be one, but whose loss or gradients were not finite.
type Batch struct {
	Epoch int // 0-based
	Index int // 0-based in the epoch
	Step  int // 0-based since training began
	Size  int // samples in it

	// Ahead is set where the next update has been started already, as the trainer may do after an update that the manager does not look at.
	Ahead bool

	Err  error   // why it changed no weight; nil for an update
	Loss float64 // its mean loss, where Err is set

	// Logs returns the metrics of the epoch so far. It is called only by who needs them, not at every step.
	Logs func() Logs
}

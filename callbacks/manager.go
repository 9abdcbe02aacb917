package callbacks

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/schedules"
)

// Manager runs the callbacks of one Fit. The trainer calls its hooks, all from one goroutine:
//
//	TrainBegin
//	  per epoch: EpochBegin, per update: LearningRate then BatchEnd,
//	             with validation data: TestBegin, TestBatchEnd…, TestEnd,
//	             EpochEnd
//	TrainEnd, always
type Manager struct {
	setup     Setup
	names     []string // of the metrics in an epoch's logs
	callbacks []Callback
	rates     rates
	histories []*History   // those of the list, or one of the manager's own
	bar       *ProgressBar // shows lines for people, if there is one

	begun, ended bool
	epoch        int // last epoch begun, -1 before the first
	completed    int // epochs that ended
	updates      int // since training began
	epochUpdates int // in this epoch
	lastRate     float64
	stopReason   string
	record       *Record
	lines        []string        // for people, shown once the watchers know
	warned       map[string]bool // metrics whose non-finite value was reported

	saver     *saver
	snapshots int         // how many copies of the model were made for it
	unwritten []*Decision // saves that failed, for the next record
	good      Snapshot    // what a roll back goes back to
	rollsBack bool        // a callback may ask for that

	swapper *SwapEMAWeights // of the list; nil for none
	swapped bool            // the model has the averages for weights now
}

// NewManager checks every callback against setup and makes them fresh for a new run. All that can be known to be wrong
// before the first step is reported here; every problem is listed, not only the first.
func NewManager(list []Callback, setup Setup) (*Manager, error) {
	if err := setup.check(); err != nil {
		return nil, err
	}
	m := &Manager{setup: setup, names: setup.Names(), epoch: -1, warned: map[string]bool{}, saver: newSaver()}
	m.setup.println = m.Println
	var problems []error
	for i, callback := range list {
		switch {
		case callback == nil:
			problems = append(problems, fmt.Errorf("callbacks: number %d of the list is nil; remove it", i+1))
			continue
		case !reflect.TypeOf(callback).Comparable():
			problems = append(problems, fmt.Errorf("callbacks: %s is a %T by value, which cannot be told from others; put a pointer in the list", callback.Name(), callback))
			continue
		case slices.Contains(list[:i], callback):
			problems = append(problems, fmt.Errorf("callbacks: the same %s stands twice in the list; remove one, or make a second value", callback.Name()))
			continue
		}
		if err := callback.Begin(&m.setup); err != nil {
			problems = append(problems, err)
			continue
		}
		m.callbacks = append(m.callbacks, callback)
	}
	if len(problems) == 0 {
		problems = append(problems, m.sort(), m.checkTogether())
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return m, nil
}

// sort puts the callbacks in an order of their own, by name, settings and state, so that the list's order cannot matter.
// Callbacks of other packages with the same name stay in list order. Lambdas come last, in list order.
func (m *Manager) sort() error {
	keys := make(map[Callback]string, len(m.callbacks))
	for _, callback := range m.callbacks {
		settings, err := settingsJSON(callback)
		if err != nil {
			return err
		}
		var state []byte
		if c, ok := callback.(Stateful); ok {
			if state, err = c.State(); err != nil {
				return fmt.Errorf("callbacks: state of %s: %w", callback.Name(), err)
			}
		}
		keys[callback] = fmt.Sprintf("%s\x00%s\x00%s", callback.Name(), settings, state)
	}
	slices.SortStableFunc(m.callbacks, func(a, b Callback) int {
		_, aLast := a.(*Lambda)
		_, bLast := b.(*Lambda)
		switch {
		case aLast && bLast:
			return 0
		case aLast:
			return 1
		case bLast:
			return -1
		default:
			return strings.Compare(keys[a], keys[b])
		}
	})
	return nil
}

// History returns what the epochs logged: that of the list, or one that the manager keeps by itself.
func (m *Manager) History() *History { return m.histories[0] }

// LastRecord returns the newest record: what was decided at the last epoch end, at the last update after which something
// was decided, or when training ended; nil before.
func (m *Manager) LastRecord() *Record { return m.record }

// LearningRate returns the rate of an update: warm-up × max(schedule × plateau scale, min_lr). step is 0-based over all
// epochs. It allocates nothing.
func (m *Manager) LearningRate(epoch, step int) float64 {
	return m.rates.rate(m.setup.position(epoch, step))
}

// NextLearningRate returns the rate of the next update, after all decisions so far.
func (m *Manager) NextLearningRate() float64 { return m.rates.rate(m.nextPosition()) }

func (m *Manager) nextPosition() schedules.Position {
	return m.setup.position(max(m.epoch, m.completed, 0), m.updates)
}

// Stopped says whether a callback has decided to stop; after Restore it may be so before the first step.
func (m *Manager) Stopped() Outcome { return Outcome{m.stopReason != "", m.stopReason} }

// TrainBegin starts the run: files are opened and the journal has its first line.
func (m *Manager) TrainBegin() error {
	if m.begun {
		return errors.New("callbacks: TrainBegin was called twice; a manager serves one run, make a new one")
	}
	m.begun = true
	record, err := m.beginRecord()
	if err != nil {
		return err
	}
	if m.rollsBack && !m.setup.Replay {
		if err := m.keepState(); err != nil {
			return fmt.Errorf("callbacks: keeping the first state: %w", err)
		}
	}
	return m.tell(Event{Kind: TrainBegin, Record: record})
}

// EpochBegin starts an epoch, 0-based.
func (m *Manager) EpochBegin(epoch int) error {
	m.epoch, m.epochUpdates = epoch, 0
	m.lastRate = m.NextLearningRate()
	for _, callback := range m.callbacks {
		if c, ok := callback.(*LearningRateScheduler); ok && c.Verbose > 0 {
			m.Println(fmt.Sprintf("Epoch %d: the learning rate is %.3e", epoch+1, m.lastRate))
		}
	}
	return m.tell(Event{Kind: EpochBegin, Epoch: epoch})
}

// Looks says whether a callback may look at the model after an update, 0-based over all epochs: one that decides then, or one that is told of
// it and is not of this package. Where none may, the trainer may start the next update before it calls BatchEnd, and say so: see Batch.Ahead.
func (m *Manager) Looks(step int) bool {
	for _, callback := range m.callbacks {
		if c, ok := callback.(BatchDecider); ok && c.BatchDue(step+1) {
			return true
		}
		switch c := callback.(type) {
		case *Lambda:
			if c.OnBatchEnd != nil {
				return true
			}
		case *CSVLogger, *Curves, *Journal, *ModelCheckpoint, *ProgressBar, *RemoteMonitor, *Report, *TensorBoard, *TerminateOnNaN, *Throughput, *Timer:
		case Watcher:
			return true
		}
	}
	return false
}

// BatchEnd is called after every update, and after every batch that could not be one. Where no callback decides about
// those, it returns their error. It allocates nothing unless a callback decides.
func (m *Manager) BatchEnd(b Batch) (Outcome, error) {
	if b.Err != nil && !m.toleratesNonFinite() {
		return m.Stopped(), b.Err
	}
	m.lastRate = m.LearningRate(b.Epoch, b.Step)
	m.updates = b.Step + 1
	m.epochUpdates++
	var record *Record
	err := m.lost()
	if deciders := m.batchDeciders(b); deciders != nil {
		logs := m.withRate(b.Logs())
		next := b.Epoch
		if b.Index+1 == m.setup.StepsPerEpoch {
			next++
		}
		moment := Moment{Epoch: b.Epoch, Batch: b.Index, Logs: logs}
		var failed error
		record, failed = m.decide(moment, m.setup.position(next, m.updates), func(c Callback, moment Moment) (*Decision, error) {
			if !slices.Contains(deciders, c) {
				return nil, nil
			}
			if c, ok := c.(NonFiniteDecider); ok && b.Err != nil {
				return c.DecideNonFinite(moment, b)
			}
			return c.(BatchDecider).DecideBatch(moment)
		})
		err = errors.Join(err, failed)
	}
	if told := m.tell(Event{Kind: BatchEnd, Epoch: b.Epoch, Batch: b, Record: record}); told != nil {
		err = errors.Join(err, told)
	}
	m.flush()
	return m.Stopped(), err
}

func (m *Manager) toleratesNonFinite() bool {
	return slices.ContainsFunc(m.callbacks, func(c Callback) bool { _, ok := c.(NonFiniteDecider); return ok })
}

// batchDeciders are the callbacks that want to decide after the updates made so far, of which b is the last. Where the next is under way, what
// has become due since Looks was asked, as by a clock, waits for that one.
func (m *Manager) batchDeciders(b Batch) (due []Callback) {
	for _, callback := range m.callbacks {
		if _, ok := callback.(NonFiniteDecider); ok && b.Err != nil {
			due = append(due, callback)
		} else if c, ok := callback.(BatchDecider); ok && !b.Ahead && c.BatchDue(m.updates) {
			due = append(due, callback)
		}
	}
	return due
}

// TestBegin starts validation, of so many batches.
func (m *Manager) TestBegin(batches int) error {
	return errors.Join(m.swapIn(func(*SwapEMAWeights) bool { return true }), m.tell(Event{Kind: TestBegin, Epoch: m.epoch, Step: batches}))
}

// TestBatchEnd is called after every batch of validation, 0-based.
func (m *Manager) TestBatchEnd(batch int) error {
	return m.tell(Event{Kind: TestBatchEnd, Epoch: m.epoch, Step: batch})
}

// TestEnd ends validation.
func (m *Manager) TestEnd() error {
	return errors.Join(m.swapOut(), m.tell(Event{Kind: TestEnd, Epoch: m.epoch}))
}

// EpochEnd runs the two phases on an epoch's logs (training metrics and, with validation, those with val_), and says
// whether to stop. learning_rate is added to the logs: the rate of the epoch's last update.
func (m *Manager) EpochEnd(epoch int, logs Logs) (Outcome, error) {
	if m.setup.Replay && m.epochUpdates == 0 {
		m.updates = (epoch + 1) * m.setup.StepsPerEpoch
		m.lastRate = m.LearningRate(epoch, max(m.updates-1, 0))
	}
	logs = m.withRate(logs)
	if err := m.checkLogs(epoch, logs); err != nil {
		return Outcome{}, err
	}
	moment := Moment{Epoch: epoch, Batch: -1, Logs: logs}
	m.completed = epoch + 1
	record, err := m.decide(moment, m.setup.position(epoch+1, m.updates), func(c Callback, moment Moment) (*Decision, error) {
		if c, ok := c.(EpochDecider); ok {
			return c.DecideEpoch(moment)
		}
		return nil, nil
	})
	for _, history := range m.histories {
		history.add(epoch, logs)
	}
	err = errors.Join(err, m.tell(Event{Kind: EpochEnd, Epoch: epoch, Logs: logs, Record: record}))
	m.flush()
	return m.Stopped(), err
}

// withRate returns a copy of logs with the rate of the last update.
func (m *Manager) withRate(logs Logs) Logs {
	own := make(Logs, len(logs)+1)
	maps.Copy(own, logs)
	own[learningRateName] = m.lastRate
	return own
}

// checkLogs wants every metric that was promised, and says once of each that it is not finite.
func (m *Manager) checkLogs(epoch int, logs Logs) error {
	for _, name := range m.names {
		value, ok := logs[name]
		if !ok {
			return fmt.Errorf("callbacks: epoch %d logged %s and lacks %q, which the run promised", epoch+1, strings.Join(logs.Names(), ", "), name)
		}
		if !finite(value) && !m.warned[name] {
			m.warned[name] = true
			m.lines = append(m.lines, fmt.Sprintf("Warning: epoch %d: %s is %s; it counts as no improvement. A lower learning rate may help", epoch+1, name, short(value)))
		}
	}
	return nil
}

// TrainEnd ends the run on every way out. cause is nil when training ended by itself, else the error or the context's
// cause. It restores best weights, writes the last record and closes files, all of it even if some of it fails. Calling it
// again does nothing.
func (m *Manager) TrainEnd(cause error) error {
	if m.ended {
		return nil
	}
	m.ended = true
	problems := []error{m.swapOut()} // validation may have been broken off
	var decisions []*Decision
	for _, callback := range m.callbacks {
		if c, ok := callback.(EndDecider); ok {
			if d := c.DecideEnd(cause); d != nil {
				decisions = append(decisions, d)
			}
		}
	}
	problems = append(problems, m.apply(decisions, false))
	m.saver.wait()
	problems = append(problems, m.lost())
	m.flush()
	record := &Record{Kind: RecordEnd, Epoch: m.epoch, Step: m.updates, LearningRate: m.lastRate, Reason: m.endReason(cause)}
	m.close(record, decisions)
	for _, history := range m.histories {
		history.StopReason = record.Reason
	}
	if !m.begun { // nothing was opened
		return errors.Join(problems...)
	}
	return errors.Join(errors.Join(problems...), m.tell(Event{Kind: TrainEnd, Epoch: m.epoch, Record: record, Err: cause}))
}

func (m *Manager) endReason(cause error) string {
	switch {
	case cause != nil:
		return cause.Error()
	case m.stopReason != "":
		return m.stopReason
	case m.completed >= m.setup.Epochs:
		return "all epochs done"
	default:
		return "ended by the trainer"
	}
}

// Println shows a line to people without disturbing the progress bar.
func (m *Manager) Println(line string) {
	if m.bar != nil && m.bar.println(line) {
		return
	}
	// A log that cannot be written must not end a run.
	_, _ = fmt.Fprintln(m.setup.Log, line)
}

// flush shows the lines that piled up.
func (m *Manager) flush() {
	for _, line := range m.lines {
		m.Println(line)
	}
	m.lines = m.lines[:0]
}

// tell passes an event to the watchers; each of them hears it even if another one fails. A replay has none.
func (m *Manager) tell(e Event) error {
	if m.setup.Replay {
		return nil
	}
	e.Updates, e.LearningRate = m.updates, m.lastRate
	if e.Kind == TrainBegin {
		e.Epoch, e.LearningRate = m.completed, m.NextLearningRate()
	}
	var problems []error
	for _, callback := range m.callbacks {
		if c, ok := callback.(Watcher); ok {
			if err := c.Watch(e); err != nil {
				problems = append(problems, fmt.Errorf("callbacks: %s: %w", callback.Name(), err))
			}
		}
	}
	return errors.Join(problems...)
}

package meseta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/checkpoint"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/plan"
)

// FitOptions says how to train.
type FitOptions struct {
	Epochs          int          // passes over the data; 0 means 1
	BatchSize       int          // samples in a step; 0 means 32, as in Keras. The last step of an epoch may have fewer
	InitialEpoch    int          // epochs that were made before, as of a model from a file: begins with the next one, and ends with Epochs or Steps in all
	Steps           int          // if not 0: updates in all, instead of Epochs; the last epoch may then be shorter
	Validation      data.Dataset // measured after each epoch; nil for none
	ValidationSplit float64      // in (0,1): validates on this last part of the data instead
	NoShuffle       bool         // take samples in their order
	Augment         augment.List // changes of training images at random, by the model's seed, the epoch and the image's number; never of validation data
	Workers         int          // goroutines that read and augment, which change nothing but the speed; 0 means as data.LoaderOptions says
	// How much the samples of a class count in the loss and in weighted metrics of training; classes that are not in it count 1, and
	// nil is 1 for all. Of targets the class is where the largest is, or the number itself if there is one. See data.Balanced.
	ClassWeight map[int]float64
	Callbacks   []callbacks.Callback
	Dir         string    // relative paths of callbacks lie under it
	Log         io.Writer // lines for people that no progress bar shows; nil for none
}

// NonFiniteError ends a run whose loss or gradients became NaN or infinite. The step that it names changed no weight.
type NonFiniteError struct {
	Epoch, Step  int // 0-based; Step in the run
	Loss         float64
	LearningRate float64
}

func (e *NonFiniteError) Error() string {
	what := fmt.Sprintf("the loss is %g", e.Loss)
	if !math.IsNaN(e.Loss) && !math.IsInf(e.Loss, 0) {
		what = fmt.Sprintf("the loss is %g, but a gradient is not finite", e.Loss)
	}
	return fmt.Sprintf("meseta: in epoch %d, update %d %s, at learning rate %.3e; the update was not applied. Lower the learning rate, or look for values that are not finite in the data",
		e.Epoch+1, e.Step+1, what, e.LearningRate)
}

// fit is the state of one Fit.
type fit struct {
	*Model
	options  FitOptions
	train    *source
	val      *source // nil for none
	trainLen int     // samples
	valLen   int
	manager  *callbacks.Manager
	epochs   int
	perEpoch int // updates in an epoch
	updates  int // of the run, those before InitialEpoch among them, but for the one that is under way
	under    underWay
}

// underWay is a step that was started and not yet looked at, if size is not 0.
type underWay struct {
	plan.Step
	epoch, index, size int
	rate               float64
}

// Fit trains the model and returns what each epoch logged, also when it ends with an error.
//
// It ends when the epochs are done, when a callback says so, when a loss or gradient is not finite (*NonFiniteError, unless a
// TerminateOnNaN decides otherwise), or after the current step when ctx is cancelled; then the error wraps ctx.Err and the context's cause. On every way out the
// callbacks hear of the end, and best weights are restored where one of them was told to; before that, with an optimizer that has
// UseEMA, a run that ends without an error makes the weights their averages, as in Keras. Labels must lie below the width of the
// network's output.
func (m *Model) Fit(ctx context.Context, train data.Dataset, o FitOptions) (*callbacks.History, error) {
	f, err := m.newFit(train, o)
	if err != nil {
		return nil, err
	}
	err = f.manager.TrainBegin()
	if err == nil {
		err = f.run(ctx)
	}
	if cause := context.Cause(ctx); cause != nil && cause != ctx.Err() && errors.Is(err, ctx.Err()) {
		err = cancelled{cause, err}
	}
	if err == nil && f.training.Optimizer.BaseArguments().UseEMA {
		if err = f.session.UseAverages(); errors.Is(err, plan.ErrNoAverages) { // every batch was skipped
			err = nil
		}
	}
	err = errors.Join(err, f.manager.TrainEnd(err))
	m.kept = nil
	return f.manager.History(), err
}

// cancelled is the error of a run whose context was cancelled, which tells people the cause alone.
type cancelled struct{ cause, err error }

func (c cancelled) Error() string   { return c.cause.Error() }
func (c cancelled) Unwrap() []error { return []error{c.cause, c.err} }

// newFit checks everything that can be checked before the first step.
func (m *Model) newFit(train data.Dataset, o FitOptions) (*fit, error) {
	if err := m.needsTraining(); err != nil {
		return nil, err
	}
	if err := m.open(); err != nil {
		return nil, err
	}
	if train == nil {
		return nil, errors.New("meseta: there is no training data, it is nil")
	}
	if o.Epochs == 0 {
		o.Epochs = 1
	}
	if o.BatchSize == 0 {
		o.BatchSize = 32
	}
	switch {
	case o.Epochs < 0 || o.BatchSize < 0 || o.Steps < 0 || o.InitialEpoch < 0:
		return nil, fmt.Errorf("meseta: %d epochs from %d of batches of %d, %d steps: none may be negative", o.Epochs, o.InitialEpoch, o.BatchSize, o.Steps)
	case o.ValidationSplit != 0 && o.Validation != nil:
		return nil, errors.New("meseta: Validation and ValidationSplit are both set; leave one out")
	case o.ValidationSplit != 0:
		var err error
		if train, o.Validation, err = data.Split(train, o.ValidationSplit); err != nil {
			return nil, err
		}
	}
	f := &fit{Model: m, options: o}
	var err error
	f.trainLen = train.Len()
	loading := data.LoaderOptions{BatchSize: o.BatchSize, Workers: o.Workers, Bytes: m.session.TakesBytes()}
	training := loading
	training.Shuffle, training.Augment = !o.NoShuffle, o.Augment
	if f.train, err = m.source(train, training); err != nil {
		return nil, fmt.Errorf("training data: %w", err)
	}
	if why := f.train.OnHost(); why != nil && o.Log != nil {
		fmt.Fprintf(o.Log, "images are augmented on the CPU and go to the GPU as numbers: %v\n", why)
	}
	if names := data.ClassNames(train); names != nil {
		m.classNames = names
	}
	if err := f.train.weigh(o.ClassWeight, min(o.BatchSize, f.trainLen)); err != nil {
		return nil, err
	}
	if o.Validation != nil {
		f.valLen = o.Validation.Len()
		if f.val, err = m.source(o.Validation, loading); err != nil {
			return nil, fmt.Errorf("validation data: %w", err)
		}
	}
	f.perEpoch = f.train.Batches()
	f.epochs = o.Epochs
	if o.Steps > 0 {
		f.epochs = (o.Steps + f.perEpoch - 1) / f.perEpoch
	}
	if f.updates = o.InitialEpoch * f.perEpoch; o.InitialEpoch >= f.epochs || o.Steps > 0 && f.updates >= o.Steps {
		return nil, fmt.Errorf("meseta: InitialEpoch is %d, and there are %d epochs of %d updates in all: none is left", o.InitialEpoch, f.epochs, f.perEpoch)
	}
	if err := f.compile(); err != nil {
		return nil, err
	}
	f.manager, err = callbacks.NewManager(o.Callbacks, callbacks.Setup{
		Metrics: m.session.SumNames(), Validation: f.val != nil, Epochs: f.epochs, StepsPerEpoch: f.perEpoch,
		LearningRate: m.training.Optimizer.Rate(), Dir: o.Dir, Run: run{m, o.Validation, f.trainLen, o.BatchSize}, Log: o.Log,
	})
	if err == nil && o.InitialEpoch > 0 {
		err = f.begin(o.InitialEpoch)
	}
	return f, err
}

// begin lets callbacks, which are fresh, begin behind some epochs.
func (f *fit) begin(epoch int) error {
	s, err := f.manager.State()
	if err != nil {
		return err
	}
	s.Epoch, s.Completed, s.Updates = epoch-1, epoch, f.updates
	return f.manager.Restore(s)
}

// compile makes all programs of the run before it starts, so that no step waits for one and memory is known to suffice.
func (f *fit) compile() error {
	for _, l := range []struct {
		source  *source
		samples int
		mode    plan.Mode
	}{{f.train, f.trainLen, plan.Training}, {f.val, f.valLen, plan.Evaluation}} {
		full := f.options.BatchSize
		for _, n := range []int{min(full, l.samples), l.samples % full} {
			if n == 0 {
				continue
			}
			if _, err := f.session.ProgramFor(l.mode, n, l.source.feed); err != nil {
				return err
			}
		}
	}
	return nil
}

// run goes through the epochs.
func (f *fit) run(ctx context.Context) error {
	for epoch := f.options.InitialEpoch; epoch < f.epochs; epoch++ {
		if err := f.manager.EpochBegin(epoch); err != nil {
			return err
		}
		f.session.ResetSums()
		stop, err := f.epoch(ctx, epoch)
		if err != nil {
			return err
		}
		logs := callbacks.Logs{}
		f.means(logs, "")
		if f.val != nil {
			if err := f.validate(ctx, logs); err != nil {
				return err
			}
		}
		f.trainedEpochs++
		outcome, err := f.manager.EpochEnd(epoch, logs)
		if err != nil {
			return err
		}
		if stop || outcome.Stop {
			return nil
		}
	}
	return nil
}

// epoch makes the updates of one epoch. It says whether a callback or the number of steps wants that to be the last. On a device that takes steps ahead, a
// step is looked at when the next one has been started, unless a callback may look at the model in between.
func (f *fit) epoch(ctx context.Context, epoch int) (stop bool, err error) {
	batches, err := f.train.Epoch(ctx, f.trainedEpochs, 0)
	if err != nil {
		return false, err
	}
	defer batches.Close()
	logs := func() callbacks.Logs {
		l := callbacks.Logs{}
		f.name(l, "", f.under.Means)
		return l
	}
	for index := 0; ; index++ {
		var next underWay
		b, err := batches.Next()
		if err == nil {
			next, err = f.start(b, epoch, index)
		}
		if err != nil { // but the step before was there first
			if _, stop, failed := f.settle(logs, false); stop || failed != nil {
				return stop, failed
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return false, err
		}
		if f.under.size > 0 {
			applied, stop, err := f.settle(logs, true)
			if err == nil && !stop && !applied { // so this one was not applied either
				next, err = f.start(b, epoch, index)
			}
			if err != nil || stop {
				return stop, err
			}
		}
		f.under = next
		if f.session.Depth() == 1 || f.updates+1 == f.options.Steps || f.manager.Looks(f.updates) {
			if _, stop, err := f.settle(logs, false); err != nil || stop {
				return stop, err
			}
		}
	}
}

// start starts a training step, behind the one that is under way.
func (f *fit) start(b *data.Batch, epoch, index int) (underWay, error) {
	p, err := f.batch(plan.Training, f.train, b)
	if err != nil {
		return underWay{}, err
	}
	ahead := min(f.under.size, 1)
	u := underWay{epoch: epoch, index: index, size: b.N, rate: f.manager.LearningRate(epoch, f.updates+ahead)}
	f.session.SetLearningRate(u.rate)
	f.session.SetStep(f.training.Seed, f.trainedSteps+int64(ahead))
	u.Step, err = p.Start()
	return u, err
}

// settle looks at the step that is under way, if there is one, and tells the callbacks; ahead says that the next one has been started. It gives whether the
// step was applied and whether it is to be the last.
func (f *fit) settle(logs func() callbacks.Logs, ahead bool) (applied, stop bool, err error) {
	u := &f.under
	if u.size == 0 {
		return true, false, nil
	}
	if err := u.Wait(); err != nil {
		return false, false, err
	}
	batch := callbacks.Batch{Epoch: u.epoch, Index: u.index, Step: f.updates, Size: u.size, Ahead: ahead, Logs: logs}
	if applied = u.Applied(); applied {
		f.trainedSteps++
	} else {
		f.session.Resume()
		bad := &NonFiniteError{u.epoch, f.updates, u.MeanLoss(make([]float32, u.size)), u.rate}
		batch.Err, batch.Loss, batch.Ahead = bad, bad.Loss, false
	}
	f.updates++
	u.size = 0
	outcome, err := f.manager.BatchEnd(batch)
	if err != nil {
		return applied, false, err
	}
	if !applied { // it is passed over
		f.trainedSteps++
	}
	return applied, outcome.Stop || f.options.Steps > 0 && f.updates >= f.options.Steps, nil
}

// validate measures the validation data.
func (f *fit) validate(ctx context.Context, logs callbacks.Logs) error {
	if err := f.manager.TestBegin(f.val.Batches()); err != nil {
		return err
	}
	if err := f.measure(ctx, f.val, f.manager.TestBatchEnd); err != nil {
		return err
	}
	f.means(logs, "val_")
	return f.manager.TestEnd()
}

// run is what callbacks may do with the model between two steps.
type run struct {
	*Model
	validation data.Dataset // nil for none
	trained    int          // samples that are trained on
	batchSize  int
}

// Snapshot copies the model, as Save and SaveWeights would write it.
func (r run) Snapshot(weightsOnly bool) (callbacks.Snapshot, error) {
	c, err := r.contents()
	s := &snapshot{model: r.Model, Model: c}
	if err != nil || weightsOnly {
		return s, err
	}
	if err := r.addTraining(c); err != nil {
		return s, err
	}
	if s.optimizer = c.Optimizer; s.optimizer == nil { // which a file has only with a loss that Keras knows
		s.optimizer, err = r.optimizerState()
	}
	return s, err
}

// snapshot is a copy of a model between two steps.
type snapshot struct {
	model *Model
	*checkpoint.Model
	optimizer *checkpoint.OptimizerState // nil in a copy of the weights only
}

// Write writes the copy to a file of the format that its suffix names.
func (s *snapshot) Write(path string, weightsOnly bool) error {
	c := *s.Model
	if weightsOnly {
		c = checkpoint.Model{Graph: c.Graph, Weights: c.Weights}
	}
	return checkpoint.Save(path, &c)
}

// Restore gives the model weights and optimizer state of the copy. How far training has come stays.
func (s *snapshot) Restore() error {
	values := weightValues(s.Weights)
	if s.optimizer == nil {
		return s.model.setValues(values)
	}
	if err := s.model.setValues(append(values, slotValues(s.optimizer)...)); err != nil {
		return err
	}
	s.model.session.SetIterations(s.optimizer.Iterations)
	return nil
}

// HasAverages says whether the optimizer has UseEMA.
func (r run) HasAverages() bool { return r.training.Optimizer.BaseArguments().UseEMA }

// SwapAverages exchanges weights and averages, once the optimizer has made an update.
func (r run) SwapAverages() (bool, error) {
	err := r.session.SwapAverages()
	if errors.Is(err, plan.ErrNoAverages) {
		return false, nil
	}
	return err == nil, err
}

// EachWeight visits copies of all weights.
func (r run) EachWeight(visit func(path string, shape []int, values []float32) error) error {
	var buffer []float32
	for _, l := range r.graph.Layers {
		for _, w := range l.Weights {
			n := w.Shape.Size()
			buffer = slices.Grow(buffer[:0], n)[:n]
			if err := r.session.Read(l.Path(w), buffer); err != nil {
				return err
			}
			if err := visit(l.Path(w), w.Shape, buffer); err != nil {
				return err
			}
		}
	}
	return nil
}

// Config is the network as Keras writes it.
func (r run) Config() ([]byte, error) { return checkpoint.MarshalConfig(r.graph) }

// KeepWeights copies all weights.
func (r run) KeepWeights() error {
	if r.kept == nil {
		var err error
		r.kept, err = r.values(false)
		return err
	}
	for _, v := range r.kept {
		if err := r.session.Read(v.name, v.data); err != nil {
			return err
		}
	}
	return nil
}

// RestoreWeights takes the copy back.
func (r run) RestoreWeights() error {
	if r.kept == nil {
		return errors.New("meseta: there are no kept weights to restore")
	}
	return r.setValues(r.kept)
}

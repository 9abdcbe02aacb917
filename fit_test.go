package meseta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/schedules"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// tiny is a network that learns tinyData in a few epochs; it has everything whose randomness could show.
func tiny() *Model {
	return Sequential(Input(6, 6, 1),
		&layers.Conv2D{Filters: 5, KernelSize: layers.Square(3), Activation: layers.ReLU},
		layers.NewBatchNormalization(),
		&layers.Dropout{Rate: .1},
		&layers.Flatten{},
		&layers.Dense{Units: 3, Activation: layers.Softmax})
}

func compileTiny(t *testing.T, threads int) *Model { return compiled(t, tiny(), threads) }

// compiled makes a network ready to be trained on classes, and closes it when the test ends.
func compiled(t *testing.T, m *Model, threads int) *Model {
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	require.NoError(t, m.Compile(Training{
		Optimizer: optimizers.NewAdam().WithRate(.01), Loss: losses.SparseCategoricalCrossentropy{},
		Metrics: []metrics.Metric{metrics.Accuracy{}}, Seed: 7, Threads: threads,
	}))
	return m
}

// tinyData has images whose class is where they are bright.
func tinyData(t *testing.T, n int) data.Dataset {
	x, y := make([]float32, n*36), make([]int32, n)
	for i := range y {
		y[i] = int32(i % 3)
		for j := range 36 {
			x[i*36+j] = float32((i*31+j*17)%23) / 40
			if j/12 == i%3 {
				x[i*36+j] += 1
			}
		}
	}
	ds, err := data.FromTensors(tensor.New(tensor.WithShape(n, 6, 6, 1), tensor.WithBacking(x)), tensor.New(tensor.WithShape(n), tensor.WithBacking(y)))
	require.NoError(t, err)
	return ds
}

func TestFitLearns(t *testing.T) {
	m := compileTiny(t, 2)
	ds := tinyData(t, 100)
	history, err := m.Fit(t.Context(), ds, FitOptions{Epochs: 8, BatchSize: 16, ValidationSplit: .2})
	require.NoError(t, err)
	require.Len(t, history.Epoch, 8)
	for _, name := range []string{"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"} {
		assert.Len(t, history.Metrics[name], 8, name)
	}
	assert.Less(t, history.Metrics["loss"][7], history.Metrics["loss"][0]/2)
	logs, err := m.Evaluate(t.Context(), ds, 0)
	require.NoError(t, err)
	assert.Greater(t, logs["accuracy"], .95)
	updates, err := m.Updates()
	require.NoError(t, err)
	assert.EqualValues(t, 8*5, updates)
}

// TestSameBits trains with several numbers of threads: the saved files are equal byte for byte.
func TestSameBits(t *testing.T) {
	for name, network := range map[string]func() *Model{"tiny": tiny, "normalized": normalized} {
		t.Run(name, func(t *testing.T) {
			var first []byte
			for _, threads := range []int{1, 2, 3, 5} {
				m := compiled(t, network(), threads)
				g, err := m.Graph()
				require.NoError(t, err)
				train, err := data.Synthetic(50, g.Input(), g.OutputShape()[0], 1)
				require.NoError(t, err)
				_, err = m.Fit(t.Context(), train, FitOptions{Epochs: 2, BatchSize: 16, Validation: train})
				require.NoError(t, err)
				file := filepath.Join(t.TempDir(), "m.h5")
				require.NoError(t, m.Save(file))
				b, err := os.ReadFile(file)
				require.NoError(t, err)
				if first == nil {
					first = b
				}
				assert.True(t, bytes.Equal(first, b), "%d threads", threads)
			}
		})
	}
}

func TestStepsEndTheRun(t *testing.T) {
	m := compileTiny(t, 1)
	history, err := m.Fit(t.Context(), tinyData(t, 50), FitOptions{Steps: 6, BatchSize: 16, Validation: tinyData(t, 20)})
	require.NoError(t, err)
	assert.Len(t, history.Epoch, 2)
	assert.Len(t, history.Metrics["val_loss"], 2)
	updates, err := m.Updates()
	require.NoError(t, err)
	assert.EqualValues(t, 6, updates)
}

func TestBestWeightsAreRestored(t *testing.T) {
	m := compileTiny(t, 1)
	val := tinyData(t, 21)
	// A rate that grows without bounds makes every epoch after the first few worse.
	history, err := m.Fit(t.Context(), tinyData(t, 50), FitOptions{Epochs: 30, BatchSize: 16, Validation: val, Callbacks: []callbacks.Callback{
		&callbacks.EarlyStopping{Monitor: "val_loss", Patience: 2, RestoreBestWeights: true},
		&callbacks.LearningRateScheduler{Schedule: &schedules.Exponential{DecayRate: 3, DecaySteps: 4}},
	}})
	require.NoError(t, err)
	require.Less(t, len(history.Epoch), 30, "stopped early")
	assert.Contains(t, history.StopReason, "early_stopping")
	_, best, ok := history.Best("val_loss", callbacks.Min)
	require.True(t, ok)
	logs, err := m.Evaluate(t.Context(), val, 16)
	require.NoError(t, err)
	assert.Equal(t, best, logs["loss"])
}

// dataWithNaN has 40 samples, of which number 30 is not finite.
func dataWithNaN(t *testing.T) data.Dataset {
	x, y := make([]float32, 40*36), make([]int32, 40)
	for i := range x {
		x[i] = float32(i % 7)
	}
	x[30*36] = float32(math.NaN())
	ds, err := data.FromTensors(tensor.New(tensor.WithShape(40, 6, 6, 1), tensor.WithBacking(x)), tensor.New(tensor.WithShape(40), tensor.WithBacking(y)))
	require.NoError(t, err)
	return ds
}

func requireFinite(t *testing.T, m *Model) {
	weights, err := m.Weights()
	require.NoError(t, err)
	for _, w := range weights {
		for _, v := range w.Value.Data().([]float32) {
			require.False(t, math.IsNaN(float64(v)), w.Path)
		}
	}
}

func TestNaNEndsTheRun(t *testing.T) {
	m := compileTiny(t, 1)
	_, err := m.Fit(t.Context(), dataWithNaN(t), FitOptions{Epochs: 3, BatchSize: 8, NoShuffle: true})
	var nan *NonFiniteError
	require.ErrorAs(t, err, &nan)
	assert.Equal(t, 0, nan.Epoch)
	assert.Equal(t, 3, nan.Step)
	assert.ErrorContains(t, err, "epoch 1, update 4 the loss is NaN")
	requireFinite(t, m)
	updates, err := m.Updates()
	require.NoError(t, err)
	assert.EqualValues(t, 3, updates)
}

// TestTerminateOnNaN trains on data of which batch 4 of 5 is not finite: it changes no weight, whatever the policy.
func TestTerminateOnNaN(t *testing.T) {
	for _, test := range []struct {
		callback *callbacks.TerminateOnNaN
		epochs   int
		updates  int64
	}{
		{&callbacks.TerminateOnNaN{}, 1, 3},
		{&callbacks.TerminateOnNaN{RaiseError: true}, 0, 3},
		{&callbacks.TerminateOnNaN{Policy: callbacks.SkipOnNaN}, 3, 12},
		{&callbacks.TerminateOnNaN{Policy: callbacks.RollBackOnNaN}, 3, 3}, // of each epoch, the last update stays
	} {
		m := compileTiny(t, 1)
		var restored, began [][]float32
		look := func(into *[][]float32) {
			weights, err := m.values(true)
			require.NoError(t, err)
			*into = nil
			for _, v := range weights {
				*into = append(*into, v.data)
			}
		}
		watch := &callbacks.Lambda{
			OnEpochBegin: func(callbacks.Event) error { look(&began); return nil },
			OnBatchEnd: func(e callbacks.Event) error {
				if e.Batch.Err != nil {
					assert.Equal(t, 3, e.Batch.Index)
					look(&restored)
				}
				return nil
			},
		}
		history, err := m.Fit(t.Context(), dataWithNaN(t), FitOptions{Epochs: 3, BatchSize: 8, NoShuffle: true, Callbacks: []callbacks.Callback{test.callback, watch}})
		var nan *NonFiniteError
		if test.callback.RaiseError {
			require.ErrorAs(t, err, &nan)
			assert.Equal(t, 3, nan.Step)
		} else {
			require.NoError(t, err)
		}
		assert.Len(t, history.Epoch, test.epochs)
		requireFinite(t, m)
		for _, loss := range history.Metrics["loss"] {
			assert.False(t, math.IsNaN(loss), "the metrics are over the other batches")
		}
		updates, err := m.Updates()
		require.NoError(t, err)
		assert.Equal(t, test.updates, updates, "%v", test.callback.Policy)
		if test.callback.Policy == callbacks.RollBackOnNaN {
			assert.Equal(t, began, restored, "weights and slots are those of the epoch's beginning")
		}
		if test.callback.Policy == callbacks.StopOnNaN && err == nil && !test.callback.RaiseError {
			assert.Equal(t, "terminate_on_nan: the loss is NaN in update 4", history.StopReason)
		}
	}
}

// TestSnapshotsDoNotChange saves after every update while training goes on: each file has the weights of its update.
func TestSnapshotsDoNotChange(t *testing.T) {
	m, dir := compileTiny(t, 2), t.TempDir()
	weights := map[int][]Weight{}
	look := &callbacks.Lambda{OnBatchEnd: func(e callbacks.Event) (err error) {
		weights[e.Updates], err = m.Weights()
		return err
	}}
	_, err := m.Fit(t.Context(), tinyData(t, 60), FitOptions{
		Epochs: 2, BatchSize: 8, Dir: dir,
		Callbacks: []callbacks.Callback{
			look, &callbacks.ModelCheckpoint{Filepath: "m{epoch}-{batch}.h5", SaveFreq: 1, SaveLast: true},
			&callbacks.ModelCheckpoint{Filepath: "w{epoch}-{batch}.weights.h5", SaveFreq: 5, SaveWeightsOnly: true},
		},
	})
	require.NoError(t, err)
	for updates, want := range weights {
		place := fmt.Sprintf("%d-%d", (updates-1)/8+1, (updates-1)%8+1)
		list := []string{"m" + place + ".h5"}
		if updates%5 == 0 {
			list = append(list, "w"+place+".weights.h5")
		}
		if updates == 16 {
			list = append(list, "last.h5")
		}
		for _, name := range list {
			loaded := tiny()
			require.NoError(t, loaded.LoadWeights(filepath.Join(dir, name)))
			got, err := loaded.Weights()
			require.NoError(t, err)
			for i := range want {
				require.Equal(t, want[i].Value.Data(), got[i].Value.Data(), "%s in %s", want[i].Path, name)
			}
			require.NoError(t, loaded.Close())
		}
	}
	// A whole model goes on where it was.
	loaded, err := Load(filepath.Join(dir, "m2-3.h5"))
	require.NoError(t, err)
	require.NoError(t, loaded.open())
	assert.EqualValues(t, 11, loaded.session.Iterations())
	assert.EqualValues(t, 11, loaded.trainedSteps)
	require.NoError(t, loaded.Close())
}

// TestSwapEMAWeights validates and saves with averages of the weights, and trains on with the weights themselves.
func TestSwapEMAWeights(t *testing.T) {
	fit := func(list ...callbacks.Callback) (*Model, *callbacks.History, string) {
		m, dir := compileTiny(t, 1), t.TempDir()
		training, _ := m.Training()
		adam := optimizers.NewAdam()
		adam.UseEMA, adam.EMAMomentum = true, 0.9
		training.Optimizer = adam
		require.NoError(t, m.Compile(training))
		history, err := m.Fit(t.Context(), tinyData(t, 60), FitOptions{Epochs: 3, BatchSize: 8, ValidationSplit: 0.2, Dir: dir, Callbacks: list})
		require.NoError(t, err)
		return m, history, dir
	}
	_, raw, _ := fit()
	checkpoint := func() *callbacks.ModelCheckpoint {
		return &callbacks.ModelCheckpoint{Filepath: "m{epoch}.weights.h5", SaveWeightsOnly: true}
	}
	m, swapped, dir := fit(&callbacks.SwapEMAWeights{SwapOnEpoch: true}, checkpoint())
	assert.Equal(t, raw.Metrics["loss"], swapped.Metrics["loss"], "training is the same")
	assert.NotEqual(t, raw.Metrics["val_loss"], swapped.Metrics["val_loss"])
	_, validation, err := data.Split(tinyData(t, 60), 0.2)
	require.NoError(t, err)
	logs, err := m.Evaluate(t.Context(), validation, 8)
	require.NoError(t, err)
	assert.Equal(t, swapped.Metrics["val_loss"][2], logs["loss"], "after the run the averages are the weights, and they were validated")
	_, _, plain := fit(&callbacks.SwapEMAWeights{}, checkpoint())
	for epoch, want := range swapped.Metrics["val_loss"] {
		for from, same := range map[string]bool{dir: true, plain: false} {
			require.NoError(t, m.LoadWeights(filepath.Join(from, fmt.Sprintf("m%d.weights.h5", epoch+1))))
			logs, err := m.Evaluate(t.Context(), validation, 8)
			require.NoError(t, err)
			assert.Equal(t, same, logs["loss"] == want, "epoch %d: what is saved is what was validated only with SwapOnEpoch", epoch)
		}
	}
	_, err = compileTiny(t, 1).Fit(t.Context(), tinyData(t, 60), FitOptions{ValidationSplit: 0.2, Callbacks: []callbacks.Callback{&callbacks.SwapEMAWeights{}}})
	assert.ErrorContains(t, err, "the optimizer keeps no averages of the weights; set its UseEMA")
}

// cancelAt cancels the context after an update.
type cancelAt struct {
	update int
	cancel context.CancelFunc
	ended  error
}

func (*cancelAt) Name() string                 { return "cancel_at" }
func (*cancelAt) Begin(*callbacks.Setup) error { return nil }
func (c *cancelAt) Watch(e callbacks.Event) error {
	if e.Kind == callbacks.BatchEnd && e.Updates == c.update {
		c.cancel()
	}
	if e.Kind == callbacks.TrainEnd {
		c.ended = e.Err
	}
	return nil
}

func TestCancelEndsAfterTheStep(t *testing.T) {
	m := compileTiny(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	c := &cancelAt{update: 5, cancel: cancel}
	history, err := m.Fit(ctx, tinyData(t, 50), FitOptions{Epochs: 100, BatchSize: 16, Callbacks: []callbacks.Callback{c}})
	require.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, c.ended, context.Canceled)
	assert.Len(t, history.Epoch, 1)
	updates, err := m.Updates()
	require.NoError(t, err)
	assert.LessOrEqual(t, updates, int64(6), "at most the step that was under way")

	// People are told the cause.
	why := errors.New("the lights went out")
	because, end := context.WithCancelCause(t.Context())
	history, err = m.Fit(because, tinyData(t, 50), FitOptions{Epochs: 100, BatchSize: 16, Callbacks: []callbacks.Callback{&cancelAt{update: 5, cancel: func() { end(why) }}}})
	require.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, err, why)
	assert.EqualError(t, err, why.Error())
	assert.Equal(t, why.Error(), history.StopReason)
}

func TestFitAgainGoesOn(t *testing.T) {
	ds := tinyData(t, 40)
	m := compileTiny(t, 1)
	_, err := m.Fit(t.Context(), ds, FitOptions{Epochs: 2, BatchSize: 16})
	require.NoError(t, err)
	_, err = m.Fit(t.Context(), ds, FitOptions{Epochs: 1, BatchSize: 16})
	require.NoError(t, err)
	once := compileTiny(t, 1)
	_, err = once.Fit(t.Context(), ds, FitOptions{Epochs: 3, BatchSize: 16})
	require.NoError(t, err)
	a, err := m.Weights()
	require.NoError(t, err)
	b, err := once.Weights()
	require.NoError(t, err)
	for i := range a {
		assert.Equal(t, b[i].Value.Data(), a[i].Value.Data(), a[i].Path)
	}
}

// TestInitialEpoch trains in one go, and in two with a file between them: the same weights to the bit, and the same epochs, rates and steps for callbacks.
func TestInitialEpoch(t *testing.T) {
	ds, file := tinyData(t, 40), filepath.Join(t.TempDir(), "half.keras")
	fit := func(m *Model, from, to int) (history *callbacks.History, steps []int) {
		history, err := m.Fit(t.Context(), ds, FitOptions{
			Epochs: to, InitialEpoch: from, BatchSize: 16, ValidationSplit: .2,
			Callbacks: []callbacks.Callback{
				&callbacks.LearningRateScheduler{Schedule: schedules.Exponential{InitialLearningRate: .02, DecayRate: .5, DecaySteps: 3}}, &callbacks.WarmUp{Steps: 5},
				&callbacks.Lambda{OnBatchEnd: func(e callbacks.Event) error { steps = append(steps, e.Batch.Step); return nil }},
			},
		})
		require.NoError(t, err)
		return history, steps
	}
	whole, half := compileTiny(t, 3), compileTiny(t, 3)
	want, _ := fit(whole, 0, 5)
	fit(half, 0, 2)
	require.NoError(t, half.Save(file))
	assert.Equal(t, 2, half.Epochs())
	rest, err := Load(file)
	require.NoError(t, err)
	got, steps := fit(rest, 2, 5)
	assert.Equal(t, []int{2, 3, 4}, got.Epoch)
	assert.Equal(t, []int{4, 5, 6, 7, 8, 9}, steps)
	for name, values := range want.Metrics {
		assert.Equal(t, values[2:], got.Metrics[name], name)
	}
	a, err := whole.Weights()
	require.NoError(t, err)
	b, err := rest.Weights()
	require.NoError(t, err)
	for i := range a {
		assert.Equal(t, a[i].Value.Data(), b[i].Value.Data(), a[i].Path)
	}

	for _, o := range []FitOptions{{Epochs: 2, InitialEpoch: 2}, {Epochs: 2, InitialEpoch: -1}, {Steps: 4, InitialEpoch: 2, BatchSize: 20}} {
		_, err := rest.Fit(t.Context(), ds, o)
		assert.ErrorContains(t, err, "epochs", o)
	}
	got, err = rest.Fit(t.Context(), ds, FitOptions{Steps: 5, InitialEpoch: 2, BatchSize: 20})
	require.NoError(t, err)
	assert.Equal(t, []int{2}, got.Epoch)
}

// TestPredictDataset gives what Predict gives of the same samples, in their order, whatever the batch.
func TestPredictDataset(t *testing.T) {
	m, ds := compileTiny(t, 1), tinyData(t, 21)
	x := make([]float32, 21*36)
	index := make([]int32, 21)
	for i := range index {
		index[i] = int32(i)
	}
	require.NoError(t, ds.Read(x, make([]int32, 21), index))
	want, err := m.Predict(t.Context(), tensor.New(tensor.WithShape(21, 6, 6, 1), tensor.WithBacking(x)), 0)
	require.NoError(t, err)
	for _, batch := range []int{0, 1, 8, 21, 100} {
		got, err := m.PredictDataset(t.Context(), ds, batch)
		require.NoError(t, err)
		assert.Equal(t, want.Shape(), got.Shape())
		assert.InDeltaSlice(t, want.Data(), got.Data(), 1e-6)
	}
	other, err := data.Synthetic(10, []int{5, 6, 1}, 3, 1)
	require.NoError(t, err)
	_, err = m.PredictDataset(t.Context(), other, 4)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = m.PredictDataset(t.Context(), nil, 4)
	assert.Error(t, err)
	_, err = m.PredictDataset(t.Context(), ds, -1)
	assert.Error(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = m.PredictDataset(ctx, ds, 4)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestMistakesAreFoundBeforeTheFirstStep(t *testing.T) {
	ctx := t.Context()
	_, err := tiny().Fit(ctx, tinyData(t, 10), FitOptions{})
	assert.ErrorIs(t, err, ErrNotCompiled)
	assert.ErrorIs(t, tiny().Compile(Training{}), ErrNotCompiled)
	bad := Sequential(Input(6, 6, 1), &layers.Dense{Units: 3})
	assert.ErrorIs(t, bad.Compile(Training{Optimizer: optimizers.NewAdam(), Loss: losses.SparseCategoricalCrossentropy{}}), ops.ErrShape)
	image := Sequential(Input(6, 6, 1), &layers.MaxPooling2D{})
	assert.ErrorIs(t, image.Compile(Training{Optimizer: optimizers.NewAdam(), Loss: losses.SparseCategoricalCrossentropy{}}), ops.ErrShape)

	m := compileTiny(t, 1)
	other, err := data.Synthetic(10, []int{5, 6, 1}, 3, 1)
	require.NoError(t, err)
	_, err = m.Fit(ctx, other, FitOptions{})
	assert.ErrorContains(t, err, "a sample is [5,6,1], the network takes [6,6,1]")
	many, err := data.Synthetic(10, []int{6, 6, 1}, 4, 1)
	require.NoError(t, err)
	_, err = m.Fit(ctx, many, FitOptions{})
	assert.ErrorContains(t, err, "4 classes, the network's output [3] has room for 3; give it a last layer of 4: ")
	one := Sequential(Input(6, 6, 1), &layers.Flatten{}, &layers.Dense{Units: 1, Activation: layers.Sigmoid})
	require.NoError(t, one.Compile(Training{Optimizer: optimizers.NewAdam(), Loss: losses.SparseCategoricalCrossentropy{}}))
	two, err := data.Synthetic(10, []int{6, 6, 1}, 2, 1)
	require.NoError(t, err)
	_, err = one.Fit(ctx, two, FitOptions{})
	assert.ErrorContains(t, err, "or take binary_crossentropy")
	_, err = m.Fit(ctx, nil, FitOptions{})
	assert.ErrorContains(t, err, "no training data")
	_, err = m.Evaluate(ctx, nil, 0)
	assert.ErrorContains(t, err, "no data set")
	_, err = m.Fit(ctx, tinyData(t, 10), FitOptions{Epochs: -1})
	assert.ErrorContains(t, err, "-1 epochs")
	_, err = m.Fit(ctx, tinyData(t, 10), FitOptions{Validation: many, ValidationSplit: .5})
	assert.ErrorContains(t, err, "both set")
	_, err = m.Fit(ctx, tinyData(t, 10), FitOptions{Callbacks: []callbacks.Callback{&callbacks.EarlyStopping{Monitor: "val_los"}}, ValidationSplit: .5})
	assert.ErrorContains(t, err, "val_los")
	assert.ErrorContains(t, err, "val_accuracy")
	_, err = m.Predict(ctx, tensor.New(tensor.WithShape(2, 6, 6, 2), tensor.Of(tensor.Float32)), 0)
	assert.ErrorIs(t, err, ops.ErrShape)
	assert.ErrorContains(t, err, "[N,6,6,1]")
	updates, err := m.Updates()
	require.NoError(t, err)
	assert.Zero(t, updates)
	assert.False(t, errors.Is(err, ErrNotCompiled))
}

func TestWeightsGoInAndOut(t *testing.T) {
	m := compileTiny(t, 1)
	weights, err := m.Weights()
	require.NoError(t, err)
	var paths []string
	for _, w := range weights {
		paths = append(paths, w.Path)
	}
	assert.Equal(t, []string{
		"conv2d/kernel", "conv2d/bias", "batch_normalization/gamma", "batch_normalization/beta",
		"batch_normalization/moving_mean", "batch_normalization/moving_variance", "dense/kernel", "dense/bias",
	}, paths)
	assert.False(t, weights[4].Trainable)
	value := tensor.New(tensor.WithShape(3), tensor.WithBacking([]float32{1, 2, 3}))
	require.NoError(t, m.SetWeight("dense/bias", value))
	weights, err = m.Weights()
	require.NoError(t, err)
	assert.Equal(t, []float32{1, 2, 3}, weights[7].Value.Data())
	assert.ErrorIs(t, m.SetWeight("conv2d/bias", value), ops.ErrShape)
	assert.ErrorContains(t, m.SetWeight("x/bias", value), `no weight "x/bias"`)
}

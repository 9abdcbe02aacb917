//go:build nvidia && cgo

package meseta

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/report"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// onEmulated skips a test that asks something of the emulated driver.
func onEmulated(t *testing.T) {
	onGPU(t)
	if os.Getenv("MESETA_EMULATED_ORDER") == "" {
		t.Skip("this needs the emulated driver, with MESETA_EMULATED_ORDER")
	}
}

// badDigits are digits of which some are not finite.
func badDigits(t *testing.T, bad ...int) data.Dataset {
	ds := digitsData(t)
	x, labels, index := make([]float32, ds.Len()*90), make([]int32, ds.Len()), make([]int32, ds.Len())
	for i := range index {
		index[i] = int32(i)
	}
	require.NoError(t, ds.Read(x, labels, index))
	for _, i := range bad {
		x[i*90+7] = float32(math.NaN())
	}
	ds, err := data.FromTensors(tensor.New(tensor.WithShape(len(labels), 10, 9, 1), tensor.WithBacking(x)), tensor.New(tensor.WithShape(len(labels)), tensor.WithBacking(labels)))
	require.NoError(t, err)
	return ds
}

// TestStepsAheadOnAGPU: what a run comes to does not depend on whether each step is looked at before the next is started, as it is where a callback may look at the
// model; with batches that are not finite neither, first, last, in a row and whatever is done about them. And all of it is what the CPU makes of it.
func TestStepsAheadOnAGPU(t *testing.T) {
	onGPU(t)
	type outcome struct {
		history map[string][]float64
		weights [][]float32
		steps   int64
		bad     NonFiniteError // that ended it
	}
	for _, bad := range [][]int{nil, {0}, {39}, {9, 17, 18, 30}} {
		for _, policy := range []*callbacks.TerminateOnNaN{
			nil, {Policy: callbacks.StopOnNaN}, {Policy: callbacks.SkipOnNaN, MaxConsecutive: 3}, {Policy: callbacks.RollBackOnNaN, MaxConsecutive: 5, Factor: .5},
		} {
			if bad == nil && policy != nil {
				continue
			}
			name := fmt.Sprintf("%v without", bad)
			if policy != nil {
				name = fmt.Sprintf("%v %v", bad, policy.Policy)
			}
			t.Run(name, func(t *testing.T) {
				train := func(device string, looks bool) (o outcome) {
					m := digits(t, device)
					var list []callbacks.Callback
					if policy != nil {
						own := *policy
						list = append(list, &own)
					}
					if looks {
						list = append(list, &callbacks.Lambda{OnBatchEnd: func(e callbacks.Event) error {
							assert.False(t, e.Batch.Ahead)
							return nil
						}})
					}
					h, err := m.Fit(t.Context(), badDigits(t, bad...), FitOptions{Epochs: 2, BatchSize: 8, NoShuffle: true, Callbacks: list})
					var notFinite *NonFiniteError
					if err != nil {
						require.True(t, errors.As(err, &notFinite), err)
						o.bad = *notFinite
					}
					o.history, o.steps = h.Metrics, m.trainedSteps
					weights, err := m.Weights()
					require.NoError(t, err)
					for _, w := range weights {
						o.weights = append(o.weights, w.Value.Data().([]float32))
					}
					require.NoError(t, m.Close())
					return o
				}
				ahead, each, host := train("cuda", false), train("cuda", true), train("cpu", false)
				assert.Equal(t, fmt.Sprint(each), fmt.Sprint(ahead)) // NaN is NaN
				assert.Equal(t, host.steps, ahead.steps)
				assert.InDelta(t, host.bad.Loss, ahead.bad.Loss, 1e-5)
				ahead.bad.Loss = host.bad.Loss
				assert.Equal(t, host.bad, ahead.bad)
				for i := range host.weights {
					assert.InDeltaSlice(t, host.weights[i], ahead.weights[i], 1e-4)
				}
			})
		}
	}
}

// TestABadBatchOnAGPU: a batch that cannot be used ends a run behind the step before, which counts.
func TestABadBatchOnAGPU(t *testing.T) {
	onGPU(t)
	x, y := make([]float32, 40*90), make([]int32, 40)
	y[20] = 2
	ds, err := data.FromTensors(tensor.New(tensor.WithShape(40, 10, 9, 1), tensor.WithBacking(x)), tensor.New(tensor.WithShape(40), tensor.WithBacking(y)))
	require.NoError(t, err)
	for _, device := range []string{"cpu", "cuda"} {
		m := digits(t, device)
		updates := 0
		_, err := m.Fit(t.Context(), &mislabelled{ds}, FitOptions{BatchSize: 8, NoShuffle: true, Callbacks: []callbacks.Callback{
			&callbacks.Lambda{OnTrainEnd: func(e callbacks.Event) error { updates = e.Updates; return nil }},
		}})
		require.ErrorContains(t, err, "the label of sample 20 is 7")
		assert.EqualValues(t, 2, m.trainedSteps, device)
		assert.Equal(t, 2, updates, device)
	}
}

// mislabelled has labels that the data set does not speak of.
type mislabelled struct{ data.Dataset }

func (m *mislabelled) Read(dst []float32, labels, indices []int32) error {
	err := m.Dataset.Read(dst, labels, indices)
	for i := range labels {
		if labels[i] == 2 {
			labels[i] = 7
		}
	}
	return err
}

// TestBatchLogsOnAGPU: the logs that TensorBoard writes after an update are those of that update, though the next is under way.
func TestBatchLogsOnAGPU(t *testing.T) {
	onGPU(t)
	run := func(more ...callbacks.Callback) (all []string) {
		m := digits(t, "cuda")
		defer m.Close()
		dir := t.TempDir()
		_, err := m.Fit(t.Context(), digitsData(t), FitOptions{
			Epochs: 2, BatchSize: 7, Dir: dir, Callbacks: append(more, &callbacks.TensorBoard{UpdateFreq: 1}),
		})
		require.NoError(t, err)
		files, err := filepath.Glob(filepath.Join(dir, "logs", "train", "*"))
		require.NoError(t, err)
		require.Len(t, files, 1)
		f, err := os.Open(files[0])
		require.NoError(t, err)
		defer f.Close()
		events, err := report.ReadEvents(f)
		require.NoError(t, err)
		for _, e := range events {
			for _, s := range e.Summaries {
				if strings.HasPrefix(s.Tag(), "batch_") {
					all = append(all, fmt.Sprint(e.Step, s))
				}
			}
		}
		return all
	}
	want := run(&callbacks.Lambda{OnBatchEnd: func(callbacks.Event) error { return nil }})
	assert.Len(t, want, 2*6*3) // updates by loss, accuracy and rate
	assert.Equal(t, want, run())
}

// numbered hides that a data set stores bytes.
type numbered struct{ data.Dataset }

// TestBytesOnAGPU: images go to the GPU as bytes, augmented there where that can be, and training, validation and evaluation have the very bits that they have of the numbers that the
// host makes of these, the last batch of an epoch being smaller. The losses are the CPU's. Where images are augmented on the host, Fit says so.
func TestBytesOnAGPU(t *testing.T) {
	onGPU(t)
	pixels, labels := make([]uint8, 40*90), make([]uint8, 40)
	for i := range pixels {
		pixels[i] = uint8(i * i / 7)
	}
	for i := range labels {
		labels[i] = uint8(i % 3)
	}
	images, err := data.NewImages(pixels, 10, 9, 1, labels, 3)
	require.NoError(t, err)
	train := func(device string, ds data.Dataset, bytes bool, list augment.List) (*callbacks.History, string, [][]float32) {
		m := digits(t, device)
		defer m.Close()
		if list.Mixes() {
			require.NoError(t, m.Compile(Training{
				Optimizer: optimizers.NewAdam().WithRate(.01), Loss: losses.CategoricalCrossentropy{}, Seed: 7, Threads: 1, Device: device,
			}))
		}
		var log strings.Builder
		h, err := m.Fit(t.Context(), ds, FitOptions{Epochs: 2, BatchSize: 16, Validation: ds, Augment: list, Log: &log})
		require.NoError(t, err)
		if ds == data.Dataset(images) && !bytes && device == "cuda" {
			assert.Contains(t, log.String(), "images are augmented on the CPU and go to the GPU as numbers: augment: GPUs do not do rand_augment")
		} else {
			assert.NotContains(t, log.String(), "on the CPU")
		}
		logs, err := m.Evaluate(t.Context(), ds, 7)
		require.NoError(t, err)
		source, err := m.source(ds, data.LoaderOptions{BatchSize: 7, Bytes: m.session.TakesBytes(), Augment: list})
		require.NoError(t, err)
		assert.Equal(t, bytes, source.Divisor() != 0)
		var weights [][]float32
		final, err := m.Weights()
		require.NoError(t, err)
		for _, w := range final {
			weights = append(weights, w.Value.Data().([]float32))
		}
		return h, fmt.Sprint(h.Metrics, logs), weights
	}
	all := map[string]bool{}
	for _, list := range []augment.List{
		nil,
		{&augment.RandomFlip{Mode: augment.Horizontal}, &augment.PadAndCrop{Padding: 4}, &augment.Cutout{Size: 3}},
		{&augment.PadAndCrop{Padding: 3, Fill: augment.Fill{Mode: augment.Reflect}}, &augment.RandomFlip{}},
		{augment.NewRandomResizedCrop(), &augment.RandomRotation{Factor: augment.PlusMinus(.1)}},
		{&augment.RandomFlip{}, &augment.RandomChoice{Of: augment.List{augment.NewMixUp(), augment.NewCutMix()}}},
	} {
		_, want, wantWeights := train("cuda", numbered{images}, false, list)
		history, got, weights := train("cuda", images, true, list)
		assert.Equal(t, want, got)
		assert.Equal(t, wantWeights, weights)
		all[want] = true
		onCPU, _, _ := train("cpu", images, false, list)
		assert.InDeltaSlice(t, onCPU.Metrics["loss"], history.Metrics["loss"], 1e-5)
	}
	assert.Len(t, all, 5)
	train("cuda", images, false, augment.List{augment.NewRandAugment()})
}

// TestWhatAStepOnAGPUAsksOfTheDriver counts the calls: the inputs go in one copy on their own stream, the step is one graph, and nobody waits for it before the
// next one is there too.
func TestWhatAStepOnAGPUAsksOfTheDriver(t *testing.T) {
	onEmulated(t)
	m := digits(t, "cuda")
	file := filepath.Join(t.TempDir(), "calls")
	_, err := m.Fit(t.Context(), digitsData(t), FitOptions{BatchSize: 4, Callbacks: []callbacks.Callback{
		&callbacks.Lambda{OnEpochBegin: func(callbacks.Event) error {
			t.Setenv("MESETA_EMULATED_CALLS", file)
			return nil
		}},
	}})
	require.NoError(t, err)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	steps := strings.Split(string(text), "cuGraphLaunch\n")
	require.Len(t, steps, 12) // before, behind what is computed once, and behind each step
	want := []string{
		"cuEventRecord",      // it is over then
		"cuEventSynchronize", // the step before is over
		"cuEventSynchronize", // the pinned block is free: what was in it has been sent
		"cuStreamWaitEvent",  // the device's block is free
		"cuMemcpyHtoDAsync_v2",
		"cuEventRecord",
		"cuStreamWaitEvent", // the graph waits for its inputs
	}
	for _, calls := range steps[3:11] {
		assert.Equal(t, want, strings.Fields(calls))
	}
}

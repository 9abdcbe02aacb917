package callbacks

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/report"
)

// events reads the one event file of a directory: "step tag value" for scalars, "step tag" for others.
func events(t *testing.T, dir string) (list []string) {
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	file, err := os.Open(files[0])
	require.NoError(t, err)
	defer file.Close()
	all, err := report.ReadEvents(file)
	require.NoError(t, err)
	for _, e := range all[1:] {
		for _, s := range e.Summaries {
			line := fmt.Sprint(e.Step, " ", s.Tag())
			if x, ok := s.Scalar(); ok {
				line += fmt.Sprint(" ", x)
			}
			list = append(list, line)
		}
	}
	return list
}

func TestTensorBoardWritesWhatKerasWrites(t *testing.T) {
	s := stream{"loss": {1, 0.5, 0.25}, "val_loss": {2, 1.5, 1.25}}
	r := &recorder{}
	clock := &clock{time.Unix(1e9, 0)}
	board := &TensorBoard{HistogramFreq: 2, WriteGraph: true, WriteImages: true, WriteStepsPerSecond: true, UpdateFreq: 4}
	board.now = func() time.Time { clock.t = clock.t.Add(time.Second / 4); return clock.t }
	setup := setupFor(t, s, 3, r)
	m, err := NewManager([]Callback{board, &LearningRateScheduler{Schedule: ownSchedule{[]float64{0.5, 0.25, 0.125, 0}}}}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	assert.Equal(t, []string{
		"0 keras",
		"0 epoch_learning_rate 0.5", "0 epoch_loss 1", "0 epoch_steps_per_second 4",
		"0 dense/kernel/histogram", "0 dense/kernel/image", "0 dense/bias/histogram", "0 dense/bias/image",
		"4 batch_learning_rate 0.25", "4 batch_loss 0.5", "4 batch_steps_per_second 4",
		"1 epoch_learning_rate 0.25", "1 epoch_loss 0.5", "1 epoch_steps_per_second 4",
		"8 batch_learning_rate 0.125", "8 batch_loss 0.25", "8 batch_steps_per_second 4",
		"2 epoch_learning_rate 0.125", "2 epoch_loss 0.25", "2 epoch_steps_per_second 4",
		"2 dense/kernel/histogram", "2 dense/kernel/image", "2 dense/bias/histogram", "2 dense/bias/image",
	}, events(t, filepath.Join(setup.Dir, "logs", "train")))
	assert.Equal(t, []string{
		"3 evaluation_loss_vs_iterations 2", "0 epoch_loss 2", "6 evaluation_loss_vs_iterations 1.5", "1 epoch_loss 1.5",
		"9 evaluation_loss_vs_iterations 1.25", "2 epoch_loss 1.25",
	}, events(t, filepath.Join(setup.Dir, "logs", "validation")))
}

// Everything is in the files as soon as it has happened: nothing is lost when the run is killed.
func TestTensorBoardKeepsNothingBack(t *testing.T) {
	s := stream{"loss": {1, 0.5}}
	r := &recorder{}
	setup := setupFor(t, s, 2, r)
	m, err := NewManager([]Callback{&TensorBoard{LogDir: "a/b", UpdateFreq: UpdateEveryBatch}}, setup)
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.EpochBegin(0))
	logs := Logs{"loss": 0.75}
	_, err = m.BatchEnd(Batch{Size: 8, Logs: func() Logs { return logs }})
	require.NoError(t, err)
	train := filepath.Join(setup.Dir, "a", "b", "train")
	assert.Equal(t, []string{"1 batch_learning_rate 0.1", "1 batch_loss 0.75"}, events(t, train))
	assert.Len(t, logs, 1, "others' logs are read only")
	_, err = m.EpochEnd(0, s.at(0))
	require.NoError(t, err)
	assert.Equal(t, []string{"0 epoch_learning_rate 0.1", "0 epoch_loss 1"}, events(t, train)[2:])
	assert.NoDirExists(t, filepath.Join(setup.Dir, "a", "b", "validation"))
	require.NoError(t, m.TrainEnd(nil))
}

// stubbornRun fails at what a TensorBoard asks of it.
type stubbornRun struct {
	recorder
	config, weights error
}

func (r *stubbornRun) Config() ([]byte, error)                               { return nil, r.config }
func (r *stubbornRun) EachWeight(func(string, []int, []float32) error) error { return r.weights }

func TestTensorBoardReportsWhatFails(t *testing.T) {
	s := stream{"loss": {1}, "val_loss": {1}}
	start := func(r Run) (*Manager, error) {
		m, err := NewManager([]Callback{&TensorBoard{WriteGraph: true, HistogramFreq: 1}}, setupFor(t, s, 1, r))
		require.NoError(t, err)
		return m, nil
	}
	m, err := start(&stubbornRun{config: errors.New("no form")})
	require.NoError(t, err)
	assert.ErrorContains(t, m.TrainBegin(), "tensorboard: no form")
	require.NoError(t, m.TrainEnd(nil))

	m, err = start(&stubbornRun{weights: errors.New("no weights")})
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.EpochBegin(0))
	_, err = m.EpochEnd(0, s.at(0))
	assert.ErrorContains(t, err, "tensorboard: no weights")
	require.NoError(t, m.TrainEnd(err))

	for _, name := range []string{"train", "validation"} {
		m, err = start(&recorder{})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(m.setup.Dir, "logs", name), nil, 0o666))
		assert.ErrorContains(t, m.TrainBegin(), "tensorboard: report: ")
		require.NoError(t, m.EpochBegin(0))
		require.NoError(t, m.TrainEnd(nil))
	}

	// Files that can no longer be written, as on a full disk.
	for _, broken := range []func(*TensorBoard) *report.Events{func(c *TensorBoard) *report.Events { return c.train }, func(c *TensorBoard) *report.Events { return c.validation }} {
		m, err = start(&recorder{})
		require.NoError(t, err)
		require.NoError(t, m.TrainBegin())
		require.NoError(t, broken(m.callbacks[0].(*TensorBoard)).Close())
		require.NoError(t, m.EpochBegin(0))
		_, err = m.EpochEnd(0, s.at(0))
		assert.ErrorContains(t, err, "choose another directory")
		assert.Error(t, m.TrainEnd(err))
	}
}

func TestWeightImages(t *testing.T) {
	sizes := func(shape ...int) (list []string) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		for _, m := range weightImages(shape, make([]float32, n)) {
			list = append(list, m.Bounds().Size().String())
		}
		return list
	}
	assert.Empty(t, sizes(1))
	assert.Empty(t, sizes(0, 3))
	assert.Empty(t, sizes(3, 3, 8, 16), "filters of many channels have no picture")
	assert.Equal(t, []string{"(1,5)"}, sizes(5))
	assert.Equal(t, []string{"(5,2)"}, sizes(2, 5))
	assert.Equal(t, []string{"(5,2)"}, sizes(5, 2))
	assert.Equal(t, []string{"(3,5)", "(3,5)"}, sizes(5, 3, 1, 2))
	assert.Equal(t, []string{"(3,5)", "(3,5)"}, sizes(5, 3, 3, 2))
	assert.Len(t, sizes(3, 3, 1, 40), maxImages)

	var values []float32
	for i := range 24 {
		values = append(values, float32(i)-3)
	}
	values[5] = float32(nan)
	at := func(x int) uint8 { return uint8(float64(x)/23*255 + 0.5) }
	turned := weightImages([]int{12, 2}, values)[0].(*image.Gray)
	assert.Equal(t, at(2*7+1), turned.GrayAt(7, 1).Y)
	assert.Zero(t, turned.GrayAt(2, 1).Y, "what is not finite is black")
	straight := weightImages([]int{2, 12}, values)[0].(*image.Gray)
	assert.Equal(t, at(12+7), straight.GrayAt(7, 1).Y)
	filter := weightImages([]int{2, 3, 1, 4}, values)[3].(*image.Gray)
	assert.Equal(t, at((3+2)*4+3), filter.GrayAt(2, 1).Y)
	colour := weightImages([]int{2, 2, 3, 2}, values)[1].(*image.NRGBA)
	assert.Equal(t, color.NRGBA{at(13), at(15), at(17), 255}, colour.NRGBAAt(0, 1))
	assert.Zero(t, weightImages([]int{2}, []float32{3, 3})[0].(*image.Gray).GrayAt(0, 0).Y)
}

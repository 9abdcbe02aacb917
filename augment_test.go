package meseta

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// brightened is a data set whose images are all brighter, as RandomBrightness makes them.
type brightened struct {
	data.Dataset
	by float32
}

func (b brightened) Read(dst []float32, labels, indices []int32) error {
	err := b.Dataset.Read(dst, labels, indices)
	for i := range dst {
		dst[i] += b.by
	}
	return err
}

// TestFitAugmentsTrainingDataOnly compares with a run on images that were changed beforehand.
func TestFitAugmentsTrainingDataOnly(t *testing.T) {
	train, val := tinyData(t, 40), tinyData(t, 9)
	list := augment.List{&augment.RandomBrightness{Factor: augment.Exactly(0.25), ValueRange: augment.Range{Low: -9, High: 9}}}
	a, err := compileTiny(t, 1).Fit(context.Background(), train, FitOptions{Epochs: 2, BatchSize: 16, Validation: val, Augment: list})
	require.NoError(t, err)
	b, err := compileTiny(t, 2).Fit(context.Background(), brightened{train, 0.25 * 18}, FitOptions{Epochs: 2, BatchSize: 16, Validation: val})
	require.NoError(t, err)
	assert.Equal(t, b.Metrics, a.Metrics)
	c, err := compileTiny(t, 1).Fit(context.Background(), train, FitOptions{Epochs: 2, BatchSize: 16, Validation: val})
	require.NoError(t, err)
	assert.NotEqual(t, c.Metrics, a.Metrics)
	_, err = compileTiny(t, 1).Fit(context.Background(), train, FitOptions{Augment: augment.List{&augment.Cutout{}}})
	assert.ErrorContains(t, err, "cutout: size is 0")
}

// TestFitOnMixtures trains on mixed targets and measures class labels, with one loss.
func TestFitOnMixtures(t *testing.T) {
	m := tiny()
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	require.NoError(t, m.Compile(Training{Optimizer: optimizers.NewAdam().WithRate(.01), Loss: losses.CategoricalCrossentropy{}, Seed: 7}))
	history, err := m.Fit(context.Background(), tinyData(t, 120), FitOptions{
		Epochs: 20, BatchSize: 20, Validation: tinyData(t, 30), Augment: augment.List{augment.NewMixUp(), augment.NewCutMix()},
	})
	require.NoError(t, err)
	val, loss := history.Metrics["val_loss"], history.Metrics["loss"]
	assert.Less(t, val[19], 0.5*val[0])
	assert.Greater(t, loss[19], val[19], "mixtures are harder than what they are made of")

	_, err = compileTiny(t, 1).Fit(context.Background(), tinyData(t, 40), FitOptions{Augment: augment.List{augment.NewMixUp()}})
	assert.ErrorIs(t, err, losses.ErrTargets)
	assert.ErrorContains(t, err, "use categorical_crossentropy")
}

func TestFitIsTheSameForAnyWorkers(t *testing.T) {
	list := augment.List{&augment.RandomFlip{}, &augment.PadAndCrop{Padding: 1}, &augment.RandomRotation{Factor: augment.PlusMinus(0.05)}}
	var want [][]byte
	for _, workers := range []int{1, 4} {
		m := compileTiny(t, 1)
		_, err := m.Fit(context.Background(), tinyData(t, 100), FitOptions{Epochs: 2, BatchSize: 16, Augment: list, Workers: workers})
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "end.h5")
		require.NoError(t, m.Save(path))
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		want = append(want, file)
	}
	assert.Equal(t, want[0], want[1], "the same file")
	_, err := compileTiny(t, 1).Fit(context.Background(), tinyData(t, 100), FitOptions{Workers: -1})
	assert.ErrorContains(t, err, "-1 workers")
}

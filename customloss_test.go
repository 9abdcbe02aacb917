package meseta

import (
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ownLoss is a loss that was written elsewhere, and has the name of one of Keras's.
type ownLoss struct{}

func (*ownLoss) ClassName() string { return "dice" }
func (*ownLoss) Name() string      { return "dice" }
func (*ownLoss) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return losses.MeanSquaredError{}.Lower(g, prediction, targets)
}

// TestOwnLossesSaveWithoutTraining: what Keras cannot know is left out of a file, which opens nevertheless.
func TestOwnLossesSaveWithoutTraining(t *testing.T) {
	m := Sequential(Input(6, 6, 1), &layers.Flatten{}, &layers.Dense{Units: 3, Activation: layers.Softmax})
	require.NoError(t, m.Compile(Training{Optimizer: optimizers.NewAdam(), Loss: &ownLoss{}, Metrics: []metrics.Metric{metrics.OfLoss{Loss: &ownLoss{}}}}))
	defer m.Close()
	_, err := m.Fit(t.Context(), tinyData(t, 40), FitOptions{Epochs: 1, BatchSize: 16})
	require.NoError(t, err)
	want, err := m.Weights()
	require.NoError(t, err)
	for _, suffix := range []string{".h5", ".keras"} {
		file := filepath.Join(t.TempDir(), "m"+suffix)
		require.NoError(t, m.Save(file))
		loaded, err := Load(file)
		require.NoError(t, err)
		_, compiled := loaded.Training()
		assert.False(t, compiled)
		assert.ErrorIs(t, loaded.needsTraining(), ErrNotCompiled)
		got, err := loaded.Weights()
		require.NoError(t, err)
		for i := range want {
			assert.Equal(t, want[i].Value.Data(), got[i].Value.Data(), want[i].Path)
		}
		require.NoError(t, loaded.Close())
	}
}

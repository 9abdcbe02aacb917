package meseta

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/hdf5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// recordedLogs gives what testdata/make_targets.py recorded, several values of a metric by the names that they have here.
func recordedLogs(t *testing.T, root *hdf5.Group, name string) []map[string]float64 {
	text, err := root.Attrs.Get(name).Value.ScalarString()
	require.NoError(t, err)
	var list []map[string][]float64
	require.NoError(t, json.Unmarshal([]byte(text), &list))
	logs := make([]map[string]float64, len(list))
	for i, values := range list {
		logs[i] = map[string]float64{}
		for name, v := range values {
			if len(v) == 1 {
				logs[i][name] = v[0]
				continue
			}
			for j, x := range v {
				logs[i][fmt.Sprintf("%s_%d", name, j)] = x
			}
		}
	}
	return logs
}

// TestTargetsAreKerass holds runs on targets and with weights against Keras's: loss and metrics after each of ten batches and two epochs, and the
// weights. Both sum float32 in orders of their own, and each step multiplies the difference a little; counts may differ by a tie.
func TestTargetsAreKerass(t *testing.T) {
	for name, classWeight := range map[string]map[int]float64{"several": nil, "regression": nil, "classes": {0: 3, 1: .5, 3: 1.5}, "soft": nil} {
		t.Run(name, func(t *testing.T) {
			root, err := hdf5.ReadFile(filepath.Join("testdata", name+"_targets.h5"))
			require.NoError(t, err)
			r := recorded{t, root}
			m, err := Load(filepath.Join("testdata", name+"_targets_initial.keras"))
			require.NoError(t, err)
			defer m.Close()
			training, ok := m.Training()
			require.True(t, ok)
			require.NoError(t, m.Compile(training))
			array := func(path string) *tensor.Dense {
				values, shape := r.floats(path)
				return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
			}
			ds, err := data.FromTensors(array("x"), array("y"))
			require.NoError(t, err)
			if root.Dataset("weights") != nil {
				ds, err = data.WithWeights(ds, array("weights"))
				require.NoError(t, err)
			}
			validation, err := data.Slice(ds, 0, 40)
			require.NoError(t, err)
			batches, epochs := recordedLogs(t, root, "batches"), recordedLogs(t, root, "epochs")
			var got []callbacks.Logs
			history, err := m.Fit(t.Context(), ds, FitOptions{
				Epochs: 2, BatchSize: 16, NoShuffle: true, Validation: validation, ClassWeight: classWeight,
				Callbacks: []callbacks.Callback{&callbacks.Lambda{OnBatchEnd: func(e callbacks.Event) error {
					got = append(got, e.Batch.Logs())
					return nil
				}}},
			})
			require.NoError(t, err)
			for k, want := range batches {
				for name, value := range want {
					assert.InDelta(t, value, got[k][name], 1e-5*float64(k+1), "%s after batch %d", name, k)
				}
			}
			for e, want := range epochs {
				for name, value := range want {
					if assert.Contains(t, history.Metrics, name) {
						assert.InDelta(t, value, history.Metrics[name][e], 2e-3, "%s of epoch %d", name, e)
					}
				}
			}
			weights, err := m.Weights()
			require.NoError(t, err)
			for _, w := range weights {
				want, _ := r.floats("final/" + w.Path)
				assert.InDeltaSlice(t, want, w.Value.Data().([]float32), 1e-3, w.Path)
			}
		})
	}
}

package report

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exampleCurves is a run as the callbacks of the seed make it.
func exampleCurves() Curves {
	c := Curves{
		Title: "mnist-cnn", Order: []string{"loss", "accuracy"},
		Metrics: map[string][]float64{
			"loss":          {0.412, 0.151, 0.112, 0.093, 0.081, 0.072, 0.066, 0.052, 0.048, 0.046},
			"val_loss":      {0.089, 0.062, 0.051, 0.047, 0.049, 0.048, 0.0475, 0.0462, 0.0468, 0.0471},
			"accuracy":      {0.871, 0.954, 0.966, 0.972, 0.976, 0.978, 0.980, 0.984, 0.985, 0.986},
			"val_accuracy":  {0.973, 0.981, 0.985, 0.986, 0.985, 0.987, 0.987, 0.988, 0.988, 0.987},
			"learning_rate": {1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 2e-4, 2e-4, 2e-4, 4e-5},
		},
		Marks: []Mark{
			{0, MarkSave, "val_accuracy"}, {1, MarkSave, "val_accuracy"}, {2, MarkSave, "val_accuracy"}, {3, MarkSave, "val_accuracy"},
			{5, MarkSave, "val_accuracy"}, {7, MarkSave, "val_accuracy"},
			{5, MarkReduceLR, ""}, {8, MarkReduceLR, ""}, {9, MarkStop, ""}, {7, MarkRestore, ""},
		},
	}
	for i := range 10 {
		c.Epochs = append(c.Epochs, i)
	}
	return c
}

func TestCurvesArePNG(t *testing.T) {
	nan := math.NaN()
	single := Curves{Title: "one epoch", Epochs: []int{0}, Metrics: map[string][]float64{"loss": {2.3}, "learning_rate": {0.1}}}
	bad := Curves{Title: "not finite", Epochs: []int{0, 1, 2, 3}, Metrics: map[string][]float64{
		"loss": {1, nan, 0.5, math.Inf(1)}, "val_loss": {nan, nan, nan, nan}, "learning_rate": {0, 0.1, 0.1, 0.1},
	}, Marks: []Mark{{1, MarkSave, "loss"}, {2, MarkSave, "loss"}, {9, MarkSave, "loss"}}}
	valOnly := Curves{Epochs: []int{0, 1}, Metrics: map[string][]float64{"val_f1_score": {0.1, 0.2}}}
	long := Curves{Title: "long", Metrics: map[string][]float64{"loss": nil, "learning_rate": nil}}
	for i := range 300 {
		long.Epochs = append(long.Epochs, i)
		long.Metrics["loss"] = append(long.Metrics["loss"], math.Exp(-float64(i)/90))
		long.Metrics["learning_rate"] = append(long.Metrics["learning_rate"], 0.1*math.Pow(0.95, float64(i)))
	}
	for name, c := range map[string]Curves{"example": exampleCurves(), "single": single, "bad": bad, "validation": valOnly, "long": long} {
		path := filepath.Join(t.TempDir(), name+".png")
		if keep := os.Getenv("MESETA_KEEP_CURVES"); keep != "" { // to look at them
			path = filepath.Join(keep, name+".png")
		}
		require.NoError(t, c.WriteFile(path), name)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		picture, err := png.Decode(bytes.NewReader(content))
		require.NoError(t, err)
		panels := 2
		if name == "example" {
			panels = 3
		} else if name == "validation" {
			panels = 1
		}
		assert.InDelta(t, pictureHeight(panels)*curvesScale, picture.Bounds().Dy(), 1, name)
		entries, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		if os.Getenv("MESETA_KEEP_CURVES") == "" {
			assert.Len(t, entries, 1, "no temporary file is left")
		}
	}
}

// Marks and curves change the picture: each leaves pixels that are not there without it.
func TestEveryPartIsDrawn(t *testing.T) {
	draw := func(c Curves) []byte {
		var out bytes.Buffer
		require.NoError(t, c.write(&out, 0.5)) // small, to be quick
		return out.Bytes()
	}
	whole := draw(exampleCurves())
	assert.Equal(t, whole, draw(exampleCurves()), "the same run has the same picture")
	for i := range exampleCurves().Marks {
		c := exampleCurves()
		c.Marks = append(c.Marks[:i], c.Marks[i+1:]...)
		assert.NotEqual(t, whole, draw(c), "mark %d", i)
	}
	for name := range exampleCurves().Metrics {
		c := exampleCurves()
		c.Metrics[name][4] *= 0.9
		assert.NotEqual(t, whole, draw(c), name)
	}
}

func TestCurvesErrors(t *testing.T) {
	var out bytes.Buffer
	assert.ErrorContains(t, Curves{}.Write(&out), "no epoch to draw")
	assert.ErrorContains(t, Curves{Epochs: []int{0}, Metrics: map[string][]float64{"loss": {1, 2}}}.Write(&out), "2 values for 1 epochs")
	assert.ErrorContains(t, exampleCurves().WriteFile(filepath.Join(t.TempDir(), "missing", "c.png")), "no such file")
	dir := t.TempDir()
	assert.Error(t, Curves{}.WriteFile(filepath.Join(dir, "c.png")))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestTicks(t *testing.T) {
	labels := func(ticks []tick) (out []string) {
		for _, tick := range ticks {
			out = append(out, tick.label)
		}
		return out
	}
	assert.Equal(t, []string{"1", "2", "3"}, labels(epochTicks(0.9, 3.1, 12)))
	assert.Equal(t, []string{"5", "10", "15", "20", "25", "30", "35", "40"}, labels(epochTicks(0.9, 40.5, 12)))
	assert.Len(t, epochTicks(0, 300, 12), 7)
	assert.Equal(t, []string{"5e-04", "1e-03", "2e-03"}, labels(rateTicks(0.0005, 0.002)))
	assert.Equal(t, []string{"1e-06", "1e-05", "1e-04", "1e-03"}, labels(rateTicks(1e-6, 5e-3)))
}

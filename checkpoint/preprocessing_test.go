package checkpoint

import (
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPreprocessingConfigs reads what Keras writes in several ways, and refuses what we do not do.
func TestPreprocessingConfigs(t *testing.T) {
	for _, c := range []struct {
		class  string
		values map[string]any
		want   layers.Layer
	}{
		{"Rescaling", map[string]any{"scale": 2.0}, &layers.Rescaling{Name: "x", Scale: 2}},
		{"Rescaling", map[string]any{"scale": []any{1.0, 2.0}, "offset": 1.0}, &layers.Rescaling{Name: "x", Scales: []float64{1, 2}, Offset: 1}},
		{"Rescaling", map[string]any{"scale": map[string]any{"class_name": "__numpy__", "config": map[string]any{"value": []any{1.0, 2.0}, "dtype": "float64"}}},
			&layers.Rescaling{Name: "x", Scales: []float64{1, 2}}},
		{"Normalization", map[string]any{}, &layers.Normalization{Name: "x"}},
		{"Normalization", map[string]any{"axis": -1.0}, &layers.Normalization{Name: "x", Axis: []int{-1}}},
		{"Normalization", map[string]any{"axis": nil, "mean": 1.0, "variance": 2.0}, &layers.Normalization{Name: "x", Axis: []int{}, Mean: []float64{1}, Variance: []float64{2}}},
		{"Resizing", map[string]any{"height": 2.0, "width": 3.0, "fill_mode": "constant", "fill_value": 0.0}, &layers.Resizing{Name: "x", Height: 2, Width: 3, Interpolation: layers.Bilinear}},
	} {
		c.values["name"] = "x"
		l, err := readLayerConfig(c.class, c.values)
		require.NoError(t, err)
		assert.Equal(t, c.want, l)
	}
	for _, c := range []struct {
		class  string
		values map[string]any
		want   string
	}{
		{"Rescaling", map[string]any{"scale": "two"}, `layer x has scale "two", want a number or a list of numbers`},
		{"Rescaling", map[string]any{"scale": []any{}}, `layer x has scale [], want a number`},
		{"Normalization", map[string]any{"mean": []any{[]any{1.0}}}, `layer x has mean [[1]], want a number`},
		{"Normalization", map[string]any{"axis": "last"}, `layer x has axis "last", want integers`},
		{"Resizing", map[string]any{"height": 2.0, "width": 3.0, "fill_value": 1.0}, "layer x has fill_value 1, only 0"},
		{"Resizing", map[string]any{"height": 2.0, "width": 3.0, "antialias": true}, "layer x has antialias true, which is not supported"},
		{"LayerNormalization", map[string]any{"rms_scaling": true}, "layer x has rms_scaling true, which is not supported"},
		{"AveragePooling1D", map[string]any{"pool_size": []any{1.0, 2.0}}, "layer x has pool_size [1,2], want one integer"},
	} {
		c.values["name"] = "x"
		_, err := readLayerConfig(c.class, c.values)
		assert.ErrorContains(t, err, c.want)
	}
}

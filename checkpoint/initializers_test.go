package checkpoint

import (
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestInitializerConfigs reads initializers in the ways that versions of Keras write them.
func TestInitializerConfigs(t *testing.T) {
	for _, c := range []struct {
		value any
		want  layers.Initializer
	}{
		{nil, nil},
		{"zeros", nil}, // the usual one
		{"lecun_normal", layers.LecunNormal{}},
		{"RandomUniform", layers.NewRandomUniform()},
		{map[string]any{"class_name": "OrthogonalInitializer", "config": map[string]any{"gain": 2.0, "seed": 3.0}}, layers.Orthogonal{Gain: 2}},
		{map[string]any{"class_name": "IdentityInitializer"}, layers.Identity{}},
		{map[string]any{"class_name": "TruncatedNormal", "config": map[string]any{"mean": 1.0}}, layers.TruncatedNormal{Mean: 1, Stddev: .05}},
		{map[string]any{"class_name": "VarianceScaling", "config": map[string]any{"distribution": "Normal"}},
			layers.VarianceScaling{Scale: 1, Mode: "fan_in", Distribution: "truncated_normal"}},
	} {
		in := newConfig("layer x", map[string]any{"i": c.value})
		assert.Equal(t, c.want, in.initializer("i", layers.Zeros{}))
		require.NoError(t, in.end())
	}
	in := newConfig("layer x", map[string]any{"i": map[string]any{"class_name": "Orthogonal", "config": map[string]any{"gain": "much"}}})
	in.initializer("i", nil)
	assert.EqualError(t, in.end(), `layer x: i has gain "much", want a number`)
}

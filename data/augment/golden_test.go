package augment_test

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
)

// arrays reads a file that testdata/make_augment.py made.
func arrays(t *testing.T, name string) map[string]*tensor.Dense {
	a, err := data.LoadNPZ("testdata/" + name)
	require.NoError(t, err)
	return a
}

// imageOf makes an image of values from 0 to 1 of an array of them or of bytes.
func imageOf(x *tensor.Dense) *augment.Image {
	img := &augment.Image{H: x.Shape()[0], W: x.Shape()[1], C: x.Shape()[2], High: 1}
	switch values := x.Data().(type) {
	case []float32:
		img.Pixels = append(img.Pixels, values...)
	case []uint8:
		for _, v := range values {
			img.Pixels = append(img.Pixels, float32(v)/255)
		}
	}
	img.Scratch = make([]float32, len(img.Pixels))
	return img
}

func formatOf(img *augment.Image) augment.Format {
	return augment.Format{H: img.H, W: img.W, C: img.C, Low: img.Low, High: img.High}
}

// furthest is the largest distance of two lists of numbers.
func furthest(a, b []float32) float64 {
	d := 0.0
	for i := range a {
		d = math.Max(d, math.Abs(float64(a[i]-b[i])))
	}
	return d
}

// TestKeras compares with what Keras's layers made of an image, where a range of one number left nothing to chance.
func TestKeras(t *testing.T) {
	text, err := os.ReadFile("testdata/keras.json")
	require.NoError(t, err)
	var golden struct{ Cases []map[string]map[string]any }
	require.NoError(t, json.Unmarshal(text, &golden))
	require.Len(t, golden.Cases, 19)
	want := arrays(t, "keras.npz")
	for i, c := range golden.Cases {
		item, err := json.Marshal([]any{c})
		require.NoError(t, err)
		list, err := augment.Decode(item)
		require.NoError(t, err)
		outputs := [][]float32{want["case"+strconv.Itoa(i)].Data().([]float32)}
		if minus := want["case"+strconv.Itoa(i)+"minus"]; minus != nil {
			outputs = append(outputs, minus.Data().([]float32))
		}
		seen := map[int]bool{}
		for sample := range uint32(20) {
			img := imageOf(want["image"])
			require.NoError(t, list.Check(formatOf(img)))
			img.Random.Index = sample
			list[0].(augment.Changer).Change(img)
			best := 0
			for j := range outputs {
				if furthest(img.Pixels, outputs[j]) < furthest(img.Pixels, outputs[best]) {
					best = j
				}
			}
			seen[best] = true
			// Places that differ in their last bits have values that differ as much, times the distance of neighbours.
			assert.Less(t, furthest(img.Pixels, outputs[best]), 2e-5, "%s, sign %d", item, best)
		}
		assert.Len(t, seen, len(outputs), "%s: both signs occur", item)
	}
}

func TestKerasContrast(t *testing.T) {
	want := arrays(t, "keras.npz")
	for name, factor := range map[string]float32{"contrast 0.4": 0.4, "contrast 1.7": 1.7} {
		img := imageOf(want["image"])
		augment.Stretch(img, factor)
		assert.Less(t, furthest(img.Pixels, want[name].Data().([]float32)), 1e-6, name)
	}
}

// TestPillow compares RandAugment's operations, of magnitude 9, with Pillow's.
func TestPillow(t *testing.T) {
	want := arrays(t, "pillow.npz")
	compared := 0
	for name, result := range want {
		base, grey := strings.CutSuffix(name, "_grey")
		base, minus := strings.CutSuffix(base, "_minus")
		if _, ok := augment.Operations[base]; !ok {
			require.Equal(t, "big", name)
			continue
		}
		source := "identity"
		if base == "equalize" {
			source = "big"
		} else if grey {
			source += "_grey"
		}
		img := imageOf(want[source])
		augment.Do(base, img, 9.0/30, minus, augment.Fill{Mode: augment.Constant, Interpolation: augment.NearestOnly})
		tolerance := 1e-6
		switch base {
		case "brightness", "auto_contrast":
			tolerance = 1.001 / 255 // Pillow rounds the result, or cuts it off
		case "color", "contrast", "sharpness":
			tolerance = 1.5 / 255 // and the grey, the mean, or the smoothed image, before
		}
		assert.Less(t, furthest(img.Pixels, imageOf(result).Pixels), tolerance, name)
		compared++
	}
	assert.Equal(t, 2*(9*2+4)+1, compared)
}

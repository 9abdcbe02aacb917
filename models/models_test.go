package models

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParameters(t *testing.T) { // the counts of the bench contract
	for name, want := range map[string]int{
		"mnist-cnn": 1_199_882, "resnet20": 272_474, "resnet9": 6_573_120, "vgg11-bn": 9_231_114, "resnet50": 25_557_032, "mobilenet-v2": 3_504_872,
	} {
		g, err := New(name)
		require.NoError(t, err)
		trainable, _ := g.Parameters()
		assert.Equal(t, want, trainable, name)
		assert.Equal(t, name, g.Name)
		assert.Contains(t, Names(), name)
	}
	_, err := New("alexnet")
	assert.ErrorContains(t, err, `no "alexnet", there are mnist-cnn, mobilenet-v2, resnet20, resnet50, resnet9, vgg11-bn`)
}

func TestOtherSizes(t *testing.T) {
	for _, name := range []string{"mobilenet-v2", "resnet20", "resnet50"} { // which average what is left of an image
		usual, err := New(name)
		require.NoError(t, err)
		larger, err := Sized(name, 2*usual.Input()[0])
		require.NoError(t, err)
		assert.Equal(t, 4*usual.Input().Size(), larger.Input().Size())
		want, _ := usual.Parameters()
		got, _ := larger.Parameters()
		assert.Equal(t, want, got, name)
		again, err := New(name)
		require.NoError(t, err)
		assert.Equal(t, usual.Input(), again.Input())
	}
	_, err := Sized("resnet20", -1)
	assert.ErrorContains(t, err, "side of -1")
	_, err = Sized("vgg11-bn", 16)
	assert.Error(t, err, "nothing is left of so small an image")
}

func TestOtherClasses(t *testing.T) {
	for _, name := range Names() {
		usual, err := New(name)
		require.NoError(t, err)
		g, err := With(name, Options{Classes: 3})
		require.NoError(t, err)
		assert.Equal(t, []int{3}, []int(g.OutputShape()), name)
		assert.Equal(t, usual.Input(), g.Input())
		want, _ := usual.Parameters()
		got, _ := g.Parameters()
		assert.Less(t, got, want, name)
	}
	g, err := With("resnet20", Options{Side: 64, Classes: 3})
	require.NoError(t, err)
	assert.Equal(t, []int{64, 64, 3}, []int(g.Input()))
	for _, n := range []int{-1, 1} {
		_, err = With("resnet20", Options{Classes: n})
		assert.ErrorContains(t, err, "classes, want at least 2")
	}
}

// TestWeightsAreAsInKerasApplications holds names, shapes and order against those that testdata/make_applications.py found.
func TestWeightsAreAsInKerasApplications(t *testing.T) {
	for _, name := range []string{"mobilenet-v2", "resnet50"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		require.NoError(t, err)
		var want, got []string
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			if !strings.Contains(line, "_conv/bias") { // its ResNet50 has biases before batch norms, v1.5 has none
				want = append(want, line)
			}
		}
		g, err := New(name)
		require.NoError(t, err)
		for _, l := range g.Layers {
			for _, w := range l.Weights {
				got = append(got, fmt.Sprint(l.Path(w), " ", w.Shape))
			}
		}
		assert.Equal(t, want, got, name)
	}
}

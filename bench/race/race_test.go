//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data"
)

// lines runs a race.
func lines(t *testing.T, args ...string) (list []line) {
	var out bytes.Buffer
	require.NoError(t, run(args, &out))
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	for d.More() {
		var l line
		require.NoError(t, d.Decode(&l))
		list = append(list, l)
	}
	return list
}

func TestMNIST(t *testing.T) {
	got := lines(t, "mnist", "--images=1280", "--epochs=2", "--threads=1", "--seed=3")
	require.Len(t, got, 2)
	for i, l := range got {
		assert.Equal(t, []int{i + 1, 10 * (i + 1)}, []int{l.Epoch, l.Steps})
		assert.Positive(t, l.EvaluationSeconds)
		assert.Greater(t, l.CPUSeconds, l.EvaluationCPU)
		assert.Positive(t, l.EvaluationCPU)
	}
	assert.Less(t, got[1].Loss, got[0].Loss)
	assert.Less(t, got[1].TestLoss, got[0].TestLoss)
	assert.Greater(t, got[1].TestAccuracy, .5)

	assert.Len(t, lines(t, "mnist", "--images=1280", "--epochs=3", "--goal=0.3"), 1, "the first epoch reaches the goal")
}

func TestCIFAR10(t *testing.T) {
	dir := t.TempDir()
	pixels, labels := make([]uint8, 40*3*32*32), make([]uint8, 40)
	for i := range pixels {
		pixels[i] = uint8(i * i / 7)
	}
	for i := range labels {
		labels[i] = uint8(i % 10)
	}
	images, err := data.NewImages(pixels, 32, 32, 3, labels, 10)
	require.NoError(t, err)
	for _, name := range []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"} {
		require.NoError(t, writeBatch(filepath.Join(dir, name), images, 27, 10))
	}
	_, test, err := data.OpenCIFAR10(dir)
	require.NoError(t, err)
	want, err := data.Slice(images, 27, 37)
	require.NoError(t, err)
	assert.Equal(t, samples(t, want), samples(t, test), "what is written is read")

	got := lines(t, "cifar10", "--data="+dir, "--epochs=1")
	require.Len(t, got, 1)
	assert.Equal(t, 1, got[0].Steps)
	assert.Positive(t, got[0].TestLoss)
}

// sampled is all of a data set.
type sampled struct {
	values []float32
	labels []int32
}

func samples(t *testing.T, ds data.Dataset) sampled {
	s := sampled{make([]float32, ds.Len()*data.SampleSize(ds)), make([]int32, ds.Len())}
	indices := make([]int32, ds.Len())
	for i := range indices {
		indices[i] = int32(i)
	}
	require.NoError(t, ds.Read(s.values, s.labels, indices))
	return s
}

func TestMistakes(t *testing.T) {
	for want, args := range map[string][]string{
		"want mnist, cifar10 or convert":            nil,
		`there is no "imagenet"`:                    {"imagenet"},
		"convert wants the folder":                  {"convert", "a"},
		"data_batch_1.bin: no such file":            {"cifar10", "--data=" + t.TempDir()},
		"flag provided but not defined: -steps":     {"mnist", "--steps=3"},
		"no-such-folder: no such file or directory": {"convert", "no-such-folder", t.TempDir()},
		"samples 0 to 70000 are asked for":          {"mnist", "--images=70000"},
	} {
		assert.ErrorContains(t, run(args, &bytes.Buffer{}), want)
	}
}

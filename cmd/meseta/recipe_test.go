package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// smallCIFAR writes CIFAR-10's binary files with 20 training images in each, and as many test images.
func smallCIFAR(t *testing.T) string {
	dir := t.TempDir()
	for part, name := range []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"} {
		var file []byte
		for i := range 20 {
			image := make([]byte, 1+3072)
			image[0] = byte(i % 10)
			for j := range 3072 {
				image[1+j] = byte(j*(1+i%10) + part)
			}
			file = append(file, image...)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), file, 0o666))
	}
	return dir
}

func TestRecipes(t *testing.T) {
	recipes, err := filepath.Glob("../../examples/*/recipe.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, recipes)
	for _, recipe := range recipes {
		dir := filepath.Join(t.TempDir(), "run")
		code, stdout, stderr := run("train", "--config", recipe, "--data", smallCIFAR(t), "--val", "10", "--batch", "15", "--steps", "3", "--run-dir", dir)
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, "1 epoch, 3 updates", recipe)
		assert.FileExists(t, filepath.Join(dir, "best.h5"))
	}
}

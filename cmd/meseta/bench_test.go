package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBenchKeepsItsContract(t *testing.T) {
	for _, args := range []string{"--model mnist-cnn --mode train", "--model resnet20 --mode infer"} {
		code, stdout, stderr := run(strings.Fields("bench step --seconds 0.01 --batch 2 --threads 1 --json " + args)...)
		require.Zero(t, code, stderr)
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(stdout), &line))
		for _, key := range []string{
			"workload", "mode", "batch", "threads", "device", "precision", "params", "loss",
			"images_per_s_median", "images_per_s_best", "step_ms_min", "peak_rss_bytes", "first_step_s",
		} {
			assert.Contains(t, line, key)
		}
		assert.Len(t, line, 13)
		assert.Greater(t, line["images_per_s_best"], 0.0)
		assert.EqualValues(t, 1, line["threads"])
	}
}

// TestBenchMeasuresOperations wants a line for each shape and pass, of those given and of those in a file.
func TestBenchMeasuresOperations(t *testing.T) {
	list := filepath.Join(t.TempDir(), "shapes")
	require.NoError(t, os.WriteFile(list, []byte("# two\nm3n4k5\nm8n9k7ta1n\"dense\"\n"), 0o600))
	for args, want := range map[string]int{
		"bench op conv g2mb2ic4ih5oc6kh3ph1 ic3ih5oc4kh1":              6,
		"bench op conv mb64ic3ih5oc4kh3 --pass weights,data --batch 2": 2,
		"bench op gemm m7n5k3tb1 --list " + list:                       3,
	} {
		code, stdout, stderr := run(strings.Fields(args + " --seconds 0.001 --threads 2 --json")...)
		require.Zero(t, code, stderr)
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		assert.Len(t, lines, want, args)
		for _, line := range lines {
			var m measuredOp
			require.NoError(t, json.Unmarshal([]byte(line), &m))
			assert.NotEmpty(t, m.Variant)
			assert.Equal(t, 2, m.Threads)
			assert.InEpsilon(t, float64(m.FLOPs)/m.MedianMS/1e6, m.GFLOPs, 1e-6)
			assert.InEpsilon(t, m.GFLOPs/m.PeakGFLOPs, m.PeakFraction, 1e-6)
			assert.InEpsilon(t, float64(m.Bytes)/m.MedianMS/1e6, m.GB, 1e-6)
			assert.Positive(t, m.PeakGB)
		}
		code, stdout, stderr = run(strings.Fields(args + " --seconds 0.001")...)
		require.Zero(t, code, stderr)
		assert.Equal(t, want+1, strings.Count(stdout, "\n"), "a head and a row for each: %s", stdout)
	}
}

func TestBenchMeasuresPeaks(t *testing.T) {
	code, stdout, stderr := run("bench", "peak", "--threads", "2", "--json")
	require.Zero(t, code, stderr)
	var threads []int
	for line := range strings.Lines(stdout) {
		var m measuredPeak
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		assert.Positive(t, m.GFLOPs)
		assert.Positive(t, m.GB)
		threads = append(threads, m.Threads)
	}
	assert.Equal(t, []int{1, 2}, threads)
}

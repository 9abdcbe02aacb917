//go:build unix

package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/checkpoint"
	"github.com/meseta-go/meseta/report"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const everyStep = `
callbacks:
- model_checkpoint: {filepath: last.h5, save_freq: 1, save_best_only: false}
- model_checkpoint: {filepath: "top-{epoch}-{batch}.h5", save_freq: 2, save_top_k: 2, monitor: loss}
- tensorboard: {update_freq: batch}
`

// TestKill kills a run that saves after every step at random moments. MESETA_KILLS says how often, MESETA_PYTHON names a Python with Keras
// that has to open the file as well.
func TestKill(t *testing.T) {
	kills := 5
	if s := os.Getenv("MESETA_KILLS"); s != "" {
		var err error
		kills, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	idx, dir := smallIDX(t, 64), t.TempDir()
	cfg := filepath.Join(dir, "every-step.yaml")
	require.NoError(t, os.WriteFile(cfg, []byte(everyStep), 0o666))
	var files []string
	for k := range kills {
		runDir := filepath.Join(dir, "run"+strconv.Itoa(k))
		last := filepath.Join(runDir, "last.h5")
		c := command(t, dir, "train", "--config", cfg, "--data", idx, "--val", "0", "--batch", "8", "--epochs", "1000", "--run-dir", runDir)
		var stderr bytes.Buffer
		c.Stderr = &stderr
		require.NoError(t, c.Start())
		for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(last); err == nil {
				break
			}
		}
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
		require.NoError(t, c.Process.Kill())
		require.Error(t, c.Wait(), "killed: %s", stderr.String())
		sums, err := checkpoint.Verify(last)
		require.NoError(t, err, stderr.String())
		require.True(t, sums.OK, "%v", sums)
		m, err := meseta.Load(last)
		require.NoError(t, err)
		require.NoError(t, m.Close())
		files = append(files, last)
		checkPruned(t, runDir)
		checkEvents(t, filepath.Join(runDir, "logs", "train"))
	}
	openInKeras(t, files)
}

// checkPruned wants the best two files whole; beside them may be one that was just written, before an older one went.
func checkPruned(t *testing.T, runDir string) {
	top, err := filepath.Glob(filepath.Join(runDir, "top-*.h5"))
	require.NoError(t, err)
	assert.LessOrEqual(t, len(top), 3)
	for _, file := range top {
		sums, err := checkpoint.Verify(file)
		require.NoError(t, err)
		assert.True(t, sums.OK, "%v", sums)
	}
}

// checkEvents wants events up to the kill.
func checkEvents(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "events.*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	file, err := os.Open(files[0])
	require.NoError(t, err)
	defer file.Close()
	events, err := report.ReadEvents(file)
	require.NoError(t, err)
	assert.Greater(t, len(events), 2, "the version, the network and a batch at least")
}

// openInKeras has the real Keras load each file.
func openInKeras(t *testing.T, files []string) {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Log("MESETA_PYTHON is not set: not opened in Keras")
		return
	}
	script := "import sys, keras\nfor f in sys.argv[1:]: print('parameters:', keras.models.load_model(f).count_params())"
	out, err := exec.Command(python, append([]string{"-c", script}, files...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, len(files), strings.Count(string(out), "parameters: 1199882"))
}

func TestInterruptEndsCleanly(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		idx, dir := smallIDX(t, 64), t.TempDir()
		runDir, patient := filepath.Join(dir, "run"), filepath.Join(dir, "patient.yaml") // it must not stop by itself before the signal comes
		require.NoError(t, os.WriteFile(patient, []byte("callbacks:\n  early_stopping: {monitor: val_loss, patience: 1000000, restore_best_weights: true}\n"+
			"  model_checkpoint: {filepath: mejor_modelo.h5, monitor: val_accuracy, mode: max, save_best_only: true}\n"), 0o666))
		c := command(t, dir, "train", "--config", patient, "--data", idx, "--val", "16", "--batch", "8", "--epochs", "100000", "--run-dir", runDir)
		var stderr bytes.Buffer
		c.Stderr = &stderr
		require.NoError(t, c.Start())
		for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(filepath.Join(runDir, "mejor_modelo.h5")); err == nil {
				break
			}
		}
		require.NoError(t, c.Process.Signal(signal))
		require.Error(t, c.Wait())
		assert.Equal(t, 128+int(signal), c.ProcessState.ExitCode(), stderr.String())
		assert.Contains(t, stderr.String(), "stopped by "+signal.String())
		journal, err := os.ReadFile(filepath.Join(runDir, "journal.jsonl"))
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(journal)), "\n")
		assert.Contains(t, lines[len(lines)-1], `"action":"restore"`, "best weights are restored on this way out too")
		page, err := os.ReadFile(filepath.Join(runDir, "report.html"))
		require.NoError(t, err)
		assert.True(t, strings.Contains(string(page), `class="state interrupted"`))
	}
}

// TestFullDisk limits the size of files that the process may write: saving fails as on a full disk.
func TestFullDisk(t *testing.T) {
	idx, dir := smallIDX(t, 40), t.TempDir()
	good := filepath.Join(dir, "good.h5")
	code, _, stderr := run("train", "--data", idx, "--val", "10", "--steps", "1", "--run-dir", filepath.Join(dir, "first"), "--save", good)
	require.Zero(t, code, stderr)
	before, err := os.ReadFile(good)
	require.NoError(t, err)

	self, err := os.Executable()
	require.NoError(t, err)
	// 1,000 blocks of 512 or 1,024 bytes: room for everything but a model.
	c := exec.Command("sh", "-c", `ulimit -f 1000; trap "" XFSZ; exec "$@"`, "sh", self,
		"train", "--data", idx, "--val", "10", "--steps", "1", "--run-dir", filepath.Join(dir, "second"), "--save", good)
	c.Env = append(os.Environ(), asCommand+"=1")
	out, err := c.CombinedOutput()
	require.Error(t, err, "%s", out)
	assert.Equal(t, 1, c.ProcessState.ExitCode(), "%s", out)
	assert.Contains(t, string(out), "file too large")
	after, err := os.ReadFile(good)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(before, after), "the file before is as it was")
	left, err := filepath.Glob(filepath.Join(dir, "second", ".*"))
	require.NoError(t, err)
	assert.Empty(t, left, "no temporary files stay")
}

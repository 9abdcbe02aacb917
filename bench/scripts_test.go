package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script runs one of the scripts beside this file, without leaving compiled files.
func script(t *testing.T, args ...string) string {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON names no Python")
	}
	out, err := exec.Command(python, append([]string{"-B"}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// written is a file of results with these lines.
func written(t *testing.T, lines ...string) string {
	name := filepath.Join(t.TempDir(), "results.jsonl")
	require.NoError(t, os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o666))
	return name
}

func TestTables(t *testing.T) {
	row := func(workload, peer string) string {
		return `{"kind": "ratio", "mode": "train", "workload": "` + workload + `", "batch": 8, "threads": 2, "variant": "` + peer + `", "ratio": 4, "ratios": [3, 4, 5], ` +
			`"memory": 0.5, "meseta_images_per_s_median": 200, "peer_images_per_s_median": 50, "meseta_peak_rss_bytes": 1048576, ` +
			`"peer_peak_rss_bytes": 2097152, "meseta_first_step_s": 0.1, "peer_first_step_s": 2}`
	}
	first := written(t, `{"kind": "machine"}`, row("b", "PyTorch"), row("a", "PyTorch"))
	line := func(workload, peer string) string {
		return "| `" + workload + "` | 8 | " + peer + " | 200 | 50.0 | **4.00** | 3.00 to 5.00 | 1 : 2 = 0.50 | 0.10 : 2.00 |\n"
	}
	text := script(t, "tables.py", first, written(t, row("b", "Keras")), "train")
	assert.Contains(t, text, "|---|---:|---|---:|---:|---:|---:|---:|---:|\n"+line("b", "PyTorch")+line("b", "Keras")+line("a", "PyTorch"), "rows of a workload stand together")
	assert.Len(t, strings.Split(script(t, "tables.py", first, "infer"), "\n"), 3, "a head only")
}

func TestReportOfRaces(t *testing.T) {
	cifar := written(t,
		`{"kind": "race", "task": "cifar10", "clock": "processor", "threads": 1, "limit_s": 240, "epochs": {"meseta": 9, "torch": 9}}`, // an earlier one does not count
		`{"kind": "race", "task": "cifar10", "clock": "processor", "threads": 1, "limit_s": 120, "epochs": {"meseta": 2, "torch": 1}}`,
		`{"kind": "epoch", "contender": "meseta", "seed": 1, "epoch": 1, "loss": 2, "accuracy": 0.5, "test_accuracy": 0.25, "time_s": 60}`,
		`{"kind": "epoch", "contender": "torch", "seed": 1, "epoch": 1, "loss": 2, "accuracy": 0.5, "test_accuracy": 0.375, "time_s": 119}`,
		`{"kind": "epoch", "contender": "meseta", "seed": 1, "epoch": 2, "loss": 1, "accuracy": 0.75, "test_accuracy": 0.5, "time_s": 118}`)
	picture := filepath.Join(t.TempDir(), "a.svg")
	text := script(t, "race.py", "report", cifar, "--plot", picture)
	assert.Contains(t, text, "| meseta | 2 of 2 | 2.0 | 1.000 | 75.00 |  | 25.0 | 25.0 | **50.00** |")
	assert.Contains(t, text, "| PyTorch | 1 of 1 | 2.0 | 2.000 | 50.00 |  |  |  | **37.50** |")
	assert.Contains(t, text, "+12.50 %")
	svg, err := os.ReadFile(picture)
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(string(svg), "<polyline"))

	text = script(t, "race.py", "report", written(t,
		`{"kind": "race", "task": "cifar10", "clock": "processor", "threads": 1, "limit_s": 240, "epochs": {"meseta": 9, "torch": 9}}`,
		`{"kind": "epoch", "contender": "meseta", "seed": 1, "epoch": 1, "loss": 2, "accuracy": 0.5, "test_accuracy": 0.25, "time_s": 61}`))
	assert.Contains(t, text, "| meseta | 1 of 9 | 1.0 | 2.000 | 50.00 |  |  |  | **25.00** |", "a race that is on")

	mnist := written(t,
		`{"kind": "race", "task": "mnist", "clock": "wall", "threads": 2, "goal": 0.9}`,
		`{"kind": "epoch", "contender": "meseta", "seed": 1, "epoch": 1, "test_accuracy": 0.8, "time_s": 10}`,
		`{"kind": "epoch", "contender": "meseta", "seed": 1, "epoch": 2, "test_accuracy": 0.9, "time_s": 20}`,
		`{"kind": "end", "contender": "meseta", "seed": 1}`,
		`{"kind": "epoch", "contender": "keras", "seed": 1, "epoch": 1, "test_accuracy": 0.9, "time_s": 80}`,
		`{"kind": "end", "contender": "keras", "seed": 1}`,
		`{"kind": "epoch", "contender": "keras", "seed": 2, "epoch": 1, "test_accuracy": 0.1, "time_s": 1}`) // cut short
	text = script(t, "race.py", "report", mnist)
	assert.Contains(t, text, "| meseta | 1 | 2 | **20.0** | 20.0 to 20.0 | 10.0 |")
	assert.Contains(t, text, "meseta's time is 0.25 of the fastest peer's.")
}

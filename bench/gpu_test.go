package bench

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Stand-ins for what bench/gpu/run.py starts: the command, PyTorch's Python, and compiled tests.
const (
	fakeMeseta = `#!/bin/sh
case "$*" in
"doctor --json") echo '{"version": "v1", "go": "go1", "gpu": "1 found", "gpus": [{"device": "cuda:0", "name": "Fake & Sons", "compute_capability": "9.0", "memory_bytes": 1073741824}]}' ;;
"doctor --device cuda") ;;
*"bench peak"*) echo '{"peak_gflops": 50000, "peak_gb_per_s": 3000, "rated_gflops": 60000, "rated_gb_per_s": 3300}' ;;
*"inspect"*) echo '{"peak_flops": 5e13, "peak_bytes_per_s": 3e12, "profile": {"seconds": 0.002, "steps": [
	{"step": 3, "op": "conv2d stride 1x1", "variant": "conv_128x64", "layer": "conv_1", "flops": 50000000, "bytes": 4096, "seconds": 0.0015},
	{"step": 4, "op": "relu", "variant": "elementwise", "layer": "relu_1", "flops": 0, "bytes": 300000000, "seconds": 0.0005}]}}' | tr -d '\n\t'; echo ;;
*resnet20*) echo "meseta: plan: batchnorm: kernels: batchnorm on a GPU: no kernel; --device cpu has one" >&2; exit 1 ;;
*"bench step"*) echo '{"workload": "mnist-cnn", "mode": "train", "batch": 128, "params": 7, "threads": 1, "images_per_s_median": 400, "images_per_s_best": 500, "step_ms_min": 2,
	"first_step_s": 0.5, "peak_rss_bytes": 1048576, "gpu_memory_bytes": 1048576}' | tr -d '\n\t'; echo ;;
*"bench op gemm"*) for n in 64 128; do
	echo '{"shape": "m'$n'n'$n'k'$n'", "name": "", "pass": "product", "variant": "gemm_nn_64", "ms_median": 2, "gflops_median": 2000, "peak_fraction": 0.04, "gb_per_s": 9, "peak_gb_per_s": 3000, "rated_gflops": 60000}'
	done ;;
*) echo "a bug in $*" >&2; exit 1 ;;
esac
`
	// What bench/peers/forks.py is to a Python that has PyTorch.
	fakeTorch = `#!/usr/bin/env python3
import json, sys, time
for line in sys.stdin:
    r = json.loads(line)
    print('{"pid": 999999999}', flush=True)
    text, out, err, status = " ".join(r["run"]), "", "", 0
    if "torch_about" in text:
        out = '{"version": "2.0", "device": "Fake & Sons", "capability": "9.0"}'
    elif "--compile" in text:
        err, status = "Failed to find C compiler", 1
    elif "torch_step" in text:
        out = json.dumps(dict(workload="mnist-cnn", mode="train", batch=128, params=7, threads=2, images_per_s_median=200, version="2.0", first_step_s=3, peak_rss_bytes=1 << 21, gpu_memory_bytes=1 << 21))
    else:
        out = "\n".join('{"shape": "m%dn%dk%d", "pass": "product", "gflops_median": 4000}' % (n, n, n) for n in (64, 128))
    open(r["out"], "w").write(out)
    open(r["err"], "w").write(err)
    print(json.dumps({"status": status}), flush=True)
`
	fakeTest = "#!/bin/sh\nprintf '=== RUN   TestOne\\n--- PASS: TestOne (0.10s)\\n=== RUN   TestTwo\\n    a_test.go:1: no <emulator>\\n--- SKIP: TestTwo (0.00s)\\nPASS\\n'\n"
	fakeFail = "#!/bin/sh\nprintf '=== RUN   TestOne\\n=== RUN   TestOne/add\\n    a_test.go:1: 1 is not 2\\n    --- FAIL: TestOne/add (0.00s)\\n--- FAIL: TestOne (0.10s)\\nFAIL\\n'; exit 1\n"
)

// measuredGPU runs the script on stand-ins, of which some are replaced, and gives what it leaves.
func measuredGPU(t *testing.T, replaced map[string]string, args ...string) (results map[string]any, page string, status int) {
	t.Helper()
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON names no Python")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"meseta-cuda": fakeMeseta, "torch": fakeTorch, "kernels.test": fakeTest, "gpu.test": fakeTest, "meseta.test": fakeTest} {
		if r, ok := replaced[name]; ok {
			text = r
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	}
	command := exec.Command(python, append([]string{"-B", "gpu/run.py", "--bin", dir, "--out", dir, "--torch", filepath.Join(dir, "torch")}, args...)...)
	out, err := command.CombinedOutput()
	if err != nil {
		require.IsType(t, &exec.ExitError{}, err, string(out))
	}
	text, err := os.ReadFile(filepath.Join(dir, "results.json"))
	require.NoError(t, err, string(out))
	require.NoError(t, json.Unmarshal(text, &results))
	html, err := os.ReadFile(filepath.Join(dir, "results.html"))
	require.NoError(t, err)
	assert.NotContains(t, string(html), "Traceback")
	return results, string(html), command.ProcessState.ExitCode()
}

// TestMeasuringAGPU is all of it where everything is well, but for a model without kernels and a PyTorch that cannot compile.
func TestMeasuringAGPU(t *testing.T) {
	results, page, status := measuredGPU(t, nil, "--models", "mnist-cnn,resnet20,mnist-cnn:128", "--lists", "gemm_square", "--pairs", "2")
	assert.Zero(t, status)
	for name, part := range results["parts"].(map[string]any) {
		assert.Equal(t, "ok", part.(map[string]any)["status"], name)
	}
	var ratios []map[string]any
	for _, line := range results["lines"].([]any) {
		if line := line.(map[string]any); line["kind"] == "ratio" {
			ratios = append(ratios, line)
		}
	}
	require.Len(t, ratios, 3, "three precisions")
	assert.Equal(t, []any{2.0, 2.0}, ratios[0]["ratios"])
	for _, want := range []string{
		"meseta on Fake &amp; Sons", "no kernel; --device cpu has one", "Failed to find C compiler", "PyTorch, mixed_bfloat16", "it is not tried again", "no &lt;emulator&gt;", "1 passed, 1 skipped", "<polyline", "<rect",
		"All 3 tests passed.", "Where a step loses most", "conv_128x64",
	} {
		assert.Contains(t, page, want)
	}
	assert.NotContains(t, page, "Fake & Sons")

	older := map[string]string{"torch": strings.Replace(fakeTorch, `"9.0"`, `"7.5"`, 1)}
	_, page, _ = measuredGPU(t, older, "--models", "mnist-cnn", "--only", "doctor,steps", "--pairs", "1")
	assert.Contains(t, page, "PyTorch, mixed_float16")
	assert.NotContains(t, page, "bfloat16")
	assert.NotContains(t, page, "tf32")
}

// TestMeasuringAGPUWithoutPyTorch gives ours.
func TestMeasuringAGPUWithoutPyTorch(t *testing.T) {
	results, page, status := measuredGPU(t, map[string]string{"torch": "#!/bin/sh\necho no module named torch >&2; exit 1\n"}, "--models", "mnist-cnn", "--lists", "gemm_square")
	assert.Zero(t, status)
	assert.Len(t, results["lines"], 3)
	assert.Contains(t, page, "no module named torch")
	assert.Contains(t, page, "meseta alone")
}

// TestMeasuringAGPUBesideAPyTorchThatCannotBeLoadedBefore has each script load it.
func TestMeasuringAGPUBesideAPyTorchThatCannotBeLoadedBefore(t *testing.T) {
	loads := "#!/bin/sh\ncase \"$*\" in\n*torch_about*) echo '{\"version\": \"2.0\", \"capability\": \"9.0\"}' ;;\n*torch_step*) echo '{\"workload\": \"mnist-cnn\", \"mode\": \"train\", \"batch\": 128, \"params\": 7, " +
		"\"images_per_s_median\": 200, \"version\": \"2.0\", \"first_step_s\": 3, \"peak_rss_bytes\": 9, \"gpu_memory_bytes\": 9}' ;;\n*) echo no fork >&2; exit 1 ;;\nesac\n"
	results, page, status := measuredGPU(t, map[string]string{"torch": loads}, "--only", "doctor,steps", "--models", "mnist-cnn", "--pairs", "1")
	assert.Zero(t, status)
	assert.Contains(t, page, "PyTorch, tf32")
	assert.Len(t, results["lines"], 2*7+7)
}

// TestFailuresOnAGPU end with a status that is not 0, and the other parts are done.
func TestFailuresOnAGPU(t *testing.T) {
	few := []string{"--models", "mnist-cnn", "--lists", "gemm_square", "--pairs", "1"}
	for name, replaced := range map[string]map[string]string{
		"1 is not 2":               {"kernels.test": fakeFail},
		"no GPU that meseta":       {"meseta-cuda": strings.Replace(fakeMeseta, `"gpus": [{`, `"none": [{`, 1)},
		"a first kernel fails":     {"meseta-cuda": strings.Replace(fakeMeseta, `cuda") ;;`, `cuda") echo "a first kernel fails" >&2; exit 1 ;;`, 1)},
		"a bug in inspect mnist":   {"meseta-cuda": strings.Replace(fakeMeseta, `*"inspect"*)`, `*"nothing"*)`, 1)},
		"a bug in bench op":        {"meseta-cuda": strings.Replace(fakeMeseta, "bench op gemm", "bench op nothing", 1)},
		"params is 8 for meseta":   {"meseta-cuda": strings.Replace(fakeMeseta, `"params": 7`, `"params": 8`, 1)},
		"no test ran":              {"gpu.test": "#!/bin/sh\necho PASS\n"},
		"kernels.test does not st": {"kernels.test": "no program"},
	} {
		results, page, status := measuredGPU(t, replaced, few...)
		assert.Equal(t, 1, status, name)
		assert.Contains(t, page, name)
		assert.NotEmpty(t, results["peak"], name)
		assert.Contains(t, page, `<p class="failed">`, name)
	}
}

// TestTheTimeToMeasureAGPUEnds: what goes on too long is ended, and what finds no time is named.
func TestTheTimeToMeasureAGPUEnds(t *testing.T) {
	results, page, status := measuredGPU(t, map[string]string{"meseta.test": "#!/bin/sh\necho '=== RUN   TestSlow'\nsleep 60 & wait\n"},
		"--models", "mnist-cnn", "--lists", "gemm_square", "--budget", "22")
	assert.Equal(t, 1, status)
	assert.Less(t, results["took_s"], 22.0)
	assert.Contains(t, page, "there was no more time for them; 0 had passed")
	assert.Contains(t, page, "TestSlow: unfinished")
	assert.Contains(t, page, "left of the budget of 22 s, about 20 are wanted")
}

// A test that hangs, one that ends the process, and one that loses the GPU fail by themselves: the others are run in another process.
func TestOthersAreTestedBehindAFailureOnAGPU(t *testing.T) {
	row := func(name, result string) string {
		return "=== RUN   " + name + `\n--- ` + result + ": " + name + ` (0.01s)\n`
	}
	rest := "*TestRows*) printf '" + row("TestRows/c", "PASS") + row("TestRows", "PASS") + row("TestAfter", "PASS") + "PASS\\n' ;;\n"
	begun := `*) printf '=== RUN   TestRows\n` + row("TestRows/a", "PASS") + `=== RUN   TestRows/b\n`
	for name, first := range map[string]string{
		"hangs": begun + "'; exec sleep 60 ;;\n",
		"panic": begun + "panic: b\\n'; exit 2 ;;\n",
		"lost": begun + `    an illegal address; the memory of the GPU is gone\n    --- FAIL: TestRows/b (0.01s)\n--- FAIL: TestRows (0.00s)\n` +
			`=== RUN   TestAfter\n    the GPU was lost when launching b\n--- FAIL: TestAfter (0.01s)\nFAIL\n'; exit 1 ;;` + "\n",
	} {
		results, page, status := measuredGPU(t, map[string]string{"kernels.test": "#!/bin/sh\ncase \"$*\" in\n" + rest + first + "esac\n"}, "--only", "parity", "--quiet", "1")
		assert.Equal(t, 1, status, name)
		found := map[string]string{}
		for _, test := range results["tests"].(map[string]any)["parity"].([]any) {
			found[test.(map[string]any)["name"].(string)] = test.(map[string]any)["result"].(string)
		}
		wrong := map[bool]string{true: "fail", false: "unfinished"}[name == "lost"]
		assert.Equal(t, map[string]string{"TestRows": wrong, "TestRows/a": "pass", "TestRows/b": wrong, "TestRows/c": "pass", "TestAfter": "pass"}, found, name)
		assert.Contains(t, page, "1 of 4 tests failed", name)
	}
}

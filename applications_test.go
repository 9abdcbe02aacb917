package meseta

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/data"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refusedApplications are the networks of keras.applications that cannot be opened, and what the error says.
var refusedApplications = map[string]string{
	"ConvNeXtBase": `class "Sequential"`, "ConvNeXtLarge": `class "Sequential"`, "ConvNeXtSmall": `class "Sequential"`, "ConvNeXtTiny": `class "Sequential"`,
	"ConvNeXtXLarge": `class "Sequential"`, "InceptionResNetV2": `class "CustomScaleLayer"`,
	"MobileNetV3Large": "add is an operation", "MobileNetV3Small": "add is an operation", // x + 3
}

// TestApplications opens the networks of keras.applications from files that Keras saved, and predicts as Keras does. It takes a quarter of an hour:
// MESETA_APPLICATIONS=all runs it, or the names of some, and MESETA_PYTHON names a Python that has Keras.
func TestApplications(t *testing.T) {
	python, which := os.Getenv("MESETA_PYTHON"), os.Getenv("MESETA_APPLICATIONS")
	if python == "" || which == "" {
		t.Skip("MESETA_PYTHON and MESETA_APPLICATIONS are not both set")
	}
	script := filepath.Join("testdata", "applications", "make_application.py")
	out, err := exec.Command(python, script).Output()
	require.NoError(t, err)
	names := strings.Fields(string(out))
	require.Greater(t, len(names), 30)
	for _, name := range names {
		if which != "all" && !strings.Contains(" "+which+" ", " "+name+" ") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			out, err := exec.Command(python, script, name, dir).CombinedOutput()
			require.NoError(t, err, "%s", out)
			m, err := Load(filepath.Join(dir, name+".keras"))
			if text, refused := refusedApplications[name]; refused {
				require.ErrorContains(t, err, text)
				return
			}
			require.NoError(t, err)
			defer m.Close()
			x, err := data.LoadNPY(filepath.Join(dir, "x.npy"))
			require.NoError(t, err)
			y, err := data.LoadNPY(filepath.Join(dir, "y.npy"))
			require.NoError(t, err)
			got, err := m.Predict(t.Context(), x, 2)
			require.NoError(t, err)
			want := y.Data().([]float32)
			largest := 0.0
			for _, v := range want {
				largest = max(largest, math.Abs(float64(v)))
			}
			assert.InDeltaSlice(t, want, got.Data(), 1e-4*largest, "of at most %g", largest)
			t.Logf("largest prediction %g", largest)
		})
	}
}

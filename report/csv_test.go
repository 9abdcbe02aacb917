package report

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.csv")
	write := func(keep bool, rows ...map[string]float64) string {
		table, err := OpenCSV(path, ',', []string{"val_loss", "loss", "a,b"}, keep)
		require.NoError(t, err)
		for i, row := range rows {
			require.NoError(t, table.Row(i, row))
		}
		require.NoError(t, table.Close())
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(text)
	}
	const header = "epoch,\"a,b\",loss,val_loss\n"
	one := map[string]float64{"loss": 0.1, "val_loss": math.NaN(), "a,b": math.Inf(1)}
	assert.Equal(t, header+"0,inf,0.1,nan\n1,NA,NA,NA\n", write(false, one, nil))
	assert.Equal(t, header+"0,NA,-inf,NA\n", write(false, map[string]float64{"loss": math.Inf(-1)}), "it starts over")
	assert.Equal(t, header+"0,NA,-inf,NA\n0,NA,1e-30,NA\n", write(true, map[string]float64{"loss": 1e-30}), "it goes on")

	// What a crash cut off stays on a line of its own.
	require.NoError(t, os.WriteFile(path, []byte(header+"0,NA,-i"), 0o666))
	assert.Equal(t, header+"0,NA,-i\n0,NA,1,NA\n", write(true, map[string]float64{"loss": 1}))
}

func TestCSVErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "h.csv")
	table, err := OpenCSV(path, ',', []string{"loss"}, false)
	require.NoError(t, err)
	assert.ErrorContains(t, table.Row(0, map[string]float64{"loss": 1, "more": 2}), "has the columns loss and epoch 1 logged loss, more")
	require.NoError(t, table.Close())
	assert.ErrorContains(t, table.Row(0, map[string]float64{"loss": 1}), "writing "+path)

	_, err = OpenCSV(filepath.Join(dir, "none", "h.csv"), ',', nil, false)
	assert.ErrorContains(t, err, "no such file")
	_, err = OpenCSV(path, '"', nil, false)
	assert.ErrorContains(t, err, "cannot separate columns")
	_, err = OpenCSV(path, ',', []string{"accuracy"}, true)
	assert.ErrorContains(t, err, "it has the columns epoch, loss and this run epoch, accuracy")
	for _, broken := range []string{"a\"b\n", strings.Repeat("\x00", maxHeader+5)} {
		require.NoError(t, os.WriteFile(path, []byte(broken), 0o666))
		_, err = OpenCSV(path, ',', []string{"accuracy"}, true)
		assert.ErrorContains(t, err, "do not append")
	}
}
